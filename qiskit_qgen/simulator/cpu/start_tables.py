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
    masks: IntArray
    """For each bit, a rotation that is (1, 0) in some lanes and (0, 1) in all others, or -1 for none. A bit of the
    address's row is exchanged in the others; one of the lanes is 0 in some and 1 in the others."""
    offsets: IntArray
    """Addresses of the low bits' rows."""
    bases: IntArray
    """Addresses of the high bits' rows."""
    low_bits: int
    row_bits: int
    lane_bits: int
    """The bits above those of the row, which tell in which part of the lanes an amplitude is."""


def build_start(
    operations: Sequence[Operation],
    rotations: Sequence[int],
    row_signs: Sequence[int],
    masks: Sequence[int],
    row_bits: int,
) -> StartTables:
    """Return the tables of operations on single bits.

    Args:
        operations: The operations.
        rotations: The numbers of their rotations.
        row_signs: What each bit of the program's row reads of the address's row: one bit, or none.
        masks: The numbers of the rotations that tell in which lanes it is 1 besides, -1 for none.
        row_bits: The state has ``2**row_bits`` rows.
    """
    low_bits = min(MAX_BLOCK_QUBITS, row_bits)
    lanes = iter(range(row_bits, len(row_signs)))
    places = [sign.bit_length() - 1 if sign else next(lanes) for sign in row_signs]
    factors = [
        (ROTATION if operation.flip else PHASE, places[operation.sign.bit_length() - 1], rotation)
        for operation, rotation in zip(operations, rotations, strict=True)
    ]
    return StartTables(
        factors=np.array(factors, _FACTOR),
        masks=np.array([masks[places.index(place)] for place in range(len(places))], np.int64),
        offsets=swizzled(combinations(1 << bit for bit in range(low_bits)), row_bits),
        bases=swizzled(combinations(1 << bit for bit in range(low_bits, row_bits)), row_bits),
        low_bits=low_bits,
        row_bits=row_bits,
        lane_bits=len(row_signs) - row_bits,
    )
