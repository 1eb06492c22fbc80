"""Where a kernel works: places in one piece of memory, as distances in bytes from its begin."""

from __future__ import annotations

VECTOR = 64
"""Bytes of a real row: a cache line."""
ROW = 2 * VECTOR
"""Bytes of a complex row."""
WORD = 8
"""Bytes of a whole number in a table."""

MOST_ROTATIONS = 3
"""Of a pass: eight rows of one part of two states, and the derivatives, are what vector registers hold."""
TABLE = 64 * WORD
"""Bytes of a table of rows."""
_BLOCK = 64  # rows of a coset, at most
_MOST_QUBITS = 32

BUFFER_PSI = 0
"""Rows of a coset of psi, and behind them those of lambda."""
BUFFER_LAM = BUFFER_PSI + _BLOCK * ROW
FACTORS = BUFFER_LAM + _BLOCK * ROW
"""Two rows for each qubit of a product state."""
BY_FACTORS = FACTORS + 2 * _MOST_QUBITS * ROW
"""The same of lambda."""
PRODUCTS = BY_FACTORS + 2 * _MOST_QUBITS * ROW
"""Products over the b lowest bits, from row 2**b on."""
SUMS = PRODUCTS + 2 * _BLOCK * ROW
"""Sums of lambda for each row of low bits."""
PREFIXES = SUMS + _BLOCK * ROW
"""Products over the high bits below each."""
SCRATCH = PREFIXES + (_MOST_QUBITS + 1) * ROW
"""Some rows."""
DIAGONALS = SCRATCH + 16 * ROW
"""A block's diagonals, and behind them a weight for each of their entries."""


def size(most_diagonals: int) -> int:
    """Return how many bytes it takes for blocks of at most so many diagonals."""
    return DIAGONALS + max(1, most_diagonals) * _BLOCK * (ROW + VECTOR)
