"""What the kernels read: how a state starts as a product of one-qubit states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.addresses.cosets import combinations
from qiskit_qgen.simulator.addresses.swizzle import swizzled
from qiskit_qgen.simulator.cpu.block_tables import PHASE, ROTATION, Records, record
from qiskit_qgen.simulator.cpu.blocks import MAX_BLOCK_QUBITS
from qiskit_qgen.simulator.programs.operations import Operation

_FACTOR = record("kind", "bit", "rotation")


class StartTables(NamedTuple):
    """A product state for the kernels."""

    factors: Records
    """(kind, bit, rotation): the operations on one bit each, in order."""
    offsets: IntArray
    """Addresses of the low bits' rows."""
    bases: IntArray
    """Addresses of the high bits' rows."""
    low_bits: int
    row_bits: int
    lane_bits: int
    """The bits above those of the row, which tell in which part of the lanes an amplitude is."""
    first_mask: int
    """Rotation ``first_mask + i`` is (1, 0) in lanes in which bit i of these is 0, and (0, 1) in all others."""


def build_start(
    operations: Sequence[Operation], rotations: Sequence[int], row_bits: int, lane_bits: int, first_mask: int
) -> StartTables:
    """Return the tables of operations on single bits, with the numbers of their rotations."""
    low_bits = min(MAX_BLOCK_QUBITS, row_bits)
    factors = [
        (ROTATION if operation.flip else PHASE, operation.sign.bit_length() - 1, rotation)
        for operation, rotation in zip(operations, rotations, strict=True)
    ]
    return StartTables(
        factors=np.array(factors, _FACTOR),
        offsets=swizzled(combinations(1 << bit for bit in range(low_bits)), row_bits),
        bases=swizzled(combinations(1 << bit for bit in range(low_bits, row_bits)), row_bits),
        low_bits=low_bits,
        row_bits=row_bits,
        lane_bits=lane_bits,
        first_mask=first_mask,
    )
