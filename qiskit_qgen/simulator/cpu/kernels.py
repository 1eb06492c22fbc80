"""The CPU kernels: circuits forward and read-out, compiled by numba when first used.

A *chunk* is ``W`` lanes of states that lie interleaved (see :mod:`~qiskit_qgen.simulator.cpu.lanes`). A circuit is a
sequence of blocks (:class:`~qiskit_qgen.simulator.cpu.blocks.BlockTables`); a block gathers ``2**k`` rows into a buffer
of the first-level cache, applies all its operations there, and puts them back, coset by coset. Entangling
permutations cost nothing here: they only changed which rows form a coset.

The kernels release the GIL and share nothing between calls. Small states are run through the whole circuit by one
call; of large ones each call does one block on one of several parts of its cosets.

The inner loops call no function that takes an array: each such call would count references, which costs more than a
rotation does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from qiskit_qgen.simulator.cpu.blocks import DIAGONAL, ROTATION
from qiskit_qgen.simulator.cpu.lanes import (
    add_imag_overlap,
    add_real_overlap,
    add_row,
    copy,
    multiply,
    multiply_conjugate,
    rotate,
)
from qiskit_qgen.simulator.cpu.memory import CACHE_LINE

helper = njit(nogil=True, error_model="numpy", boundscheck=False)
inlined = njit(nogil=True, error_model="numpy", boundscheck=False, forceinline=True)
kernel = njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)


@helper
def aligned(rows: int, width: int, like: Any) -> Any:
    """Return an uninitialised array (rows, width), of the dtype of ``like``, that starts at a cache line."""
    memory = np.empty(rows * width + CACHE_LINE // like.itemsize, like.dtype)
    start = (-memory.ctypes.data % CACHE_LINE) // like.itemsize
    return memory[start : start + rows * width].reshape(rows, width)


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


@helper
def satisfied(controls: Any, first: int, last: int, signs: int) -> int:
    """Return the bit set of the buffer's rows on which all the controls are satisfied."""
    rows = -1
    for c in range(first, last):
        rows &= controls[c, 0] ^ -((signs >> controls[c, 1]) & 1) ^ -(1 - controls[c, 2])
    return rows


@helper
def build_diagonals(tables: Any, block: Any, trig: Any, diagonals: Any, lanes: Any) -> None:
    """diagonals[slot * size + j] = product over the entries of exp(-i theta / 2 * (-1)^bit_j) on the active rows."""
    operations, entries, size = tables.operations, tables.entries, 1 << block[0]
    for o in range(block[1], block[2]):
        if operations[o, 0] != DIAGONAL:
            continue
        row = operations[o, 7] * size
        diagonals[row : row + size, 0] = 1
        diagonals[row : row + size, 1] = 0
        for e in range(operations[o, 5], operations[o, 6]):
            bits, r, active = entries[e, 0], entries[e, 1], entries[e, 2]
            for j in range(size):
                if not (active >> j) & 1:
                    continue
                if (bits >> j) & 1:
                    multiply(diagonals, row + j, diagonals, row + j, trig, r, lanes)
                else:
                    multiply_conjugate(diagonals, row + j, diagonals, row + j, trig, r, lanes)


@helper
def _run_block(
    block: Any,
    operations: Any,
    controls: Any,
    offsets: Any,
    bases: Any,
    signs: Any,
    first_coset: int,
    last_coset: int,
    trig: Any,
    psi: Any,
    buffer: Any,
    diagonals: Any,
    lanes: Any,
) -> None:
    """Apply a block to some cosets of psi."""
    size, first, last = 1 << block[0], block[1], block[2]
    for c in range(first_coset, last_coset):
        for j in range(size):
            copy(buffer, j, psi, bases[c] ^ offsets[block[3] + j], lanes)
        for o in range(first, last):
            kind, flip, r = operations[o, 0], operations[o, 1], operations[o, 4]
            bits = operations[o, 2] ^ -((signs[c] >> operations[o, 3]) & 1)
            if kind == DIAGONAL:
                row = operations[o, 7] * size
                for j in range(size):
                    multiply(buffer, j, buffer, j, diagonals, row + j, lanes)
            elif kind == ROTATION and operations[o, 5] == operations[o, 6]:
                for pair in range(size >> 1):
                    j = first_of_pair(pair, flip, bits)
                    rotate(buffer, j, j ^ flip, trig, r, lanes)
            elif kind == ROTATION:
                active = ~bits & satisfied(controls, operations[o, 5], operations[o, 6], signs[c])
                for j in range(size):
                    if (active >> j) & 1:
                        rotate(buffer, j, j ^ flip, trig, r, lanes)
            else:
                active = satisfied(controls, operations[o, 5], operations[o, 6], signs[c])
                for j in range(size):
                    if not (active >> j) & 1:
                        continue
                    if (bits >> j) & 1:
                        multiply(buffer, j, buffer, j, trig, r, lanes)
                    else:
                        multiply_conjugate(buffer, j, buffer, j, trig, r, lanes)
        for j in range(size):
            copy(psi, bases[c] ^ offsets[block[3] + j], buffer, j, lanes)


@helper
def _measure_block(
    block: Any,
    terms: Any,
    coefficients: Any,
    offsets: Any,
    bases: Any,
    signs: Any,
    first_coset: int,
    last_coset: int,
    psi: Any,
    buffer: Any,
    probabilities: Any,
    values: Any,
    lanes: Any,
) -> None:
    """Add the expectation values of a block's terms on some cosets to ``values``."""
    size, scalar = 1 << block[0], values.dtype.type
    probabilities[:size] = 0
    for c in range(first_coset, last_coset):
        for j in range(size):
            copy(buffer, j, psi, bases[c] ^ offsets[block[3] + j], lanes)
        if block[6] < block[7]:
            for j in range(size):
                add_real_overlap(probabilities, j, scalar(1), buffer, j, buffer, j, lanes)
        for t in range(block[1], block[2]):
            flip, odd, output = terms[t, 0], terms[t, 3], terms[t, 4]
            bits = terms[t, 1] ^ -((signs[c] >> terms[t, 2]) & 1)
            for pair in range(size >> 1):
                j = first_of_pair(pair, flip, 0)
                sign = scalar(-2 * coefficients[t] if (bits >> j) & 1 else 2 * coefficients[t])
                if odd:
                    add_imag_overlap(values, output, -sign, buffer, j ^ flip, buffer, j, lanes)
                else:
                    add_real_overlap(values, output, sign, buffer, j ^ flip, buffer, j, lanes)
    for t in range(block[6], block[7]):
        for j in range(size):
            sign = scalar(-coefficients[t] if (terms[t, 1] >> j) & 1 else coefficients[t])
            add_row(values, terms[t, 4], sign, probabilities, j, lanes)


@helper
def _run(tables: Any, number: int, part: int, parts: int, trig: Any, psi: Any, space: Any, lanes: Any) -> None:
    block, (buffer, diagonals) = tables.blocks[number], space
    build_diagonals(tables, block, trig, diagonals, lanes)
    start, stop = part_of(block[4], block[5], part, parts)
    _run_block(
        block,
        tables.operations,
        tables.controls,
        tables.offsets,
        tables.bases,
        tables.signs,
        start,
        stop,
        trig,
        psi,
        buffer,
        diagonals,
        lanes,
    )


@helper
def _measure(readout: Any, number: int, part: int, parts: int, psi: Any, values: Any, space: Any, lanes: Any) -> None:
    block, (buffer, probabilities) = readout.blocks[number], space
    start, stop = part_of(block[4], block[5], part, parts)
    _measure_block(
        block,
        readout.terms,
        readout.coefficients,
        readout.offsets,
        readout.bases,
        readout.signs,
        start,
        stop,
        psi,
        buffer,
        probabilities,
        values,
        lanes,
    )


@helper
def row_buffer(num_qubits: int, psi: Any, lanes: Any) -> Any:
    """Return a buffer for the rows of so many qubits."""
    return aligned(1 << num_qubits, 2 * len(lanes), psi).reshape(-1, 2, len(lanes))


@helper
def running_space(tables: Any, psi: Any, lanes: Any) -> tuple[Any, Any]:
    """Return buffers for any block of a circuit: of its rows, and of its diagonals."""
    diagonals = aligned(tables.most_diagonals << tables.most_qubits, 2 * len(lanes), psi)
    return row_buffer(tables.most_qubits, psi, lanes), diagonals.reshape(-1, 2, len(lanes))


@helper
def measuring_space(readout: Any, psi: Any, lanes: Any) -> tuple[Any, Any]:
    """Return buffers for any block of a read-out: of its rows, and of a diagonal."""
    return row_buffer(readout.most_qubits, psi, lanes), aligned(1 << readout.most_qubits, len(lanes), psi)


@kernel
def run_block(tables: Any, number: int, part: int, parts: int, trig: Any, psi: Any, lanes: Any) -> None:
    """Apply block ``number`` to one part of psi, (rows, 2, W); trig is (num_rotations, 2, W)."""
    _run(tables, number, part, parts, trig, psi, running_space(tables, psi, lanes), lanes)


@kernel
def measure_block(readout: Any, number: int, part: int, parts: int, psi: Any, values: Any, lanes: Any) -> None:
    """Add what one part of psi, (rows, 2, W), contributes to its expectation values, (parts, num_outputs, W)."""
    _measure(readout, number, part, parts, psi, values[part], measuring_space(readout, psi, lanes), lanes)


@kernel
def forward(tables: Any, readout: Any, trig: Any, states: Any, values: Any, lanes: Any) -> None:
    """Run the circuit on some chunks from the state |0...0> and add the expectation values to ``values``.

    Args:
        tables: The circuit's blocks.
        readout: The observables' blocks.
        trig: Cosine and sine of half of each rotation's angle, (chunks, num_rotations, 2, W).
        states: Receives the final states, (chunks, 2**n, 2, W); or (1, 2**n, 2, W), and only the last chunk's are kept.
        values: Expectation values without the observables' identity parts, (chunks, num_outputs, W); added to.
        lanes: A tuple of W zeros.
    """
    running, measuring = running_space(tables, states, lanes), measuring_space(readout, states, lanes)
    for chunk in range(len(trig)):
        psi = states[min(chunk, len(states) - 1)]
        psi[:] = 0
        psi[0, 0] = 1
        for number in range(len(tables.blocks)):
            _run(tables, number, 0, 1, trig[chunk], psi, running, lanes)
        for number in range(len(readout.blocks)):
            _measure(readout, number, 0, 1, psi, values[chunk], measuring, lanes)


@kernel
def relabel(images: Any, part_images: Any, part: int, parts: int, source: Any, target: Any, samples: Any) -> None:
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
