"""Groups a circuit's operations into blocks. A block works on a few rows at a time, in the first-level cache."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from qiskit_qgen.simulator.addresses.cosets import Cosets, SignSlots, Span
from qiskit_qgen.simulator.programs.operations import Operation
from qiskit_qgen.simulator.programs.scheduling import select

MAX_BLOCK_QUBITS = 6  # a bit set over the rows of a buffer must fit into 64 bits
_MAX_OPERATIONS = 192  # in a block, which bounds its tables of phases


def block_size(num_qubits: int) -> int:
    """Return how many qubits a block should hold, so that all blocks of a layer over all qubits are about equal."""
    return -(-num_qubits // -(-num_qubits // MAX_BLOCK_QUBITS))


class Room:
    """Decides what a new block has room for.

    Args:
        size: How many dimensions the flips may span.
        limit: How many items there may be.
    """

    def __init__(self, size: int, limit: float = math.inf) -> None:
        self._size = size
        self._left = limit
        self._span = Span()
        self._signs: set[int] = set()

    def take(self, flip: int, signs: Iterable[int]) -> bool:
        """Take in an item that has this flip and reads these signs, or return False."""
        signs = self._signs.union(signs)
        full = len(self._span.basis) == self._size and self._span.reduce(flip) != 0
        if full or not self._left or len(signs) > SignSlots.LIMIT:
            return False
        self._left -= 1
        self._span.add(flip)
        self._signs = signs
        return True


def schedule(operations: Sequence[Operation], num_qubits: int) -> list[tuple[list[int], Cosets]]:
    """Split the operations, by number, into blocks whose flips span at most :func:`block_size` dimensions."""
    blocks = []
    waiting = list(range(len(operations)))
    size = block_size(num_qubits)
    while waiting:
        room, local_room = Room(size, _MAX_OPERATIONS), Room(size, _MAX_OPERATIONS)

        def fits(operation: Operation, room: Room = room) -> bool:
            return room.take(operation.flip, operation.signs)

        block, rest = select(operations, waiting, fits)
        cosets = _cosets_of([operations[number] for number in block], size, num_qubits)

        def is_local(operation: Operation, cosets: Cosets = cosets, room: Room = local_room) -> bool:
            inside = cosets.contains(operation.flip) if operation.flip else is_static(operation, cosets)
            return inside and room.take(operation.flip, operation.signs)

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


def merged_diagonals(block: list[int], operations: Sequence[Operation], cosets: Cosets) -> list[list[int]]:
    """Order a block into steps of one operation, or of several static phases that are applied as one diagonal."""

    def is_mergeable(operation: Operation) -> bool:
        return not operation.flip and is_static(operation, cosets)

    steps: list[list[int]] = []
    waiting = block
    while waiting:
        single, waiting = select(operations, waiting, lambda operation: not is_mergeable(operation))
        steps += [[number] for number in single]
        merged, waiting = select(operations, waiting, is_mergeable)
        if merged:
            steps.append(merged)
    return steps


def _cosets_of(members: Sequence[Operation], size: int, num_qubits: int) -> Cosets:
    """Return the cosets that a block works on; signs of its rotations are made static before those of its phases."""
    signs = [operation.sign for operation in sorted(members, key=lambda operation: not operation.flip)]
    signs += [control.sign for operation in members for control in operation.controls]
    return Cosets.build([operation.flip for operation in members], signs, size=size, num_qubits=num_qubits)
