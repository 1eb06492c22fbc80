"""The CPU kernels: circuits forward, read-out, and the adjoint sweep back, compiled by numba when first used.

A *chunk* is ``W`` samples whose states lie interleaved (see :mod:`~qiskit_qgen.simulator.lanes`). A circuit is a
sequence of blocks (:class:`~qiskit_qgen.simulator.blocks.BlockTables`); a block gathers ``2**k`` rows into a buffer
of the first-level cache, applies all its operations there, and puts them back, coset by coset. Entangling
permutations cost nothing here: they only changed which rows form a coset.

The adjoint sweep (arXiv 2009.02823) runs the blocks backward on two states, psi and lambda = sum_k g_k O_k psi, and
collects for each rotation exp(-i theta P / 2) the derivative Im <lambda|P|psi>. The kernels release the GIL and share
nothing between calls.

The inner loops call no function that takes an array: each such call would count references, which costs more than a
rotation does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from qiskit_qgen.simulator.blocks import DIAGONAL, ROTATION
from qiskit_qgen.simulator.lanes import (
    add_imag_overlap,
    add_imaginary_product,
    add_product,
    add_real_overlap,
    add_row,
    copy,
    multiply,
    multiply_conjugate,
    rotate,
    rotate_back,
)
from qiskit_qgen.simulator.memory import CACHE_LINE

_helper = njit(nogil=True, error_model="numpy", boundscheck=False)
_inlined = njit(nogil=True, error_model="numpy", boundscheck=False, forceinline=True)
_kernel = njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)


@_helper
def _aligned(rows: int, width: int, like: Any) -> Any:
    """Return an uninitialised array (rows, width), of the dtype of ``like``, that starts at a cache line."""
    memory = np.empty(rows * width + CACHE_LINE // like.itemsize, like.dtype)
    start = (-memory.ctypes.data % CACHE_LINE) // like.itemsize
    return memory[start : start + rows * width].reshape(rows, width)


@_inlined
def _first_of_pair(pair: int, flip: int, bits: int) -> int:
    """Return the row that holds |0> of the target in the given one of the ``size / 2`` pairs (j, j XOR flip)."""
    low = (flip & -flip) - 1
    j = ((pair & ~low) << 1) | (pair & low)
    return j ^ (flip & -((bits >> j) & 1))


@_helper
def _satisfied(controls: Any, first: int, last: int, signs: int) -> int:
    """Return the bit set of the buffer's rows on which all the controls are satisfied."""
    rows = -1
    for c in range(first, last):
        rows &= controls[c, 0] ^ -((signs >> controls[c, 1]) & 1) ^ -(1 - controls[c, 2])
    return rows


@_helper
def _build_diagonals(tables: Any, first: int, last: int, size: int, trig: Any, diagonals: Any, lanes: Any) -> None:
    """diagonals[slot * size + j] = product over the entries of exp(-i theta / 2 * (-1)^bit_j)."""
    operations, entries = tables.operations, tables.entries
    for o in range(first, last):
        if operations[o, 0] != DIAGONAL:
            continue
        row = operations[o, 7] * size
        diagonals[row : row + size, 0] = 1
        diagonals[row : row + size, 1] = 0
        for e in range(operations[o, 5], operations[o, 6]):
            bits, r = entries[e, 0], entries[e, 1]
            for j in range(size):
                if (bits >> j) & 1:
                    multiply(diagonals, row + j, diagonals, row + j, trig, r, lanes)
                else:
                    multiply_conjugate(diagonals, row + j, diagonals, row + j, trig, r, lanes)


@_helper
def _fold_weights(tables: Any, first: int, last: int, size: int, weights: Any, gradient: Any, lanes: Any) -> None:
    """gradient[r] += sum over the rows j of (-1)^bit_j weights[j], for each entry of each diagonal."""
    operations, entries = tables.operations, tables.entries
    one = gradient.dtype.type(1)
    for o in range(first, last):
        if operations[o, 0] != DIAGONAL:
            continue
        row = operations[o, 7] * size
        for e in range(operations[o, 5], operations[o, 6]):
            bits, r = entries[e, 0], entries[e, 1]
            for j in range(size):
                add_row(gradient, r, -one if (bits >> j) & 1 else one, weights, row + j, lanes)


@_helper
def _forward_block(
    block: Any,
    operations: Any,
    controls: Any,
    offsets: Any,
    bases: Any,
    signs: Any,
    trig: Any,
    psi: Any,
    buffer: Any,
    diagonals: Any,
    lanes: Any,
) -> None:
    """Apply a block to psi."""
    size, first, last = 1 << block[0], block[1], block[2]
    for c in range(block[4], block[5]):
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
                    j = _first_of_pair(pair, flip, bits)
                    rotate(buffer, j, j ^ flip, trig, r, lanes)
            elif kind == ROTATION:
                active = ~bits & _satisfied(controls, operations[o, 5], operations[o, 6], signs[c])
                for j in range(size):
                    if (active >> j) & 1:
                        rotate(buffer, j, j ^ flip, trig, r, lanes)
            else:
                for j in range(size):
                    if (bits >> j) & 1:
                        multiply(buffer, j, buffer, j, trig, r, lanes)
                    else:
                        multiply_conjugate(buffer, j, buffer, j, trig, r, lanes)
        for j in range(size):
            copy(psi, bases[c] ^ offsets[block[3] + j], buffer, j, lanes)


@_helper
def _backward_block(
    block: Any,
    operations: Any,
    controls: Any,
    offsets: Any,
    bases: Any,
    signs: Any,
    trig: Any,
    psi: Any,
    lam: Any,
    psi_buffer: Any,
    lam_buffer: Any,
    diagonals: Any,
    weights: Any,
    gradient: Any,
    lanes: Any,
) -> None:
    """Undo a block on psi and lambda, and collect the derivatives (those of a diagonal by row, in ``weights``)."""
    size, first, last = 1 << block[0], block[1], block[2]
    one = gradient.dtype.type(1)
    for c in range(block[4], block[5]):
        for j in range(size):
            row = bases[c] ^ offsets[block[3] + j]
            copy(psi_buffer, j, psi, row, lanes)
            copy(lam_buffer, j, lam, row, lanes)
        for o in range(last - 1, first - 1, -1):
            kind, flip, r = operations[o, 0], operations[o, 1], operations[o, 4]
            bits = operations[o, 2] ^ -((signs[c] >> operations[o, 3]) & 1)
            if kind == DIAGONAL:
                row = operations[o, 7] * size
                for j in range(size):
                    add_imag_overlap(weights, row + j, one, lam_buffer, j, psi_buffer, j, lanes)
                    multiply_conjugate(psi_buffer, j, psi_buffer, j, diagonals, row + j, lanes)
                    multiply_conjugate(lam_buffer, j, lam_buffer, j, diagonals, row + j, lanes)
            elif kind == ROTATION and operations[o, 5] == operations[o, 6]:
                for pair in range(size >> 1):
                    j = _first_of_pair(pair, flip, bits)
                    rotate_back(psi_buffer, lam_buffer, j, j ^ flip, trig, r, gradient, lanes)
            elif kind == ROTATION:
                active = ~bits & _satisfied(controls, operations[o, 5], operations[o, 6], signs[c])
                for j in range(size):
                    if (active >> j) & 1:
                        rotate_back(psi_buffer, lam_buffer, j, j ^ flip, trig, r, gradient, lanes)
            else:
                for j in range(size):
                    if (bits >> j) & 1:
                        add_imag_overlap(gradient, r, -one, lam_buffer, j, psi_buffer, j, lanes)
                        multiply_conjugate(psi_buffer, j, psi_buffer, j, trig, r, lanes)
                        multiply_conjugate(lam_buffer, j, lam_buffer, j, trig, r, lanes)
                    else:
                        add_imag_overlap(gradient, r, one, lam_buffer, j, psi_buffer, j, lanes)
                        multiply(psi_buffer, j, psi_buffer, j, trig, r, lanes)
                        multiply(lam_buffer, j, lam_buffer, j, trig, r, lanes)
        for j in range(size):
            row = bases[c] ^ offsets[block[3] + j]
            copy(psi, row, psi_buffer, j, lanes)
            copy(lam, row, lam_buffer, j, lanes)


@_helper
def _measure_block(
    block: Any,
    terms: Any,
    coefficients: Any,
    offsets: Any,
    bases: Any,
    signs: Any,
    psi: Any,
    buffer: Any,
    probabilities: Any,
    values: Any,
    lanes: Any,
) -> None:
    """Add the expectation values of a block's terms to ``values``."""
    size, scalar = 1 << block[0], values.dtype.type
    probabilities[:] = 0
    for c in range(block[4], block[5]):
        for j in range(size):
            copy(buffer, j, psi, bases[c] ^ offsets[block[3] + j], lanes)
        if block[6] < block[7]:
            for j in range(size):
                add_real_overlap(probabilities, j, scalar(1), buffer, j, buffer, j, lanes)
        for t in range(block[1], block[2]):
            flip, odd, output = terms[t, 0], terms[t, 3], terms[t, 4]
            bits = terms[t, 1] ^ -((signs[c] >> terms[t, 2]) & 1)
            for pair in range(size >> 1):
                j = _first_of_pair(pair, flip, 0)
                sign = scalar(-2 * coefficients[t] if (bits >> j) & 1 else 2 * coefficients[t])
                if odd:
                    add_imag_overlap(values, output, -sign, buffer, j ^ flip, buffer, j, lanes)
                else:
                    add_real_overlap(values, output, sign, buffer, j ^ flip, buffer, j, lanes)
    for t in range(block[6], block[7]):
        for j in range(size):
            sign = scalar(-coefficients[t] if (terms[t, 1] >> j) & 1 else coefficients[t])
            add_row(values, terms[t, 4], sign, probabilities, j, lanes)


@_helper
def _observe_block(
    block: Any,
    terms: Any,
    coefficients: Any,
    offsets: Any,
    bases: Any,
    signs: Any,
    cotangent: Any,
    psi: Any,
    lam: Any,
    psi_buffer: Any,
    lam_buffer: Any,
    diagonal: Any,
    lanes: Any,
) -> None:
    """Add sum_k cotangent_k O_k psi, for a block's terms, to lambda."""
    size, scalar = 1 << block[0], cotangent.dtype.type
    diagonal[:] = 0
    for t in range(block[6], block[7]):
        for j in range(size):
            sign = scalar(-coefficients[t] if (terms[t, 1] >> j) & 1 else coefficients[t])
            add_row(diagonal, j, sign, cotangent, terms[t, 4], lanes)
    for c in range(block[4], block[5]):
        for j in range(size):
            row = bases[c] ^ offsets[block[3] + j]
            copy(psi_buffer, j, psi, row, lanes)
            copy(lam_buffer, j, lam, row, lanes)
        if block[6] < block[7]:
            for j in range(size):
                add_product(lam_buffer, j, scalar(1), diagonal, j, psi_buffer, j, lanes)
        for t in range(block[1], block[2]):
            flip, odd, output = terms[t, 0], terms[t, 3], terms[t, 4]
            bits = terms[t, 1] ^ -((signs[c] >> terms[t, 2]) & 1)
            for j in range(size):
                sign = scalar(-coefficients[t] if (bits >> j) & 1 else coefficients[t])
                if odd:
                    add_imaginary_product(lam_buffer, j ^ flip, sign, cotangent, output, psi_buffer, j, lanes)
                else:
                    add_product(lam_buffer, j ^ flip, sign, cotangent, output, psi_buffer, j, lanes)
        for j in range(size):
            copy(lam, bases[c] ^ offsets[block[3] + j], lam_buffer, j, lanes)


@_kernel
def forward(tables: Any, readout: Any, trig: Any, states: Any, values: Any, lanes: Any) -> None:
    """Run the circuit on some chunks from the state |0...0> and add the expectation values to ``values``.

    Args:
        tables: The circuit's blocks.
        readout: The observables' blocks.
        trig: Cosine and sine of half of each rotation's angle, (chunks, num_rotations, 2, W).
        states: Receives the final states, (chunks, 2**n, 2, W); or (1, 2**n, 2, W), and only the last chunk's are kept.
        values: Expectation values without the observables' identity parts, (chunks, num_observables, W); added to.
        lanes: A tuple of W zeros.
    """
    width = len(lanes)
    largest = max(tables.largest_block, readout.largest_block)
    buffer = _aligned(largest, 2 * width, states).reshape(-1, 2, width)
    probabilities = _aligned(largest, width, states)
    diagonals = _aligned(tables.most_diagonals * largest, 2 * width, states).reshape(-1, 2, width)
    operations, controls = tables.operations, tables.controls
    offsets, bases, signs = tables.offsets, tables.bases, tables.signs
    for chunk in range(len(trig)):
        psi, turns = states[min(chunk, len(states) - 1)], trig[chunk]
        psi[:] = 0
        psi[0, 0] = 1
        for block in tables.blocks:
            _build_diagonals(tables, block[1], block[2], 1 << block[0], turns, diagonals, lanes)
            _forward_block(block, operations, controls, offsets, bases, signs, turns, psi, buffer, diagonals, lanes)
        for block in readout.blocks:
            _measure_block(
                block,
                readout.terms,
                readout.coefficients,
                readout.offsets,
                readout.bases,
                readout.signs,
                psi,
                buffer,
                probabilities,
                values[chunk],
                lanes,
            )


@_kernel
def backward(tables: Any, readout: Any, trig: Any, states: Any, cotangent: Any, gradient: Any, lanes: Any) -> None:
    """Add the vector-Jacobian product of :func:`forward` to ``gradient``.

    Args:
        tables: The circuit's blocks.
        readout: The observables' blocks.
        trig: As in :func:`forward`.
        states: The final states, (chunks, 2**n, 2, W); only read.
        cotangent: Derivative by each expectation value, (chunks, num_observables, W).
        gradient: Derivative by each rotation's angle, (chunks, num_rotations, W); added to.
        lanes: A tuple of W zeros.
    """
    rows, width = states.shape[1], len(lanes)
    largest = max(tables.largest_block, readout.largest_block)
    psi = _aligned(rows, 2 * width, states).reshape(rows, 2, width)
    lam = _aligned(rows, 2 * width, states).reshape(rows, 2, width)
    psi_buffer = _aligned(largest, 2 * width, states).reshape(-1, 2, width)
    lam_buffer = _aligned(largest, 2 * width, states).reshape(-1, 2, width)
    diagonals = _aligned(tables.most_diagonals * largest, 2 * width, states).reshape(-1, 2, width)
    weights = _aligned(max(1, tables.most_diagonals) * largest, width, states)
    operations, controls = tables.operations, tables.controls
    offsets, bases, signs = tables.offsets, tables.bases, tables.signs
    for chunk in range(len(trig)):
        turns = trig[chunk]
        psi[:] = states[chunk]
        lam[:] = 0
        for block in readout.blocks:
            _observe_block(
                block,
                readout.terms,
                readout.coefficients,
                readout.offsets,
                readout.bases,
                readout.signs,
                cotangent[chunk],
                psi,
                lam,
                psi_buffer,
                lam_buffer,
                weights,
                lanes,
            )
        for b in range(len(tables.blocks) - 1, -1, -1):
            block = tables.blocks[b]
            _build_diagonals(tables, block[1], block[2], 1 << block[0], turns, diagonals, lanes)
            weights[:] = 0
            _backward_block(
                block,
                operations,
                controls,
                offsets,
                bases,
                signs,
                turns,
                psi,
                lam,
                psi_buffer,
                lam_buffer,
                diagonals,
                weights,
                gradient[chunk],
                lanes,
            )
            _fold_weights(tables, block[1], block[2], 1 << block[0], weights, gradient[chunk], lanes)
