"""How a program runs on lanes: as it is, or with each state spread over several lanes.

A row of a chunk has W lanes. Where a sample has several, the highest bits of an amplitude's address tell which. A sign
may depend on the lane, and so may a condition: the angle is then multiplied by -1 or 0 in some lanes. A flip may touch
the lanes' bits: the rows that it pairs then meet with exchanged lanes.
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
from qiskit_qgen.simulator.addresses.cosets import combinations, parities
from qiskit_qgen.simulator.addresses.lane_bases import lane_basis
from qiskit_qgen.simulator.addresses.swizzle import swizzled
from qiskit_qgen.simulator.cpu import space
from qiskit_qgen.simulator.cpu.block_tables import BlockTables, build_blocks
from qiskit_qgen.simulator.cpu.readout_tables import FinishTables, ReadoutTables, build_finish, build_readout
from qiskit_qgen.simulator.cpu.start_tables import StartTables, build_start
from qiskit_qgen.simulator.programs.folding import Split, Word
from qiskit_qgen.simulator.programs.operations import Angle, Control, Operation, PauliTerm


@dataclass(frozen=True, eq=False)
class Plan:
    """What the kernels do for a program and its observables."""

    parts: int
    """The number of lanes of a sample."""
    start: StartTables
    blocks: BlockTables
    readout: ReadoutTables
    finish: FinishTables
    angles: tuple[Angle, ...]
    """The angles of the rotations that the tables name."""
    factors: IntArray
    """What each rotation's angle is multiplied by in each part, 1, -1 or 0: (rotations, parts)."""
    tangents: NDArray[np.bool_]
    """Which rotations have a tangent in place of the sine, (rotations,)."""
    rows: IntArray
    """The program's row at each final address: (rows, parts)."""
    num_outputs: int

    @property
    def tables(self) -> tuple[StartTables, BlockTables, ReadoutTables, FinishTables]:
        """What the kernels read."""
        return self.start, self.blocks, self.readout, self.finish

    @property
    def num_words(self) -> int:
        """How many words are measured."""
        return len(self.finish.word_signs)

    @property
    def num_stages(self) -> int:
        """How many stages there are, with those of the start and of the finish."""
        return len(self.blocks.blocks) + len(self.readout.blocks) + 2

    @cached_property
    def work_bytes(self) -> int:
        """How much memory a kernel needs to work in."""
        return space.size(self.blocks.most_diagonals)


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
    middle = [operations[number] for number in split.middle]
    flips = [*(operation.flip for operation in middle), *(word.flip for word in split.words)]
    planner = _Planner(lane_basis(flips, width, parts.bit_length() - 1), width, parts)
    blocks = planner.operate(middle, tangents=tangents)
    readout, word_signs = planner.measure(split.words)
    start = planner.start([operations[number] for number in split.start])
    turning = {number: planner.add(operations[number].angle.scaled(2)) for number in split.folded}
    return Plan(
        parts=parts,
        start=start,
        blocks=blocks,
        readout=readout,
        finish=build_finish(split.turns, turning, split.words, terms, word_signs),
        angles=tuple(planner.angles),
        factors=np.array(planner.factors, np.int64).reshape(-1, parts),
        tangents=np.array(planner.tangents, bool),
        rows=planner.rows(),
        num_outputs=num_outputs,
    )


class _Planner:
    """Builds the tables; all numbers of rotations are those of the whole plan."""

    def __init__(self, basis: Basis, width: int, parts: int) -> None:
        self.angles: list[Angle] = []
        self.factors: list[IntArray] = []
        self.tangents: list[bool] = []
        self._basis = basis
        self._parts = np.arange(parts)
        self._row_bits = width - (parts.bit_length() - 1)

    def add(self, angle: Angle, factors: IntArray | None = None, *, tangent: bool = False) -> int:
        """Add a rotation, and return its number."""
        self.angles.append(angle)
        self.factors.append(np.ones_like(self._parts) if factors is None else factors)
        self.tangents.append(tangent)
        return len(self.angles) - 1

    def start(self, operations: Sequence[Operation]) -> StartTables:
        """Return the tables of operations on single bits of the row."""
        rotations = [self.add(operation.angle) for operation in operations]
        # The value of a bit of the row is that of a bit of the address, exchanged in some lanes.
        signs = [self._separate(1 << bit) for bit in range(len(self._basis.columns))]
        masks = [self.add(Angle(-1, 0.0, pi), odd) if odd.any() else -1 for _, odd in signs]
        return build_start(operations, rotations, [sign for sign, _ in signs], masks, self._row_bits)

    def operate(self, operations: Sequence[Operation], *, tangents: bool) -> BlockTables:
        """Return the tables of operations."""
        variants = [variant for operation in operations for variant in self._variants(operation)]
        on_addresses = [operation for operation, _ in variants]
        tables, order, num_tangents = build_blocks(on_addresses, self._row_bits, len(self.angles), tangents=tangents)
        for place, number in enumerate(order):
            operation, factors = variants[number]
            self.add(operation.angle, factors, tangent=place < num_tangents)
        return tables

    def measure(self, words: Sequence[Word]) -> tuple[ReadoutTables, IntArray]:
        """Return the tables that measure words, and their signs in each part of the lanes."""
        on_addresses = [Word(self._basis.address(word.flip), self._basis.sign(word.sign)) for word in words]
        signs = [1 - 2 * self._separate(word.sign)[1] for word in words]
        tables = build_readout([(word, number) for number, word in enumerate(on_addresses)], self._row_bits)
        return tables, np.array(signs, np.int64)

    def rows(self) -> IntArray:
        """Return the program's row at each address, (rows, parts)."""
        rows = combinations(self._basis.columns).reshape(len(self._parts), -1).T
        return rows[swizzled(np.arange(len(rows)), self._row_bits)]

    def _separate(self, sign: int) -> tuple[int, IntArray]:
        """Return what a sign reads of an address's row, and the parity of the rest in each part of the lanes."""
        address = self._basis.sign(sign)
        return address & ((1 << self._row_bits) - 1), parities(self._parts, address >> self._row_bits)

    def _variants(self, operation: Operation) -> Iterator[tuple[Operation, IntArray]]:
        """Give the operation on addresses: one for each way to share its conditions between rows and lanes.

        A condition on the lanes alone, which the factors are, is kept as one that all rows satisfy: operations that
        exchange these lanes do not commute with it.
        """
        flip, sign = self._basis.address(operation.flip), self._basis.sign(operation.sign)
        variants: list[tuple[tuple[Control, ...], IntArray]] = [((), 1 - 2 * self._separate(operation.sign)[1])]
        is_halved = False
        for control in operation.controls:
            row_sign, lane_parity = self._separate(control.sign)
            lane_sign = self._basis.sign(control.sign) ^ row_sign
            values: tuple[int, ...] = (control.value,) if row_sign else (0,)
            if row_sign and lane_sign:
                # One operation for each value of the row's parity; but if the flip changes that, one is both: it acts
                # on pairs of a row with this parity and one with the other.
                values = (0, 1) if is_halved or not (row_sign & flip).bit_count() & 1 else (0,)
                is_halved |= len(values) == 1
            conditions = (Control(row_sign, 0),) * bool(row_sign), (Control(lane_sign, 0),) * bool(lane_sign)
            variants = [
                ((*controls, *(each._replace(value=value) for each in conditions[0]), *conditions[1]), kept)
                for controls, factors in variants
                for value in values
                if (kept := factors * ((lane_parity ^ value) == control.value)).any()
            ]
        for controls, factors in variants:
            yield Operation(flip, sign, operation.angle, controls), factors
