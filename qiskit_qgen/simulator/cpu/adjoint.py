"""The CPU kernels of adjoint differentiation (arXiv 2009.02823), compiled by numba when first used.

The blocks of a circuit (see :mod:`~qiskit_qgen.simulator.cpu.kernels`) run backward on two states, psi and lambda =
sum_k g_k O_k psi, and collect for each rotation exp(-i theta P / 2) the derivative Im <lambda|P|psi>.

Beside the arguments of the forward kernels, ``lam`` is lambda, (rows, 2, W), ``cotangent`` holds the derivatives by the
expectation values, (num_outputs, W), and ``gradient`` those by the rotations' angles, (num_rotations, W), which are
added to. The derivative by an angle is taken before its rotation is undone, while psi and lambda are the states behind
it: P commutes with the rotation, so this side is as good as the other.
"""

from __future__ import annotations

from qiskit_qgen._typing import FloatArray
from qiskit_qgen.simulator.cpu.block_tables import DIAGONAL, ROTATION, BlockTables, ReadoutTables
from qiskit_qgen.simulator.cpu.compilation import helper, kernel
from qiskit_qgen.simulator.cpu.kernels import (
    Buffers,
    Lanes,
    Record,
    buffers,
    build_diagonals,
    empty_rows,
    first_of_pair,
    part_of,
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
def _fold_weights(tables: BlockTables, block: Record, weights: FloatArray, gradient: FloatArray, lanes: Lanes) -> None:
    """gradient[r] += sum over the active rows j of (-1)^bit_j weights[j], for each entry of each diagonal.

    The weights are those of the block's diagonals, (num_diagonals * 2**k, W); the gradient is (num_rotations, W).
    """
    operations, entries, size = tables.operations, tables.entries, 1 << block.num_qubits
    one = gradient.dtype.type(1)
    for o in range(block.first, block.last):
        operation = operations[o]
        if operation.kind != DIAGONAL:
            continue
        row = operation.diagonal * size
        for e in range(operation.first, operation.last):
            bits, r, active = entries[e].bits, entries[e].rotation, entries[e].active
            for j in range(size):
                if (active >> j) & 1:
                    add_row(gradient, r, -one if (bits >> j) & 1 else one, weights, row + j, lanes)


@helper
def _undo(
    tables: BlockTables,
    number: int,
    part: int,
    parts: int,
    trig: FloatArray,
    psi: FloatArray,
    lam: FloatArray,
    gradient: FloatArray,
    space: Buffers,
    lanes: Lanes,
) -> None:
    """Do what :func:`undo_block` does, in given buffers; the gradient is the part's, (num_rotations, W)."""
    block, operations, controls = tables.blocks[number], tables.operations, tables.controls
    offsets, bases, signs = tables.offsets[block.first_offset :], tables.bases, tables.signs
    psi_buffer, lam_buffer, diagonals, weights = space
    size, first, last = 1 << block.num_qubits, block.first, block.last
    one = gradient.dtype.type(1)
    build_diagonals(tables, block, trig, diagonals, lanes)
    weights[:] = 0
    start, stop = part_of(block.first_coset, block.last_coset, part, parts)
    for c in range(start, stop):
        for j in range(size):
            row = bases[c] ^ offsets[j]
            copy(psi_buffer, j, psi, row, lanes)
            copy(lam_buffer, j, lam, row, lanes)
        for o in range(last - 1, first - 1, -1):
            operation = operations[o]
            flip, r = operation.flip, operation.rotation
            bits = operation.bits ^ -((signs[c] >> operation.slot) & 1)
            if operation.kind == DIAGONAL:  # its derivatives are collected by row
                row = operation.diagonal * size
                for j in range(size):
                    add_imag_overlap(weights, row + j, one, lam_buffer, j, psi_buffer, j, lanes)
                    multiply_conjugate(psi_buffer, j, psi_buffer, j, diagonals, row + j, lanes)
                    multiply_conjugate(lam_buffer, j, lam_buffer, j, diagonals, row + j, lanes)
            elif operation.kind == ROTATION and operation.first == operation.last:
                for pair in range(size >> 1):
                    j = first_of_pair(pair, flip, bits)
                    rotate_back(psi_buffer, lam_buffer, j, j ^ flip, trig, r, gradient, lanes)
            elif operation.kind == ROTATION:
                active = ~bits & satisfied(controls, operation.first, operation.last, signs[c])
                for j in range(size):
                    if (active >> j) & 1:
                        rotate_back(psi_buffer, lam_buffer, j, j ^ flip, trig, r, gradient, lanes)
            else:
                active = satisfied(controls, operation.first, operation.last, signs[c])
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
            row = bases[c] ^ offsets[j]
            copy(psi, row, psi_buffer, j, lanes)
            copy(lam, row, lam_buffer, j, lanes)
    _fold_weights(tables, block, weights, gradient, lanes)


@helper
def _observe(
    readout: ReadoutTables,
    number: int,
    part: int,
    parts: int,
    cotangent: FloatArray,
    psi: FloatArray,
    lam: FloatArray,
    space: Buffers,
    lanes: Lanes,
) -> None:
    """Do what :func:`observe_block` does, in given buffers."""
    block, terms, coefficients = readout.blocks[number], readout.terms, readout.coefficients
    offsets, bases, signs = readout.offsets[block.first_offset :], readout.bases, readout.signs
    psi_buffer, lam_buffer, _, diagonal = space
    size, first, last, last_diagonal = 1 << block.num_qubits, block.first, block.last, block.last_diagonal
    one = cotangent.dtype.type(1)
    diagonal[:size] = 0
    for t in range(last, last_diagonal):
        bits, output = terms[t].bits, terms[t].output
        for j in range(size):
            weight = cotangent.dtype.type(-coefficients[t] if (bits >> j) & 1 else coefficients[t])
            add_row(diagonal, j, weight, cotangent, output, lanes)
    start, stop = part_of(block.first_coset, block.last_coset, part, parts)
    for c in range(start, stop):
        for j in range(size):
            row = bases[c] ^ offsets[j]
            copy(psi_buffer, j, psi, row, lanes)
            copy(lam_buffer, j, lam, row, lanes)
        if last < last_diagonal:
            for j in range(size):
                add_product(lam_buffer, j, one, diagonal, j, psi_buffer, j, lanes)
        for t in range(first, last):
            term = terms[t]
            flip, odd, output = term.flip, term.odd, term.output
            bits = term.bits ^ -((signs[c] >> term.slot) & 1)
            for j in range(size):
                weight = cotangent.dtype.type(-coefficients[t] if (bits >> j) & 1 else coefficients[t])
                if odd:
                    add_imaginary_product(lam_buffer, j ^ flip, weight, cotangent, output, psi_buffer, j, lanes)
                else:
                    add_product(lam_buffer, j ^ flip, weight, cotangent, output, psi_buffer, j, lanes)
        for j in range(size):
            copy(lam, bases[c] ^ offsets[j], lam_buffer, j, lanes)


@kernel
def observe_block(
    readout: ReadoutTables,
    number: int,
    part: int,
    parts: int,
    cotangent: FloatArray,
    psi: FloatArray,
    lam: FloatArray,
    lanes: Lanes,
) -> None:
    """Add sum_k cotangent_k O_k psi, for the terms of block ``number``, to one part of lambda.

    psi and lambda are (rows, 2, W), the cotangent is (num_outputs, W).
    """
    _observe(readout, number, part, parts, cotangent, psi, lam, buffers(readout.most_qubits, 1, psi, lanes), lanes)


@kernel
def undo_block(
    tables: BlockTables,
    number: int,
    part: int,
    parts: int,
    trig: FloatArray,
    psi: FloatArray,
    lam: FloatArray,
    gradient: FloatArray,
    lanes: Lanes,
) -> None:
    """Undo block ``number`` on one part of psi and lambda, (rows, 2, W).

    Its derivatives are added to the part's gradient, (parts, num_rotations, W).
    """
    space = buffers(tables.most_qubits, tables.most_diagonals, psi, lanes)
    _undo(tables, number, part, parts, trig, psi, lam, gradient[part], space, lanes)


@kernel
def backward(
    tables: BlockTables,
    readout: ReadoutTables,
    trig: FloatArray,
    states: FloatArray,
    cotangent: FloatArray,
    weights: FloatArray,
    gradient: FloatArray,
    lanes: Lanes,
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
    rows = states.shape[1]
    psi, lam = empty_rows(rows, states, lanes), empty_rows(rows, states, lanes)
    observing = buffers(readout.most_qubits, 1, states, lanes)
    undoing = buffers(tables.most_qubits, tables.most_diagonals, states, lanes)
    for chunk in range(len(trig)):
        psi[:] = states[chunk]
        lam[:] = 0
        for row in range(weights.shape[1]):
            add_product(lam, row, weights.dtype.type(1), weights[chunk], row, psi, row, lanes)
        for number in range(len(readout.blocks)):
            _observe(readout, number, 0, 1, cotangent[chunk], psi, lam, observing, lanes)
        for number in range(len(tables.blocks) - 1, -1, -1):
            _undo(tables, number, 0, 1, trig[chunk], psi, lam, gradient[chunk], undoing, lanes)
