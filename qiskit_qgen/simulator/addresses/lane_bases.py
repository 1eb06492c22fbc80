"""Addresses of states that are spread over several lanes.

The highest bits of an address tell in which part of the lanes an amplitude is. A flip may touch them: it then exchanges
lanes, which costs an instruction. One that touches nothing else mixes lanes of one row, which costs more.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from qiskit_qgen.simulator.addresses.bases import Basis

_TRIALS = 64


def lane_basis(flips: Sequence[int], num_qubits: int, lane_bits: int) -> Basis:
    """Return a basis in which few of the flips touch the lanes' bits, and hardly any touches these alone.

    The lanes' bits are bits of the row. Each one's column is that bit, and some of the others.
    """
    if not lane_bits:
        return Basis([], num_qubits)
    touching = np.array(flips, np.int64)
    choices = combinations(range(num_qubits), lane_bits)
    masks = np.array([sum(1 << bit for bit in chosen) for chosen in choices], np.int64)
    counts = np.zeros(len(masks), np.int64)
    for flip in touching:
        counts += (masks & flip) != 0
    mask = int(masks[counts.argmin()])
    lanes = [1 << bit for bit in range(num_qubits) if mask >> bit & 1]
    rows = [1 << bit for bit in range(num_qubits) if not mask >> bit & 1]
    generator = np.random.default_rng(0)
    bases = []
    for trial in range(_TRIALS):
        sums = [
            sum(row for row, taken in zip(rows, generator.integers(0, 2, len(rows)), strict=True) if taken and trial)
            for _ in lanes
        ]
        basis = Basis([*rows, *(lane | others for lane, others in zip(lanes, sums, strict=True))], num_qubits)
        alone = sum(flip != 0 and not basis.address(flip) & (1 << len(rows)) - 1 for flip in set(flips))
        bases.append((alone, basis))
        if not alone:
            break
    return min(bases, key=lambda each: each[0])[1]
