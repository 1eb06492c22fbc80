"""Finds which qubits of a circuit can be entangled with each other."""

from __future__ import annotations

from qiskit.circuit import QuantumCircuit


def entangled_groups(circuit: QuantumCircuit) -> list[tuple[int, ...]]:
    """Return the groups of qubits that multi-qubit gates connect, directly or through other qubits.

    Qubits of different groups stay in a product state for all angles.

    Example:
        >>> from qiskit_qgen.circuits import style_ansatz
        >>> entangled_groups(style_ansatz(4, 1, entanglement="brick").circuit)
        [(0, 1), (2, 3)]
    """
    groups = [{qubit} for qubit in range(circuit.num_qubits)]
    for instruction in circuit.data:
        places = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        if instruction.operation.name == "swap":  # exchanges two qubits, and entangles nothing
            first, second = places
            groups[first], groups[second] = groups[second], groups[first]
        elif len(places) > 1 and instruction.operation.name != "barrier":
            joined = set().union(*(groups[place] for place in places))
            groups = [joined if each & joined else each for each in groups]
    return sorted({tuple(sorted(each)) for each in groups})
