"""Gates of Qiskit's library and custom ones, and how few operations they take."""

import warnings

import numpy as np
import pytest
import torch
from parity import ParityTester, random_observables
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    InverseModifier,
    Operation,
    Parameter,
    PowerModifier,
    QuantumCircuit,
)
from qiskit.circuit import library as gates
from qiskit.circuit.library import PauliEvolutionGate, efficient_su2, grover_operator, real_amplitudes, zz_feature_map
from qiskit.quantum_info import (
    Pauli,
    SparseObservable,
    SparsePauliOp,
    random_clifford,
    random_hermitian,
    random_statevector,
    random_unitary,
)

from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.simulator import ExpectationValues, lower

A, T = Parameter("a"), Parameter("t")
MIXED = SparsePauliOp(["XX", "ZI", "IZ"], [0.3, 0.4, 0.7])  # terms that do not commute
STATE = random_statevector(8, seed=1).data


def check(operation, *, turn_first=True):
    """Hold an operation on entangled qubits against ``Statevector``, values and gradient."""
    num_qubits = operation.num_qubits
    rng = np.random.default_rng(num_qubits)
    circuit = QuantumCircuit(num_qubits)
    if turn_first:
        for qubit in range(num_qubits):
            circuit.u(*rng.uniform(-3, 3, 3), qubit)
        for qubit in range(1, num_qubits):
            circuit.cx(qubit - 1, qubit)
    circuit.append(operation, rng.permutation(num_qubits).tolist())
    observables = random_observables(rng, num_qubits, 6)
    ParityTester(torch.float64).check(lambda c, o: ExpectationValues(lower(c), o), circuit, observables, rng, 2)


def count_operations(circuit):
    operations = lower(circuit).operations
    return len(operations), sum(operation.flip != 0 for operation in operations)


def circuit_of(operation):
    circuit = QuantumCircuit(operation.num_qubits)
    circuit.append(operation, range(operation.num_qubits))
    return circuit


def deprecated(build):
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return build()


LIBRARY = [
    gates.AndGate(3, [1, -1, 0]),
    gates.BitFlipOracleGate("a & ~b"),
    gates.BitwiseXorGate(2, 3),
    gates.ExactReciprocalGate(2, 0.3),
    gates.FullAdderGate(1),
    gates.GraphStateGate(np.array([[0, 1], [1, 0]])),
    gates.HalfAdderGate(1),
    gates.InnerProductGate(2),
    gates.IntegerComparatorGate(2, 2),
    gates.Isometry(random_unitary(8, seed=1).data[:, :2], 0, 0),
    gates.LinearAmplitudeFunctionGate(2, 1, 0, (0, 1), (0, 1)),
    gates.LinearFunction([[1, 1, 0], [0, 1, 0], [1, 0, 1]]),
    gates.LinearPauliRotationsGate(2),
    gates.MCGupDiag(random_unitary(2, seed=2).data, 1, 1, 0),
    gates.MCMTGate(gates.RYGate(0.3), 2, 2),
    deprecated(lambda: gates.MCXVChain(3)),
    deprecated(lambda: gates.MCXVChain(3, dirty_ancillas=True)),
    deprecated(lambda: gates.MCXRecursive(5)),
    gates.MSGate(2, 0.3),
    gates.ModularAdderGate(2),
    gates.OrGate(3, [1, 0, -1]),
    gates.PhaseOracleGate("a & ~b | c"),
    gates.PiecewiseLinearPauliRotationsGate(2, [0, 2], [1, 0.5], [0, 1]),
    gates.PolynomialPauliRotationsGate(2, [0.1, 0.2]),
    gates.QuadraticFormGate(2),
    gates.RVGate(0.1, 0.2, 0.3),
    gates.UCGate([random_unitary(2, seed=seed).data for seed in range(4)]),
    gates.UniformSuperpositionGate(3, 2),
    gates.QFTGate(4),
    gates.PauliProductRotationGate(Pauli("-XIYZ"), A),
    gates.StatePreparation(STATE).inverse(),
]


@pytest.mark.parametrize("gate", LIBRARY, ids=lambda gate: gate.name)
def test_gates_of_the_library(gate):
    check(gate)


CONTROLLED = [
    gates.CUGate(A, 0.2, 0.3, T).control(2, ctrl_state=1, annotated=False),
    gates.SXGate().control(3, ctrl_state=2, annotated=False),
    gates.GlobalPhaseGate(A).control(2, ctrl_state=1, annotated=False),
    gates.UnitaryGate(random_unitary(2, seed=2)).control(3, ctrl_state=5, annotated=False),
    gates.UnitaryGate(random_unitary(4, seed=2)).control(2, ctrl_state=2, annotated=False),
    gates.DiagonalGate([1, -1, 1j, -1j]).control(2, annotated=False),
    gates.QFTGate(2).control(2, annotated=False),
    gates.RCCXGate().control(1, annotated=False),
    gates.RC3XGate().control(1, annotated=False),
    gates.CCXGate(ctrl_state=1).control(2, ctrl_state=2, annotated=False),
    deprecated(lambda: gates.MCXVChain(3).control(1, annotated=False)),
    gates.StatePreparation(STATE[:2] / np.linalg.norm(STATE[:2])).control(1, ctrl_state=0, annotated=False),
    gates.XXPlusYYGate(A, T).control(2, annotated=False),
    gates.RYGate(A).control(5, ctrl_state=9, annotated=False),
    gates.RXXGate(A).control(3, ctrl_state=0, annotated=False),
    AnnotatedOperation(random_clifford(2, seed=3), [ControlModifier(2, 1)]),
    AnnotatedOperation(random_clifford(2, seed=3), [PowerModifier(-11), ControlModifier(1)]),
    AnnotatedOperation(AnnotatedOperation(gates.SGate(), [ControlModifier(1)]), [PowerModifier(0.5)]),
    AnnotatedOperation(gates.UnitaryGate(random_unitary(4, seed=2)), [PowerModifier(0.3), ControlModifier(1, 0)]),
    AnnotatedOperation(gates.RXGate(0.3), [ControlModifier(1, 0), InverseModifier(), ControlModifier(2, 1)]),
    AnnotatedOperation(gates.QFTGate(2), [PowerModifier(100), ControlModifier(1)]),
]


@pytest.mark.parametrize("gate", CONTROLLED, ids=lambda gate: gate.name)
def test_controlled_and_modified_gates(gate):
    check(gate)


@pytest.mark.parametrize("num_controls", [1, 2, 3])
def test_the_global_phase_of_a_definition_counts_under_controls(num_controls):
    inner = QuantumCircuit(1, global_phase=0.4)
    inner.rx(0.3, 0)
    check(inner.to_gate().control(num_controls, annotated=False))
    check(QuantumCircuit(1, global_phase=0.4).to_gate().control(num_controls, annotated=False))
    bound = QuantumCircuit(1, global_phase=A * T)
    bound.ry(A, 0)
    check(AnnotatedOperation(bound.to_gate(), [ControlModifier(num_controls, 0)]))


EVOLUTIONS = [
    PauliEvolutionGate(MIXED, 0.7),
    PauliEvolutionGate(MIXED, T * A),
    PauliEvolutionGate(MIXED, T).control(2, ctrl_state=1, annotated=False),
    PauliEvolutionGate(MIXED, 0.7).control(1, ctrl_state=0, annotated=False),
    PauliEvolutionGate(SparsePauliOp(["XX", "YY", "ZZ", "II"], [0.3, 0.4, 0.7, 0.9]), T),
    PauliEvolutionGate([SparsePauliOp("XXI"), SparsePauliOp("IYX", 0.4)], T),
    PauliEvolutionGate(SparsePauliOp(["ZII", "XII", "IZZ", "IIZ"], [1, 0.5, 0.3, 0.2]), T),
    PauliEvolutionGate(SparsePauliOp(["ZI", "ZI", "XX"], [1, -1, 0.3]), T),
    PauliEvolutionGate(SparsePauliOp("II", 0.3), T).control(2, annotated=False),
    PauliEvolutionGate(SparsePauliOp(["XZ"], [0.0]), T),
    PauliEvolutionGate(SparseObservable("01+-X"), 0.3),
    gates.HamiltonianGate(random_hermitian(8, seed=1), T),
    gates.HamiltonianGate(random_hermitian(4, seed=1), 0.3),
    gates.HamiltonianGate(MIXED, 0.3).control(1, annotated=False),
]


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("gate", EVOLUTIONS, ids=lambda gate: gate.name)
def test_evolutions_are_exact(gate):
    check(gate)


def test_commuting_parts_of_an_evolution_are_not_limited():
    """Sixteen pairs of qubits of which each has two terms that do not commute, and a term on all of them."""
    terms = [(word, [2 * pair, 2 * pair + 1], 0.1 * pair + 1) for pair in range(8) for word in ("ZZ", "XI")]
    operator = SparsePauliOp.from_sparse_list([*terms, ("I", [0], 1.0)], num_qubits=16)
    num_operations, _ = count_operations(circuit_of(PauliEvolutionGate(operator, T)))
    assert num_operations < 8 * 40


def test_a_large_evolution_whose_terms_do_not_commute_is_refused():
    terms = [("ZZ", [qubit, qubit + 1], 1.0) for qubit in range(7)] + [("X", [qubit], 0.5) for qubit in range(8)]
    operator = SparsePauliOp.from_sparse_list(terms, num_qubits=8)
    with pytest.raises(UnsupportedCircuitError) as error:
        lower(circuit_of(PauliEvolutionGate(operator, T)))
    assert str(error.value) == (
        "The built-in simulator decomposes matrices of at most 7 qubits, but `PauliEvolution` needs one of 8: "
        "replace it by a product formula with `circuit.decompose()`, or run the circuit on Aer instead."
    )
    lower(circuit_of(PauliEvolutionGate(operator, T)).decompose())


@pytest.mark.parametrize("num_qubits", [1, 2, 3, 4, 5])
def test_unitaries_take_no_more_operations_than_they_have_angles(num_qubits):
    gate = gates.UnitaryGate(random_unitary(2**num_qubits, seed=num_qubits))
    check(gate)
    operations, rotations = count_operations(circuit_of(gate))
    assert operations <= 1.2 * 4**num_qubits
    assert rotations <= 4**num_qubits / 2


@pytest.mark.parametrize("matrix", [np.diag([1, 1j, -1, -1j]), np.eye(4)[[2, 0, 3, 1]], np.eye(8)[::-1], np.eye(4)])
def test_unitaries_with_equal_and_vanishing_entries(matrix):
    check(gates.UnitaryGate(matrix))


def test_a_unitary_that_is_too_large_is_refused():
    with pytest.raises(UnsupportedCircuitError, match=r"at most 7 qubits, but `unitary` needs one of 8: define it by"):
        lower(circuit_of(gates.UnitaryGate(np.eye(256))))


@pytest.mark.parametrize(
    ("circuit", "operations", "rotations"),
    [
        (real_amplitudes(12, reps=4), 60, 60),
        (efficient_su2(12, reps=4), 120, 60),
        (zz_feature_map(12, reps=2), 180, 24),
        (circuit_of(gates.QFTGate(12)), 150, 12),
        (circuit_of(gates.MCXGate(8)), 2, 1),
        (circuit_of(gates.MCXGate(16, ctrl_state=77)), 2, 1),
        (circuit_of(gates.MCPhaseGate(T, 8)), 1, 0),
        (circuit_of(gates.RXGate(T).control(6, annotated=False)), 3, 1),
        (circuit_of(gates.CUGate(A, A, A, A)), 6, 1),
        (circuit_of(gates.PauliEvolutionGate(SparsePauliOp("XYZ"), T).control(4, annotated=False)), 3, 1),
        (grover_operator(circuit_of(gates.ZGate().control(8, annotated=False))), 22, 19),
    ],
)
def test_common_circuits_take_few_operations(circuit, operations, rotations):
    found = count_operations(circuit)
    assert found <= (operations, rotations)
    assert found[1] == rotations


def test_neighbours_join():
    circuit = QuantumCircuit(2)
    circuit.rz(A, 0)
    circuit.cx(0, 1)
    circuit.s(0)
    circuit.rz(A, 0)
    circuit.h(1)
    circuit.h(1)
    (operation,) = lower(circuit).operations
    assert operation.angle == (0, 2.0, np.pi / 2)
    circuit.rz(-2 * A, 0)
    circuit.sdg(0)
    assert count_operations(circuit) == (2, 0)
    undone = circuit_of(gates.RZGate(A))
    undone.x(0)
    undone.rz(A, 0)
    assert lower(undone).operations == ()
    assert lower(undone).expressions == ()
    undone.ry(T, 0)
    program = lower(undone)
    assert program.parameters == (A, T)
    assert program.expressions == (T,)
    assert program.operations[0].angle.slot == 0


class Own(Gate):
    """A gate whose definition is given."""

    def __init__(self, definition=None, name="own"):
        super().__init__(name, 1, [])
        self._definition = definition


def test_a_gate_that_has_a_matrix_alone():
    class WithMatrix(Own):
        def __array__(self, dtype=None, copy=None):
            return random_unitary(2, seed=5).data

    check(WithMatrix())
    check(AnnotatedOperation(WithMatrix(), [ControlModifier(2), PowerModifier(3)]))


class Bare(Operation):
    name, num_qubits, num_clbits = "bare", 1, 0


class Endless(Own):
    def _define(self):
        self.definition = circuit_of(Endless(name="endless"))


UNDEFINED = "cannot run `{}`, which has no definition by other gates: give it one, or run the circuit on Aer instead."
WRONG = [
    (Own(), UNDEFINED.format("own")),
    (Bare(), UNDEFINED.format("bare")),
    (AnnotatedOperation(Bare(), [InverseModifier()]), UNDEFINED.format("bare")),
    (
        Own(QuantumCircuit(2)),
        "cannot run `own`, which is defined by a circuit of 2 qubits: define it by a circuit of 1",
    ),
    (Own("x"), "cannot run `own`, which is defined by a str: define it by a circuit of 1 qubits."),
    (Endless(name="endless"), "cannot run `endless`, which is defined by itself: define it by other gates."),
    (AnnotatedOperation(Endless(), [ControlModifier(1)]), "which is defined by itself: define it by other gates."),
    (AnnotatedOperation(Own(), [InverseModifier()]), "cannot run `own` to the power -1 ("),
    (AnnotatedOperation(gates.UGate(A, 0, 0), [PowerModifier(0.5)]), "cannot run `u` to the power 0.5 ("),
    (gates.RVGate(A, 0.1, 0.2), "cannot run `rv`, whose definition fails (The rv gate cannot be decomposed with"),
    (gates.RXGate(np.nan), "needs finite real angles, but this circuit holds nan: correct the gate."),
    (gates.RXGate((A * 1j).assign(A, 2)), "needs finite real angles, but this circuit holds 2i: correct the gate."),
]


@pytest.mark.parametrize(("operation", "message"), WRONG)
def test_gates_that_cannot_run_are_refused_by_name(operation, message):
    with pytest.raises(UnsupportedCircuitError) as error:
        lower(circuit_of(operation))
    assert str(error.value).startswith("The built-in simulator ")
    assert message in str(error.value)
