"""How the gates are built that are more than a name and angles: matrices, permutations, Pauli words, evolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from qiskit.circuit import library as gates
from qiskit.exceptions import QiskitError

from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.simulator.programs.builder import Builder
from qiskit_qgen.simulator.programs.evolutions import build_hamiltonian, build_pauli_evolution
from qiskit_qgen.simulator.programs.gates import GATES
from qiskit_qgen.simulator.programs.matrices import build_diagonal, build_unitary, check_size


def undefined(name: str) -> UnsupportedCircuitError:
    """Return the error for a gate that nothing defines."""
    return UnsupportedCircuitError(
        f"The built-in simulator cannot run `{name}`, which has no definition by other gates: "
        "give it one, or run the circuit on Aer instead."
    )


def build_matrix_gate(b: Builder, gate: Any, qubits: Sequence[int]) -> None:
    """Any gate that has a matrix."""
    try:
        matrix = np.asarray(gate.to_matrix(), complex)
    except (AttributeError, QiskitError):
        raise undefined(gate.name) from None
    check_size(gate.name, len(qubits), "define it by smaller gates")
    build_unitary(b, matrix, qubits)


def _diagonal(b: Builder, gate: Any, qubits: Sequence[int]) -> None:
    build_diagonal(b, np.angle(np.asarray(gate.params, complex)), qubits)


def _permutation(b: Builder, gate: Any, qubits: Sequence[int]) -> None:
    """Qubit i takes the state of qubit ``pattern[i]``."""
    held = list(range(len(qubits)))  # whose state each qubit holds
    for position, wanted in enumerate(gate.pattern):
        other = held.index(wanted)
        if other != position:
            b.swap(qubits[position], qubits[other])
            held[position], held[other] = held[other], held[position]


def _pauli(b: Builder, gate: Any, qubits: Sequence[int]) -> None:
    kinds = {"X": gates.XGate, "Y": gates.YGate, "Z": gates.ZGate}
    for letter, qubit in zip(reversed(gate.params[0]), qubits, strict=True):
        if letter in kinds:
            GATES[kinds[letter]](b, qubit)


def _pauli_rotation(b: Builder, gate: Any, qubits: Sequence[int]) -> None:
    b.rotation(b.angle(gate.params[0]), gate.pauli().to_label()[::-1], *qubits)


OBJECTS: dict[type, Callable[[Builder, Any, list[int]], None]] = {
    gates.DiagonalGate: _diagonal,
    gates.HamiltonianGate: build_hamiltonian,
    gates.PauliEvolutionGate: build_pauli_evolution,
    gates.PauliGate: _pauli,
    gates.PauliProductRotationGate: _pauli_rotation,
    gates.PermutationGate: _permutation,
    gates.UnitaryGate: build_matrix_gate,
}
"""The builder, the gate and its qubits are the arguments. Controlled gates are not here."""
