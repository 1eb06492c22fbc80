"""Groups a circuit's operations into blocks, and writes them as tables for the kernels.

A block works on a few rows at a time, in the first-level cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from qiskit_qgen._typing import FloatArray, IntArray
from qiskit_qgen.simulator.addresses.cosets import Cosets, SignSlots, Span
from qiskit_qgen.simulator.programs.operations import Operation, PauliTerm
from qiskit_qgen.simulator.programs.scheduling import select

MAX_BLOCK_QUBITS = 6  # a bit set over the rows of a buffer must fit into 64 bits
_MAX_OPERATIONS = 192  # in a block, which bounds its tables of phases

ROTATION, DIAGONAL, PHASE = 0, 1, 2  # kinds of operation


class BlockTables(NamedTuple):
    """A circuit for the kernels; all arrays are int64.

    The rows of ``blocks`` are (k, first operation, last, first offset, first base, last base); of ``operations``
    (kind, local flip, local sign bits, slot of the sign in ``signs``, rotation, first control or entry, last, number
    of the diagonal in its block); of ``controls`` (local sign bits, slot, value); of ``entries``, the phases merged
    into a diagonal, (local sign bits, rotation).
    """

    blocks: IntArray
    operations: IntArray
    controls: IntArray
    entries: IntArray
    offsets: IntArray
    bases: IntArray
    signs: IntArray
    most_qubits: int
    most_diagonals: int


class ReadoutTables(NamedTuple):
    """Observables for the kernels.

    The rows of ``blocks`` are (k, first term, last, first offset, first base, last base, first diagonal term, last);
    of ``terms`` (local flip, local sign bits, slot of the sign in ``signs``, 1 if the number of Y is odd,
    observable).
    """

    blocks: IntArray
    terms: IntArray
    coefficients: FloatArray
    offsets: IntArray
    bases: IntArray
    signs: IntArray
    most_qubits: int


def block_size(num_qubits: int) -> int:
    """Return how many qubits a block should hold, so that all blocks of a layer over all qubits are about equal."""
    return -(-num_qubits // -(-num_qubits // MAX_BLOCK_QUBITS))


class _Room:
    """Decides which operations a new block has room for: any whose flips fit into ``size`` dimensions."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._span = Span()
        self._signs: set[int] = set()
        self._left = _MAX_OPERATIONS

    def take(self, operation: Operation) -> bool:
        """Take the operation in, or return False."""
        signs = self._signs | {operation.sign, *(control.sign for control in operation.controls)}
        full = len(self._span.basis) == self._size and self._span.reduce(operation.flip) != 0
        if full or not self._left or len(signs) > SignSlots.LIMIT:
            return False
        self._left -= 1
        self._span.add(operation.flip)
        self._signs = signs
        return True


def _cosets_of(members: Sequence[Operation], size: int, num_qubits: int) -> Cosets:
    """Return the cosets that a block works on; signs of its rotations are made static before those of its phases."""
    flips = [operation.flip for operation in members if operation.flip]
    signs = [operation.sign for operation in sorted(members, key=lambda operation: not operation.flip)]
    signs += [control.sign for operation in members for control in operation.controls]
    return Cosets.build(flips, signs, size=size, num_qubits=num_qubits)


def schedule(operations: Sequence[Operation], num_qubits: int) -> list[tuple[list[int], Cosets]]:
    """Split the operations, by number, into blocks whose flips span at most :func:`block_size` dimensions."""
    blocks = []
    waiting = list(range(len(operations)))
    size = block_size(num_qubits)
    while waiting:
        block, rest = select(operations, waiting, _Room(size).take)
        cosets = _cosets_of([operations[number] for number in block], size, num_qubits)

        room = _Room(size)

        def is_local(operation: Operation, cosets: Cosets = cosets, room: _Room = room) -> bool:
            inside = cosets.contains(operation.flip) if operation.flip else _is_static(operation, cosets)
            return inside and room.take(operation)

        # A phase whose sign is not local costs as much as a rotation here, and next to nothing in a block where it is.
        local, others = select(operations, waiting, is_local)
        if (
            sum(operations[number].flip != 0 for number in local) * 2 >= sum(operations[n].flip != 0 for n in block)
            and local
        ):
            block, rest = local, others
        blocks.append((block, cosets))
        waiting = rest
    return blocks


class _Writer:
    """Collects the rows of the tables block by block."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, ...]] = []
        self.offsets: list[IntArray] = []
        self.bases: list[IntArray] = []
        self.signs: list[IntArray] = []
        self._num_offsets = self._num_bases = 0

    @property
    def most_qubits(self) -> int:
        return max((block[0] for block in self.blocks), default=0)

    def add_block(self, cosets: Cosets, slots: SignSlots, first: int, last: int, *more: int) -> None:
        start, base = self._num_offsets, self._num_bases
        self.offsets.append(cosets.offsets)
        self.bases.append(cosets.bases)
        self.signs.append(slots.packed)
        self._num_offsets += len(cosets.offsets)
        self._num_bases += len(cosets.bases)
        self.blocks.append((len(cosets.basis), first, last, start, base, self._num_bases, *more))


def _table(rows: Sequence[tuple[int, ...]], width: int) -> IntArray:
    return np.array(rows, np.int64).reshape(len(rows), width)


def _concatenated(parts: Sequence[IntArray]) -> IntArray:
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _is_static(operation: Operation, cosets: Cosets) -> bool:
    """Whether an operation's sign and controls are the same in every coset."""
    return all(cosets.is_static(sign) for sign in (operation.sign, *(control.sign for control in operation.controls)))


def _active_rows(operation: Operation, cosets: Cosets) -> int:
    """Return the bit set of the rows of a coset on which an operation with static controls acts."""
    active = -1
    for sign, value in operation.controls:
        active &= cosets.local_bits(sign) ^ (value - 1)
    return active


def _merge_diagonals(block: list[int], operations: Sequence[Operation], cosets: Cosets) -> list[list[int]]:
    """Order a block into steps of one operation, or of several local phases that are applied as one diagonal."""

    def is_mergeable(operation: Operation) -> bool:
        return not operation.flip and _is_static(operation, cosets)

    steps: list[list[int]] = []
    waiting = block
    while waiting:
        single, waiting = select(operations, waiting, lambda operation: not is_mergeable(operation))
        steps += [[number] for number in single]
        merged, waiting = select(operations, waiting, is_mergeable)
        if merged:
            steps.append(merged)
    return steps


def build_blocks(operations: Sequence[Operation], num_qubits: int, first_rotation: int = 0) -> BlockTables:
    """Return the tables of the circuit; rotation ``first_rotation + r`` of the tables is ``operations[r]``."""
    writer = _Writer()
    op_rows: list[tuple[int, ...]] = []
    control_rows: list[tuple[int, ...]] = []
    entry_rows: list[tuple[int, ...]] = []
    most_diagonals = 0
    for block, cosets in schedule(operations, num_qubits):
        slots = SignSlots(cosets)
        first, diagonals = len(op_rows), 0
        for step in _merge_diagonals(block, operations, cosets):
            operation = operations[step[0]]
            bits, slot = cosets.local_bits(operation.sign), slots.slot(operation.sign)
            if not operation.flip and _is_static(operation, cosets):
                start = len(entry_rows)
                for number in step:
                    active = _active_rows(operations[number], cosets)
                    bits = cosets.local_bits(operations[number].sign)
                    entry_rows.append((bits, first_rotation + number, active))
                op_rows.append((DIAGONAL, 0, 0, slot, -1, start, len(entry_rows), diagonals))
                diagonals += 1
            else:
                start = len(control_rows)
                control_rows += [
                    (cosets.local_bits(sign), slots.slot(sign), value) for sign, value in operation.controls
                ]
                kind, flip = (ROTATION, cosets.local_flip(operation.flip)) if operation.flip else (PHASE, 0)
                rotation = first_rotation + step[0]
                op_rows.append((kind, flip, bits, slot, rotation, start, len(control_rows), 0))
        writer.add_block(cosets, slots, first, len(op_rows))
        most_diagonals = max(most_diagonals, diagonals)
    return BlockTables(
        blocks=_table(writer.blocks, 6),
        operations=_table(op_rows, 8),
        controls=_table(control_rows, 3),
        entries=_table(entry_rows, 3),
        offsets=_concatenated(writer.offsets),
        bases=_concatenated(writer.bases),
        signs=_concatenated(writer.signs),
        most_qubits=writer.most_qubits,
        most_diagonals=most_diagonals,
    )


def build_readout(terms: Sequence[PauliTerm], num_qubits: int) -> ReadoutTables:
    """Return the tables that measure the Pauli terms.

    Terms of one flip share a block, and diagonal terms go where their sign is static.
    """
    writer = _Writer()
    rows: list[tuple[int, ...]] = []
    coefficients: list[float] = []
    size = block_size(num_qubits)
    diagonal = [term for term in terms if not term.flip]
    flipping = [term for term in terms if term.flip]
    while flipping or diagonal:
        span = Span()
        members: list[PauliTerm] = []
        rest: list[PauliTerm] = []
        signs: set[int] = set()
        for term in flipping:
            fits = (len(span.basis) < size or not span.reduce(term.flip)) and len(
                signs | {term.sign}
            ) <= SignSlots.LIMIT
            if fits:
                span.add(term.flip)
                signs.add(term.sign)
            (members if fits else rest).append(term)
        reads = [term.sign for term in diagonal] + [term.sign for term in members]
        cosets = Cosets.build(list(span.basis), reads, size=size, num_qubits=num_qubits)
        slots = SignSlots(cosets)
        static = [term for term in diagonal if cosets.is_static(term.sign)]
        start = len(rows)
        for term in [*members, *static]:
            flip = cosets.local_flip(term.flip)
            rows.append((flip, cosets.local_bits(term.sign), slots.slot(term.sign), term.odd, term.output))
            coefficients.append(term.coefficient)
        writer.add_block(cosets, slots, start, start + len(members), start + len(members), len(rows))
        flipping, diagonal = rest, [term for term in diagonal if not cosets.is_static(term.sign)]
    return ReadoutTables(
        blocks=_table(writer.blocks, 8),
        terms=_table(rows, 5),
        coefficients=np.array(coefficients, np.float64),
        offsets=_concatenated(writer.offsets),
        bases=_concatenated(writer.bases),
        signs=_concatenated(writer.signs),
        most_qubits=writer.most_qubits,
    )
