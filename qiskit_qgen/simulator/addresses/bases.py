"""Linear changes of the addresses at which a state's rows are stored."""

from __future__ import annotations

from collections.abc import Iterable

from qiskit_qgen.simulator.addresses.cosets import Span


class Basis:
    """A basis of the row numbers, read as vectors over the field of two elements.

    The row with the *address* a is the XOR of ``columns[i]`` over the bits i of a.
    """

    def __init__(self, vectors: Iterable[int], num_qubits: int) -> None:
        """Extend independent vectors to a basis by units; the vectors come first."""
        span = Span()
        for vector in [*vectors, *(1 << bit for bit in range(num_qubits))]:
            span.add(vector)
        self.columns = tuple(span.basis)
        self._duals = _inverse(self.columns)

    def address(self, row: int) -> int:
        """Return the address of a row; that of a flip, a difference of rows, is the flip of the address."""
        return sum(((row & dual).bit_count() & 1) << bit for bit, dual in enumerate(self._duals))

    def sign(self, sign: int) -> int:
        """Return what to read of an address to get the parity of ``row AND sign``."""
        return sum(((sign & column).bit_count() & 1) << bit for bit, column in enumerate(self.columns))


def _inverse(columns: tuple[int, ...]) -> list[int]:
    """Return the masks d_i with parity(d_i AND columns[j]) = (i == j), by Gaussian elimination."""
    size = len(columns)
    rows = [sum((column >> bit & 1) << j for j, column in enumerate(columns)) for bit in range(size)]
    marks = [1 << bit for bit in range(size)]
    for j in range(size):
        pivot = next(bit for bit in range(j, size) if rows[bit] >> j & 1)
        rows[j], rows[pivot] = rows[pivot], rows[j]
        marks[j], marks[pivot] = marks[pivot], marks[j]
        for bit in range(size):
            if bit != j and rows[bit] >> j & 1:
                rows[bit] ^= rows[j]
                marks[bit] ^= marks[j]
    return marks
