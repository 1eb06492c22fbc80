"""Seeded random circuits and operators, and a tester that holds an implementation against Qiskit's ``Statevector``."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    InverseModifier,
    Operation,
    Parameter,
    ParameterExpression,
    ParameterVector,
    PowerModifier,
    QuantumCircuit,
)
from qiskit.circuit.library import (
    DiagonalGate,
    HamiltonianGate,
    MCPhaseGate,
    MCXGate,
    PauliEvolutionGate,
    PauliGate,
    PauliProductRotationGate,
    PermutationGate,
    QFTGate,
    StatePreparation,
    UCRXGate,
    UCRYGate,
    UCRZGate,
    UnitaryGate,
)
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.quantum_info import (
    SparsePauliOp,
    Statevector,
    random_clifford,
    random_hermitian,
    random_statevector,
    random_unitary,
)
from scipy.sparse import SparseEfficiencyWarning

NOT_UNITARY = {"measure", "reset"}
GATES = {name: gate for name, gate in get_standard_gate_name_mapping().items() if name not in NOT_UNITARY}
TOLERANCES = {torch.float64: 1e-10, torch.float32: 2e-5}
PARAMETERS = [*ParameterVector("v", 3), Parameter("θ"), Parameter("lambda"), Parameter("a b")]
Implementation = Callable[[QuantumCircuit, Sequence[SparsePauliOp]], Callable[[torch.Tensor], torch.Tensor]]


def random_expression(rng: np.random.Generator, parameters: Sequence[Parameter]) -> ParameterExpression:
    """Return a parameter, or a smooth expression of one to three of them; parameters repeat."""
    p, q, r = (parameters[rng.integers(len(parameters))] for _ in range(3))
    scale, offset = rng.normal(size=2)
    forms: list[Callable[[], ParameterExpression]] = [
        lambda: p,
        lambda: p,
        lambda: scale * p + offset,
        lambda: -p,
        lambda: p + q - 0.5 * r,
        lambda: p * q,
        lambda: p / (2 + r * r),
        lambda: (p.sin() + offset) * q.cos(),
        lambda: (p / 4).exp(),
        lambda: (p * p + 1) ** 0.5,
        lambda: p.arctan() * np.pi,
        lambda: (p * p + 1).log() - q,
    ]
    return forms[rng.integers(len(forms))]()


def standard_gate(rng: np.random.Generator, name: str, angles: Callable[[], object], num_qubits: int) -> Gate | None:
    """Return a standard gate with a random control state, or None if it needs more than ``num_qubits`` qubits."""
    gate = GATES[name]
    if gate.num_qubits > num_qubits:
        return None
    arguments = [angles() for _ in gate.params] if name != "delay" else [100]
    controls = getattr(gate, "num_ctrl_qubits", 0)
    if controls:
        return gate.base_class(*arguments, ctrl_state=int(rng.integers(2**controls)))
    return gate.base_class(*arguments)


def random_paulis(rng: np.random.Generator, num_qubits: int, count: int) -> SparsePauliOp:
    """Return a sum of random Pauli words."""
    words = rng.choice(list("IXYZ"), (count, num_qubits))
    return SparsePauliOp(["".join(word) for word in words], rng.normal(size=count))


def random_multiplexer(rng: np.random.Generator, n: int) -> Gate:
    """Return a rotation about one of the axes by the value of n - 1 qubits."""
    kind = (UCRXGate, UCRYGate, UCRZGate)[rng.integers(3)]
    return kind(rng.normal(size=2 ** (n - 1)).tolist())


def seed_of(rng: np.random.Generator) -> int:
    """Return a seed for Qiskit's random functions."""
    return int(rng.integers(2**31))


def other_gate(rng: np.random.Generator, name: str, angles: Callable[[], object], n: int) -> Operation:
    """Return a gate that is given by more than angles, on about n qubits."""
    controls = max(1, n - 1)
    kinds: dict[str, Callable[[], Operation]] = {
        "unitary": lambda: UnitaryGate(random_unitary(2**n, seed=seed_of(rng))),
        "mcx": lambda: MCXGate(controls, ctrl_state=int(rng.integers(2**controls))),
        "mcphase": lambda: MCPhaseGate(angles(), controls),
        "diagonal": lambda: DiagonalGate(np.exp(1j * rng.normal(size=2**n)).tolist()),
        "permutation": lambda: PermutationGate(rng.permutation(n)),
        "pauli": lambda: PauliGate("".join(rng.choice(list("IXYZ"), n))),
        "pauli_rotation": lambda: PauliProductRotationGate(random_paulis(rng, n, 1).paulis[0], angles()),
        "commuting_evolution": lambda: PauliEvolutionGate(
            SparsePauliOp(["XX", "YY", "ZZ"], rng.normal(size=3)) ^ random_paulis(rng, controls, 1), angles()
        ),
        "evolution": lambda: PauliEvolutionGate(random_paulis(rng, n, 3), angles()),
        "controlled_evolution": lambda: PauliEvolutionGate(random_paulis(rng, controls, 2), angles()).control(
            1, ctrl_state=int(rng.integers(2))
        ),
        "hamiltonian": lambda: HamiltonianGate(random_hermitian(2**n, seed=seed_of(rng)), angles()),
        "multiplexer": lambda: random_multiplexer(rng, n),
        "clifford": lambda: random_clifford(n, seed=seed_of(rng)),
        "state": lambda: StatePreparation(random_statevector(2**n, seed=seed_of(rng)).data),
        "qft": lambda: QFTGate(n),
    }
    return kinds[name]()


OTHER_GATES = (
    *("unitary", "mcx", "mcphase", "diagonal", "permutation", "pauli", "pauli_rotation", "commuting_evolution"),
    *("evolution", "controlled_evolution", "hamiltonian", "multiplexer", "clifford", "state", "qft"),
)
BASES = (*GATES, "unitary", "pauli", "pauli_rotation", "clifford")  # of controlled and modified gates
NAMES = (*GATES, *OTHER_GATES, "controlled", "annotated")


def random_gate(rng: np.random.Generator, name: str, angles: Callable[[], object], num_qubits: int) -> Operation | None:
    """Return a gate on at most ``num_qubits`` qubits, or None if it needs more."""
    if name in GATES:
        return standard_gate(rng, name, angles, num_qubits)
    if name in OTHER_GATES:
        gate = other_gate(rng, name, angles, int(rng.integers(1, min(num_qubits, 3) + 1)))
        return gate if gate.num_qubits <= num_qubits else None
    base = None
    while base is None or base.name == "delay":
        base = random_gate(rng, BASES[rng.integers(len(BASES))], angles, max(1, num_qubits - 1))
    controls = int(rng.integers(1, 4))
    if base.num_qubits + controls > num_qubits:
        return None
    if name == "controlled" and isinstance(base, Gate):
        return base.control(controls, ctrl_state=int(rng.integers(2**controls)), annotated=False)
    power = int(rng.integers(-2, 4))
    modifiers = [InverseModifier(), ControlModifier(controls, int(rng.integers(2**controls))), PowerModifier(power)]
    return AnnotatedOperation(base, [modifiers[number] for number in rng.permutation(3)])


def random_circuit(
    rng: np.random.Generator, num_qubits: int, num_gates: int, names: Sequence[str] = NAMES
) -> QuantumCircuit:
    """Return a circuit with barriers, constants, repeated parameters, composed expressions and nested circuits."""
    circuit = QuantumCircuit(num_qubits)

    def angle() -> object:
        return rng.uniform(-4, 4) if rng.random() < 0.2 else random_expression(rng, PARAMETERS)

    while len(circuit.data) < num_gates:
        gate = random_gate(rng, names[rng.integers(len(names))], angle, num_qubits)
        if gate is None:
            continue
        qubits = rng.permutation(num_qubits)[: gate.num_qubits].tolist()
        if rng.random() < 0.1:
            circuit.barrier()
        if qubits and rng.random() < 0.1:
            inner = QuantumCircuit(gate.num_qubits, name="nested")
            inner.append(gate, range(gate.num_qubits))
            inner.ry(angle(), 0)
            gate = inner.to_instruction()
        circuit.append(gate, qubits)
    return circuit


def random_observables(rng: np.random.Generator, num_qubits: int, count: int = 3) -> list[SparsePauliOp]:
    """Return sums of one to four Pauli words, identities and single Paulis among them."""
    observables = []
    for _ in range(count):
        words = rng.choice(list("IXYZ"), (rng.integers(1, 5), num_qubits))
        if rng.random() < 0.5:
            words[:, rng.permutation(num_qubits)[1:]] = "I"
        observables.append(SparsePauliOp(["".join(word) for word in words], rng.normal(size=len(words))))
    return observables


def truth(circuit: QuantumCircuit, observables: Sequence[SparsePauliOp], rows: np.ndarray) -> np.ndarray:
    """Return the expectation values by Qiskit's ``Statevector``, (B, K)."""
    values = np.empty((len(rows), len(observables)))
    for b, row in enumerate(rows):
        with warnings.catch_warnings(action="ignore", category=SparseEfficiencyWarning):  # of Qiskit's evolutions
            state = Statevector(circuit.assign_parameters(row) if circuit.parameters else circuit)
        for k, observable in enumerate(observables):
            values[b, k] = state.expectation_value(observable).real
    return values


def derivative(function: Callable[[float], np.ndarray], step: float = 1.5e-3) -> np.ndarray:
    """Return f'(0) by the central difference of eighth order, good to about 1e-11."""
    weights = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
    return sum(w * (function(k * step) - function(-k * step)) for k, w in enumerate(weights, 1)) / step


@dataclass(frozen=True)
class ParityTester:
    """Rejects an implementation whose values or gradients differ from ``Statevector``'s.

    Gradients are compared by their product with random vectors: one cotangent for the values, one direction in the
    space of the parameters for each row.
    """

    dtype: torch.dtype
    gradient_rows: int = 2

    def check(
        self,
        implementation: Implementation,
        circuit: QuantumCircuit,
        observables: Sequence[SparsePauliOp],
        rng: np.random.Generator,
        batch_size: int,
    ) -> None:
        tolerance = TOLERANCES[self.dtype]
        rows = torch.from_numpy(rng.uniform(-3, 3, (batch_size, circuit.num_parameters))).to(self.dtype)
        cotangent = torch.from_numpy(rng.normal(size=(batch_size, len(observables)))).to(self.dtype)
        exact_rows, exact_cotangent = rows.double().numpy(), cotangent.double().numpy()
        rows.requires_grad_()
        values = implementation(circuit, observables)(rows)
        assert values.dtype == self.dtype
        expected = truth(circuit, observables, exact_rows)
        np.testing.assert_allclose(values.detach().double().numpy(), expected, rtol=0, atol=tolerance)
        if not circuit.parameters:
            return
        (gradient,) = torch.autograd.grad(values, rows, cotangent)
        for b in {0, batch_size - 1, *rng.integers(batch_size, size=self.gradient_rows - 1).tolist()}:
            direction = rng.normal(size=circuit.num_parameters)
            direction /= np.linalg.norm(direction)

            def along(t: float, b: int = b, direction: np.ndarray = direction) -> np.ndarray:
                return truth(circuit, observables, exact_rows[b : b + 1] + t * direction)[0]

            expected_slope = exact_cotangent[b] @ derivative(along)
            slope = gradient[b].double().numpy() @ direction
            np.testing.assert_allclose(slope, expected_slope, rtol=0, atol=tolerance)
