"""The CPU kernel that moves amplitudes from the addresses of one basis to those of another."""

from __future__ import annotations

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.cpu.compilation import inlined, kernel


@inlined
def _image(images: IntArray, row: int) -> int:
    """Return the source address of a target row in the first part of the lanes."""
    image = 0
    for bit in range(len(images)):
        image ^= images[bit] & -((row >> bit) & 1)
    return image


@kernel
def relabel(
    images: IntArray,
    part_images: IntArray,
    bases: IntArray,
    offsets: IntArray,
    part: int,
    parts: int,
    source: IntArray,
    target: IntArray,
) -> None:
    """Move amplitudes to the addresses of another basis, one part of the target's rows.

    An address is the row, and above its bits the part of the lanes. Target row r, part s of the lanes, takes the
    amplitudes at the address XOR of ``images[i]``, over the bits i of r, and ``part_images[s]``.

    Args:
        images: Source address of each bit of the target's row.
        part_images: Source address of each part of the lanes.
        bases: With the offsets, groups of target rows that take all their amplitudes from few rows.
        offsets: The XOR of a base and an offset is a row.
        part: Which part of the groups to fill.
        parts: How many parts there are.
        source: (rows, 2, parts of the lanes, numbers of a part), the numbers read as whole numbers.
        target: (rows, 2, parts of the lanes, numbers of a part), another array.
    """
    start, stop = len(bases) * part // parts, len(bases) * (part + 1) // parts
    shift, mask = len(images), len(target) - 1
    for group in range(start, stop):
        base_image = _image(images, bases[group])
        for offset in offsets:
            row, image = bases[group] ^ offset, base_image ^ _image(images, offset)
            for s in range(len(part_images)):
                address = image ^ part_images[s]
                from_row, from_part = address & mask, address >> shift
                for number in range(source.shape[3]):
                    target[row, 0, s, number] = source[from_row, 0, from_part, number]
                    target[row, 1, s, number] = source[from_row, 1, from_part, number]
