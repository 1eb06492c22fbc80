"""The CPU kernels of adjoint differentiation (arXiv 2009.02823), compiled by numba when first used.

The blocks of a circuit (see :mod:`~qiskit_qgen.simulator.cpu.kernels`) run backward on two states, psi and lambda =
sum_k g_k O_k psi, and collect for each rotation exp(-i theta P / 2) the derivative Im <lambda|P|psi>.
"""

from __future__ import annotations

from typing import Any

from qiskit_qgen.simulator.cpu.blocks import DIAGONAL, ROTATION
from qiskit_qgen.simulator.cpu.kernels import (
    aligned,
    build_diagonals,
    first_of_pair,
    helper,
    kernel,
    measuring_space,
    part_of,
    row_buffer,
    running_space,
    satisfied,
)
from qiskit_qgen.simulator.cpu.lanes import (
    add_imag_overlap,
    add_imaginary_product,
    add_product,
    add_row,
    copy,
    multiply,
    multiply_conjugate,
    rotate_back,
)


@helper
def _fold_weights(tables: Any, block: Any, weights: Any, gradient: Any, lanes: Any) -> None:
    """gradient[r] += sum over the active rows j of (-1)^bit_j weights[j], for each entry of each diagonal."""
    operations, entries, size = tables.operations, tables.entries, 1 << block[0]
    one = gradient.dtype.type(1)
    for o in range(block[1], block[2]):
        if operations[o, 0] != DIAGONAL:
            continue
        row = operations[o, 7] * size
        for e in range(operations[o, 5], operations[o, 6]):
            bits, r, active = entries[e, 0], entries[e, 1], entries[e, 2]
            for j in range(size):
                if (active >> j) & 1:
                    add_row(gradient, r, -one if (bits >> j) & 1 else one, weights, row + j, lanes)


@helper
def _undo_block(
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
    lam: Any,
    psi_buffer: Any,
    lam_buffer: Any,
    diagonals: Any,
    weights: Any,
    gradient: Any,
    lanes: Any,
) -> None:
    """Undo a block on some cosets, and collect the derivatives (those of a diagonal by row, in ``weights``)."""
    size, first, last = 1 << block[0], block[1], block[2]
    one = gradient.dtype.type(1)
    for c in range(first_coset, last_coset):
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
                    j = first_of_pair(pair, flip, bits)
                    rotate_back(psi_buffer, lam_buffer, j, j ^ flip, trig, r, gradient, lanes)
            elif kind == ROTATION:
                active = ~bits & satisfied(controls, operations[o, 5], operations[o, 6], signs[c])
                for j in range(size):
                    if (active >> j) & 1:
                        rotate_back(psi_buffer, lam_buffer, j, j ^ flip, trig, r, gradient, lanes)
            else:
                active = satisfied(controls, operations[o, 5], operations[o, 6], signs[c])
                for j in range(size):
                    if not (active >> j) & 1:
                        continue
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


@helper
def _observe_block(
    block: Any,
    terms: Any,
    coefficients: Any,
    offsets: Any,
    bases: Any,
    signs: Any,
    first_coset: int,
    last_coset: int,
    cotangent: Any,
    psi: Any,
    lam: Any,
    psi_buffer: Any,
    lam_buffer: Any,
    diagonal: Any,
    lanes: Any,
) -> None:
    """Add sum_k cotangent_k O_k psi, for a block's terms, to lambda on some cosets."""
    size, scalar = 1 << block[0], cotangent.dtype.type
    diagonal[:size] = 0
    for t in range(block[6], block[7]):
        for j in range(size):
            sign = scalar(-coefficients[t] if (terms[t, 1] >> j) & 1 else coefficients[t])
            add_row(diagonal, j, sign, cotangent, terms[t, 4], lanes)
    for c in range(first_coset, last_coset):
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


@helper
def _observe(
    readout: Any, number: int, part: int, parts: int, cotangent: Any, psi: Any, lam: Any, space: Any, lanes: Any
) -> None:
    block, (psi_buffer, lam_buffer, diagonal) = readout.blocks[number], space
    start, stop = part_of(block[4], block[5], part, parts)
    _observe_block(
        block,
        readout.terms,
        readout.coefficients,
        readout.offsets,
        readout.bases,
        readout.signs,
        start,
        stop,
        cotangent,
        psi,
        lam,
        psi_buffer,
        lam_buffer,
        diagonal,
        lanes,
    )


@helper
def _undo(
    tables: Any,
    number: int,
    part: int,
    parts: int,
    trig: Any,
    psi: Any,
    lam: Any,
    gradient: Any,
    space: Any,
    lanes: Any,
) -> None:
    block, (psi_buffer, lam_buffer, diagonals, weights) = tables.blocks[number], space
    build_diagonals(tables, block, trig, diagonals, lanes)
    weights[:] = 0
    start, stop = part_of(block[4], block[5], part, parts)
    _undo_block(
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
        lam,
        psi_buffer,
        lam_buffer,
        diagonals,
        weights,
        gradient,
        lanes,
    )
    _fold_weights(tables, block, weights, gradient, lanes)


@helper
def _observing_space(readout: Any, psi: Any, lanes: Any) -> tuple[Any, Any, Any]:
    """Return buffers for any block of a read-out: of psi, of lambda, and of a diagonal."""
    psi_buffer, diagonal = measuring_space(readout, psi, lanes)
    return psi_buffer, row_buffer(readout.most_qubits, psi, lanes), diagonal


@helper
def _undoing_space(tables: Any, psi: Any, lanes: Any) -> tuple[Any, Any, Any, Any]:
    """Return buffers for any block of a circuit: of psi, of lambda, of the diagonals and the weights of their rows."""
    psi_buffer, diagonals = running_space(tables, psi, lanes)
    weights = aligned(len(diagonals), len(lanes), psi)
    return psi_buffer, row_buffer(tables.most_qubits, psi, lanes), diagonals, weights


@kernel
def observe_block(
    readout: Any, number: int, part: int, parts: int, cotangent: Any, psi: Any, lam: Any, lanes: Any
) -> None:
    """Add sum_k cotangent_k O_k psi, for the terms of block ``number``, to one part of lambda.

    psi and lambda are (rows, 2, W), the cotangent is (num_outputs, W).
    """
    _observe(readout, number, part, parts, cotangent, psi, lam, _observing_space(readout, psi, lanes), lanes)


@kernel
def undo_block(
    tables: Any, number: int, part: int, parts: int, trig: Any, psi: Any, lam: Any, gradient: Any, lanes: Any
) -> None:
    """Undo block ``number`` on one part of psi and lambda, (rows, 2, W).

    Its derivatives are added to the part's gradient, (parts, num_rotations, W).
    """
    _undo(tables, number, part, parts, trig, psi, lam, gradient[part], _undoing_space(tables, psi, lanes), lanes)


@kernel
def backward(
    tables: Any, readout: Any, trig: Any, states: Any, cotangent: Any, weights: Any, gradient: Any, lanes: Any
) -> None:
    """Add the vector-Jacobian product of :func:`~qiskit_qgen.simulator.cpu.kernels.forward` to ``gradient``.

    Args:
        tables: The circuit's blocks.
        readout: The observables' blocks.
        trig: As in the forward pass.
        states: The final states, (chunks, 2**n, 2, W); only read.
        cotangent: Derivative by each expectation value, (chunks, num_outputs, W).
        weights: Derivative by the probability of each row, (chunks, 2**n, W); or (chunks, 0, W) for none.
        gradient: Derivative by each rotation's angle, (chunks, num_rotations, W); added to.
        lanes: A tuple of W zeros.
    """
    rows, width = states.shape[1], len(lanes)
    psi = aligned(rows, 2 * width, states).reshape(rows, 2, width)
    lam = aligned(rows, 2 * width, states).reshape(rows, 2, width)
    observing, undoing = _observing_space(readout, states, lanes), _undoing_space(tables, states, lanes)
    for chunk in range(len(trig)):
        psi[:] = states[chunk]
        lam[:] = 0
        for row in range(weights.shape[1]):
            add_product(lam, row, weights.dtype.type(1), weights[chunk], row, psi, row, lanes)
        for number in range(len(readout.blocks)):
            _observe(readout, number, 0, 1, cotangent[chunk], psi, lam, observing, lanes)
        for number in range(len(tables.blocks) - 1, -1, -1):
            _undo(tables, number, 0, 1, trig[chunk], psi, lam, gradient[chunk], undoing, lanes)
