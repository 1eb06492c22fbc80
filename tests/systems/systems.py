"""Circuits whose expectation values and derivatives are known on paper; README.md derives them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp


@dataclass(frozen=True)
class System:
    """A circuit, what is measured, and the formulas for one vector of parameters in Qiskit's order."""

    name: str
    circuit: QuantumCircuit
    labels: tuple[str, ...]
    values: Callable[[np.ndarray], list[float]]
    """(P,) -> (K,)."""
    jacobian: Callable[[np.ndarray], list[list[float]]]
    """(P,) -> (K, P), by hand."""

    @property
    def observables(self) -> list[SparsePauliOp]:
        return [SparsePauliOp(label) for label in self.labels]


def bloch_vector() -> System:
    angles = ParameterVector("t", 3)
    circuit = QuantumCircuit(1)
    circuit.ry(angles[0], 0)
    circuit.rz(angles[1], 0)
    circuit.ry(angles[2], 0)

    def values(t):
        (ca, cb, cc), (sa, sb, sc) = np.cos(t), np.sin(t)
        return [sa * cb * cc + ca * sc, sa * sb, ca * cc - sa * cb * sc]

    def jacobian(t):
        (ca, cb, cc), (sa, sb, sc) = np.cos(t), np.sin(t)
        return [
            [ca * cb * cc - sa * sc, -sa * sb * cc, -sa * cb * sc + ca * cc],
            [ca * sb, sa * cb, 0],
            [-sa * cc - ca * cb * sc, sa * sb * sc, -ca * sc - sa * cb * cc],
        ]

    return System("bloch_vector", circuit, ("X", "Y", "Z"), values, jacobian)


def product_state(num_qubits: int = 5) -> System:
    angles = ParameterVector("t", num_qubits)
    circuit = QuantumCircuit(num_qubits)
    for qubit, angle in enumerate(angles):
        circuit.ry(angle, qubit)
    singles = tuple("".join("Z" if q == k else "I" for q in reversed(range(num_qubits))) for k in range(num_qubits))

    def without(factors, q):
        return np.prod(np.delete(factors, q))

    def values(t):
        return [np.prod(np.cos(t)), np.prod(np.sin(t)), *np.cos(t)]

    def jacobian(t):
        cos, sin = np.cos(t), np.sin(t)
        return [
            [-sin[q] * without(cos, q) for q in range(num_qubits)],
            [cos[q] * without(sin, q) for q in range(num_qubits)],
            *np.diag(-sin).tolist(),
        ]

    return System("product_state", circuit, ("Z" * num_qubits, "X" * num_qubits, *singles), values, jacobian)


def ghz(num_qubits: int = 7) -> System:
    n, phase = num_qubits, Parameter("t")
    circuit = QuantumCircuit(n)
    circuit.h(0)
    for qubit in range(n - 1):
        circuit.cx(qubit, qubit + 1)
    for qubit in range(n):
        circuit.rz(phase, qubit)
    labels = ("X" * n, "X" * (n - 1) + "Y", "Z" + "I" * (n - 2) + "Z", "I" * (n - 1) + "Z")
    return System(
        "ghz",
        circuit,
        labels,
        lambda t: [np.cos(n * t[0]), np.sin(n * t[0]), 1, 0],
        lambda t: [[-n * np.sin(n * t[0])], [n * np.cos(n * t[0])], [0], [0]],
    )


def ising_pair() -> System:
    angle = Parameter("t")
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rzz(angle, 0, 1)
    return System(
        "ising_pair",
        circuit,
        ("IX", "ZY", "XX"),
        lambda t: [np.cos(t[0]), np.sin(t[0]), 1],
        lambda t: [[-np.sin(t[0])], [np.cos(t[0])], [0]],
    )


def ising_ring(num_qubits: int = 6) -> System:
    n, mix, bond = num_qubits, Parameter("b"), Parameter("g")
    circuit = QuantumCircuit(n)
    circuit.h(range(n))
    for qubit in range(n):
        circuit.rzz(bond, qubit, (qubit + 1) % n)
    circuit.rx(mix, range(n))
    labels = ("I" * (n - 2) + "ZZ", "Z" + "I" * (n - 2) + "Z")

    def values(t):
        return [np.sin(2 * t[0]) * np.sin(2 * t[1]) / 2] * 2

    def jacobian(t):
        return [[np.cos(2 * t[0]) * np.sin(2 * t[1]), np.sin(2 * t[0]) * np.cos(2 * t[1])]] * 2

    return System("ising_ring", circuit, labels, values, jacobian)


def controlled_ry() -> System:
    turn, angle = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.ry(turn, 0)
    circuit.cry(angle, 0, 1)

    def values(t):
        (ca, cb), sb = np.cos(t), np.sin(t[1])
        return [ca, (1 + ca) / 2 + (1 - ca) / 2 * cb, (1 - ca) / 2 * sb]

    def jacobian(t):
        (ca, cb), (sa, sb) = np.cos(t), np.sin(t)
        return [[-sa, 0], [sa / 2 * (cb - 1), -(1 - ca) / 2 * sb], [sa / 2 * sb, (1 - ca) / 2 * cb]]

    return System("controlled_ry", circuit, ("IZ", "ZI", "XI"), values, jacobian)


def controlled_rz() -> System:
    angle = Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.crz(angle, 0, 1)
    return System(
        "controlled_rz",
        circuit,
        ("XI", "YI", "IZ"),
        lambda t: [(1 + np.cos(t[0])) / 2, np.sin(t[0]) / 2, 0],
        lambda t: [[-np.sin(t[0]) / 2], [np.cos(t[0]) / 2], [0]],
    )


def inert_weights(num_qubits: int = 4) -> System:
    n = num_qubits
    weights, inputs = ParameterVector("w", n), ParameterVector("x", n)
    circuit = QuantumCircuit(n)
    for qubit in range(n):
        circuit.ry(inputs[qubit], qubit)
        circuit.rz(weights[qubit], qubit)
    for qubit in range(n - 1):
        circuit.cx(qubit, qubit + 1)
    labels = tuple("".join("Z" if q == k else "I" for q in reversed(range(n))) for k in range(n))

    def values(t):
        return np.cumprod(np.cos(t[n:])).tolist()

    def jacobian(t):
        cos, sin = np.cos(t[n:]), np.sin(t[n:])
        by_input = [
            [-sin[q] * np.prod(np.delete(cos[: k + 1], q)) if q <= k else 0 for q in range(n)] for k in range(n)
        ]
        return np.hstack([np.zeros((n, n)), by_input]).tolist()

    return System("inert_weights", circuit, labels, values, jacobian)


SYSTEMS = [
    bloch_vector(),
    product_state(),
    ghz(),
    ising_pair(),
    ising_ring(),
    controlled_ry(),
    controlled_rz(),
    inert_weights(),
]
