"""How the rows of a state fall into cosets, so that a group of operations works on a few rows at a time.

Operations whose flips lie in a space of ``k`` independent masks mix only rows of one coset of that space: ``2**k``
rows. All masks are integers read as vectors over the field of two elements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from qiskit_qgen._typing import IntArray


class Span:
    """A space of masks that grows by independent vectors."""

    def __init__(self) -> None:
        self.basis: list[int] = []
        self._reduced: list[int] = []  # echelon form: each vector's highest bit is in no other

    def reduce(self, vector: int) -> int:
        """Return what is left of ``vector`` after elimination: 0 if and only if it lies in the space."""
        for pivot in self._reduced:
            vector = min(vector, vector ^ pivot)
        return vector

    def add(self, vector: int) -> bool:
        """Add ``vector`` to the basis; return False, and change nothing, if it lies in the space already."""
        remainder = self.reduce(vector)
        if not remainder:
            return False
        high = 1 << (remainder.bit_length() - 1)
        self._reduced = sorted([v ^ remainder if v & high else v for v in self._reduced] + [remainder], reverse=True)
        self.basis.append(vector)
        return True

    def null_space(self, num_qubits: int) -> list[int]:
        """Return a basis of the rows whose parity with every vector is even."""
        pivots = {vector.bit_length() - 1: vector for vector in self._reduced}
        free = [bit for bit in range(num_qubits) if bit not in pivots]
        return [(1 << bit) | sum(1 << pivot for pivot, v in pivots.items() if (v >> bit) & 1) for bit in free]


def parities(rows: IntArray, sign: int) -> IntArray:
    """Return the parity of ``row AND sign`` of each row, as int64."""
    parity: IntArray = (np.bitwise_count(rows & sign) & 1).astype(np.int64)
    return parity


def combinations(vectors: Iterable[int]) -> IntArray:
    """Return the XOR of each subset of the vectors, the subset being the bits of the index."""
    sums = np.zeros(1, np.int64)
    for vector in vectors:
        sums = np.concatenate([sums, sums ^ vector])
    return sums


def _restrict(sign: int, basis: list[int]) -> int:
    """Return the bit set of the basis vectors on which the parity of ``sign`` is odd."""
    return sum(((sign & vector).bit_count() & 1) << i for i, vector in enumerate(basis))


@dataclass(frozen=True)
class Cosets:
    """The cosets of a space of flips.

    Row ``bases[c] XOR offsets[j]`` is the j-th row of coset c. The bases are chosen such that as many as possible of
    the signs that the group's operations read are even on all of them: their parity then depends on j alone, and is
    the same in every coset.
    """

    bases: IntArray
    offsets: IntArray
    basis: tuple[int, ...]

    @classmethod
    def build(cls, flips: list[int], signs: list[int], *, size: int, num_qubits: int) -> Cosets:
        """Return the cosets of the span of ``flips``.

        The span is widened up to ``size`` dimensions to make ``signs`` local.
        """
        span = Span()
        for flip in flips:
            span.add(flip)
        units = [1 << bit for bit in range(num_qubits)]
        for sign in [*signs, *units]:
            if len(span.basis) == min(size, num_qubits):
                break
            if sign and not _restrict(sign, span.basis):
                next(unit for unit in units if unit & sign and span.add(unit))
        restricted = Span()
        corner = Span()  # the signs that are even on all bases
        for sign in [*signs, *units]:
            if restricted.add(_restrict(sign, span.basis)):
                corner.add(sign)
        bases = np.sort(combinations(corner.null_space(num_qubits)))
        return cls(bases, combinations(span.basis), tuple(span.basis))

    def contains(self, flip: int) -> bool:
        """Whether the space holds this flip."""
        return bool((self.offsets == flip).any())

    def local_flip(self, flip: int) -> int:
        """Return the index in ``offsets`` of a flip of the space."""
        return int(np.flatnonzero(self.offsets == flip)[0])

    def local_bits(self, sign: int) -> int:
        """Return the parities of ``sign`` on the offsets as the bits of a signed 64-bit integer."""
        return pack(parities(self.offsets, sign))

    def is_static(self, sign: int) -> bool:
        """Whether the parity of ``sign`` is the same in every coset."""
        return not parities(self.bases, sign).any()


def pack(parity: IntArray) -> int:
    """Return up to 64 parities as the bits of a signed 64-bit integer."""
    bits = sum(int(bit) << j for j, bit in enumerate(parity))
    return bits - (1 << 64) if bits >> 63 else bits


class SignSlots:
    """Packs the parities of those signs that differ from coset to coset into one integer per coset."""

    STATIC = 63  # a bit that is never set
    LIMIT = 62

    def __init__(self, cosets: Cosets) -> None:
        self._cosets = cosets
        self._slots: dict[int, int] = {}
        self.packed = np.zeros(len(cosets.bases), np.int64)

    def slot(self, sign: int) -> int:
        """Return the bit of ``packed`` that holds the parity of ``sign`` on the bases."""
        if self._cosets.is_static(sign):
            return self.STATIC
        if sign not in self._slots:
            self._slots[sign] = len(self._slots)
            self.packed |= parities(self._cosets.bases, sign) << self._slots[sign]
        return self._slots[sign]
