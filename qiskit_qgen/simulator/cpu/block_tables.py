"""What the kernels read: a circuit's blocks, and those of its observables, as tables.

A table is an array of records, whose columns the kernels name too. Numbers of first and last rows are half-open ranges.
Bit j of *bits* is the parity of a sign on row j of a coset; that on the coset's base is bit *slot* of the coset's
``signs``, and added to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.addresses.cosets import Cosets, SignSlots
from qiskit_qgen.simulator.cpu.blocks import Room, active_rows, block_size, is_static, merged_diagonals, schedule
from qiskit_qgen.simulator.programs.operations import Operation, PauliTerm

ROTATION, DIAGONAL, PHASE = 0, 1, 2  # kinds of operation


def _record(*names: str) -> np.dtype[np.void]:
    """Return the type of records of whole numbers."""
    return np.dtype([(name, np.int64) for name in names], align=True)


_COSETS = ("num_qubits", "first_offset", "first_coset", "last_coset")
_BLOCK = _record(*_COSETS, "first", "last")
_OPERATION = _record("kind", "flip", "bits", "slot", "rotation", "first", "last", "diagonal")
_CONTROL = _record("bits", "slot", "value")
_ENTRY = _record("bits", "rotation", "active")
_READOUT = _record(*_COSETS, "first", "last", "last_diagonal")
_TERM = _record("flip", "bits", "slot", "odd", "output")

Records: TypeAlias = NDArray[np.void]
_Row: TypeAlias = tuple[int, ...]


class BlockTables(NamedTuple):
    """A circuit for the kernels."""

    blocks: Records
    """(num_qubits, first_offset, first_coset, last_coset, first, last): operations from ``first`` to ``last``, on
    ``2**num_qubits`` rows of each coset."""
    operations: Records
    """(kind, flip, bits, slot, rotation, first, last, diagonal): with the controls, or the entries of a diagonal, from
    ``first`` to ``last``; ``diagonal`` is the diagonal's number in its block."""
    controls: Records
    """(bits, slot, value): the parity must have this value."""
    entries: Records
    """(bits, rotation, active): a phase in a diagonal, on the rows of the bit set ``active``."""
    offsets: IntArray
    bases: IntArray
    signs: IntArray
    most_qubits: int
    most_diagonals: int


class ReadoutTables(NamedTuple):
    """Observables for the kernels."""

    blocks: Records
    """(num_qubits, first_offset, first_coset, last_coset, first, last, last_diagonal): terms from ``first`` to
    ``last``, and from there to ``last_diagonal`` those that are diagonal and the same in every coset."""
    terms: Records
    """(flip, bits, slot, odd, output): ``odd`` is 1 if the number of Y is; ``output`` is the observable's number."""
    coefficients: NDArray[np.float64]
    offsets: IntArray
    bases: IntArray
    signs: IntArray
    most_qubits: int


class _BlockCosets:
    """Collects the cosets of blocks."""

    def __init__(self) -> None:
        self._offsets: list[IntArray] = []
        self._bases: list[IntArray] = []
        self._signs: list[IntArray] = []
        self._num_offsets = self._num_bases = self._most_qubits = 0

    def add(self, cosets: Cosets, slots: SignSlots) -> tuple[int, int, int, int]:
        """Add a block's, and return what its record begins with."""
        first_offset, first_coset = self._num_offsets, self._num_bases
        self._offsets.append(cosets.offsets)
        self._bases.append(cosets.bases)
        self._signs.append(slots.packed)
        self._num_offsets += len(cosets.offsets)
        self._num_bases += len(cosets.bases)
        self._most_qubits = max(self._most_qubits, len(cosets.basis))
        return len(cosets.basis), first_offset, first_coset, self._num_bases

    def tables(self) -> dict[str, Any]:
        """Return the columns that :class:`BlockTables` and :class:`ReadoutTables` share."""
        parts = {"offsets": self._offsets, "bases": self._bases, "signs": self._signs}
        tables = {name: np.concatenate([np.zeros(0, np.int64), *each]) for name, each in parts.items()}
        return {**tables, "most_qubits": self._most_qubits}


def build_blocks(operations: Sequence[Operation], num_qubits: int, first_rotation: int = 0) -> BlockTables:
    """Return the tables of the circuit; rotation ``first_rotation + r`` of the tables is ``operations[r]``."""
    written = _BlockCosets()
    blocks, rows, controls, entries = list[_Row](), list[_Row](), list[_Row](), list[_Row]()
    most_diagonals = 0
    for block, cosets in schedule(operations, num_qubits):
        slots = SignSlots(cosets)
        first, diagonals = len(rows), 0
        for step in merged_diagonals(block, operations, cosets):
            operation = operations[step[0]]
            if not operation.flip and is_static(operation, cosets):
                start = len(entries)
                for number in step:
                    bits, active = cosets.local_bits(operations[number].sign), active_rows(operations[number], cosets)
                    entries.append((bits, first_rotation + number, active))
                rows.append((DIAGONAL, 0, 0, SignSlots.STATIC, -1, start, len(entries), diagonals))
                diagonals += 1
                continue
            start = len(controls)
            controls += [(cosets.local_bits(sign), slots.slot(sign), value) for sign, value in operation.controls]
            kind, flip = (ROTATION, cosets.local_flip(operation.flip)) if operation.flip else (PHASE, 0)
            bits, slot = cosets.local_bits(operation.sign), slots.slot(operation.sign)
            rows.append((kind, flip, bits, slot, first_rotation + step[0], start, len(controls), 0))
        blocks.append((*written.add(cosets, slots), first, len(rows)))
        most_diagonals = max(most_diagonals, diagonals)
    return BlockTables(
        blocks=np.array(blocks, _BLOCK),
        operations=np.array(rows, _OPERATION),
        controls=np.array(controls, _CONTROL),
        entries=np.array(entries, _ENTRY),
        most_diagonals=most_diagonals,
        **written.tables(),
    )


def build_readout(terms: Sequence[PauliTerm], num_qubits: int) -> ReadoutTables:
    """Return the tables that measure the Pauli terms.

    Terms of one flip share a block, and diagonal terms go where their sign is static.
    """
    written = _BlockCosets()
    blocks, rows, coefficients = list[_Row](), list[_Row](), list[float]()
    size = block_size(num_qubits)
    flipping, diagonal = [term for term in terms if term.flip], [term for term in terms if not term.flip]
    while flipping or diagonal:
        room = Room(size)
        fits = [room.take(term.flip, {term.sign}) for term in flipping]
        members = list(compress(flipping, fits))
        flipping = [term for term, fitting in zip(flipping, fits, strict=True) if not fitting]
        reads = [term.sign for term in (*diagonal, *members)]
        cosets = Cosets.build([term.flip for term in members], reads, size=size, num_qubits=num_qubits)
        slots = SignSlots(cosets)
        static = [term for term in diagonal if cosets.is_static(term.sign)]
        diagonal = [term for term in diagonal if not cosets.is_static(term.sign)]
        first = len(rows)
        for term in (*members, *static):
            flip = cosets.local_flip(term.flip)
            rows.append((flip, cosets.local_bits(term.sign), slots.slot(term.sign), term.odd, term.output))
            coefficients.append(term.coefficient)
        blocks.append((*written.add(cosets, slots), first, first + len(members), len(rows)))
    return ReadoutTables(
        blocks=np.array(blocks, _READOUT),
        terms=np.array(rows, _TERM),
        coefficients=np.array(coefficients, np.float64),
        **written.tables(),
    )
