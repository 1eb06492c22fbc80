"""The CPU kernel that moves amplitudes from the addresses of one basis to those of another."""

from __future__ import annotations

from qiskit_qgen._typing import FloatArray, IntArray
from qiskit_qgen.simulator.cpu.compilation import kernel


@kernel
def relabel(
    images: IntArray, part_images: IntArray, part: int, parts: int, source: FloatArray, target: FloatArray
) -> None:
    """Move amplitudes to the addresses of another basis, one part of the target's rows.

    An address is the row, and above its bits the part of the lanes. Target row r, part s of the lanes, takes the
    amplitudes at the address XOR of ``images[i]``, over the bits i of r, and ``part_images[s]``.

    Args:
        images: Source address of each bit of the target's row.
        part_images: Source address of each part of the lanes.
        part: Which part of the rows to fill.
        parts: How many parts there are.
        source: (rows, 2, parts of the lanes, samples).
        target: (rows, 2, parts of the lanes, samples), another array.
    """
    start, stop = len(target) * part // parts, len(target) * (part + 1) // parts
    shift, mask = len(images), len(target) - 1
    for row in range(start, stop):
        base, bit, left = 0, 0, row
        while left:
            if left & 1:
                base ^= images[bit]
            left >>= 1
            bit += 1
        for s in range(len(part_images)):
            address = base ^ part_images[s]
            for component in range(2):
                for b in range(source.shape[3]):
                    target[row, component, s, b] = source[address & mask, component, address >> shift, b]
