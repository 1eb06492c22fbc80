import copy
import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import ClassicalRegister, Clbit, Parameter, QuantumCircuit, QuantumRegister, Qubit
from qiskit.circuit.library import real_amplitudes
from qiskit.quantum_info import DensityMatrix, Statevector
from qiskit_machine_learning.gradients import ParamShiftSamplerGradient
from qiskit_machine_learning.neural_networks import SamplerQNN
from qiskit_machine_learning.primitives import QMLSampler

from qiskit_qgen.exceptions import ArgumentError, UnsupportedCircuitError
from qiskit_qgen.primitives import BatchedStatevectorSampler, ExactProbabilities, sampler

UNITARY = real_amplitudes(3, reps=1)
CIRCUIT = UNITARY.copy()
CIRCUIT.measure_all()
ROWS = np.random.default_rng(1).uniform(-3, 3, (2, 3, 6))


def registers():
    """Qubit 2 in two bits, 0 in one of ten; two registers with bits that nothing is written to."""
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(3, "low"), ClassicalRegister(10, "high"))
    circuit.compose(UNITARY, inplace=True)
    circuit.measure([2, 2, 0], [0, 2, 12])
    return circuit


@pytest.fixture
def exact():
    return BatchedStatevectorSampler(default_shots=None, dtype=torch.float64)


def expected(row, bits=(0, 1, 2)):
    """By bit string; an outcome's bit is None where it is always 0."""
    found = {}
    for key, value in Statevector(UNITARY.assign_parameters(row)).probabilities_dict().items():
        label = "".join("0" if bit is None else key[2 - bit] for bit in reversed(bits))
        found[label] = found.get(label, 0) + value
    return found


def assert_same(found, wanted, tolerance=1e-12):
    for key in set(found) | set(wanted):
        assert found.get(key, 0) == pytest.approx(wanted.get(key, 0), rel=0, abs=tolerance)


LOW, HIGH = (2, None, 2), (*[None] * 9, 0)


def test_exact_probabilities(exact):
    result = exact.run([(CIRCUIT, ROWS)]).result()[0]
    assert isinstance(result.data.meas, ExactProbabilities)
    assert result.data.shape == result.data.meas.shape == (2, 3)
    assert (result.data.meas.num_bits, result.data.meas.num_shots) == (3, None)
    found = result.data.meas.get_probabilities()
    assert found.shape == (2, 3)
    for index in np.ndindex(2, 3):
        assert_same(found[index], expected(ROWS[index]))
        assert_same(result.data.meas.get_probabilities(index), expected(ROWS[index]))
        assert_same(result.data.meas[index].get_probabilities(), expected(ROWS[index]))
    assert result.data.meas[1].shape == (3,)
    assert result.data.meas[:, 1:].shape == (2, 2)
    with pytest.raises(IndexError):
        result.data.meas.get_probabilities((1, 2, 3))
    assert_same(result.data.meas[..., 2][1].get_probabilities(), expected(ROWS[1, 2]))
    dense = [[Statevector(UNITARY.assign_parameters(row)).probabilities() for row in rows] for rows in ROWS]
    np.testing.assert_allclose(result.data.meas.probabilities, dense, rtol=0, atol=1e-12)
    assert result.metadata == {"shots": None, "exact": True, "circuit_metadata": {}}


def test_exact_probabilities_of_registers(exact):
    result = exact.run([(registers(), ROWS[0])]).result()[0]
    assert list(result.data) == ["low", "high"]
    for index in range(3):
        row = ROWS[0, index]
        assert_same(result.data.low.get_probabilities(index), expected(row, LOW))
        assert_same(result.data.high.get_probabilities(index), expected(row, HIGH))
        assert_same(result.join_data().get_probabilities(index), expected(row, LOW + HIGH))
        low = {f"{value:03b}": chance for value, chance in enumerate(result.data.low.probabilities[index])}
        assert_same(low, expected(row, LOW))
        assert_same(result.join_data(["high", "low"]).get_probabilities(index), expected(row, HIGH + LOW))
    with pytest.raises(ValueError, match="'middle' does not exist"):
        result.join_data(["middle"])
    with pytest.raises(ValueError, match="empty"):
        result.join_data([])


def test_no_rows(exact):
    bits = exact.run([(CIRCUIT, np.zeros((2, 0, 6)))]).result()[0].data.meas
    assert bits.shape == bits.get_probabilities().shape == (2, 0)
    assert bits.probabilities.shape == (2, 0, 8)
    assert bits[1].shape == (0,)
    assert bits.get_counts() == {}


def test_wide_registers(exact):
    circuit = QuantumCircuit(1, 100)
    circuit.x(0)
    circuit.measure([0, 0], [0, 99])
    (result,) = exact.run([circuit]).result()
    assert result.data.c.get_probabilities() == {"1" + "0" * 98 + "1": 1.0}
    with pytest.raises(ArgumentError) as error:
        result.data.c.probabilities  # noqa: B018
    assert str(error.value) == (
        "Attribute `probabilities` must have at most 2**28 columns, but has 2**100: use `get_probabilities()`."
    )
    (result,) = exact.run([circuit], shots=3).result()
    assert result.data.c.get_counts() == {"1" + "0" * 98 + "1": 3}


def test_counts_of_exact_probabilities_are_those_of_qmls_sampler(exact):
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    assert exact.run([bell]).result()[0].data.meas.get_counts() == {"00": 1, "11": 1}
    assert exact.run([bell]).result()[0].data.meas.get_counts(shots=100) == {"00": 50, "11": 50}
    assert exact.run([bell]).result()[0].data.meas.get_counts(0, shots=4) == {"00": 2, "11": 2}
    assert exact.run([bell]).result()[0].data.meas.get_counts(()) == {"00": 1, "11": 1}
    with pytest.raises(IndexError):
        exact.run([bell]).result()[0].data.meas.get_counts(1)
    stock = QMLSampler().run([(CIRCUIT, ROWS)]).result()[0].data.meas
    found = exact.run([(CIRCUIT, ROWS)]).result()[0].data.meas
    for index in np.ndindex(2, 3):
        ours, theirs = found.get_counts(index), stock.get_counts(index)
        assert all(isinstance(count, int) for count in ours.values())
        totals = sum(ours.values()), sum(theirs.values())
        assert_same({k: v / totals[0] for k, v in ours.items()}, {k: v / totals[1] for k, v in theirs.items()}, 4e-12)


def test_the_seed_and_the_options_can_be_read():
    generator = np.random.default_rng(0)
    sampler = BatchedStatevectorSampler(seed=generator, default_shots=7)
    assert sampler.seed is sampler.options.seed is generator
    assert sampler.options.default_shots == 7
    assert ParamShiftSamplerGradient(sampler)._get_local_options({"shots": 5}).default_shots == 7


def test_the_sum_of_counts_over_all_entries(exact):
    row = exact.run([(CIRCUIT, ROWS[0])]).result()[0].data.meas
    total = row.get_counts()
    scale = sum(total.values()) / 3
    summed = {}
    for index in range(3):
        for key, value in expected(ROWS[0, index]).items():
            summed[key] = summed.get(key, 0) + value
    assert_same({key: count / scale for key, count in total.items()}, summed, 1e-11)


def test_shots_are_drawn_where_they_are_named(exact):
    pubs = [(CIRCUIT, ROWS[0]), (CIRCUIT, ROWS[0], 7)]
    results = exact.run(pubs).result()
    assert isinstance(results[0].data.meas, ExactProbabilities)
    assert results[1].data.meas.num_shots == 7
    assert [each.data.meas.num_shots for each in exact.run(pubs, shots=5).result()] == [5, 7]
    assert exact.default_shots is None
    assert BatchedStatevectorSampler().default_shots == 1024


def counts(bits):
    return [bits.get_counts(index) for index in np.ndindex(bits.shape)]


def test_an_integer_seed_gives_a_reproducible_stream():
    pub = (CIRCUIT, ROWS, 50)
    first, again, other = (BatchedStatevectorSampler(seed=seed) for seed in (7, 7, 8))
    calls = [counts(first.run([pub]).result()[0].data.meas) for _ in range(2)]
    assert calls[0] != calls[1]
    assert [counts(again.run([pub]).result()[0].data.meas) for _ in range(2)] == calls
    assert counts(other.run([pub]).result()[0].data.meas) != calls[0]


def test_jobs_draw_in_the_order_of_their_submission():
    def draw(wait):
        source = BatchedStatevectorSampler(seed=9)
        jobs = []
        for _ in range(5):
            jobs.append(source.run([(CIRCUIT, ROWS, 50)]))
            if wait:
                jobs[-1].result()
        return [counts(job.result()[0].data.meas) for job in jobs]

    assert draw(wait=False) == draw(wait=True)


def test_exact_runs_do_not_draw():
    sources = [BatchedStatevectorSampler(seed=7, default_shots=None) for _ in range(2)]
    sources[0].run([(CIRCUIT, ROWS)]).result()
    drawn = [counts(source.run([(CIRCUIT, ROWS)], shots=30).result()[0].data.meas) for source in sources]
    assert drawn[0] == drawn[1]


@pytest.fixture
def batches(monkeypatch):
    """The numbers of rows of each simulation."""
    found = []
    original = BatchedStatevectorSampler._probabilities
    monkeypatch.setattr(
        BatchedStatevectorSampler,
        "_probabilities",
        lambda self, measured, rows: found.append(len(rows)) or original(self, measured, rows),
    )
    return found


def test_pubs_of_one_circuit_are_simulated_together(batches, exact):
    pubs = [(CIRCUIT, row) for row in ROWS.reshape(-1, 6)]
    for shots in (None, 2000):
        results = exact.run(pubs, shots=shots).result()
        for (_, row), result in zip(pubs, results, strict=True):
            total = sum(result.data.meas.get_counts().values())
            found = {key: count / total for key, count in result.data.meas.get_counts().items()}
            assert_same(found, expected(row), 1e-10 if shots is None else 0.1)
    assert batches == [6, 6]


@pytest.mark.parametrize("shots", [None, 3000])
def test_large_requests_are_simulated_in_parts(batches, exact, monkeypatch, shots):
    monkeypatch.setattr(sampler, "_PART_BYTES", 16 * 8 * 4)  # four rows
    flat = ROWS.reshape(-1, 6)
    pubs = [(CIRCUIT, flat[:1]), (CIRCUIT, flat[:2]), (CIRCUIT, flat), (CIRCUIT, flat[3])]
    results = exact.run(pubs, shots=shots).result()
    assert batches == [3, 4, 2, 1] or batches == [4, 2, 3, 1]
    for (_, rows), result in zip(pubs, results, strict=True):
        assert result.data.shape == rows.shape[:-1]
        for index in np.ndindex(rows.shape[:-1]):
            found = result.data.meas.get_counts(index)
            total = sum(found.values())
            assert_same(
                {key: count / total for key, count in found.items()},
                expected(rows[index]),
                1e-10 if shots is None else 0.1,
            )


def test_nothing_impossible_is_drawn():
    """Uniform numbers at both ends of their range, and probabilities that do not add up to one."""

    class Ends:
        @staticmethod
        def random(shape):
            return np.tile([0.0, 1 - 2**-53], (*shape[:-1], shape[-1] // 2))

    probabilities = np.array([[0, 0.3, 0, 0.7 - 1e-9, 0], [0, 0, 1e-300, 1 / 3, 0], [0.1] * 5])
    found = sampler._outcomes(probabilities, 4, Ends)
    assert (np.take_along_axis(probabilities, found, 1) > 0).all()
    assert found.tolist() == [[1, 3] * 2, [2, 3] * 2, [0, 4] * 2]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(ArgumentError) as error:
        BatchedStatevectorSampler().run([(CIRCUIT, [value] * 6)])
    assert str(error.value) == "Argument `pubs` must hold finite parameter values, but holds NaN or infinity."


def test_mid_circuit_measurements_are_refused():
    circuit = QuantumCircuit(2, 2)
    circuit.measure([0, 1], [0, 1])
    circuit.ry(0.3, 0)
    circuit.measure(0, 0)
    with pytest.raises(UnsupportedCircuitError, match="`ry` follows one of qubit 0"):
        BatchedStatevectorSampler().run([circuit]).result()


def test_a_measurement_dephases_although_its_bit_is_written_again(exact):
    """Truth: the density matrix, whose off-diagonal elements between values of the measured qubits are removed."""
    angles = [0.7, -1.1, 0.4, 2.0]
    circuit = QuantumCircuit(3, 2)
    state = QuantumCircuit(3)
    for each in (circuit, state):
        each.ry(angles[0], 0)
        each.ry(angles[1], 2)
        each.cx(0, 1)
    circuit.measure([0, 2, 1], [0, 0, 0])
    kept = np.array([[(i ^ j) & 0b111 == 0 for j in range(8)] for i in range(8)])
    rho = DensityMatrix(DensityMatrix(state).data * kept)
    final = QuantumCircuit(3)
    for each in (circuit, final):
        each.rx(angles[2], 0)
        each.cry(angles[3], 0, 2)
    circuit.measure([0, 2], [1, 0])  # the bit of qubit 1 is written again, too
    found = exact.run([circuit]).result()[0].data.c.probabilities
    np.testing.assert_allclose(found, rho.evolve(final).probabilities([2, 0]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "Argument `seed` must be a non-negative integer, but is -1."),
        ({"default_shots": 0}, "Argument `default_shots` must be a positive integer, but is 0."),
        ({"default_shots": 1.5}, "Argument `default_shots` must be a positive integer, but is 1.5."),
        ({"dtype": torch.float16}, "Argument `dtype` must be torch.float32 or torch.float64, but is torch.float16."),
        ({"threads": 0}, "Argument `threads` must be a positive integer, but is 0."),
    ],
)
def test_bad_options(arguments, message):
    with pytest.raises(ArgumentError) as error:
        BatchedStatevectorSampler(**arguments)
    assert str(error.value) == message


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda source: pickle.loads(pickle.dumps(source))])  # noqa: S301
def test_copies_continue_alike(copied):
    source = BatchedStatevectorSampler(seed=3)
    source.run([(CIRCUIT, ROWS, 50)]).result()
    twin = copied(source)
    drawn = [counts(each.run([(CIRCUIT, ROWS, 50)]).result()[0].data.meas) for each in (source, twin)]
    assert drawn[0] == drawn[1]


def test_results_pickle(exact):
    result = exact.run([(CIRCUIT, ROWS)]).result()[0]
    twin = pickle.loads(pickle.dumps(result))  # noqa: S301
    assert_same(twin.data.meas.get_probabilities((1, 2)), expected(ROWS[1, 2]))


def test_a_circuit_changed_between_calls_is_read_anew(exact):
    circuit = QuantumCircuit(2, 1)
    circuit.ry(Parameter("angle"), 0)
    circuit.measure(1, 0)
    assert exact.run([(circuit, [0.3])]).result()[0].data.c.get_probabilities() == {"0": 1.0}
    circuit.data.pop()
    circuit.measure(0, 0)
    assert exact.run([(circuit, [0.3])]).result()[0].data.c.get_probabilities()["1"] == pytest.approx(np.sin(0.15) ** 2)


def test_registers_of_other_names_are_told_apart(exact):
    qubit, bit = Qubit(), Clbit()
    for name in ("first", "second"):
        circuit = QuantumCircuit([qubit], [bit])
        circuit.add_register(ClassicalRegister(name=name, bits=[bit]))
        circuit.x(0)
        circuit.measure(0, 0)
        assert exact.run([circuit]).result()[0].data[name].get_counts() == {"1": 1}


def test_qmls_network_and_gradient_read_exact_probabilities(exact):
    def parity(outcome):
        return outcome.bit_count() % 2

    rows, weights = ROWS[0, :, :2], ROWS[0, 0, 2:]
    outputs, jacobians = [], []
    for source in (exact, QMLSampler()):
        network = SamplerQNN(
            circuit=UNITARY,
            sampler=source,
            input_params=UNITARY.parameters[:2],
            weight_params=UNITARY.parameters[2:],
            interpret=parity,
            output_shape=2,
            gradient=ParamShiftSamplerGradient(source),
            input_gradients=True,
        )
        outputs.append(network.forward(rows, weights))
        jacobians.append(network.backward(rows, weights))
    np.testing.assert_allclose(*outputs, rtol=0, atol=1e-11)
    for found, wanted in zip(*jacobians, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11)


def bell_pair(num_qubits, first, second):
    """Two qubits with gates among many that are measured: the circuit transpilers make."""
    circuit = QuantumCircuit(num_qubits)
    circuit.ry(2 * np.arcsin(np.sqrt(0.3)), first)
    circuit.cx(first, second)
    circuit.measure_all()
    return circuit


def label_of(num_qubits, *ones):
    return "".join("1" if num_qubits - 1 - place in ones else "0" for place in range(num_qubits))


def test_idle_qubits_that_are_measured_cost_nothing(exact):
    wanted = {label_of(127, 120, 3): 0.3, label_of(127): 0.7}
    (result,) = exact.run([bell_pair(127, 120, 3)]).result()
    assert_same(result.data.meas.get_probabilities(), wanted, 1e-12)
    drawn = BatchedStatevectorSampler(seed=1).run([bell_pair(127, 120, 3)], shots=2000).result()[0].data.meas
    assert (drawn.num_bits, drawn.array.shape) == (127, (2000, 16))
    counts = drawn.get_counts()
    assert set(counts) == set(wanted)
    assert counts[label_of(127, 120, 3)] == pytest.approx(600, abs=100)  # five standard deviations


def test_idle_qubits_alone_are_found_in_zero(exact):
    circuit = QuantumCircuit(40)
    circuit.h(0)
    circuit.measure_all()
    del circuit.data[-40]
    (result,) = exact.run([circuit]).result()
    assert result.data.meas.get_probabilities() == {"0" * 40: pytest.approx(1)}
    (result,) = exact.run([circuit], shots=5).result()
    assert result.data.meas.get_counts() == {"0" * 40: 5}
