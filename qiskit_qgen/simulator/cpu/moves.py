"""The CPU kernel that moves amplitudes from the addresses of one basis to those of another."""

from __future__ import annotations

from typing import Any

import numpy as np

from qiskit_qgen._typing import FloatArray, IntArray
from qiskit_qgen.simulator.cpu.compilation import kernel
from qiskit_qgen.simulator.cpu.lanes import Emitter, instruction
from qiskit_qgen.simulator.cpu.plans import Move
from qiskit_qgen.simulator.cpu.space import ROW, VECTOR


@instruction
def gather(e: Emitter, target: Any, source: Any, image: Any, lanes: Any) -> None:
    """Lane l of the complex row ``target`` is what lies ``image XOR lanes[l]`` bytes behind ``source``."""
    places = [e.builder.xor(image, e.load_word(lanes, e.word(lane))) for lane in range(e.width)]
    for part in (0, 1):
        first = e.builder.add(source, e.word(part * VECTOR))
        e.store(e.join([e.load_one(e.builder.add(first, place)) for place in places]), target, part)


def run(move: Move, part: int, parts: int, source: FloatArray, target: FloatArray) -> None:
    """Move amplitudes to one of ``parts`` parts of the target's rows.

    Args:
        move: Where they are and where they go.
        part: Which part.
        parts: Of how many.
        source: A state, (rows, 2, lanes).
        target: Memory for another.
    """
    row_bits = len(source).bit_length() - 1
    piece = source.shape[2] // len(move.part_images) * source.itemsize

    def in_bytes(addresses: IntArray) -> IntArray:
        places: IntArray = (addresses & ((1 << row_bits) - 1)) * ROW + (addresses >> row_bits) * piece
        return places

    # What a sample's part of a row holds moves as it is, in the widest numbers that there are.
    number = np.dtype(np.float64 if piece % 8 == 0 else np.float32)
    lanes = in_bytes(move.part_images)[:, None] + np.arange(0, piece, number.itemsize)
    images = in_bytes(move.base_images), in_bytes(move.offset_images), lanes.reshape(-1)
    _relabel(move.bases, move.offsets, *images, part, parts, source.view(number), target.view(number))


@kernel
def _relabel(
    bases: IntArray,
    offsets: IntArray,
    base_images: IntArray,
    offset_images: IntArray,
    lane_images: IntArray,
    part: int,
    parts: int,
    source: FloatArray,
    target: FloatArray,
) -> None:
    """Move amplitudes to the addresses of another basis, one part of the target's rows.

    Target row ``bases[g] XOR offsets[j]`` takes what lies ``base_images[g] XOR offset_images[j] XOR lane_images[l]``
    bytes behind the source's begin to its lane l, and the imaginary parts from a vector behind that.

    Args:
        bases: With the offsets, groups of target rows that take all their amplitudes from few rows.
        offsets: The XOR of a base and an offset is a row.
        base_images: Where those of the bases are.
        offset_images: Where those of the offsets are.
        lane_images: Where those of the lanes are.
        part: Which part of the groups to fill.
        parts: How many parts there are.
        source: (rows, 2, numbers of a row's part).
        target: The same, another array.
    """
    unit = target.dtype.type(1)
    first, state, lanes = source.ctypes.data, target.ctypes.data, lane_images.ctypes.data
    for group in range(len(bases) * part // parts, len(bases) * (part + 1) // parts):
        for j in range(len(offsets)):
            row = state + (bases[group] ^ offsets[j]) * ROW
            gather(unit, row, first, base_images[group] ^ offset_images[j], lanes)
