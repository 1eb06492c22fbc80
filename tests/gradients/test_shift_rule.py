import numpy as np
import pytest
from qiskit import transpile
from qiskit.circuit import Gate, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit import library as gates
from qiskit.circuit.annotated_operation import AnnotatedOperation, ControlModifier, InverseModifier, PowerModifier
from qiskit.quantum_info import SparsePauliOp, Statevector, random_unitary
from qiskit.synthesis import QDrift

from qiskit_qgen.exceptions import GradientError
from qiskit_qgen.gradients.shift_rule import ShiftRule

A, B, C, D = (Parameter(name) for name in "abcd")


def rotated(num_qubits, seed=3):
    """A circuit in a state without symmetries."""
    circuit = QuantumCircuit(num_qubits)
    circuit.append(gates.UnitaryGate(random_unitary(2**num_qubits, seed=seed)), range(num_qubits))
    return circuit


def holding(gate):
    circuit = rotated(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    circuit.compose(rotated(gate.num_qubits, seed=4), inplace=True)
    return circuit


def value_function(circuit):
    """The value of one observable without symmetries, by Qiskit."""
    matrix = random_unitary(2**circuit.num_qubits, seed=5).data
    observable = matrix + matrix.conj().T

    def value(row):
        state = Statevector(circuit.assign_parameters(row)).data
        return float((state.conj() @ observable @ state).real)

    return value


def by_finite_differences(value, row, step=1e-4):
    steps = step * np.eye(len(row))
    return [
        (8 * (value(row + s) - value(row - s)) - (value(row + 2 * s) - value(row - 2 * s))) / (12 * step) for s in steps
    ]


def by_the_rule(circuit, rows, wanted=None):
    rule = ShiftRule(circuit)
    value = value_function(rule.circuit)
    wanted = list(range(circuit.num_parameters)) if wanted is None else wanted
    shifted = rule.shifted(rows, wanted)
    results = np.array([value(row) for row in shifted.rows.reshape(-1, rule.circuit.num_parameters)])
    values = [value(row) for row in rule.unshifted(rows)]
    return values, shifted.derivatives(results).reshape(len(rows), len(wanted)), shifted


def assert_exact(circuit, seed=0, samples=2, tolerance=1e-9):
    rows = np.random.default_rng(seed).uniform(0.2, 1.4, (samples, circuit.num_parameters))
    values, gradients, shifted = by_the_rule(circuit, rows)
    truth = value_function(circuit)
    np.testing.assert_allclose(values, [truth(row) for row in rows], atol=1e-12)
    np.testing.assert_allclose(gradients, [by_finite_differences(truth, row) for row in rows], atol=tolerance)
    return shifted


def custom():
    inner = QuantumCircuit(2, name="inner", global_phase=A)
    inner.crx(A * B, 0, 1)
    inner.p(B, 1)
    return inner.to_gate()


PARAMETRISED = {
    "rx": (gates.RXGate(A), 1),
    "ry": (gates.RYGate(A), 1),
    "rz": (gates.RZGate(A), 1),
    "p": (gates.PhaseGate(A), 1),
    "u1": (gates.U1Gate(A), 1),
    "u2": (gates.U2Gate(A, B), 2),
    "u3": (gates.U3Gate(A, B, C), 3),
    "u": (gates.UGate(A, B, C), 3),
    "u, partly": (gates.UGate(A, 0.3, A * B), 2),
    "r": (gates.RGate(A, B), 3),
    "rxx": (gates.RXXGate(A), 1),
    "ryy": (gates.RYYGate(A), 1),
    "rzz": (gates.RZZGate(A), 1),
    "rzx": (gates.RZXGate(A), 1),
    "crx": (gates.CRXGate(A), 2),
    "cry": (gates.CRYGate(A), 2),
    "crz": (gates.CRZGate(A), 2),
    "cp": (gates.CPhaseGate(A), 3),
    "cu1": (gates.CU1Gate(A), 3),
    "cu3": (gates.CU3Gate(A, B, C), None),
    "cu": (gates.CUGate(A, B, C, D), None),
    "open cry": (gates.CRYGate(A, ctrl_state=0), 2),
    "mcp": (gates.MCPhaseGate(A, 3), None),
    "ccry": (gates.RYGate(A).control(2, annotated=False, ctrl_state=1), None),
    "annotated ccry": (gates.RYGate(A).control(2, annotated=True, ctrl_state=2), None),
    "controlled inverse": (AnnotatedOperation(gates.UGate(A, B, C), [InverseModifier(), ControlModifier(1)]), None),
    "power": (AnnotatedOperation(gates.RZXGate(A), [PowerModifier(2), ControlModifier(1)]), None),
    "crxx": (gates.RXXGate(A).control(1, annotated=False), None),
    "xx_plus_yy": (gates.XXPlusYYGate(A, B), None),
    "xx_minus_yy": (gates.XXMinusYYGate(A, B), None),
    "evolution": (gates.PauliEvolutionGate(SparsePauliOp(["XX", "ZZ", "II"], [0.4, 0.7, 0.2]), time=A), 2),
    "custom": (custom(), None),
}


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's matrices of evolutions
@pytest.mark.parametrize("name", PARAMETRISED)
def test_every_gate_has_its_exact_derivative_in_two_rows_an_angle(name):
    gate, angles = PARAMETRISED[name]
    shifted = assert_exact(holding(gate))
    assert angles is None or shifted.rows.shape == (2, 2 * angles, angles)


EXPRESSIONS = {
    "sum and product": A * B + 2 * C - 0.3,
    "quotient": A / (B + 2),
    "power": A**3 + A**B,
    "sin": (A * B).sin(),
    "cos": (A + 0.2).cos() * B,
    "tan": (A / 2).tan(),
    "arcsin": (A / 2).arcsin(),
    "arccos": (A / 2).arccos(),
    "arctan": (A * B).arctan(),
    "exp": (A - B).exp(),
    "log": (A + B).log(),
    "abs": (A - 2).abs(),
    "conjugate": (A * B).conjugate(),
    "nested": ((A.sin() + 1.5).log() * B).cos(),
    "cancelled": A - A + B,
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_expression_follows_the_chain_rule(name):
    circuit = rotated(2)
    circuit.cry(EXPRESSIONS[name], 0, 1)
    circuit.rx(A, 0)
    circuit.compose(rotated(2, seed=4), inplace=True)
    assert_exact(circuit, tolerance=1e-8)


def test_one_parameter_in_many_gates_is_shifted_in_each():
    circuit = rotated(2)
    for _ in range(3):
        circuit.ry(A, 0)
        circuit.rzz(2 * A, 0, 1)
        circuit.rx(A * B, 1)
    assert assert_exact(circuit).rows.shape == (2, 18, 9)


def test_angles_beyond_ten_keep_their_order():
    weights = ParameterVector("w", 13)
    circuit = rotated(1)
    for number, weight in enumerate(weights):
        (circuit.ry if number % 2 else circuit.rx)(weight, 0)
    assert_exact(circuit)


def test_only_angles_that_matter_are_shifted():
    circuit = rotated(2)
    circuit.ry(A, 0)
    circuit.ry(A + B, 1)
    circuit.rx(C, 1)
    rows = np.array([[0.1, 0.2, 0.3]])
    _, everything, full = by_the_rule(circuit, rows)
    for wanted, angles in ([0], 2), ([1], 1), ([2], 1), ([2, 0], 3), ([], 0):
        _, gradient, shifted = by_the_rule(circuit, rows, wanted)
        assert shifted.rows.shape == (1, 2 * angles, 3)
        np.testing.assert_allclose(gradient, everything[:, wanted], atol=1e-14)
    assert full.rows.shape == (1, 6, 3)


def test_a_phase_alone_needs_no_rows():
    circuit = QuantumCircuit(1, global_phase=A)
    circuit.append(gates.GlobalPhaseGate(B), [])
    circuit.h(0)
    rule = ShiftRule(circuit)
    assert rule.circuit.num_parameters == 0
    shifted = rule.shifted(np.zeros((3, 2)), [0, 1])
    assert shifted.rows.shape == (3, 0, 0)
    assert shifted.weights.shape == (6, 0)


def test_all_but_the_angles_stays_as_it_was():
    circuit = QuantumCircuit(2, 2)
    circuit.reset(0)
    circuit.cry(A, 0, 1)
    circuit.barrier()
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    before = circuit.copy()
    made = ShiftRule(circuit).circuit
    assert circuit == before
    assert [each.operation.name for each in made.data if each.operation.name not in ("ry", "cx")] == [
        "reset", "barrier", "measure", "if_else", "measure"
    ]  # fmt: skip
    assert [bit for each in made.data for bit in each.clbits] == [bit for each in circuit.data for bit in each.clbits]


def test_a_transpiled_circuit_keeps_layout_and_gates():
    circuit = QuantumCircuit(2)
    circuit.ry(A, 0)
    circuit.cry(B, 0, 1)
    isa = transpile(circuit, basis_gates=["rz", "sx", "x", "cx"], coupling_map=[[0, 1], [1, 2]], seed_transpiler=1)
    made = ShiftRule(isa).circuit
    assert made.layout == isa.layout
    assert set(made.count_ops()) <= {"rz", "sx", "x", "cx"}


def delayed():
    circuit = QuantumCircuit(1)
    circuit.delay(A, 0)
    return circuit


def conditioned():
    circuit = QuantumCircuit(1, 1)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.rx(A, 0)
    return circuit


def signed():
    circuit = QuantumCircuit(1)
    circuit.rx(A.sign(), 0)
    return circuit


@pytest.mark.parametrize(
    ("circuit", "name"),
    [
        (holding(gates.RVGate(A, B, C)), "`rv`"),
        (holding(gates.PauliEvolutionGate(SparsePauliOp(["X", "Z"]), time=A)), "`PauliEvolution`"),
        (holding(gates.PauliEvolutionGate(SparsePauliOp(["X"]), time=A, synthesis=QDrift())), "`PauliEvolution`"),
        (holding(gates.HamiltonianGate(np.eye(2), A)), "`hamiltonian`"),
        (holding(Gate("mystery", 1, [A])), "`mystery`"),
        (delayed(), "`delay`"),
        (conditioned(), "`if_else`"),
        (signed(), "`sign(a)`"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_exact_rule_is_refused_by_name(circuit, name):
    with pytest.raises(GradientError) as refusal:
        ShiftRule(circuit)
    assert name in str(refusal.value)
    assert "use the gradient by simultaneous perturbation" in str(refusal.value)
