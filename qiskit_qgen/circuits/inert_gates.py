"""Finds gates that have no effect for any angle, and why, from the structure of a circuit alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qiskit.circuit import CircuitInstruction, ControlledGate, Operation, Parameter, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

_DIAGONAL = frozenset({"rz", "p", "u1", "z", "s", "sdg", "t", "tdg", "rzz", "id", "diagonal"})
_PERMUTATIONS = frozenset({"x", "swap", "id"})
_AXES = {"x": "X", "rx": "X", "sx": "X", "sxdg": "X", "y": "Y", "ry": "Y", "rxx": "XX", "ryy": "YY", "rzx": "ZX"}
"""The one Pauli letter on each qubit that a gate consists of besides the identity; see :func:`_letters`."""
_PAULI_GATES = frozenset({"x", "y", "z", "id"})
_IGNORED = frozenset({"barrier", "measure", "delay", "global_phase"})
_LIBRARY = "qiskit.circuit.library."

IDLE, GENERAL = "", "?"
"""The form of the observables on a qubit: absent, or anything; "X", "Y", "Z": that operator or the identity."""


def inert_reasons(circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> dict[Parameter, str]:
    """Return why parameters of a circuit cannot change its outputs, as far as the structure shows.

    A parameter is named if each of its gates is (1) outside the light cone of all observables; (2) a gate that commutes
    with the observables, propagated backward through the gates that follow it; or (3) a diagonal gate on qubits in a
    basis state. On each qubit, the propagated observables are the identity, one Pauli letter or the identity, or
    anything. Diagonal gates and permutations of basis states keep diagonal observables diagonal. A gate that consists
    of the same letter on a qubit, such as Z on a control, keeps that qubit's letter, whatever it does to other qubits.
    Other reasons exist that only a numerical check finds.

    Args:
        circuit: The circuit; measurements are ignored.
        observables: The observables that are read out; for measurements, Z of each measured qubit.

    Returns:
        A sentence for each such parameter.
    """
    instructions = [each for each in circuit.data if each.operation.name not in _IGNORED]
    found: dict[Parameter, list[str | None]] = {parameter: [] for parameter in circuit.parameters}
    early = _on_basis_states(circuit, instructions)
    late = list(_before_observables(circuit, instructions, observables))[::-1]
    for instruction, first, second in zip(instructions, early, late, strict=True):
        for value in instruction.operation.params:
            for parameter in getattr(value, "parameters", ()):
                found[parameter].append(second or first)
    phase = getattr(circuit.global_phase, "parameters", ())
    for parameter in phase:
        found[parameter].append("a global phase")
    return {name: reasons[0] for name, reasons in found.items() if reasons and all(reasons) and reasons[0]}


def _name(operation: Operation) -> str:
    """The name of a gate of Qiskit's library; empty for other gates, whose names may be anything."""
    kind = getattr(operation, "base_class", type(operation))
    return operation.name if kind.__module__.startswith(_LIBRARY) else ""


def _only_controls(operation: Operation) -> bool:
    """Whether a gate is a controlled version of another gate, without ancillas."""
    if not isinstance(operation, ControlledGate):
        return False
    return bool(operation.num_qubits == operation.num_ctrl_qubits + operation.base_gate.num_qubits)


def _letters(operation: Operation) -> str:
    """The Pauli letter on each qubit that a gate commutes with, whatever else it acts on; "?" for none.

    The gate is a sum of products that have, on each such qubit, its letter or the identity; on controls, for example,
    Z.
    """
    if _only_controls(operation):
        return "Z" * int(operation.num_ctrl_qubits) + _letters(operation.base_gate)
    name, num_qubits = _name(operation), int(operation.num_qubits)
    return "Z" * num_qubits if name in _DIAGONAL else _AXES.get(name, GENERAL * num_qubits)


def _permutes(operation: Operation) -> bool:
    """Whether a gate permutes the basis states."""
    if _only_controls(operation):
        return _permutes(operation.base_gate)
    return _name(operation) in _PERMUTATIONS


def _qubits(circuit: QuantumCircuit, instruction: CircuitInstruction) -> list[int]:
    return [circuit.find_bit(qubit).index for qubit in instruction.qubits]


def _on_basis_states(circuit: QuantumCircuit, instructions: Sequence[CircuitInstruction]) -> Iterator[str | None]:
    """For each gate, why it has no effect on its incoming states."""
    basis = [True] * circuit.num_qubits
    for instruction in instructions:
        qubits, gate = _qubits(circuit, instruction), instruction.operation
        letters = _letters(gate)
        certain = all(basis[qubit] for qubit in qubits)
        diagonal = set(letters) == {"Z"}
        yield f"a diagonal gate ({gate.name}) on qubits in a basis state" if certain and diagonal else None
        if not (certain and _permutes(gate)):
            for qubit, letter in zip(qubits, letters, strict=True):
                basis[qubit] &= letter == "Z"


def _before_observables(
    circuit: QuantumCircuit, instructions: Sequence[CircuitInstruction], observables: Sequence[SparsePauliOp]
) -> Iterator[str | None]:
    """For each gate, from the last to the first, why the observables do not see it."""
    seen = _supports(circuit.num_qubits, observables)
    plain = set(seen) <= {IDLE, "Z"}  # whether everything after it is diagonal or a permutation
    for instruction in reversed(instructions):
        qubits, gate = _qubits(circuit, instruction), instruction.operation
        before, letters = [seen[qubit] for qubit in qubits], _letters(gate)
        if set(before) == {IDLE}:
            yield f"its gate ({gate.name}) is outside the light cone of every observable"
            continue
        if all(own in (IDLE, letter) and own != GENERAL for own, letter in zip(before, letters, strict=True)):
            yield _commuting(gate.name, letters, plain)
        else:
            yield None
            for qubit, own in zip(qubits, _seen_through(gate, letters, before), strict=True):
                seen[qubit] = own
        plain &= set(letters) == {"Z"} or _permutes(gate)


def _commuting(name: str, letters: str, plain: bool) -> str:
    """Why a gate has no effect because it commutes with the observables propagated to its output."""
    if set(letters) == {"Z"} and plain:
        return f"a diagonal gate ({name}) before diagonal gates, permutations and diagonal observables only"
    if set(letters) == {"Z"}:
        return f"a diagonal gate ({name}) before gates and observables that are, for its qubits, diagonal observables"
    if len(letters) == 1:
        return f"a rotation ({name}) about the axis of the observables that follow"
    return f"its gate ({name}) commutes with the observables as they are seen through the gates that follow"


def _seen_through(gate: Operation, letters: str, before: Sequence[str]) -> Sequence[str]:
    """The observables on a gate's qubits, propagated to its input."""
    name = _name(gate)
    if name in _PAULI_GATES:
        return before
    if name == "h":
        return [{"X": "Z", "Z": "X"}.get(before[0], before[0])]
    if name == "swap":
        return before[::-1]
    if _permutes(gate) and set(before) <= {IDLE, "Z"}:
        return "Z" * len(before)
    return [letter if own in (IDLE, letter) else GENERAL for own, letter in zip(before, letters, strict=True)]


def _supports(num_qubits: int, observables: Sequence[SparsePauliOp]) -> list[str]:
    """The observables on each qubit at the end of the circuit."""
    letters: list[set[str]] = [set() for _ in range(num_qubits)]
    for observable in observables:
        for word in observable.paulis.to_labels():
            for qubit, letter in enumerate(reversed(word.lstrip("-+i"))):
                letters[qubit] |= {letter} - {"I"}
    return [IDLE if not each else each.pop() if len(each) == 1 else GENERAL for each in letters]
