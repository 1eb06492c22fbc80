"""What the simulators are measured on: circuits of several kinds, each as one list of gates that all of them build.

A workload is a batch of expectation values and their vector-Jacobian product. Its angles are (B, num_angles), in the
order of ``QuantumCircuit.parameters``; values and cotangent are (B, num_observables).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.circuits import pauli_observables, style_ansatz

GATES = ("rx", "ry", "rz", "cx", "cry")


class UnsupportedError(Exception):
    """A peer cannot run a workload."""


class Gate(NamedTuple):
    """A gate: the control comes first; ``angle`` is the number of its angle, None for CX."""

    name: str
    qubits: tuple[int, ...]
    angle: int | None


class Term(NamedTuple):
    """A Pauli string, as pairs such as ("X", 3), and its factor."""

    factor: float
    paulis: tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class Workload:
    circuit: QuantumCircuit
    operators: list[SparsePauliOp]
    dtype: type = np.float32

    @property
    def num_qubits(self):
        return self.circuit.num_qubits

    @property
    def num_angles(self):
        return self.circuit.num_parameters

    @cached_property
    def gates(self) -> list[Gate]:
        """The circuit's gates in order."""
        number = {parameter: i for i, parameter in enumerate(self.circuit.parameters)}
        gates = []
        for entry in self.circuit.data:
            if entry.name not in GATES:
                raise ValueError(f"The peers do not know the gate {entry.name}.")
            qubits = tuple(self.circuit.find_bit(qubit).index for qubit in entry.qubits)
            gates.append(Gate(entry.name, qubits, number[entry.params[0]] if entry.params else None))
        return gates

    @cached_property
    def observables(self) -> list[list[Term]]:
        """The terms of each observable."""
        return [
            [
                Term(float(factor.real), tuple(zip(word, qubits, strict=True)))
                for word, qubits, factor in op.to_sparse_list()
            ]
            for op in self.operators
        ]

    @property
    def is_single(self) -> bool:
        """Whether each observable is one Pauli string with the factor 1."""
        return all(len(terms) == 1 and terms[0].factor == 1 for terms in self.observables)

    def arrays(self, batch):
        """Return random angles and a random cotangent."""
        rng = np.random.default_rng(0)
        angles = rng.normal(size=(batch, self.num_angles)).astype(self.dtype)
        return angles, rng.normal(size=(batch, len(self.operators))).astype(self.dtype)


def _style(n, L, **options):
    return Workload(style_ansatz(n, L, **options).circuit, pauli_observables(n))


def _random_observables(n, L):
    """Ten sums of four random Pauli strings each."""
    rng = np.random.default_rng(1)
    operators = [
        SparsePauliOp(["".join(rng.choice(list("IXYZ"), n)) for _ in range(4)], rng.normal(size=4)) for _ in range(10)
    ]
    return Workload(style_ansatz(n, L).circuit, operators)


def _float64(n, L):
    return Workload(style_ansatz(n, L).circuit, pauli_observables(n), np.float64)


def _su2(n, L):
    return Workload(efficient_su2(n, reps=L, entanglement="reverse_linear"), pauli_observables(n))


# n qubits, L layers, then one of rotations alone; X and Z of each qubit unless said otherwise.
VARIANTS = {
    "reference": ("RY, RZ on each qubit, ring of CX", _style),
    "cry": ("RY, RZ on each qubit, ring of CRY", lambda n, L: _style(n, L, entangler="cry")),
    "triples": ("RX, RY, RZ on each qubit, ring of CX", lambda n, L: _style(n, L, rotations=("rx", "ry", "rz"))),
    "su2": ("Qiskit's `efficient_su2`: RY, RZ, reverse-linear CX", _su2),
    "full": ("RY, RZ on each qubit, CX of all pairs", lambda n, L: _style(n, L, entanglement="full")),
    "observables": ("reference, ten sums of four random Pauli strings", _random_observables),
    "float64": ("reference, all in float64", _float64),
}
