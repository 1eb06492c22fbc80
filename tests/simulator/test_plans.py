"""Small batches of large states have several lanes a sample, and threads share a chunk: compared with Statevector."""

import numpy as np
import pytest
import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate, UCRYGate
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.simulator import ExpectationValues, lower
from qiskit_qgen.simulator.addresses import lane_bases
from qiskit_qgen.simulator.addresses.bases import Basis
from qiskit_qgen.simulator.addresses.cosets import SignSlots
from qiskit_qgen.simulator.cpu import batches, layouts
from qiskit_qgen.simulator.cpu.block_tables import LANE_PASS
from qiskit_qgen.simulator.cpu.blocks import schedule
from qiskit_qgen.simulator.probabilities import Probabilities

NUM_QUBITS = 6
OBSERVABLES = [
    *pauli_observables(NUM_QUBITS),
    SparsePauliOp(["XYZIZY", "YYIXXZ", "ZZZZZZ", "IIIIII"], [0.3, 0.4, 0.5, 2]),
]


def entangled_circuit(seed):
    """Rotations, conditions and signs that read lanes, rows and both, between permutations."""
    generator = np.random.default_rng(seed)
    parameters = ParameterVector("p", 50)
    circuit = QuantumCircuit(NUM_QUBITS)
    for parameter in parameters:
        a, b, c = (int(qubit) for qubit in generator.choice(NUM_QUBITS, 3, replace=False))
        gates = [
            lambda p=parameter, a=a: circuit.ry(p, a),
            lambda p=parameter, a=a, b=b: (circuit.rz(p, a), circuit.cx(a, b)),
            lambda p=parameter, a=a, b=b: circuit.cry(p, a, b, ctrl_state=0),
            lambda p=parameter, a=a, b=b: (circuit.rxx(p, a, b), circuit.cx(b, a)),
            lambda p=parameter, a=a, b=b: (circuit.cp(p, a, b), circuit.h(b)),
            lambda p=parameter, a=a, b=b, c=c: (circuit.rzz(p, a, b), circuit.swap(b, c)),
            lambda p=parameter, a=a, b=b, c=c: (circuit.crx(p, a, c), circuit.ccx(a, b, c)),
        ]
        gates[generator.integers(len(gates))]()
    return circuit


@pytest.fixture(params=["lanes and shares", "shares", "lanes", "lanes that meet in one row"])
def layout(request, monkeypatch):
    never, always = 99, 1
    if "one row" in request.param:
        monkeypatch.setattr(lane_bases, "_TRIALS", 1)  # the lanes' columns are units, and so are the flips
    for name in ("_SPREAD_QUBITS", "_SPREAD_FEW_QUBITS"):
        monkeypatch.setattr(layouts, name, always if "shares" in request.param else never)
    monkeypatch.setattr(layouts, "_SHARE_AMPLITUDES", 1 << NUM_QUBITS - 1)
    monkeypatch.setattr(layouts, "_SPLIT_QUBITS", always if "lanes" in request.param else never)
    return request.param


def selected_rotation():
    """RY of one qubit, its angle selected by seven others: 128 rotations with one flip and as many signs."""
    circuit = QuantumCircuit(8)
    circuit.h(range(1, 8))
    circuit.append(UCRYGate(np.random.default_rng(0).normal(size=128).tolist()), range(8))
    return circuit


def test_a_block_reads_no_more_signs_than_fit_into_a_word():
    operations = lower(selected_rotation()).operations
    assert len({operation.sign for operation in operations}) > 2 * SignSlots.LIMIT
    blocks = schedule(operations, 8)
    assert sorted(number for block, _ in blocks for number in block) == list(range(len(operations)))
    for block, cosets in blocks:
        signs = {operations[number].sign for number in block}
        assert sum(not cosets.is_static(sign) for sign in signs) <= SignSlots.LIMIT


def test_many_signs_of_one_flip_agree_with_statevector():
    circuit, observables = selected_rotation(), pauli_observables(8)
    expected = [Statevector(circuit).expectation_value(observable).real for observable in observables]
    values = ExpectationValues(lower(circuit), observables)(torch.zeros(1, 0, dtype=torch.float64))
    np.testing.assert_allclose(values[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("num_samples", [1, 3, 4, 8, 11])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 3e-6)])
@pytest.mark.parametrize("threads", [1, 3])
def test_values_agree_with_statevector(layout, num_samples, dtype, tolerance, threads):
    circuit = entangled_circuit(num_samples)
    rows = torch.empty(num_samples, 50, dtype=dtype).uniform_(-3, 3, generator=torch.Generator().manual_seed(1))
    chosen = layouts.Layout.choose(num_samples, NUM_QUBITS, rows.numpy().dtype)
    assert (chosen.shares >= 2) == ("shares" in layout)
    assert (chosen.parts > 1) == ("lanes" in layout and num_samples <= chosen.lanes / 2)
    program = lower(circuit)
    order = [list(program.parameters).index(parameter) for parameter in circuit.parameters]
    rows = rows[:, : len(order)]
    values = ExpectationValues(program, OBSERVABLES, threads=threads)(rows)
    qubits = [4, 0, 3]
    probabilities = Probabilities(program, qubits, threads=threads)(rows)
    for row, found, distribution in zip(rows.numpy(), values, probabilities, strict=True):
        state = Statevector(circuit.assign_parameters(row[order]))
        expected = [state.expectation_value(observable).real for observable in OBSERVABLES]
        np.testing.assert_allclose(found, expected, atol=tolerance)
        np.testing.assert_allclose(distribution, state.probabilities(qubits), atol=tolerance)


@pytest.mark.parametrize("num_samples", [1, 3, 8, 11])
@pytest.mark.parametrize("function", ["expectation", "probabilities"])
@pytest.mark.usefixtures("layout")
def test_derivatives_agree_with_finite_differences(num_samples, function):
    program = lower(entangled_circuit(7))
    if function == "expectation":
        values = ExpectationValues(program, OBSERVABLES, threads=2)
    else:
        values = Probabilities(program, range(NUM_QUBITS), threads=2)
    generator = torch.Generator().manual_seed(2)
    rows = torch.empty(num_samples, len(program.parameters), dtype=torch.float64).uniform_(-3, 3, generator=generator)
    rows.requires_grad_()
    direction = torch.empty_like(rows).normal_(generator=generator)
    output = values(rows)
    cotangent = torch.empty_like(output).normal_(generator=generator)
    (gradient,) = torch.autograd.grad(output, rows, cotangent)
    step = 1e-5
    with torch.no_grad():
        difference = values(rows + step * direction) - values(rows - step * direction)
    expected = (cotangent * difference).sum(1) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(1), expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("num_samples", [2, 4])
def test_signs_that_differ_from_coset_to_coset_turn_rotations_that_exchange_lanes(num_samples, monkeypatch):
    monkeypatch.setattr(layouts, "_SPLIT_QUBITS", 1)
    circuit, generator = QuantumCircuit(10), np.random.default_rng(0)
    circuit.h(range(10))
    for number, parameter in enumerate(ParameterVector("p", 60)):  # rotations about Y of one qubit and Z of some others
        letters = generator.choice(["I", "Z"], 10)
        letters[number % 10] = "Y"
        circuit.append(PauliEvolutionGate(Pauli("".join(letters)), parameter), range(10))
    program, observables = lower(circuit), pauli_observables(10, "XYZ")
    values = ExpectationValues(program, observables)
    blocks = values.sweeps.plan(layouts.Layout.choose(num_samples, 10, np.dtype(float)).parts).blocks
    passes = blocks.steps[blocks.steps["kind"] == LANE_PASS]
    assert any((passes[slot] != SignSlots.STATIC).any() for slot in ("slot", "slot1", "slot2"))
    generator = torch.Generator().manual_seed(5)
    rows = torch.empty(num_samples, circuit.num_parameters, dtype=torch.float64).uniform_(-3, 3, generator=generator)
    direction = torch.empty_like(rows[0]).normal_(generator=generator)

    def expected(row):
        state = Statevector(circuit.assign_parameters(row.numpy()).decompose())
        return np.array([state.expectation_value(observable).real for observable in observables])

    found = values(rows.requires_grad_())
    (gradient,) = torch.autograd.grad(found.sum(), rows)
    rows.requires_grad_(requires_grad=False)
    np.testing.assert_allclose(found.detach(), [expected(row) for row in rows], atol=1e-12)
    difference = expected(rows[-1] + 1e-5 * direction) - expected(rows[-1] - 1e-5 * direction)
    np.testing.assert_allclose(gradient[-1] @ direction, difference.sum() / 2e-5, atol=1e-8)


@pytest.mark.parametrize("num_samples", [1, 4])
def test_numbers_of_a_start_are_exchanged_in_lanes_where_the_row_is_the_opposite(num_samples, monkeypatch):
    """Without CX each flip is a single bit; those of the lanes take rows with them, in which the state starts, too."""
    monkeypatch.setattr(layouts, "_SPLIT_QUBITS", 1)
    parameters = ParameterVector("p", 4 * NUM_QUBITS)
    circuit = QuantumCircuit(NUM_QUBITS)
    for layer in range(2):
        for qubit in range(NUM_QUBITS):
            circuit.ry(parameters[2 * layer * NUM_QUBITS + 2 * qubit], qubit)
            circuit.rz(parameters[2 * layer * NUM_QUBITS + 2 * qubit + 1], qubit)
        for qubit in range(NUM_QUBITS - 1):
            circuit.cz(qubit, qubit + 1)
    circuit.rx(0.3, range(NUM_QUBITS))
    circuit.cz(0, 3)
    program, observables = lower(circuit), [SparsePauliOp("XYXYXY"), SparsePauliOp("ZZXXYY")]
    values = ExpectationValues(program, observables)
    generator = torch.Generator().manual_seed(4)
    rows = torch.empty(num_samples, len(parameters), dtype=torch.float64).uniform_(-3, 3, generator=generator)
    start = values.sweeps.plan(layouts.Layout.choose(num_samples, NUM_QUBITS, np.dtype(float)).parts).start
    assert start.lane_bits > 0
    assert (start.masks[: start.row_bits] >= 0).any()

    def expected(row):
        state = Statevector(circuit.assign_parameters(row))
        return [state.expectation_value(observable).real for observable in observables]

    found = values(rows.requires_grad_())
    np.testing.assert_allclose(found.detach(), [expected(row) for row in rows.detach().numpy()], atol=1e-12)
    (gradient,) = torch.autograd.grad(found.sum(), rows)
    step = np.eye(len(parameters)) * 1e-5
    row = rows[-1].detach().numpy()
    differences = [sum(expected(row + each)) - sum(expected(row - each)) for each in step]
    np.testing.assert_allclose(gradient[-1], np.array(differences) / 2e-5, atol=1e-8)


@pytest.mark.usefixtures("layout")
def test_the_same_bits_with_any_number_of_threads_and_whether_or_not_states_are_kept(monkeypatch):
    monkeypatch.setattr(batches, "_SERIAL_WORK", 0)
    program = lower(entangled_circuit(5))
    rows = torch.empty(4, len(program.parameters)).uniform_(-3, 3, generator=torch.Generator().manual_seed(3))

    def run(threads):
        varied = rows.clone().requires_grad_()
        values = ExpectationValues(program, OBSERVABLES, threads=threads)(varied)
        return values.detach(), torch.autograd.grad(values.sum(), varied)[0]

    once = run(1)
    for threads in (1, 2, 5):
        assert all(torch.equal(left, right) for left, right in zip(run(threads), once, strict=True))
    monkeypatch.setattr(batches, "_KEPT_BYTES", 0)
    assert all(torch.equal(left, right) for left, right in zip(run(2), once, strict=True))


@pytest.mark.usefixtures("layout")
def test_a_nan_spoils_its_own_sample_alone():
    program = lower(entangled_circuit(5))
    rows = torch.zeros(3, len(program.parameters), dtype=torch.float64)
    rows[1, 4] = torch.nan
    values = ExpectationValues(program, OBSERVABLES)(rows)
    assert values[1].isnan().any()
    assert not values[[0, 2]].isnan().any()


@pytest.mark.parametrize("seed", range(5))
def test_a_basis_gives_addresses_and_signs_of_rows(seed):
    generator = np.random.default_rng(seed)
    vectors = [int(vector) for vector in generator.integers(1, 1 << 7, 4)]
    basis = Basis(vectors, 7)
    assert len(basis.columns) == 7
    for row in range(1 << 7):
        address = basis.address(row)
        combined = 0
        for bit, column in enumerate(basis.columns):
            combined ^= column * (address >> bit & 1)
        assert combined == row
        for sign in (1, 0b1010101, 0b1111111):
            assert (address & basis.sign(sign)).bit_count() % 2 == (row & sign).bit_count() % 2
