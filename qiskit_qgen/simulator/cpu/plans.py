"""How a program runs on lanes: as it is, or with each state spread over several lanes.

A row of a chunk has W lanes. If there are fewer samples than lanes, each sample gets several: the highest bits of a
row's address then tell which. Operations mix rows, not lanes, so a flip must not touch the lanes' bits; where one
would, the amplitudes first move to the addresses of another basis. A sign may depend on the lane, and so may a
condition: the angle is then multiplied by -1 or 0 in some lanes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import pi

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.addresses.bases import Basis
from qiskit_qgen.simulator.addresses.cosets import Cosets, Span, combinations, parities
from qiskit_qgen.simulator.addresses.swizzle import swizzled
from qiskit_qgen.simulator.cpu import space
from qiskit_qgen.simulator.cpu.block_tables import BlockTables, build_blocks
from qiskit_qgen.simulator.cpu.readout_tables import FinishTables, ReadoutTables, build_finish, build_readout
from qiskit_qgen.simulator.cpu.start_tables import StartTables, build_start
from qiskit_qgen.simulator.programs.folding import Split, Word
from qiskit_qgen.simulator.programs.operations import Angle, Control, Operation, PauliTerm
from qiskit_qgen.simulator.programs.scheduling import select


@dataclass(frozen=True)
class Move:
    """Where each address of one basis lies in another: the XOR of the images of a base, of an offset and of a part.

    An address is a row's place, and above its bits the part of the lanes. The rows of a group, ``bases[g] XOR
    offsets[j]``, take all their amplitudes from as many rows.
    """

    bases: IntArray
    offsets: IntArray
    base_images: IntArray
    offset_images: IntArray
    part_images: IntArray

    @classmethod
    def to(cls, target: Basis, source: Basis, row_bits: int) -> Move:
        """Return where the addresses of ``target`` lie in ``source``."""
        images = _images(target, source, row_bits)
        by_row = combinations(images[:row_bits])[swizzled(np.arange(1 << row_bits), row_bits)]
        span = Span()  # of the rows where the parts of one source row go
        for image in _images(source, target, row_bits)[row_bits:]:
            span.add(int(image) & ((1 << row_bits) - 1))
        groups = Cosets.build(span.basis, [], size=len(span.basis), num_qubits=row_bits)
        part_images = combinations(images[row_bits:])
        return cls(groups.bases, groups.offsets, by_row[groups.bases], by_row[groups.offsets], part_images)


def _images(target: Basis, source: Basis, row_bits: int) -> IntArray:
    """Return where each bit of an address of ``target`` lies in ``source``, the rows of which are places in memory."""
    images = np.array([source.address(column) for column in target.columns], np.int64)
    mask = (1 << row_bits) - 1
    return swizzled(images & mask, row_bits) | (images & ~mask)


@dataclass(frozen=True)
class Segment:
    """Operations, then words to measure, in one basis; the moves lead there from the segment before, and back."""

    blocks: BlockTables
    readout: ReadoutTables
    enter: Move | None = None
    leave: Move | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """What the kernels do for a program and its observables."""

    parts: int
    """The number of lanes of a sample."""
    start: StartTables
    segments: tuple[Segment, ...]
    finish: FinishTables
    angles: tuple[Angle, ...]
    """The angles of the rotations that the tables name."""
    factors: IntArray
    """What each rotation's angle is multiplied by in each part, 1, -1 or 0: (rotations, parts)."""
    tangents: NDArray[np.bool_]
    """Which rotations have a tangent in place of the sine, (rotations,)."""
    word_signs: IntArray
    """1 or -1 for each word in each part: (words, parts)."""
    rows: IntArray
    """The program's row at each final address: (rows, parts)."""
    num_outputs: int

    @cached_property
    def work_bytes(self) -> int:
        """How much memory a kernel needs to work in."""
        return space.size(max(segment.blocks.most_diagonals for segment in self.segments))


def build_plan(
    operations: Sequence[Operation],
    split: Split,
    terms: Sequence[PauliTerm],
    num_outputs: int,
    width: int,
    parts: int,
    *,
    tangents: bool = True,
) -> Plan:
    """Return the plan in which each sample has ``parts`` lanes, a power of two below ``2**width``.

    Args:
        operations: The program's operations.
        split: What becomes of them.
        terms: The observables' words.
        num_outputs: The number of observables.
        width: The number of qubits.
        parts: Lanes of a sample.
        tangents: Whether rotations may be tangents.
    """
    planner = _Planner(width, parts, tangents=tangents)
    planner.enter(Basis([], width))
    waiting = list(split.middle)
    while waiting:
        # The first segment has the basis in which the state starts.
        span = Span() if len(planner.bases) > 1 or planner.is_busy else None

        def fits(operation: Operation, span: Span | None = span) -> bool:
            return planner.has_room(operation.flip, span)

        chosen, waiting = select(operations, waiting, fits)
        if span is not None:
            planner.enter(Basis(span.basis, width))
        planner.operate([operations[number] for number in chosen])
    left = planner.measure(list(enumerate(split.words)))
    while left:
        span = Span()
        for _, word in left:
            planner.has_room(word.flip, span)
        planner.enter(Basis(span.basis, width))
        left = planner.measure(left)
    start = planner.start([operations[number] for number in split.start])
    turning = {number: planner.add(operations[number].angle.scaled(2)) for number in split.folded}
    finish = build_finish(split.turns, turning, split.words, terms)
    return planner.plan(start, finish, len(split.words), num_outputs)


class _Planner:
    """Collects segments; all numbers of rotations are those of the whole plan."""

    def __init__(self, width: int, parts: int, *, tangents: bool) -> None:
        self.bases: list[Basis] = []
        self.is_busy = False
        """Whether the first segment has had its operations."""
        self._parts = np.arange(parts)
        self._lane_bits = parts.bit_length() - 1
        self._row_bits = width - self._lane_bits
        self._has_tangents = tangents
        self._blocks: list[BlockTables] = []
        self._readouts: list[ReadoutTables] = []
        self._angles: list[Angle] = []
        self._factors: list[IntArray] = []
        self._tangents: list[bool] = []
        self._word_signs: dict[int, IntArray] = {}

    def add(self, angle: Angle, factors: IntArray | None = None, *, tangent: bool = False) -> int:
        """Add a rotation, and return its number."""
        self._angles.append(angle)
        self._factors.append(np.ones_like(self._parts) if factors is None else factors)
        self._tangents.append(tangent)
        return len(self._angles) - 1

    def start(self, operations: Sequence[Operation]) -> StartTables:
        """Return the tables of operations on single bits, in the first segment's basis."""
        rotations = [self.add(operation.angle) for operation in operations]
        masks = [self.add(Angle(-1, 0.0, pi), self._parts >> bit & 1) for bit in range(self._lane_bits)]
        return build_start(operations, rotations, self._row_bits, self._lane_bits, masks[0] if masks else 0)

    def has_room(self, flip: int, span: Span | None) -> bool:
        """Whether a flip lies in the space of a segment's flips, or of rows; it is added if there is room."""
        if span is None:
            return flip >> self._row_bits == 0
        if len(span.basis) == self._row_bits:
            return not span.reduce(flip)
        span.add(flip)
        return True

    def enter(self, basis: Basis) -> None:
        """Begin a segment."""
        self.bases.append(basis)
        self._blocks.append(build_blocks([], self._row_bits)[0])
        self._readouts.append(build_readout([], self._row_bits))

    def operate(self, operations: Sequence[Operation]) -> None:
        """Give the segment its operations; all flips must fit."""
        self.is_busy = True
        variants = [variant for operation in operations for variant in self._variants(operation)]
        tables, order, num_tangents = build_blocks(
            [operation for operation, _ in variants], self._row_bits, len(self._angles), tangents=self._has_tangents
        )
        self._blocks[-1] = tables
        for place, number in enumerate(order):
            operation, factors = variants[number]
            self.add(operation.angle, factors, tangent=place < num_tangents)

    def measure(self, words: Sequence[tuple[int, Word]]) -> list[tuple[int, Word]]:
        """Give the segment those words that it can measure, and return the others."""
        local, left = [], []
        for number, word in words:
            flip = self.bases[-1].address(word.flip)
            if flip >> self._row_bits:
                left.append((number, word))
                continue
            sign, odd = self._separate(word.sign)
            local.append((Word(flip, sign), number))
            self._word_signs[number] = 1 - 2 * odd
        self._readouts[-1] = build_readout(local, self._row_bits)
        return left

    def plan(self, start: StartTables, finish: FinishTables, num_words: int, num_outputs: int) -> Plan:
        """Return the plan."""
        pairs = list(zip(self.bases, self.bases[1:], strict=False))
        enter = [None, *(Move.to(after, before, self._row_bits) for before, after in pairs)]
        leave = [None, *(Move.to(before, after, self._row_bits) for before, after in pairs)]
        size = len(self._parts)
        rows = combinations(self.bases[-1].columns).reshape(size, -1).T
        return Plan(
            parts=size,
            start=start,
            segments=tuple(map(Segment, self._blocks, self._readouts, enter, leave)),
            finish=finish,
            angles=tuple(self._angles),
            factors=np.array(self._factors, np.int64).reshape(-1, size),
            tangents=np.array(self._tangents, bool),
            word_signs=np.array([self._word_signs[number] for number in range(num_words)], np.int64),
            rows=rows[swizzled(np.arange(len(rows)), self._row_bits)],
            num_outputs=num_outputs,
        )

    def _separate(self, sign: int) -> tuple[int, IntArray]:
        """Return what a sign reads of an address's row, and the parity of the rest in each part of the lanes."""
        address = self.bases[-1].sign(sign)
        return address & ((1 << self._row_bits) - 1), parities(self._parts, address >> self._row_bits)

    def _variants(self, operation: Operation) -> Iterator[tuple[Operation, IntArray]]:
        """Give the operation on addresses: one for each way to share its conditions between rows and lanes."""
        flip = self.bases[-1].address(operation.flip)
        sign, odd = self._separate(operation.sign)
        variants: list[tuple[tuple[Control, ...], IntArray]] = [((), 1 - 2 * odd)]
        for control in operation.controls:
            row_sign, lane_parity = self._separate(control.sign)
            # Where the condition reads rows and lanes, there is one operation for each value of the row's parity.
            values = (0, 1) if row_sign and lane_parity.any() else (control.value,) if row_sign else (0,)
            variants = [
                ((*controls, Control(row_sign, value)) if row_sign else controls, kept)
                for controls, factors in variants
                for value in values
                if (kept := factors * ((lane_parity ^ value) == control.value)).any()
            ]
        for controls, factors in variants:
            yield Operation(flip, sign, operation.angle, controls), factors
