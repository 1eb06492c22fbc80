"""Where rows lie in memory.

Rows whose numbers differ by a large power of two, as those of a coset do, would lie where few lines of the cache can
hold them. So the low bits of a row's address are sums modulo 2 of its low and of its high bits, which is a linear
change of addresses that costs nothing.
"""

from __future__ import annotations

import numpy as np

from qiskit_qgen._typing import IntArray

_BITS = 5  # of the address: rows that the first-level cache can hold wherever they are


def swizzled(rows: IntArray, num_qubits: int) -> IntArray:
    """Return the addresses of rows; that of a difference is the difference of the addresses; twice is nothing."""
    addresses = np.asarray(rows, np.int64).copy()
    for bit in range(_BITS, num_qubits):
        # Bits that are few places apart fall together in another order in each round.
        place = (bit + 2 * (bit // _BITS - 1)) % _BITS
        addresses ^= (rows >> bit & 1) << place
    return addresses
