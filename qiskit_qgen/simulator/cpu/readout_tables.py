"""What the kernels read: the words that are measured, and what becomes of their values, as tables.

See :mod:`~qiskit_qgen.simulator.cpu.block_tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.addresses.cosets import Cosets, SignSlots
from qiskit_qgen.simulator.cpu.block_tables import COSETS, BlockCosets, Records, Row, record
from qiskit_qgen.simulator.cpu.blocks import MAX_BLOCK_QUBITS, Room
from qiskit_qgen.simulator.programs.folding import Turn, Word
from qiskit_qgen.simulator.programs.operations import PauliTerm

_READOUT = record(*COSETS, "first", "last", "first_diagonal", "last_diagonal")
_SUM = record("flip", "lanes", "first", "last", "real", "real_slot", "real_sign", "imag", "imag_slot", "imag_sign")
_DIAGONAL = record("bits", "word")
_TURN = record("low", "high", "rotation")
_OUTPUT = record("output", "word")
_NONE = -1, SignSlots.STATIC, 0


class ReadoutTables(NamedTuple):
    """Words for the kernels."""

    blocks: Records
    """(num_qubits, first_offset, first_coset, last_coset, first, last, first_diagonal, last_diagonal): sums from
    ``first`` to ``last``, and words that are diagonal and the same in every coset."""
    sums: Records
    """(flip, lanes, first, last, real, real_slot, real_sign, imag, imag_slot, imag_sign): over the pairs from ``first``
    to ``last``, one row of which meets the other with exchanged lanes, ``real_sign`` times the real part of the
    overlaps is added to the word ``real``, and so for ``imag``; -1 means no word. Where the sign in the slot is odd,
    they are subtracted."""
    diagonals: Records
    """(bits, word)."""
    pairs: IntArray
    """A row of each pair."""
    offsets: IntArray
    bases: IntArray
    signs: IntArray


class FinishTables(NamedTuple):
    """How the values of words become those of observables."""

    turns: Records
    """(low, high, rotation): operations that turn the values of two words."""
    outputs: Records
    """(output, word): a word's value, times its coefficient, is added to an output."""
    coefficients: NDArray[np.float64]
    word_signs: IntArray
    """1 or -1 for each word in each part of the lanes, (words, parts)."""


def build_finish(
    turns: Sequence[Turn],
    rotations: dict[int, int],
    words: Sequence[Word],
    terms: Sequence[PauliTerm],
    word_signs: IntArray,
) -> FinishTables:
    """Return the tables; ``rotations`` are the numbers of the rotations of operations."""
    place = {word: number for number, word in enumerate(words)}
    return FinishTables(
        turns=np.array([(turn.low, turn.high, rotations[turn.operation]) for turn in turns], _TURN),
        outputs=np.array([(term.output, place[Word(term.flip, term.sign)]) for term in terms], _OUTPUT),
        coefficients=np.array([term.coefficient for term in terms], np.float64),
        word_signs=word_signs,
    )


def build_readout(words: Sequence[tuple[Word, int]], num_qubits: int) -> ReadoutTables:
    """Return the tables that measure words, each with its number, on ``2**num_qubits`` rows.

    Higher bits of flips and signs are those of the lanes. Words of one flip share a block, and diagonal words go where
    their sign is static.
    """
    written = BlockCosets(num_qubits)
    writer = _SumWriter(num_qubits)
    blocks, diagonals = list[Row](), list[Row]()
    size, rows = min(MAX_BLOCK_QUBITS, num_qubits), (1 << num_qubits) - 1
    flipping, diagonal = [word for word in words if word[0].flip], [word for word in words if not word[0].flip]
    while flipping or diagonal:
        room = Room(size)
        fits = [room.take(word.flip & rows, {word.sign & rows} - {0}) for word, _ in flipping]
        members = list(compress(flipping, fits))
        flipping = [word for word, fitting in zip(flipping, fits, strict=True) if not fitting]
        reads = [word.sign & rows for word, _ in (*diagonal, *members)]
        cosets = Cosets.build([word.flip & rows for word, _ in members], reads, size=size, num_qubits=num_qubits)
        slots = SignSlots(cosets)
        first, first_diagonal = len(writer.sums), len(diagonals)
        writer.add(members, cosets, slots)
        diagonals += [
            (cosets.local_bits(word.sign), number) for word, number in diagonal if cosets.is_static(word.sign)
        ]
        diagonal = [(word, number) for word, number in diagonal if not cosets.is_static(word.sign)]
        places = written.add(cosets, slots)
        blocks.append((*places, first, len(writer.sums), first_diagonal, len(diagonals)))
    return ReadoutTables(
        blocks=np.array(blocks, _READOUT),
        sums=np.array(writer.sums, _SUM),
        diagonals=np.array(diagonals, _DIAGONAL),
        pairs=np.array(writer.pairs, np.int64),
        **written.tables(),
    )


class _SumWriter:
    """Writes words with flips as sums over pairs of rows."""

    def __init__(self, num_qubits: int) -> None:
        self.sums: list[Row] = []
        self.pairs: list[int] = []
        self._num_qubits = num_qubits

    def add(self, words: Sequence[tuple[Word, int]], cosets: Cosets, slots: SignSlots) -> None:
        """Write a block's words: of one flip, a word with an odd number of Y shares its sums with one of even signs."""
        by_flip: dict[int, list[tuple[Word, int]]] = {}
        for word, number in words:
            by_flip.setdefault(word.flip, []).append((word, number))
        for whole, members in by_flip.items():
            flip, lanes = cosets.local_flip(whole & ((1 << self._num_qubits) - 1)), whole >> self._num_qubits
            firsts = [row for row in range(len(cosets.offsets)) if row <= row ^ flip]
            size = 2 if flip else 1  # a row that meets itself meets each lane twice
            plain = [(w, number) for w, number in members if not w.odd and not cosets.local_bits(w.sign)]
            left = [(w, number) for w, number in members if not w.odd and cosets.local_bits(w.sign)]
            for word, number in members:
                sign, slot = cosets.local_bits(word.sign), slots.slot(word.sign)
                if not word.odd:
                    continue
                if sign and not sign >> flip & 1:  # the rows of a pair have the same sign; that of their lanes differs
                    left.append((word, number))
                    continue
                real = _NONE
                if plain:
                    other, other_number = plain.pop()
                    real = other_number, slots.slot(other.sign), size
                rows = [row if not sign >> row & 1 else row ^ flip for row in firsts]
                self._write(flip, lanes, rows, real, (number, slot, -size))
            for word, number in [*plain, *left]:
                sign, slot = cosets.local_bits(word.sign), slots.slot(word.sign)
                for odd in (0, 1):
                    rows = [row for row in firsts if sign >> row & 1 == odd]
                    weight = -size if odd ^ word.odd else size
                    value = number, slot, weight
                    self._write(flip, lanes, rows, *((_NONE, value) if word.odd else (value, _NONE)))

    def _write(self, flip: int, lanes: int, rows: list[int], real: Row, imag: Row) -> None:
        if rows:
            first = len(self.pairs)
            self.pairs += rows
            self.sums.append((flip, lanes, first, len(self.pairs), *real, *imag))
