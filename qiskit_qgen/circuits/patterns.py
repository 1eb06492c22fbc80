"""Gates and entangling patterns that the ansätze share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, cycle, islice, pairwise
from numbers import Integral
from typing import cast

from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit

from qiskit_qgen._checks import check_choice, check_int, check_type
from qiskit_qgen.exceptions import ArgumentError

Pairs = Sequence[tuple[int, int]]

ROTATIONS = ("rx", "ry", "rz", "p")
ENTANGLERS = ("cx", "cz", "crx", "cry", "crz", "cp", "rxx", "ryy", "rzz", "swap")
PARAMETRIC_ENTANGLERS = ("crx", "cry", "crz", "cp", "rxx", "ryy", "rzz")
PATTERNS = ("ring", "brick", "linear", "full", "none")
_MOST_GATES = 20_000


def add_layers(
    circuit: QuantumCircuit,
    angle: str,
    rotations: Sequence[str],
    entangler: str | Sequence[str],
    layers: Sequence[Pairs],
    final_rotations: Sequence[str],
    *,
    before: Callable[[int], None] | None = None,
) -> tuple[Parameter, ...]:
    """Append layers of rotations on each qubit and entanglers on each pair, then the final rotations.

    Args:
        circuit: The circuit to extend.
        angle: The name of the angles.
        rotations: One-qubit gates of a layer, one after another on each qubit.
        entangler: One two-qubit gate for each pair, or several.
        layers: The pairs of each layer.
        final_rotations: One-qubit gates after the last layer.
        before: Called with a layer's number before its gates are appended.

    Returns:
        The angles in the order of the gates.

    Raises:
        ArgumentError: If a gate is unknown, or no gate has an angle.
    """
    gates = checked_gates("rotations", rotations, ROTATIONS)
    final = checked_gates("final_rotations", final_rotations, ROTATIONS)
    entanglers = checked_gates("entangler", [entangler] if isinstance(entangler, str) else entangler, ENTANGLERS)
    parametric = sum(gate in PARAMETRIC_ENTANGLERS for gate in entanglers)
    count = circuit.num_qubits * (len(gates) * len(layers) + len(final)) + parametric * sum(map(len, layers))
    if not count:
        raise ArgumentError(
            "Arguments `rotations` and `entangler` must give at least one angle, but no gate of them has one."
        )
    angles = tuple(ParameterVector(angle, count))
    unused = iter(angles)

    def rotate(names: Sequence[str]) -> None:
        for qubit in range(circuit.num_qubits):
            for gate in names:
                getattr(circuit, gate)(next(unused), qubit)

    for number, pairs in enumerate(layers):
        if before is not None:
            before(number)
        rotate(gates)
        for pair in pairs:
            for gate in entanglers:
                getattr(circuit, gate)(*([next(unused)] if gate in PARAMETRIC_ENTANGLERS else []), *pair)
    rotate(final)
    return angles


def angles_of_layers(
    num_qubits: int,
    rotations: Sequence[str],
    entangler: str | Sequence[str],
    layers: Sequence[Pairs],
    final_rotations: Sequence[str],
) -> list[range]:
    """Return the indices of the angles in each layer that :func:`add_layers` appends, the final rotations last."""
    entanglers = [entangler] if isinstance(entangler, str) else entangler
    parametric = sum(gate in PARAMETRIC_ENTANGLERS for gate in entanglers)
    sizes = [num_qubits * len(rotations) + parametric * len(pairs) for pairs in layers]
    ends = list(accumulate([*sizes, num_qubits * len(final_rotations)], initial=0))
    return [range(start, end) for start, end in pairwise(ends)]


def check_circuit_size(num_layers: int, gates_of_layer: int, others: int = 0) -> None:
    """Raise :class:`ArgumentError` unless layers of so many gates, and ``others``, make a circuit built in seconds."""
    if (number := num_layers * gates_of_layer + others) > _MOST_GATES:
        raise ArgumentError(
            f"Argument `num_layers` must give, with the qubits and gates of a layer, a circuit of at most "
            f"{_MOST_GATES:,} gates, but gives {number:,}."
        )


def checked_gates(name: str, gates: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return ``gates`` as a tuple of ``known`` names.

    Raises:
        ArgumentError: If a name is unknown, or ``gates`` is not a sequence of names.
    """
    if isinstance(gates, str) or not isinstance(gates, Sequence):
        raise ArgumentError(
            f"Argument `{name}` must be a sequence of gate names such as ('ry', 'rz'), but is {gates!r}."
        )
    return tuple(check_choice(name, gate, known) for gate in gates)


def repeated_layers(num_qubits: int, reps: int, entanglement: str | Pairs | Sequence[Pairs]) -> list[Pairs]:
    """Return the pairs of each of ``reps`` layers.

    Raises:
        ArgumentError: If a number is not positive, the pattern is unknown, or a pair names a wrong qubit.
    """
    check_int("num_qubits", num_qubits, minimum=1)
    check_int("reps", reps, minimum=1)
    layers = pairs_of_layers(entanglement, num_qubits)
    if entanglement == "brick" and reps == 2:  # each kind of bond once, or half of them would be missing
        layers = layers[1:3]
    return list(islice(cycle(layers), reps))


def pairs_of_layers(entanglement: str | Pairs | Sequence[Pairs], num_qubits: int) -> list[list[tuple[int, int]]]:
    """Return the pairs of each layer; the layers cycle through the lists.

    Raises:
        ArgumentError: If the pattern is unknown, or a pair names a wrong qubit.
    """
    if isinstance(entanglement, str):
        check_choice("entanglement", entanglement, PATTERNS)
        if entanglement == "brick":
            return _brick_layers(num_qubits)
        n = num_qubits
        patterns: dict[str, list[tuple[int, int]]] = {
            "ring": [(q, (q + 1) % n) for q in range(n)] if n > 1 else [],
            "linear": [(q, q + 1) for q in range(n - 1)],
            "full": [(q, r) for q in range(n) for r in range(q + 1, n)],
            "none": [],
        }
        return [patterns[entanglement]]
    check_type("entanglement", entanglement, Sequence, f"{', '.join(map(repr, PATTERNS))} or pairs of qubits")
    nested = entanglement and all(_is_layer(element) for element in entanglement)
    layers = cast("Sequence[Pairs]", entanglement if nested else [entanglement])
    return [[_checked_pair(pair, num_qubits) for pair in layer] for layer in layers]


def _brick_layers(num_qubits: int) -> list[list[tuple[int, int]]]:
    """Return the pairs of eight layers: even bonds twice, odd bonds twice, then the same with the pairs reversed."""
    even = [(qubit, qubit + 1) for qubit in range(0, num_qubits - 1, 2)]
    odd = [(qubit, qubit + 1) for qubit in range(1, num_qubits - 1, 2)]
    if num_qubits % 2 == 0 and num_qubits > 2:
        odd.append((num_qubits - 1, 0))
    turned = [[(target, control) for control, target in pairs] for pairs in (even, odd)]
    return [even, even, odd, odd, turned[0], turned[0], turned[1], turned[1]]


def _is_layer(element: object) -> bool:
    """Whether an element of ``entanglement`` is a list of pairs rather than a pair."""
    return isinstance(element, Sequence) and not any(isinstance(member, Integral) for member in element)


def _checked_pair(pair: Sequence[object], num_qubits: int) -> tuple[int, int]:
    qubits = [int(qubit) for qubit in pair if isinstance(qubit, Integral)] if isinstance(pair, Sequence) else []
    if len(qubits) != 2 or len(pair) != 2 or qubits[0] == qubits[1] or not set(qubits) <= set(range(num_qubits)):
        raise ArgumentError(
            f"Argument `entanglement` must hold pairs of two different qubits from 0 to {num_qubits - 1}, "
            f"but holds {pair!r}."
        )
    return qubits[0], qubits[1]
