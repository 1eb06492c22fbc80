"""The CPU kernel of adjoint differentiation (arXiv 2009.02823), compiled by numba when first used.

The stages of the forward kernel (see :mod:`~qiskit_qgen.simulator.cpu.kernels`) run backward on two states, psi and
lambda = sum_k g_k O_k psi, and collect for each rotation exp(-i theta P / 2) the derivative Im <lambda|P|psi>.

Beside the arguments of the forward kernel, ``lam`` is lambda, ``by_words`` and ``by_values`` are derivatives by
``words`` and ``values``, and ``gradients`` those by the rotations' angles, (chunks, num_rotations, W), which are
added to. The derivative by an angle is taken before its rotation is undone, while psi and lambda are the states
behind it: P commutes with the rotation, so this side is as good as the other. Where the states lack cosines, so do
the derivatives.
"""

from __future__ import annotations

from qiskit_qgen._typing import FloatArray, IntArray
from qiskit_qgen.simulator.cpu import passes, space
from qiskit_qgen.simulator.cpu.block_tables import BUFFER, LANE_PASS, PASS, ROTATION, BlockTables
from qiskit_qgen.simulator.cpu.compilation import helper, kernel
from qiskit_qgen.simulator.cpu.kernels import Record, Unit, build_diagonals, odd_signs, part_of, satisfied, shift_of
from qiskit_qgen.simulator.cpu.lanes import (
    add_phase_overlap,
    add_row,
    clear,
    divide_square,
    lowest_bit,
    multiply,
    multiply_conjugate,
    rotate_back,
    rotate_back_lanes,
    scale,
    scale_square,
    set_real,
    set_scaled,
    turn_back,
)
from qiskit_qgen.simulator.cpu.product import pull_back_start
from qiskit_qgen.simulator.cpu.readout_tables import FinishTables, ReadoutTables
from qiskit_qgen.simulator.cpu.space import ROW, VECTOR, WORD
from qiskit_qgen.simulator.cpu.start_tables import StartTables

_IN, _BUFFERED, _OUT = 0, 64, 128  # tables of rows: where they are, in the buffer, where they go; then lambda's
_LAM = 192


@helper
def _fold_diagonals(
    blocks: BlockTables, block: Record, trig: int, weights: int, gradient: int, scratch: int, unit: Unit
) -> None:
    """Give each rotation of a block's diagonals its derivative, and those of passes their cosines.

    A phase's derivative is the sum over its active rows j of (-1)^bit_j weights[j].
    """
    size = 1 << block.num_qubits
    for d in range(block.first_diagonal, block.last_diagonal):
        diagonal = blocks.diagonals[d]
        first_row = weights + (d - block.first_diagonal) * size * VECTOR
        if diagonal.first_after < diagonal.last_after:
            set_real(unit, scratch, 1)
            for r in range(diagonal.last_after - 1, diagonal.first_after - 1, -1):
                scale_square(unit, gradient + r * VECTOR, scratch)
                scale(unit, scratch, trig + r * ROW)
            for j in range(size):
                scale_square(unit, first_row + j * VECTOR, scratch)
        for e in range(diagonal.first, diagonal.last):
            entry = blocks.entries[e]
            for j in range(size):
                if (entry.active >> j) & 1:
                    weight = 1 - 2 * ((entry.bits >> j) & 1)
                    add_row(unit, gradient + entry.rotation * VECTOR, weight, first_row + j * VECTOR)
        for bit in range(block.num_qubits - 1, -1, -1):
            r = blocks.units[diagonal.units + bit]
            for j in range(1 << bit):
                low = first_row + j * VECTOR
                high = low + (VECTOR << bit)
                if r >= 0:
                    add_row(unit, gradient + r * VECTOR, 1, low)
                    add_row(unit, gradient + r * VECTOR, -1, high)
                add_row(unit, low, 1, high)
        set_real(unit, scratch, 1)
        for r in range(diagonal.first_before, diagonal.last_before):
            scale(unit, scratch, trig + r * ROW)
            divide_square(unit, gradient + r * VECTOR, scratch)


@helper
def _undo_lane_pass(
    step: Record,
    source: int,
    target: int,
    order: int,
    odd: int,
    groups: int,
    angle: int,
    total: int,
    exchanges: int,
    unit: Unit,
) -> None:
    """Undo the rotations of a pass that exchanges lanes."""
    lanes0, lanes1 = exchanges + step.lanes * VECTOR, exchanges + step.lanes1 * VECTOR
    lanes2 = exchanges + step.lanes2 * VECTOR
    if step.count == 3:
        passes.undo_lanes_3(unit, source, target, order, odd, groups, angle, total, lanes0, lanes1, lanes2)
    elif step.count == 2:
        passes.undo_lanes_2(unit, source, target, order, odd, groups, angle, total, lanes0, lanes1)
    else:
        passes.undo_lanes_1(unit, source, target, order, odd, groups, angle, total, lanes0)


@helper
def _undo(
    blocks: BlockTables,
    number: int,
    part: int,
    parts: int,
    trig: int,
    source_psi: int,
    psi: int,
    lam: int,
    gradient: int,
    exchanges: int,
    tables: IntArray,
    work: FloatArray,
    unit: Unit,
) -> None:
    """Undo a block on psi and lambda; psi is taken from ``source_psi``."""
    block = blocks.blocks[number]
    steps, controls, bases, signs = blocks.steps, blocks.controls, blocks.bases, blocks.signs
    offsets = blocks.offsets[block.first_offset :]
    size, num_diagonals = 1 << block.num_qubits, block.last_diagonal - block.first_diagonal
    places, orders, memory = tables.ctypes.data, blocks.order.ctypes.data, work.ctypes.data
    buffer, lam_buffer, scratch = memory + space.BUFFER_PSI, memory + space.BUFFER_LAM, memory + space.SCRATCH
    diagonals = memory + space.DIAGONALS
    weights = diagonals + num_diagonals * size * ROW
    build_diagonals(blocks, block, trig, diagonals, work, 0.0, unit)
    for j in range(0, num_diagonals * size, 2):
        clear(unit, weights + j * VECTOR)
    for j in range(size):
        tables[_BUFFERED + j] = buffer + j * ROW
        tables[_LAM + _BUFFERED + j] = lam_buffer + j * ROW
    start, stop = part_of(block.first_coset, block.last_coset, part, parts)
    for c in range(start, stop):
        for j in range(size):
            place = (bases[c] ^ offsets[j]) * ROW
            tables[_IN + j] = source_psi + place
            tables[_OUT + j] = psi + place
            tables[_LAM + _IN + j] = lam + place
            tables[_LAM + _OUT + j] = lam + place
        for s in range(block.last - 1, block.first - 1, -1):
            step = steps[s]
            angle, total = trig + step.rotation * ROW, gradient + step.rotation * VECTOR
            if step.kind == PASS or step.kind == LANE_PASS:
                shift, count = shift_of(step, signs[c]), step.count
                source = places + step.target
                target = places + (step.source if step.source == BUFFER else _OUT * WORD)
                order, groups = orders + step.order * WORD, size >> count
                if step.diagonal >= 0:
                    phases, sums = diagonals + step.diagonal * size * ROW, weights + step.diagonal * size * VECTOR
                    between = places + BUFFER if count else target
                    passes.undo_diagonal(unit, source, between, size, phases, sums)
                    source = between
                if step.kind == LANE_PASS:
                    odd = odd_signs(step, signs[c])
                    _undo_lane_pass(step, source, target, order, odd, groups, angle, total, exchanges, unit)
                elif count == 3:
                    passes.undo_3(unit, source, target, order, shift, groups, angle, total)
                elif count == 2:
                    passes.undo_2(unit, source, target, order, shift, groups, angle, total)
                elif count == 1:
                    passes.undo_1(unit, source, target, order, shift, groups, angle, total)
                elif step.diagonal < 0:
                    passes.undo_0(unit, source, target, order, shift, groups, angle, total)
                continue
            flip = step.flip
            bits = step.bits ^ -((signs[c] >> step.slot) & 1)
            active = satisfied(controls, step.first, step.last, signs[c], size)
            if step.kind == ROTATION and step.lanes:
                while active:
                    j = lowest_bit(active)
                    k = j ^ flip
                    active &= active - 1
                    active &= ~(1 << k)
                    weight = 1 - 2 * ((bits >> j) & 1)
                    rows, lam_rows = (buffer + j * ROW, buffer + k * ROW), (lam_buffer + j * ROW, lam_buffer + k * ROW)
                    lanes = exchanges + step.lanes * VECTOR
                    rotate_back_lanes(unit, rows[0], rows[1], lam_rows[0], lam_rows[1], angle, weight, lanes, total)
            elif step.kind == ROTATION:
                active &= ~bits
                while active:
                    low = lowest_bit(active) * ROW
                    high = (lowest_bit(active) ^ flip) * ROW
                    active &= active - 1
                    rotate_back(unit, buffer + low, buffer + high, lam_buffer + low, lam_buffer + high, angle, total)
            else:
                while active:
                    j = lowest_bit(active)
                    active &= active - 1
                    row, lam_row = buffer + j * ROW, lam_buffer + j * ROW
                    if (bits >> j) & 1:
                        add_phase_overlap(unit, total, -1, lam_row, row)
                        multiply_conjugate(unit, row, row, angle)
                        multiply_conjugate(unit, lam_row, lam_row, angle)
                    else:
                        add_phase_overlap(unit, total, 1, lam_row, row)
                        multiply(unit, row, row, angle)
                        multiply(unit, lam_row, lam_row, angle)
    _fold_diagonals(blocks, block, trig, weights, gradient, scratch, unit)


@helper
def _observe(
    readout: ReadoutTables,
    number: int,
    part: int,
    parts: int,
    by_words: int,
    psi: int,
    lam: int,
    is_new: bool,
    exchanges: int,
    tables: IntArray,
    work: FloatArray,
    unit: Unit,
) -> None:
    """Add sum_k by_words[k] P_k psi, for the words of a block, to a part of lambda, or set it to that if it is new."""
    block, sums, bases, signs = readout.blocks[number], readout.sums, readout.bases, readout.signs
    offsets = readout.offsets[block.first_offset :]
    size = 1 << block.num_qubits
    places, pairs, memory = tables.ctypes.data, readout.pairs.ctypes.data, work.ctypes.data
    diagonal, real, imag = memory + space.DIAGONALS, memory + space.SCRATCH, memory + space.SCRATCH + VECTOR
    for j in range(0, size, 2):
        clear(unit, diagonal + j * VECTOR)
    for d in range(block.first_diagonal, block.last_diagonal):
        each = readout.diagonals[d]
        for j in range(size):
            weight = 1 - 2 * ((each.bits >> j) & 1)
            add_row(unit, diagonal + j * VECTOR, weight, by_words + each.word * VECTOR)
    start, stop = part_of(block.first_coset, block.last_coset, part, parts)
    for c in range(start, stop):
        for j in range(size):
            place = (bases[c] ^ offsets[j]) * ROW
            tables[_IN + j] = psi + place
            tables[_LAM + _IN + j] = lam + place
        if is_new:
            passes.start_images(unit, places, size, diagonal)
        elif block.first_diagonal < block.last_diagonal:
            passes.add_diagonal_images(unit, places, size, diagonal)
        for s in range(block.first, block.last):
            pair = sums[s]
            clear(unit, real)
            if pair.real >= 0:
                weight = 1 - 2 * ((signs[c] >> pair.real_slot) & 1)
                add_row(unit, real, weight if pair.real_sign > 0 else -weight, by_words + pair.real * VECTOR)
            if pair.imag >= 0:
                weight = 1 - 2 * ((signs[c] >> pair.imag_slot) & 1)
                add_row(unit, imag, weight if pair.imag_sign < 0 else -weight, by_words + pair.imag * VECTOR)
            first, count = pairs + pair.first * WORD, pair.last - pair.first
            if pair.lanes:
                lanes = exchanges + pair.lanes * VECTOR
                passes.add_lane_images(unit, places, first, count, pair.flip, lanes, real, imag)
            else:
                passes.add_images(unit, places, first, count, pair.flip, real, imag)


@helper
def _share_parts(finish: FinishTables, by_words: FloatArray) -> None:
    """Give derivatives by words, which are in the first lane of each sample, to all of its lanes."""
    parts = finish.word_signs.shape[1]
    samples = by_words.shape[1] // parts
    for word in range(len(by_words)):
        for part in range(1, parts):
            sign = by_words.dtype.type(finish.word_signs[word, part])
            for sample in range(samples):
                by_words[word, part * samples + sample] = sign * by_words[word, sample]


@kernel
def backward(
    start: StartTables,
    blocks: BlockTables,
    readout: ReadoutTables,
    finish: FinishTables,
    first: int,
    last: int,
    part: int,
    parts: int,
    trigs: FloatArray,
    states: FloatArray,
    psi: FloatArray,
    lam: FloatArray,
    words: FloatArray,
    by_words: FloatArray,
    by_values: FloatArray,
    by_rows: FloatArray,
    gradients: FloatArray,
    exchanges: IntArray,
    tables: IntArray,
    work: FloatArray,
) -> None:
    """Do the stages from ``first`` to ``last`` of the way back on some chunks.

    Stage 0 goes back from observables to words, then comes one for each block of words, one for each block of the
    circuit, the last one first, and one for what started the state.

    Args:
        start: The product state.
        blocks: The circuit's blocks.
        readout: The words' blocks.
        finish: What became of the words' values.
        first: The first stage.
        last: The stage after the last.
        part: Which part of the cosets.
        parts: Of how many.
        trigs: The rotations.
        states: The states that the first block is undone on, (chunks, 2**n, 2, W); only read.
        psi: Memory for a state, (2**n, 2, W).
        lam: Lambda, (2**n, 2, W).
        words: The values of words after the forward pass's last stage; they are turned back.
        by_words: Derivatives by the words.
        by_values: Derivatives by the observables.
        by_rows: Derivatives by the probability of each row, (chunks, 2**n, W), or (chunks, 0, W) for none.
        gradients: Added to.
        exchanges: How lanes are exchanged, (parts, W).
        tables: Addresses of rows, (384,).
        work: Memory to work in.
    """
    unit, memory, lanes = work.dtype.type(1), work.ctypes.data, exchanges.ctypes.data
    num_blocks, num_readouts = len(blocks.blocks), len(readout.blocks)
    psi_rows, lam_rows = psi.ctypes.data, lam.ctypes.data
    for chunk in range(len(trigs)):
        trig, gradient = trigs[chunk].ctypes.data, gradients[chunk].ctypes.data
        state, by_word, word = states[chunk].ctypes.data, by_words[chunk].ctypes.data, words[chunk].ctypes.data
        for stage in range(first, last):
            if stage == 0:
                for o in range(len(finish.outputs)):
                    output = finish.outputs[o]
                    for lane in range(by_values.shape[2]):
                        by_words[chunk, output.word, lane] += (
                            work.dtype.type(finish.coefficients[o]) * by_values[chunk, output.output, lane]
                        )
                for t in range(len(finish.turns) - 1, -1, -1):
                    pair = finish.turns[t]
                    low, high = pair.low * VECTOR, pair.high * VECTOR
                    angle, total = trig + pair.rotation * ROW, gradient + pair.rotation * VECTOR
                    turn_back(unit, word + low, word + high, by_word + low, by_word + high, angle, total)
                _share_parts(finish, by_words[chunk])
            elif stage <= num_readouts:
                number = stage - 1
                if by_rows.shape[1] and number == 0:
                    weights = by_rows[chunk].ctypes.data
                    begin, end = part_of(0, by_rows.shape[1], part, parts)
                    for row in range(begin, end):
                        set_scaled(unit, lam_rows + row * ROW, weights + row * VECTOR, state + row * ROW)
                elif by_rows.shape[1] == 0:
                    _observe(
                        readout, number, part, parts, by_word, state, lam_rows, number == 0, lanes, tables, work, unit
                    )
            elif stage <= num_readouts + num_blocks:
                number = num_readouts + num_blocks - stage
                source = state if number == num_blocks - 1 else psi_rows
                _undo(
                    blocks, number, part, parts, trig, source, psi_rows, lam_rows, gradient, lanes, tables, work, unit
                )
            else:
                begin, end = part_of(0, len(start.bases), part, parts)
                pull_back_start(start, begin, end, trig, lam_rows, gradient, memory, unit)
