"""The CPU kernels: circuits forward and read-out, compiled by numba when first used.

A *chunk* is ``W`` lanes of states that lie interleaved (see :mod:`~qiskit_qgen.simulator.cpu.lanes`). A circuit is a
sequence of blocks (:class:`~qiskit_qgen.simulator.cpu.block_tables.BlockTables`); a block gathers ``2**k`` rows into a
buffer of the first-level cache, applies all its operations there, and puts them back, coset by coset. Entangling
permutations cost nothing here: they only changed which rows form a coset.

The kernels release the GIL and share nothing between calls. Small states are run through the whole circuit by one
call; of large ones each call does one block on one of several parts of its cosets.

The inner loops call no function that takes an array, unless it is inlined by numba: each such call would count
references, which costs more than a rotation does. For the same reason a function takes the arrays out of the tables
once, before its loops.

In all kernels ``psi`` is a state, (rows, 2, W), ``trig`` holds cosine and sine of half of each rotation's angle,
(num_rotations, 2, W), ``values`` are expectation values, (num_outputs, W), and ``lanes`` is a tuple of W zeros. With
one dimension more, in front, they are those of several chunks or parts. ``number`` is that of a block, ``part`` the one
of ``parts`` parts of its cosets to work on.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from qiskit_qgen._typing import FloatArray, IntArray
from qiskit_qgen.simulator.cpu.block_tables import DIAGONAL, ROTATION, BlockTables, ReadoutTables, Records
from qiskit_qgen.simulator.cpu.compilation import helper, inlined, kernel
from qiskit_qgen.simulator.cpu.lanes import (
    add_imag_overlap,
    add_real_overlap,
    add_row,
    copy,
    multiply,
    multiply_conjugate,
    rotate,
)
from qiskit_qgen.simulator.cpu.layouts import CACHE_LINE

Record: TypeAlias = Any
"""A row of a table, whose columns are attributes in compiled code."""
Lanes: TypeAlias = tuple[int, ...]
"""W zeros: the width is their number, which is known when a kernel is compiled."""


class Buffers(NamedTuple):
    """What a kernel works in, for any block of some tables of up to k qubits."""

    psi: FloatArray
    """Rows of a coset, (2**k, 2, W)."""
    lam: FloatArray
    """Rows of a coset of lambda, (2**k, 2, W)."""
    diagonals: FloatArray
    """A block's diagonals one after the other, (num_diagonals * 2**k, 2, W)."""
    weights: FloatArray
    """A real number for each entry of them, (num_diagonals * 2**k, W)."""


@helper
def aligned(rows: int, width: int, like: FloatArray) -> FloatArray:
    """Return an uninitialised array (rows, width), of the dtype of ``like``, that starts at a cache line."""
    memory = np.empty(rows * width + CACHE_LINE // like.itemsize, like.dtype)
    start = (-memory.ctypes.data % CACHE_LINE) // like.itemsize
    return memory[start : start + rows * width].reshape(rows, width)


@helper
def empty_rows(rows: int, like: FloatArray, lanes: Lanes) -> FloatArray:
    """Return uninitialised rows of complex numbers, (rows, 2, W), of the dtype of ``like``."""
    return aligned(rows, 2 * len(lanes), like).reshape(rows, 2, len(lanes))


@helper
def buffers(num_qubits: int, num_diagonals: int, like: FloatArray, lanes: Lanes) -> Buffers:
    """Return buffers for blocks of up to so many qubits and diagonals."""
    size = 1 << num_qubits
    return Buffers(
        empty_rows(size, like, lanes),
        empty_rows(size, like, lanes),
        empty_rows(num_diagonals * size, like, lanes),
        aligned(num_diagonals * size, len(lanes), like),
    )


@inlined
def first_of_pair(pair: int, flip: int, bits: int) -> int:
    """Return the row that holds |0> of the target in the given one of the ``size / 2`` pairs (j, j XOR flip)."""
    low = (flip & -flip) - 1
    j = ((pair & ~low) << 1) | (pair & low)
    return j ^ (flip & -((bits >> j) & 1))


@inlined
def part_of(first: int, last: int, part: int, parts: int) -> tuple[int, int]:
    """Return the bounds of one of ``parts`` equal parts of a range."""
    return first + (last - first) * part // parts, first + (last - first) * (part + 1) // parts


@inlined
def satisfied(controls: Records, first: int, last: int, signs: int) -> int:
    """Return the bit set of the buffer's rows on which all of some controls hold, in a coset with these signs."""
    rows = -1
    for c in range(first, last):
        control = controls[c]
        rows &= control.bits ^ -((signs >> control.slot) & 1) ^ -(1 - control.value)
    return rows


@helper
def build_diagonals(tables: BlockTables, block: Record, trig: FloatArray, diagonals: FloatArray, lanes: Lanes) -> None:
    """diagonals[number * size + j] = product over the entries of exp(-i theta / 2 * (-1)^bit_j) on the active rows.

    Args:
        tables: The circuit's blocks.
        block: The record of one of them, of k qubits; ``size`` is ``2**k``.
        trig: Cosine and sine of half of each rotation's angle, (num_rotations, 2, W).
        diagonals: Receives the block's diagonals, (at least num_diagonals * 2**k, 2, W).
        lanes: A tuple of W zeros.
    """
    operations, entries, size = tables.operations, tables.entries, 1 << block.num_qubits
    for o in range(block.first, block.last):
        operation = operations[o]
        if operation.kind != DIAGONAL:
            continue
        row = operation.diagonal * size
        diagonals[row : row + size, 0] = 1
        diagonals[row : row + size, 1] = 0
        for e in range(operation.first, operation.last):
            bits, r, active = entries[e].bits, entries[e].rotation, entries[e].active
            for j in range(size):
                if not (active >> j) & 1:
                    continue
                if (bits >> j) & 1:
                    multiply(diagonals, row + j, diagonals, row + j, trig, r, lanes)
                else:
                    multiply_conjugate(diagonals, row + j, diagonals, row + j, trig, r, lanes)


@helper
def _run(
    tables: BlockTables,
    number: int,
    part: int,
    parts: int,
    trig: FloatArray,
    psi: FloatArray,
    space: Buffers,
    lanes: Lanes,
) -> None:
    """Do what :func:`run_block` does, in given buffers."""
    block, operations, controls = tables.blocks[number], tables.operations, tables.controls
    offsets, bases, signs = tables.offsets[block.first_offset :], tables.bases, tables.signs
    buffer, diagonals = space.psi, space.diagonals
    size, first, last = 1 << block.num_qubits, block.first, block.last
    build_diagonals(tables, block, trig, diagonals, lanes)
    start, stop = part_of(block.first_coset, block.last_coset, part, parts)
    for c in range(start, stop):
        for j in range(size):
            copy(buffer, j, psi, bases[c] ^ offsets[j], lanes)
        for o in range(first, last):
            operation = operations[o]
            flip, r = operation.flip, operation.rotation
            bits = operation.bits ^ -((signs[c] >> operation.slot) & 1)
            if operation.kind == DIAGONAL:
                row = operation.diagonal * size
                for j in range(size):
                    multiply(buffer, j, buffer, j, diagonals, row + j, lanes)
            elif operation.kind == ROTATION and operation.first == operation.last:
                for pair in range(size >> 1):
                    j = first_of_pair(pair, flip, bits)
                    rotate(buffer, j, j ^ flip, trig, r, lanes)
            elif operation.kind == ROTATION:
                active = ~bits & satisfied(controls, operation.first, operation.last, signs[c])
                for j in range(size):
                    if (active >> j) & 1:
                        rotate(buffer, j, j ^ flip, trig, r, lanes)
            else:
                active = satisfied(controls, operation.first, operation.last, signs[c])
                for j in range(size):
                    if not (active >> j) & 1:
                        continue
                    if (bits >> j) & 1:
                        multiply(buffer, j, buffer, j, trig, r, lanes)
                    else:
                        multiply_conjugate(buffer, j, buffer, j, trig, r, lanes)
        for j in range(size):
            copy(psi, bases[c] ^ offsets[j], buffer, j, lanes)


@helper
def _measure(
    readout: ReadoutTables,
    number: int,
    part: int,
    parts: int,
    psi: FloatArray,
    values: FloatArray,
    space: Buffers,
    lanes: Lanes,
) -> None:
    """Add what a part of psi contributes to the expectation values, (num_outputs, W), of a block's terms."""
    block, terms, coefficients = readout.blocks[number], readout.terms, readout.coefficients
    offsets, bases, signs = readout.offsets[block.first_offset :], readout.bases, readout.signs
    buffer, probabilities = space.psi, space.weights
    size, first, last, last_diagonal = 1 << block.num_qubits, block.first, block.last, block.last_diagonal
    one = values.dtype.type(1)
    probabilities[:size] = 0
    start, stop = part_of(block.first_coset, block.last_coset, part, parts)
    for c in range(start, stop):
        for j in range(size):
            copy(buffer, j, psi, bases[c] ^ offsets[j], lanes)
        if last < last_diagonal:
            for j in range(size):
                add_real_overlap(probabilities, j, one, buffer, j, buffer, j, lanes)
        for t in range(first, last):
            term = terms[t]
            flip, odd, output = term.flip, term.odd, term.output
            bits = term.bits ^ -((signs[c] >> term.slot) & 1)
            for pair in range(size >> 1):
                j = first_of_pair(pair, flip, 0)
                weight = values.dtype.type(-2 * coefficients[t] if (bits >> j) & 1 else 2 * coefficients[t])
                if odd:
                    add_imag_overlap(values, output, -weight, buffer, j ^ flip, buffer, j, lanes)
                else:
                    add_real_overlap(values, output, weight, buffer, j ^ flip, buffer, j, lanes)
    for t in range(last, last_diagonal):
        bits, output = terms[t].bits, terms[t].output
        for j in range(size):
            weight = values.dtype.type(-coefficients[t] if (bits >> j) & 1 else coefficients[t])
            add_row(values, output, weight, probabilities, j, lanes)


@kernel
def run_block(
    tables: BlockTables, number: int, part: int, parts: int, trig: FloatArray, psi: FloatArray, lanes: Lanes
) -> None:
    """Apply block ``number`` to one part of psi, (rows, 2, W); trig is (num_rotations, 2, W)."""
    space = buffers(tables.most_qubits, tables.most_diagonals, psi, lanes)
    _run(tables, number, part, parts, trig, psi, space, lanes)


@kernel
def measure_block(
    readout: ReadoutTables, number: int, part: int, parts: int, psi: FloatArray, values: FloatArray, lanes: Lanes
) -> None:
    """Add what one part of psi, (rows, 2, W), contributes to its expectation values, (parts, num_outputs, W)."""
    _measure(readout, number, part, parts, psi, values[part], buffers(readout.most_qubits, 1, psi, lanes), lanes)


@kernel
def forward(
    tables: BlockTables,
    readout: ReadoutTables,
    trig: FloatArray,
    states: FloatArray,
    values: FloatArray,
    lanes: Lanes,
) -> None:
    """Run the circuit on some chunks from the state |0...0> and add the expectation values to ``values``.

    Args:
        tables: The circuit's blocks.
        readout: The observables' blocks.
        trig: Cosine and sine of half of each rotation's angle, (chunks, num_rotations, 2, W).
        states: Receives the final states, (chunks, 2**n, 2, W); or (1, 2**n, 2, W), and only the last chunk's are kept.
        values: Expectation values without the observables' identity parts, (chunks, num_outputs, W); added to.
        lanes: A tuple of W zeros.
    """
    running = buffers(tables.most_qubits, tables.most_diagonals, states, lanes)
    measuring = buffers(readout.most_qubits, 1, states, lanes)
    for chunk in range(len(trig)):
        psi = states[min(chunk, len(states) - 1)]
        psi[:] = 0
        psi[0, 0] = 1
        for number in range(len(tables.blocks)):
            _run(tables, number, 0, 1, trig[chunk], psi, running, lanes)
        for number in range(len(readout.blocks)):
            _measure(readout, number, 0, 1, psi, values[chunk], measuring, lanes)


@kernel
def relabel(
    images: IntArray,
    part_images: IntArray,
    part: int,
    parts: int,
    source: FloatArray,
    target: FloatArray,
    samples: Lanes,
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
        samples: A tuple of zeros, one for each sample.
    """
    start, stop = part_of(0, len(target), part, parts)
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
                for b in range(len(samples)):
                    target[row, component, s, b] = source[address & mask, component, address >> shift, b]
