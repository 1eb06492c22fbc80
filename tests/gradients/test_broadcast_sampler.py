import numpy as np
import pytest
from qiskit.circuit import ClassicalRegister, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import StatevectorSampler
from qiskit.quantum_info import Statevector
from qiskit_machine_learning.gradients import ParamShiftSamplerGradient
from qiskit_machine_learning.neural_networks import SamplerQNN
from qiskit_machine_learning.primitives import QMLSampler

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, GradientError
from qiskit_qgen.gradients import BroadcastParamShiftSamplerGradient

A, B = Parameter("a"), Parameter("b")


def counting(kind, **settings):
    """A sampler that writes down the PUBs and shots of each job."""

    class Counting(kind):
        jobs: list = []  # noqa: RUF012 - a new class each time

        def run(self, pubs, *, shots=None):
            pubs = list(pubs)
            self.jobs.append((pubs, shots))
            return super().run(pubs, shots=shots)

    return Counting(**settings)


def composed():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.ry(A + 2 * B, 0)
    circuit.cry(A * B, 0, 1)
    circuit.rx(B, 1)
    return circuit


def measured(circuit):
    return circuit.measure_all(inplace=False)


def by_finite_differences(circuit, row, qubits=None):
    def values(numbers):
        return Statevector(circuit.assign_parameters(numbers)).probabilities(qubits)

    return [(values(row + step) - values(row - step)) / 2e-5 for step in 1e-5 * np.eye(len(row))]


def dense(dictionaries, size):
    return [[each.get(outcome, 0.0) for outcome in range(size)] for each in dictionaries]


def test_exact_probabilities_give_exact_gradients():
    circuit = composed()
    rows = np.random.default_rng(1).uniform(-3, 3, (3, 2))
    sampler = counting(QMLSampler)
    same = measured(circuit)
    result = BroadcastParamShiftSamplerGradient(sampler).run([same] * 3, rows).result()
    for found, row in zip(result.gradients, rows, strict=True):
        np.testing.assert_allclose(dense(found, 4), by_finite_differences(circuit, row), atol=1e-8)
    ((pubs, _),) = sampler.jobs
    assert [pub[1].shape for pub in pubs] == [(3 * 8, 4)]
    BroadcastParamShiftSamplerGradient(sampler).run([measured(circuit) for _ in range(3)], rows).result()
    assert len(sampler.jobs[1][0]) == 3


def test_shots_give_the_gradients_of_the_stock_rule_within_their_noise():
    circuit = measured(real_amplitudes(2, reps=1))
    rows = np.random.default_rng(1).uniform(-3, 3, (2, 4))
    chosen = [[circuit.parameters[2], circuit.parameters[0]], None]
    ours = BroadcastParamShiftSamplerGradient(StatevectorSampler(seed=np.random.default_rng(1)), shots=20_000)
    stock = ParamShiftSamplerGradient(StatevectorSampler(seed=np.random.default_rng(2), default_shots=20_000))
    found = ours.run([circuit] * 2, rows, parameters=chosen).result()
    expected = stock.run([circuit] * 2, rows, parameters=chosen).result()
    for one, other in zip(found.gradients, expected.gradients, strict=True):
        np.testing.assert_allclose(dense(one, 4), dense(other, 4), atol=0.02)
        assert all(type(outcome) is int and type(slope) is float for each in one for outcome, slope in each.items())
    assert [len(each) for each in found.gradients] == [2, 4]
    assert found.metadata == expected.metadata or [list(m[0]["parameters"]) for m in found.metadata] == [
        list(m[0]["parameters"]) for m in expected.metadata
    ]


def test_the_noise_is_that_of_the_shots():
    """The standard deviation of (p+ - p-) / 2 from shots, sqrt(p+ (1 - p+) + p- (1 - p-)) / (2 sqrt(shots))."""
    circuit = QuantumCircuit(1)
    circuit.ry(A, 0)
    circuit = measured(circuit)
    samples, shots, angle = 600, 50, 0.7
    gradient = BroadcastParamShiftSamplerGradient(StatevectorSampler(seed=np.random.default_rng(3)), shots=shots)
    result = gradient.run([circuit] * samples, np.full((samples, 1), angle)).result()
    found = np.array([each[0].get(1, 0.0) for each in result.gradients])
    ends = np.sin((angle + np.array([1, -1]) * np.pi / 2) / 2) ** 2
    expected = np.sqrt((ends * (1 - ends)).sum() / shots) / 2
    assert found.std() == pytest.approx(expected, rel=0.12)
    assert found.mean() == pytest.approx(np.sin(angle) / 2, abs=4 * expected / np.sqrt(samples))


def qnn_for(gradient, sampler, **settings):
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    circuit = QuantumCircuit(2)
    for number in range(2):
        circuit.ry(x[number] * w[number], number)
    circuit.crx(w[2], 0, 1)
    return SamplerQNN(
        circuit=circuit,
        sampler=sampler,
        gradient=gradient,
        input_params=list(x),
        weight_params=list(w),
        **settings,
    )


@pytest.mark.parametrize("input_gradients", [False, True])
@pytest.mark.parametrize(
    "settings", [{}, {"interpret": lambda outcome: outcome.bit_count(), "output_shape": 3}, {"sparse": True}]
)
def test_a_backward_pass_of_a_stock_network_is_one_pub_in_one_job(settings, input_gradients):
    if "sparse" in settings:
        pytest.importorskip("sparse")
    sampler = counting(QMLSampler)
    gradient = BroadcastParamShiftSamplerGradient(sampler)
    qnn = qnn_for(gradient, sampler, input_gradients=input_gradients, **settings)
    x, w = np.random.default_rng(1).normal(size=(4, 2)), np.random.default_rng(2).normal(size=3)
    by_input, by_weight = qnn.backward(x, w)
    assert [len(pubs) for pubs, _ in sampler.jobs] == [1]
    step = 1e-4  # the network's values are rounded to 1e-12
    slopes = [(qnn.forward(x, w + each) - qnn.forward(x, w - each)) / (2 * step) for each in step * np.eye(3)]
    as_array = (lambda value: value.todense()) if "sparse" in settings else np.asarray
    np.testing.assert_allclose(as_array(by_weight), np.stack([as_array(s) for s in slopes], -1), atol=5e-8)
    assert (by_input is not None) == input_gradients


def test_registers_of_any_name_and_several():
    circuit = composed()
    row = np.array([0.4, -1.2])
    named = circuit.copy()
    named.add_register(ClassicalRegister(1, "answer"))
    named.measure(1, 0)
    (found,) = BroadcastParamShiftSamplerGradient(QMLSampler()).run(named, [row]).result().gradients
    np.testing.assert_allclose(dense(found, 2), by_finite_differences(circuit, row, [1]), atol=1e-8)
    several = circuit.copy()
    for name, qubit in (("first", 1), ("second", 0)):
        register = ClassicalRegister(1, name)
        several.add_register(register)
        several.measure(qubit, register)
    shots = 40_000
    sampler = StatevectorSampler(seed=np.random.default_rng(4))
    (found,) = BroadcastParamShiftSamplerGradient(sampler, shots=shots).run(several, [row]).result().gradients
    joined = sampler.run([(several, row)], shots=shots).result()[0].join_data()
    assert joined.num_bits == 2
    order = [0, 1] if joined.get_int_counts() and _first_is_high(several, row, joined) else [1, 0]
    np.testing.assert_allclose(dense(found, 4), by_finite_differences(circuit, row, order), atol=0.02)


def _first_is_high(circuit, row, joined):
    """Tell whether Qiskit joins the first register as the high bit: by the probability of its qubit, 1."""
    bare = circuit.remove_final_measurements(inplace=False)
    chance = Statevector(bare.assign_parameters(row)).probabilities([1])[1]
    counts = joined.get_int_counts()
    high = sum(count for outcome, count in counts.items() if outcome & 2) / joined.num_shots
    low = sum(count for outcome, count in counts.items() if outcome & 1) / joined.num_shots
    return abs(high - chance) < abs(low - chance)


def test_wide_registers_are_kept_sparse():
    circuit = QuantumCircuit(2, 60)
    circuit.ry(A, 1)
    circuit.x(0)
    circuit.measure([0, 1], [0, 59])
    gradient = BroadcastParamShiftSamplerGradient(StatevectorSampler(seed=1), shots=4000)
    ((found,),) = gradient.run(circuit, [[np.pi / 2]]).result().gradients
    assert found == {1: pytest.approx(-0.5), 2**59 + 1: pytest.approx(0.5)}


def test_registers_too_wide_for_numbers_are_refused():
    circuit = QuantumCircuit(1, 63)
    circuit.ry(A, 0)
    circuit.measure(0, 0)
    with pytest.raises(GradientError, match="measures 63 bits, but at most 62 are supported"):
        BroadcastParamShiftSamplerGradient(StatevectorSampler()).run(circuit, [[1.0]]).result()


def test_shots_are_carried():
    circuit = measured(composed())
    sampler = counting(StatevectorSampler, seed=1)
    gradient = BroadcastParamShiftSamplerGradient(sampler, shots=100)
    assert gradient.options.shots == 100
    assert gradient.run(circuit, [[1, 2]]).result().options.shots == 100
    gradient.run(circuit, [[1, 2]], shots=200).result()
    BroadcastParamShiftSamplerGradient(sampler).run(circuit, [[1, 2]]).result()
    assert [shots for _, shots in sampler.jobs] == [100, 200, None]


def test_aer_gives_the_same_gradients():
    aer = pytest.importorskip("qiskit_aer.primitives")
    circuit = composed()  # its controlled rotation would be wrong, were it sent as it is
    row = np.array([1.4, -1.2])
    gradient = BroadcastParamShiftSamplerGradient(aer.SamplerV2(seed=3), shots=40_000)
    (found,) = gradient.run(measured(circuit), [row]).result().gradients
    np.testing.assert_allclose(dense(found, 4), by_finite_differences(circuit, row), atol=0.03)


def test_wrong_calls_are_refused():
    gradient = BroadcastParamShiftSamplerGradient(StatevectorSampler())
    circuit = measured(composed())
    with pytest.raises(ArgumentError, match="one has no classical bits: add measurements"):
        gradient.run(composed(), [[1, 2]])
    with pytest.raises(ArgumentError, match=r"\['precision'\] are not options of this gradient, which has `shots`"):
        gradient.run(circuit, [[1, 2]], precision=0.1)
    with pytest.raises(ValueError, match="does not match"):
        gradient.run([circuit], [[1, 2], [3, 4]])
    with pytest.raises(ArgumentError, match="`shots` must be a positive integer"):
        BroadcastParamShiftSamplerGradient(StatevectorSampler(), shots=0)
    with pytest.raises(ArgumentTypeError, match="`sampler` must be a V2 sampler"):
        BroadcastParamShiftSamplerGradient(None)
