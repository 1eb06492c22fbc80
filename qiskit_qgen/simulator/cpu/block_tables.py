"""What the kernels read: a circuit's blocks as tables.

A table is an array of records, whose columns the kernels name too. Numbers of first and last rows are half-open ranges.
Bit j of *bits* is the parity of a sign on row j of a coset; that on the coset's base is bit *slot* of the coset's
``signs``, and added to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.addresses.cosets import Cosets, SignSlots, combinations, pack
from qiskit_qgen.simulator.addresses.swizzle import swizzled
from qiskit_qgen.simulator.cpu.blocks import active_rows
from qiskit_qgen.simulator.cpu.space import TABLE
from qiskit_qgen.simulator.cpu.steps import Diagonal, build_steps
from qiskit_qgen.simulator.programs.operations import Operation

PASS, ROTATION, PHASE, LANE_PASS = 0, 1, 2, 3  # kinds of step
PLACE, BUFFER = 0, TABLE  # where a step's rows are: at their places in the state, or in the block's buffer


def record(*names: str) -> np.dtype[np.void]:
    """Return the type of records of whole numbers."""
    return np.dtype([(name, np.int64) for name in names], align=True)


COSETS = ("num_qubits", "first_offset", "first_coset", "last_coset")
_BLOCK = record(*COSETS, "first", "last", "first_diagonal", "last_diagonal")
_STEP = record(
    *("kind", "source", "target", "count", "rotation", "order", "diagonal"),
    *("flip", "flip1", "flip2", "slot", "slot1", "slot2", "lanes", "lanes1", "lanes2", "bits", "first", "last"),
)
_DIAGONAL = record("units", "first", "last", "first_before", "last_before", "first_after", "last_after")
_CONTROL = record("bits", "slot", "value")
_ENTRY = record("bits", "rotation", "active")

Records: TypeAlias = NDArray[np.void]
Row: TypeAlias = tuple[int, ...]


class BlockTables(NamedTuple):
    """A circuit for the kernels."""

    blocks: Records
    """(num_qubits, first_offset, first_coset, last_coset, first, last, first_diagonal, last_diagonal): steps from
    ``first`` to ``last``, on ``2**num_qubits`` rows of each coset."""
    steps: Records
    """Each takes its rows from ``source`` and leaves them at ``target``.

    A pass: ``count`` rotations from ``rotation`` on, on rows in the order from ``order`` on; a rotation's ``flip``
    exchanges its pairs where the sign in its ``slot`` is odd; the last ones are missing if ``count`` is less than 3.
    Then the block's ``diagonal``, or none if it is -1.

    A pass whose rotations exchange ``lanes``, too: behind the order are numbers whose bit m is the parity of the sign
    of rotation m in each group.

    A rotation or phase alone: ``flip``, ``lanes``, ``bits``, ``slot``, ``rotation``, and its controls from ``first`` to
    ``last``.
    """
    diagonals: Records
    """(units, first, last, first_before, last_before, first_after, last_after): the phase that reads bit b of a row
    alone is ``units[b]``, counted from the diagonal's; entries from ``first`` to ``last`` are the other phases. The
    cosines of rotations ``before`` and ``after`` are multiplied in."""
    units: IntArray
    """Rotations, or -1 for none."""
    controls: Records
    """(bits, slot, value): the parity must have this value."""
    entries: Records
    """(bits, rotation, active): a phase in a diagonal, on the rows of the bit set ``active``."""
    order: IntArray
    offsets: IntArray
    bases: IntArray
    signs: IntArray
    most_diagonals: int


class BlockCosets:
    """Collects the cosets of blocks, as addresses."""

    def __init__(self, num_qubits: int) -> None:
        self._num_qubits = num_qubits
        self._offsets: list[IntArray] = []
        self._bases: list[IntArray] = []
        self._signs: list[IntArray] = []
        self._num_offsets = self._num_bases = 0

    def add(self, cosets: Cosets, slots: SignSlots) -> Row:
        """Add a block's, and return what its record begins with."""
        first_offset, first_coset = self._num_offsets, self._num_bases
        self._offsets.append(swizzled(cosets.offsets, self._num_qubits))
        self._bases.append(swizzled(cosets.bases, self._num_qubits))
        self._signs.append(slots.packed)
        self._num_offsets += len(cosets.offsets)
        self._num_bases += len(cosets.bases)
        return len(cosets.basis), first_offset, first_coset, self._num_bases

    def tables(self) -> dict[str, IntArray]:
        """Return the columns that all tables of blocks share."""
        parts = {"offsets": self._offsets, "bases": self._bases, "signs": self._signs}
        return {name: np.concatenate([np.zeros(0, np.int64), *each]) for name, each in parts.items()}


def build_blocks(
    operations: Sequence[Operation], num_qubits: int, first_rotation: int = 0, *, tangents: bool = True
) -> tuple[BlockTables, list[int], int]:
    """Return the tables of a circuit, the operation of each rotation, and how many rotations are tangents.

    Args:
        operations: The circuit's operations.
        num_qubits: The state has ``2**num_qubits`` rows; higher bits of flips and signs are those of the lanes.
        first_rotation: The number of the first rotation. Those that are tangents come first.
        tangents: Whether rotations may be tangents.
    """
    blocks = build_steps(operations, num_qubits, tangents=tangents)
    order = [number for _, steps in blocks for step in steps for number in step.rotations]
    num_tangents = len(order)
    order += [step.single for _, steps in blocks for step in steps if step.single is not None]
    order += [number for _, steps in blocks for step in steps if step.diagonal for number in step.diagonal.phases]
    writer = _Writer(operations, num_qubits, {number: first_rotation + place for place, number in enumerate(order)})
    for cosets, steps in blocks:
        writer.add(cosets, steps)
    return writer.tables(), order, num_tangents


class _Writer:
    """Writes blocks, one after the other.

    Args:
        operations: The circuit's operations.
        num_qubits: The state has ``2**num_qubits`` rows.
        rotations: The number of the rotation of each operation.
    """

    def __init__(self, operations: Sequence[Operation], num_qubits: int, rotations: dict[int, int]) -> None:
        self._operations = operations
        self._rotations = rotations
        self._num_qubits = num_qubits
        self._cosets = BlockCosets(num_qubits)
        self._blocks, self._steps, self._diagonals = list[Row](), list[Row](), list[Row]()
        self._controls, self._entries = list[Row](), list[Row]()
        self._units, self._order = list[int](), list[int]()
        self._most_diagonals = 0

    def add(self, cosets: Cosets, steps: list[Any]) -> None:
        """Write a block."""
        slots = SignSlots(cosets)
        first, first_diagonal = len(self._steps), len(self._diagonals)
        if steps[0].single is not None:  # single operations work in the buffer
            self._write_pass([], None, PLACE, BUFFER, cosets, slots, first_diagonal)
        for number, step in enumerate(steps):
            is_last = number == len(steps) - 1
            source = PLACE if number == 0 and step.single is None else BUFFER
            target = PLACE if is_last and step.single is None else BUFFER
            if step.single is None:
                self._write_pass(step.rotations, step.diagonal, source, target, cosets, slots, first_diagonal)
            else:
                self._write_single(step.single, cosets, slots)
        if steps[-1].single is not None:
            self._write_pass([], None, BUFFER, PLACE, cosets, slots, first_diagonal)
        self._most_diagonals = max(self._most_diagonals, len(self._diagonals) - first_diagonal)
        places = self._cosets.add(cosets, slots)
        self._blocks.append((*places, first, len(self._steps), first_diagonal, len(self._diagonals)))

    def tables(self) -> BlockTables:
        """Return what was written."""
        return BlockTables(
            blocks=np.array(self._blocks, _BLOCK),
            steps=np.array(self._steps, _STEP),
            diagonals=np.array(self._diagonals, _DIAGONAL),
            units=np.array(self._units, np.int64),
            controls=np.array(self._controls, _CONTROL),
            entries=np.array(self._entries, _ENTRY),
            order=np.array(self._order, np.int64),
            most_diagonals=self._most_diagonals,
            **self._cosets.tables(),
        )

    def _write_pass(
        self,
        members: list[int],
        diagonal: Diagonal | None,
        source: int,
        target: int,
        cosets: Cosets,
        slots: SignSlots,
        first_diagonal: int,
    ) -> None:
        operations = [self._operations[number] for number in members]
        flips, lanes = (
            zip(*(self._split(operation.flip, cosets) for operation in operations), strict=True)
            if members
            else ((), ())
        )
        places = [slots.slot(operation.sign) for operation in operations]
        padding = 3 - len(members)
        rotation = self._rotations[members[0]] if members else 0
        first_order = len(self._order)
        self._write_order(
            flips,
            [cosets.local_bits(operation.sign) for operation in operations],
            len(cosets.offsets),
            exchanges=any(lanes),
        )
        number = -1
        if diagonal is not None:
            number = len(self._diagonals) - first_diagonal
            self._write_diagonal(diagonal, cosets)
        self._steps.append(
            (
                *(LANE_PASS if any(lanes) else PASS, source, target, len(members), rotation, first_order, number),
                *(*flips, *[0] * padding, *places, *[SignSlots.STATIC] * padding, *lanes, *[0] * padding, 0, 0, 0),
            )
        )

    def _write_order(self, flips: Sequence[int], signs: Sequence[int], size: int, *, exchanges: bool) -> None:
        """Write the groups of a pass: of rows whose signs are all even or, with lanes, of any, and then their signs."""
        group, parities = combinations(flips), list[int]()
        seen = set[int]()
        for row in range(size):
            odd = [sign >> row & 1 for sign in signs]
            if row in seen or (any(odd) and not exchanges):
                continue
            seen.update(members := (row ^ group).tolist())
            self._order += members
            parities.append(sum(bit << number for number, bit in enumerate(odd)))
        self._order += parities * exchanges

    def _split(self, flip: int, cosets: Cosets) -> tuple[int, int]:
        """Return a flip of rows, as an index in the cosets' offsets, and of lanes."""
        rows = (1 << self._num_qubits) - 1
        return cosets.local_flip(flip & rows), flip >> self._num_qubits

    def _write_single(self, number: int, cosets: Cosets, slots: SignSlots) -> None:
        operation = self._operations[number]
        first = len(self._controls)
        rows = (1 << self._num_qubits) - 1
        self._controls += [
            (cosets.local_bits(sign), slots.slot(sign), value) for sign, value in operation.controls if sign & rows
        ]
        kind = ROTATION if operation.flip else PHASE
        flip, lanes = self._split(operation.flip, cosets)
        bits, slot = cosets.local_bits(operation.sign), slots.slot(operation.sign)
        self._steps.append(
            (
                *(kind, BUFFER, BUFFER, 1, self._rotations[number], 0, -1),
                *(flip, 0, 0, slot, SignSlots.STATIC, SignSlots.STATIC, lanes, 0, 0),
                *(bits, first, len(self._controls)),
            )
        )

    def _write_diagonal(self, diagonal: Diagonal, cosets: Cosets) -> None:
        rows = np.arange(len(cosets.offsets))
        bits = {pack(rows >> bit & 1): bit for bit in range(len(cosets.basis))}
        first, first_unit = len(self._entries), len(self._units)
        self._units += [-1] * len(cosets.basis)
        for number in diagonal.phases:
            operation = self._operations[number]
            sign, active = cosets.local_bits(operation.sign), active_rows(operation, cosets)
            if active == -1 and sign in bits and self._units[first_unit + bits[sign]] < 0:
                self._units[first_unit + bits[sign]] = self._rotations[number]
            else:
                self._entries.append((sign, self._rotations[number], active))
        scaled = [*self._range(diagonal.before), *self._range(diagonal.after)]
        self._diagonals.append((first_unit, first, len(self._entries), *scaled))

    def _range(self, numbers: list[int]) -> tuple[int, int]:
        """Return the first rotation of operations that follow each other in the tables, and the end."""
        first = self._rotations[numbers[0]] if numbers else 0
        return first, first + len(numbers)
