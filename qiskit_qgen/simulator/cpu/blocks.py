"""Groups a circuit's operations into blocks. A block works on a few rows at a time, in the first-level cache."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from qiskit_qgen.simulator.addresses.cosets import Cosets, SignSlots, Span
from qiskit_qgen.simulator.programs.operations import Operation
from qiskit_qgen.simulator.programs.scheduling import select

MAX_BLOCK_QUBITS = 6  # a bit set over the rows of a buffer must fit into 64 bits
_MAX_OPERATIONS = 192  # in a block, which bounds its tables of phases


class Room:
    """Decides what a new block has room for.

    Args:
        size: How many dimensions the flips may span.
        limit: How many items there may be.
        combine: Whether a flip may be a combination of others.
    """

    def __init__(self, size: int, limit: float = math.inf, *, combine: bool = True) -> None:
        self._options = size, limit, combine
        self._size = size
        self._left = limit
        self._combine = combine
        self._span = Span()
        self._flips: set[int] = set()
        self._signs: set[int] = set()

    def emptied(self) -> Room:
        """Return such a room without anything in it."""
        size, limit, combine = self._options
        return Room(size, limit, combine=combine)

    def take(self, flip: int, signs: Iterable[int]) -> bool:
        """Take in an item that has this flip and reads these signs, or return False."""
        signs = self._signs.union(signs)
        if flip and flip not in self._flips:
            is_new = self._span.reduce(flip) != 0
            if len(self._span.basis) == self._size if is_new else not self._combine:
                return False
        if not self._left or len(signs) > SignSlots.LIMIT:
            return False
        self._left -= 1
        self._span.add(flip)
        self._flips.add(flip)
        self._signs = signs
        return True


def schedule(
    operations: Sequence[Operation], num_qubits: int, *, combine: bool = True
) -> list[tuple[list[int], Cosets]]:
    """Split the operations, by number, into blocks whose flips span at most :data:`MAX_BLOCK_QUBITS` dimensions.

    Args:
        operations: The circuit's operations.
        num_qubits: The state has ``2**num_qubits`` rows; higher bits of flips and signs are those of the lanes.
        combine: Whether a block takes rotations whose flips are combinations of its other flips: fewer blocks, which
            are not layers of rotations that can be done together.
    """
    blocks = []
    waiting = list(range(len(operations)))
    size, rows = min(MAX_BLOCK_QUBITS, num_qubits), (1 << num_qubits) - 1

    def taken(operation: Operation, room: Room) -> bool:
        return room.take(operation.flip & rows, filter(None, (sign & rows for sign in operation.signs)))

    while waiting:
        room = Room(size, _MAX_OPERATIONS, combine=combine)

        def fits(operation: Operation, room: Room = room) -> bool:
            return taken(operation, room)

        block, rest = select(operations, waiting, fits)
        cosets = _cosets_of([operations[number] for number in block], size, num_qubits)
        local_room = room.emptied()

        def is_local(operation: Operation, cosets: Cosets = cosets, room: Room = local_room) -> bool:
            inside = cosets.contains(operation.flip & rows) if operation.flip else is_static(operation, cosets)
            return inside and taken(operation, room)

        # A phase whose sign is not local costs as much as a rotation here, and next to nothing in a block where it is.
        local, others = select(operations, waiting, is_local)
        rotations, local_rotations = (
            sum(operations[number].flip != 0 for number in numbers) for numbers in (block, local)
        )
        if local and 2 * local_rotations >= rotations:
            block, rest = local, others
        blocks.append((block, cosets))
        waiting = rest
    return blocks


def is_static(operation: Operation, cosets: Cosets) -> bool:
    """Whether an operation's sign and controls are the same in every coset."""
    return all(map(cosets.is_static, operation.signs))


def active_rows(operation: Operation, cosets: Cosets) -> int:
    """Return the bit set of the rows of a coset on which an operation with static controls acts."""
    active = -1
    for sign, value in operation.controls:
        active &= cosets.local_bits(sign) ^ (value - 1)
    return active


def _cosets_of(members: Sequence[Operation], size: int, num_qubits: int) -> Cosets:
    """Return the cosets that a block works on; signs of its rotations are made static before those of its phases."""
    signs = [operation.sign for operation in sorted(members, key=lambda operation: not operation.flip)]
    signs += [control.sign for operation in members for control in operation.controls]
    rows = (1 << num_qubits) - 1
    flips = [operation.flip & rows for operation in members]
    return Cosets.build(flips, [sign & rows for sign in signs], size=size, num_qubits=num_qubits)
