"""Seeded random circuits and operators, and a tester that holds an implementation against Qiskit's ``Statevector``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from qiskit.circuit import Gate, Parameter, ParameterExpression, ParameterVector, QuantumCircuit
from qiskit.circuit.library import MCPhaseGate, MCXGate, UnitaryGate
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.quantum_info import SparsePauliOp, Statevector, random_unitary

NOT_UNITARY = {"measure", "reset"}
GATES = {name: gate for name, gate in get_standard_gate_name_mapping().items() if name not in NOT_UNITARY}
TOLERANCES = {torch.float64: 1e-10, torch.float32: 2e-5}
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


def random_gate(rng: np.random.Generator, name: str, angles: Callable[[], object], num_qubits: int) -> Gate | None:
    """Return a gate on at most ``num_qubits`` qubits, or None if it needs more."""
    if name == "unitary":
        size = int(rng.integers(1, min(num_qubits, 3) + 1))
        return UnitaryGate(random_unitary(2**size, seed=int(rng.integers(2**31))))
    if name in ("mcx", "mcphase", "controlled_u"):
        controls = int(rng.integers(1, 5))
        if controls + 1 > num_qubits:
            return None
        if name == "mcx":
            return MCXGate(controls, ctrl_state=int(rng.integers(2**controls)))
        if name == "mcphase":
            return MCPhaseGate(angles(), controls)
        matrix = random_unitary(2, seed=int(rng.integers(2**31)))
        return UnitaryGate(matrix).control(1, ctrl_state=int(rng.integers(2)))
    gate = GATES[name]
    if gate.num_qubits > num_qubits:
        return None
    arguments = [angles() for _ in gate.params] if name != "delay" else [100]
    controls = getattr(gate, "num_ctrl_qubits", 0)
    if controls:
        return gate.base_class(*arguments, ctrl_state=int(rng.integers(2**controls)))
    return gate.base_class(*arguments)


MORE_GATES = ("unitary", "mcx", "mcphase", "controlled_u")


def random_circuit(
    rng: np.random.Generator, num_qubits: int, num_gates: int, names: Sequence[str] = (*GATES, *MORE_GATES)
) -> QuantumCircuit:
    """Return a circuit with barriers, constants, repeated parameters, composed expressions and nested circuits."""
    parameters = [*ParameterVector("v", 3), Parameter("θ"), Parameter("lambda"), Parameter("a b")]
    circuit = QuantumCircuit(num_qubits)

    def angle() -> object:
        return rng.uniform(-4, 4) if rng.random() < 0.2 else random_expression(rng, parameters)

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
