"""How a program runs on lanes: as it is, or with each state spread over several lanes.

A row of a chunk has W lanes. If there are fewer samples than lanes, each sample gets several: the highest bits of a
row's address then tell which. Operations mix rows, not lanes, so a flip must not touch the lanes' bits; where one
would, the amplitudes first move to the addresses of another basis. A sign may depend on the lane, and so may a
condition: the angle is then multiplied by -1 or 0 in some lanes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.addresses.bases import Basis
from qiskit_qgen.simulator.addresses.cosets import Span, combinations, parities
from qiskit_qgen.simulator.cpu.block_tables import BlockTables, ReadoutTables, build_blocks, build_readout
from qiskit_qgen.simulator.programs.operations import Angle, Control, Operation, PauliTerm
from qiskit_qgen.simulator.programs.scheduling import select


@dataclass(frozen=True)
class Move:
    """Where each address of one basis lies in another: the XOR of images over a row's bits, and that of the part."""

    images: IntArray
    part_images: IntArray

    @classmethod
    def to(cls, target: Basis, source: Basis, row_bits: int) -> Move:
        """Return where the addresses of ``target`` lie in ``source``."""
        images = [source.address(column) for column in target.columns]
        return cls(np.array(images[:row_bits], np.int64), combinations(images[row_bits:]))


@dataclass(frozen=True)
class Segment:
    """Operations, then observables, in one basis; the moves lead there from the segment before, and back."""

    tables: BlockTables
    readout: ReadoutTables
    enter: Move | None = None
    leave: Move | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """What the kernels do for a program and its observables."""

    parts: int
    """The number of lanes of a sample."""
    segments: tuple[Segment, ...]
    angles: tuple[Angle, ...]
    """The angles of the rotations that the tables name."""
    factors: IntArray
    """What each rotation's angle is multiplied by in each part, 1, -1 or 0: (rotations, parts)."""
    outputs: IntArray
    """The observable of each of the read-out's outputs."""
    output_signs: IntArray
    """1 or -1 for each output in each part: (outputs, parts)."""
    rows: IntArray
    """The program's row at each final address: (rows, parts)."""


def plan_whole(operations: Sequence[Operation], terms: Sequence[PauliTerm], num_outputs: int, width: int) -> Plan:
    """Return the plan in which each sample has one lane."""
    return Plan(
        parts=1,
        segments=(Segment(build_blocks(operations, width), build_readout(terms, width)),),
        angles=tuple(operation.angle for operation in operations),
        factors=np.ones((len(operations), 1), np.int64),
        outputs=np.arange(num_outputs),
        output_signs=np.ones((num_outputs, 1), np.int64),
        rows=np.arange(1 << width)[:, None],
    )


def plan_split(operations: Sequence[Operation], terms: Sequence[PauliTerm], width: int, parts: int) -> Plan:
    """Return the plan in which each sample has ``parts`` lanes, a power of two below ``2**width``."""
    splitter = _Splitter(width, parts)
    waiting = list(range(len(operations)))
    while waiting or not splitter.bases:
        span = Span()

        def fits(operation: Operation, span: Span = span) -> bool:
            return splitter.fits(operation.flip, span)

        chosen, waiting = select(operations, waiting, fits)
        splitter.enter(Basis(span.basis, width))
        splitter.operate([operations[number] for number in chosen])
    left = splitter.measure(terms)
    while left:
        span = Span()
        for term in left:
            splitter.fits(term.flip, span)
        splitter.enter(Basis(span.basis, width))
        left = splitter.measure(left)
    return splitter.plan()


class _Splitter:
    """Collects segments; all numbers of rotations and outputs are those of the whole plan."""

    def __init__(self, width: int, parts: int) -> None:
        self.bases: list[Basis] = []
        self._parts = np.arange(parts)
        self._row_bits = width - (parts.bit_length() - 1)
        self._tables: list[BlockTables] = []
        self._readouts: list[ReadoutTables] = []
        self._angles: list[Angle] = []
        self._factors: list[IntArray] = []
        self._outputs: list[int] = []
        self._output_signs: list[IntArray] = []

    def fits(self, flip: int, span: Span) -> bool:
        """Whether a flip lies in the space of a segment's flips; it is added if there is room."""
        if len(span.basis) == self._row_bits:
            return not span.reduce(flip)
        span.add(flip)
        return True

    def enter(self, basis: Basis) -> None:
        """Begin a segment."""
        self.bases.append(basis)
        self._tables.append(build_blocks([], self._row_bits))
        self._readouts.append(build_readout([], self._row_bits))

    def operate(self, operations: Sequence[Operation]) -> None:
        """Give the segment its operations; all flips must fit."""
        variants = [variant for operation in operations for variant in self._variants(operation)]
        local = [operation for operation, _ in variants]
        self._tables[-1] = build_blocks(local, self._row_bits, len(self._angles))
        self._angles += [operation.angle for operation in local]
        self._factors += [factors for _, factors in variants]

    def measure(self, terms: Sequence[PauliTerm]) -> list[PauliTerm]:
        """Give the segment those observables that it can read, and return the others."""
        local, left = [], []
        for term in terms:
            flip = self.bases[-1].address(term.flip)
            if flip >> self._row_bits:
                left.append(term)
                continue
            sign, odd = self._separate(term.sign)
            local.append(PauliTerm(flip, sign, term.odd, term.coefficient, len(self._outputs)))
            self._outputs.append(term.output)
            self._output_signs.append(1 - 2 * odd)
        self._readouts[-1] = build_readout(local, self._row_bits)
        return left

    def plan(self) -> Plan:
        """Return the plan."""
        pairs = list(zip(self.bases, self.bases[1:], strict=False))
        enter = [None, *(Move.to(after, before, self._row_bits) for before, after in pairs)]
        leave = [None, *(Move.to(before, after, self._row_bits) for before, after in pairs)]
        size = len(self._parts)
        return Plan(
            parts=size,
            segments=tuple(map(Segment, self._tables, self._readouts, enter, leave)),
            angles=tuple(self._angles),
            factors=np.array(self._factors, np.int64).reshape(-1, size),
            outputs=np.array(self._outputs, np.int64),
            output_signs=np.array(self._output_signs, np.int64).reshape(-1, size),
            rows=combinations(self.bases[-1].columns).reshape(size, -1).T,
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
