"""Which gates cannot matter, whatever their angle, and why: seen from the structure of a circuit alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qiskit.circuit import CircuitInstruction, Parameter, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

_DIAGONAL = frozenset(
    {
        "rz",
        "p",
        "u1",
        "z",
        "s",
        "sdg",
        "t",
        "tdg",
        "cz",
        "cp",
        "cu1",
        "crz",
        "rzz",
        "cs",
        "csdg",
        "ccz",
        "id",
        "diagonal",
    }
)
_PERMUTATIONS = frozenset({"x", "cx", "swap", "ccx", "cswap", "mcx", "id"})
_AXES = {"rx": "X", "ry": "Y", "rz": "Z", "p": "Z", "u1": "Z"}
_PAULI_GATES = frozenset({"x", "y", "z", "id"})
_IGNORED = frozenset({"barrier", "measure", "delay", "global_phase"})

IDLE, GENERAL = "", "?"
"""What the observables look like on a qubit: not there, or anything; "X", "Y", "Z": that operator or the identity."""


def inert_reasons(circuit: QuantumCircuit, observables: Sequence[SparsePauliOp] | None) -> dict[Parameter, str]:
    """Return why parameters of a circuit cannot change what is read out, as far as the structure tells.

    A parameter is named if each of its gates is (1) outside the light cone of all observables; or (2) a rotation that
    commutes with all that follows and with the observables: a diagonal gate before diagonal gates, permutations of
    basis states and diagonal observables, or a rotation about the observables' own axis; or (3) a diagonal gate on
    qubits that are in a basis state. There are other reasons, which only numbers show.

    Args:
        circuit: The circuit.
        observables: What is read out; None for measurements in the computational basis.

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


def _qubits(circuit: QuantumCircuit, instruction: CircuitInstruction) -> list[int]:
    return [circuit.find_bit(qubit).index for qubit in instruction.qubits]


def _on_basis_states(circuit: QuantumCircuit, instructions: Sequence[CircuitInstruction]) -> Iterator[str | None]:
    """For each gate, why it does nothing to the states that come to it."""
    basis = [True] * circuit.num_qubits
    for instruction in instructions:
        qubits, name = _qubits(circuit, instruction), instruction.operation.name
        certain = all(basis[qubit] for qubit in qubits)
        diagonal = name in _DIAGONAL
        yield f"a diagonal gate ({name}) on qubits in a basis state" if certain and diagonal else None
        if not diagonal and not (certain and name in _PERMUTATIONS):
            for qubit in qubits:
                basis[qubit] = False


def _before_observables(
    circuit: QuantumCircuit, instructions: Sequence[CircuitInstruction], observables: Sequence[SparsePauliOp] | None
) -> Iterator[str | None]:
    """For each gate, from the last to the first, why the observables do not see it."""
    seen = _supports(circuit.num_qubits, observables)
    for instruction in reversed(instructions):
        qubits, name = _qubits(circuit, instruction), instruction.operation.name
        before = {seen[qubit] for qubit in qubits}
        if before == {IDLE}:
            yield f"its gate ({name}) is outside the light cone of every observable"
            continue
        if name in _DIAGONAL and before <= {IDLE, "Z"}:
            yield f"a diagonal gate ({name}) before diagonal gates, permutations and diagonal observables only"
            continue
        if name in _AXES and before == {_AXES[name]}:
            yield f"a rotation ({name}) about the axis of the observables that follow"
            continue
        yield None
        if name in _PAULI_GATES:
            continue
        for qubit in qubits:
            seen[qubit] = _seen_through(name, before, seen[qubit])


def _seen_through(name: str, before: set[str], own: str) -> str:
    """What the observables look like on a qubit in front of a gate."""
    if name == "h":
        return {"X": "Z", "Z": "X"}.get(own, own)
    if name in _PERMUTATIONS and before <= {IDLE, "Z"}:
        return "Z"
    return GENERAL


def _supports(num_qubits: int, observables: Sequence[SparsePauliOp] | None) -> list[str]:
    """What the observables look like on each qubit in the end."""
    if observables is None:
        return ["Z"] * num_qubits
    letters: list[set[str]] = [set() for _ in range(num_qubits)]
    for observable in observables:
        for word in observable.paulis.to_labels():
            for qubit, letter in enumerate(reversed(word.lstrip("-+i"))):
                letters[qubit] |= {letter} - {"I"}
    return [IDLE if not each else each.pop() if len(each) == 1 else GENERAL for each in letters]
