"""The CPU kernels: circuits forward and expectation values, compiled by numba when first used.

A *chunk* is ``W`` lanes of states that lie interleaved (see :mod:`~qiskit_qgen.simulator.cpu.lanes`). A circuit is a
product state and a sequence of blocks (:class:`~qiskit_qgen.simulator.cpu.block_tables.BlockTables`); a block takes
``2**k`` rows, which the first-level cache holds, applies all its operations to them, and puts them back, coset by
coset. Entangling permutations cost nothing here: they only changed which rows form a coset.

There is one kernel forward and one back (:mod:`~qiskit_qgen.simulator.cpu.adjoint`), each compiled once for either
precision. A call does some *stages*, in which a state is started, run through a block or measured. Small states run
through all stages in one call; of large ones each call does one stage on one of several parts of its cosets. The
kernels release the GIL and share nothing between calls.

Rows are named by their addresses, see :mod:`~qiskit_qgen.simulator.cpu.lanes`: ``trig`` is where the rows of the
rotations begin, cosine and tangent or sine of half the angle, ``psi`` where the state does. In the kernels, ``trigs``
are (chunks, num_rotations, 2, W), ``states`` (chunks, 2**n, 2, W), ``words`` the expectation values of words, (chunks,
num_words, W), and ``values`` those of observables, (chunks, num_outputs, W). ``exchanges`` is where the rows of whole
numbers begin that say how lanes are exchanged, (parts, W). ``tables`` holds addresses of rows,
``work`` is memory to work in (:mod:`~qiskit_qgen.simulator.cpu.space`). ``part`` is which of ``parts`` parts of the
cosets to work on.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from qiskit_qgen._typing import FloatArray, IntArray
from qiskit_qgen.simulator.cpu import passes, space
from qiskit_qgen.simulator.cpu.block_tables import BUFFER, LANE_PASS, PASS, ROTATION, BlockTables, Records
from qiskit_qgen.simulator.cpu.compilation import helper, inlined, kernel
from qiskit_qgen.simulator.cpu.lanes import (
    add_row,
    clear,
    copy,
    lowest_bit,
    multiply,
    multiply_conjugate,
    rotate,
    rotate_lanes,
    scale,
    set_real,
    turn,
)
from qiskit_qgen.simulator.cpu.product import build_factors, build_products, start_rows
from qiskit_qgen.simulator.cpu.readout_tables import FinishTables, ReadoutTables
from qiskit_qgen.simulator.cpu.space import ROW, VECTOR, WORD
from qiskit_qgen.simulator.cpu.start_tables import StartTables

Record: TypeAlias = Any
"""A row of a table, whose columns are attributes in compiled code."""
Unit: TypeAlias = Any
"""One, of the kernels' precision."""


@inlined
def part_of(first: int, last: int, part: int, parts: int) -> tuple[int, int]:
    """Return the bounds of one of ``parts`` equal parts of a range."""
    return first + (last - first) * part // parts, first + (last - first) * (part + 1) // parts


@inlined
def satisfied(controls: Records, first: int, last: int, signs: int, size: int) -> int:
    """Return the bit set of the buffer's rows on which all of some controls hold, in a coset with these signs."""
    rows = -1 if size == 64 else (1 << size) - 1
    for c in range(first, last):
        control = controls[c]
        rows &= control.bits ^ -((signs >> control.slot) & 1) ^ -(1 - control.value)
    return rows


@inlined
def shift_of(step: Record, signs: int) -> int:
    """Return what exchanges the rows of a pass's pairs whose sign is odd in a coset with these signs."""
    shift: int = (
        (step.flip & -((signs >> step.slot) & 1))
        ^ (step.flip1 & -((signs >> step.slot1) & 1))
        ^ (step.flip2 & -((signs >> step.slot2) & 1))
    )
    return shift


@inlined
def odd_signs(step: Record, signs: int) -> int:
    """Return the set of a pass's rotations whose sign is odd in a coset with these signs."""
    odd: int = ((signs >> step.slot) & 1) | ((signs >> step.slot1) & 1) << 1 | ((signs >> step.slot2) & 1) << 2
    return odd


@helper
def build_diagonals(
    tables: BlockTables, block: Record, trig: int, diagonals: int, work: FloatArray, limit: float, unit: Unit
) -> bool:
    """diagonals[number * size + j] = cosines times the product of exp(-i theta / 2 * (-1)^bit_j) on the active rows.

    Args:
        tables: The circuit's blocks.
        block: The record of one of them, of k qubits; ``size`` is ``2**k``.
        trig: Address of the rotations.
        diagonals: Address of the block's diagonals.
        work: Where that is.
        limit: How small a product of cosines may be.
        unit: One.

    Returns:
        Whether a product of cosines is too small.
    """
    size, lanes, steep = 1 << block.num_qubits, VECTOR // work.itemsize, False
    for d in range(block.first_diagonal, block.last_diagonal):
        diagonal = tables.diagonals[d]
        first_row = diagonals + (d - block.first_diagonal) * size * ROW
        set_real(unit, first_row, 1)
        for r in range(diagonal.first_before, diagonal.last_before):
            scale(unit, first_row, trig + r * ROW)
        for r in range(diagonal.first_after, diagonal.last_after):
            scale(unit, first_row, trig + r * ROW)
        place = (first_row - work.ctypes.data) // work.itemsize
        for lane in range(lanes):
            steep |= abs(work[place + lane]) < limit
        for bit in range(block.num_qubits):
            r = tables.units[diagonal.units + bit]
            for j in range(1 << bit):
                low = first_row + j * ROW
                high = low + (ROW << bit)
                if r < 0:
                    copy(unit, high, low)
                else:
                    multiply(unit, high, low, trig + r * ROW)
                    multiply_conjugate(unit, low, low, trig + r * ROW)
        for e in range(diagonal.first, diagonal.last):
            entry = tables.entries[e]
            bits, angle, active = entry.bits, trig + entry.rotation * ROW, entry.active
            for j in range(size):
                row = first_row + j * ROW
                if not (active >> j) & 1:
                    continue
                if (bits >> j) & 1:
                    multiply(unit, row, row, angle)
                else:
                    multiply_conjugate(unit, row, row, angle)
    return steep


@helper
def _run_lane_pass(
    step: Record,
    source: int,
    target: int,
    order: int,
    odd: int,
    size: int,
    angle: int,
    exchanges: int,
    unit: Unit,
) -> None:
    """Apply the rotations of a pass that exchanges lanes."""
    lanes0, lanes1 = exchanges + step.lanes * VECTOR, exchanges + step.lanes1 * VECTOR
    lanes2, groups = exchanges + step.lanes2 * VECTOR, size >> step.count
    if step.count == 3:
        passes.run_lanes_3(unit, source, target, order, odd, groups, angle, lanes0, lanes1, lanes2)
    elif step.count == 2:
        passes.run_lanes_2(unit, source, target, order, odd, groups, angle, lanes0, lanes1)
    else:
        passes.run_lanes_1(unit, source, target, order, odd, groups, angle, lanes0)


@helper
def _run(
    blocks: BlockTables,
    number: int,
    part: int,
    parts: int,
    trig: int,
    psi: int,
    limit: float,
    exchanges: int,
    tables: IntArray,
    work: FloatArray,
    unit: Unit,
) -> bool:
    """Apply a block; return whether a product of cosines is too small for it."""
    block = blocks.blocks[number]
    steps, controls, bases, signs = blocks.steps, blocks.controls, blocks.bases, blocks.signs
    offsets = blocks.offsets[block.first_offset :]
    size = 1 << block.num_qubits
    places, orders, memory = tables.ctypes.data, blocks.order.ctypes.data, work.ctypes.data
    buffer, diagonals = memory + space.BUFFER_PSI, memory + space.DIAGONALS
    steep = build_diagonals(blocks, block, trig, diagonals, work, limit, unit)
    for j in range(size):
        tables[64 + j] = buffer + j * ROW
    start, stop = part_of(block.first_coset, block.last_coset, part, parts)
    for c in range(start, stop):
        for j in range(size):
            tables[j] = psi + (bases[c] ^ offsets[j]) * ROW
        for s in range(block.first, block.last):
            step = steps[s]
            angle = trig + step.rotation * ROW
            if step.kind == PASS:
                shift, count = shift_of(step, signs[c]), step.count
                source, target = places + step.source, places + step.target
                order, groups = orders + step.order * WORD, size >> count
                phases = diagonals + step.diagonal * size * ROW
                if step.diagonal < 0:
                    if count == 3:
                        passes.run_3(unit, source, target, order, shift, groups, angle, phases)
                    elif count == 2:
                        passes.run_2(unit, source, target, order, shift, groups, angle, phases)
                    elif count == 1:
                        passes.run_1(unit, source, target, order, shift, groups, angle, phases)
                    else:
                        passes.copy_rows(unit, source, target, order, shift, groups, angle, phases)
                elif count == 3:
                    passes.run_3_diagonal(unit, source, target, order, shift, groups, angle, phases)
                elif count == 2:
                    passes.run_2_diagonal(unit, source, target, order, shift, groups, angle, phases)
                elif count == 1:
                    passes.run_1_diagonal(unit, source, target, order, shift, groups, angle, phases)
                else:
                    passes.run_0_diagonal(unit, source, target, order, shift, groups, angle, phases)
                continue
            if step.kind == LANE_PASS:
                odd, source, target = odd_signs(step, signs[c]), places + step.source, places + step.target
                between = places + BUFFER if step.diagonal >= 0 else target
                order = orders + step.order * WORD
                _run_lane_pass(step, source, between, order, odd, size, angle, exchanges, unit)
                if step.diagonal >= 0:
                    phases = diagonals + step.diagonal * size * ROW
                    passes.run_0_diagonal(unit, between, target, order, 0, size, angle, phases)
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
                    lanes = exchanges + step.lanes * VECTOR
                    rotate_lanes(unit, buffer + j * ROW, buffer + k * ROW, angle, weight, lanes)
            elif step.kind == ROTATION:
                active &= ~bits
                while active:
                    j = lowest_bit(active)
                    active &= active - 1
                    rotate(unit, buffer + j * ROW, buffer + (j ^ flip) * ROW, angle)
            else:
                while active:
                    j = lowest_bit(active)
                    active &= active - 1
                    row = buffer + j * ROW
                    if (bits >> j) & 1:
                        multiply(unit, row, row, angle)
                    else:
                        multiply_conjugate(unit, row, row, angle)
    return steep


@helper
def _measure(
    readout: ReadoutTables,
    number: int,
    part: int,
    parts: int,
    psi: int,
    words: int,
    exchanges: int,
    tables: IntArray,
    work: FloatArray,
    unit: Unit,
) -> None:
    """Add what a part of psi contributes to the expectation values of a block's words, which begin at ``words``."""
    block, sums, bases, signs = readout.blocks[number], readout.sums, readout.bases, readout.signs
    offsets = readout.offsets[block.first_offset :]
    size = 1 << block.num_qubits
    places, pairs, memory = tables.ctypes.data, readout.pairs.ctypes.data, work.ctypes.data
    overlaps, squares = memory + space.SCRATCH, memory + space.DIAGONALS
    for j in range(0, size, 2):
        clear(unit, squares + j * VECTOR)
    start, stop = part_of(block.first_coset, block.last_coset, part, parts)
    for c in range(start, stop):
        for j in range(size):
            tables[j] = psi + (bases[c] ^ offsets[j]) * ROW
        if block.first_diagonal < block.last_diagonal:
            passes.add_squares(unit, places, size, squares)
        for s in range(block.first, block.last):
            each = sums[s]
            clear(unit, overlaps)
            first, count = pairs + each.first * WORD, each.last - each.first
            if each.lanes:
                lanes = exchanges + each.lanes * VECTOR
                passes.add_lane_overlaps(unit, places, first, count, each.flip, lanes, overlaps)
            else:
                passes.add_overlaps(unit, places, first, count, each.flip, overlaps)
            if each.real >= 0:
                weight = each.real_sign * (1 - 2 * ((signs[c] >> each.real_slot) & 1))
                add_row(unit, words + each.real * VECTOR, weight, overlaps)
            if each.imag >= 0:
                weight = each.imag_sign * (1 - 2 * ((signs[c] >> each.imag_slot) & 1))
                add_row(unit, words + each.imag * VECTOR, weight, overlaps + VECTOR)
    for d in range(block.first_diagonal, block.last_diagonal):
        diagonal = readout.diagonals[d]
        for j in range(size):
            weight = 1 - 2 * ((diagonal.bits >> j) & 1)
            add_row(unit, words + diagonal.word * VECTOR, weight, squares + j * VECTOR)


@helper
def _add_parts(finish: FinishTables, words: FloatArray) -> None:
    """Leave what the words' values are, summed over each sample's lanes, in the first of these."""
    parts = finish.word_signs.shape[1]
    samples = words.shape[1] // parts
    for word in range(len(words)):
        for part in range(1, parts):
            sign = words.dtype.type(finish.word_signs[word, part])
            for sample in range(samples):
                words[word, sample] += sign * words[word, part * samples + sample]


@kernel
def forward(
    start: StartTables,
    blocks: BlockTables,
    readout: ReadoutTables,
    finish: FinishTables,
    first: int,
    last: int,
    part: int,
    parts: int,
    limit: float,
    trigs: FloatArray,
    states: FloatArray,
    words: FloatArray,
    values: FloatArray,
    exchanges: IntArray,
    tables: IntArray,
    work: FloatArray,
) -> bool:
    """Do the stages from ``first`` to ``last`` on some chunks.

    Stage 0 starts the state, then comes one for each block of the circuit, one for each block of words, and one that
    turns the words' values into the observables'.

    Args:
        start: The product state.
        blocks: The circuit's blocks.
        readout: The words' blocks.
        finish: What becomes of the words' values.
        first: The first stage.
        last: The stage after the last.
        part: Which part of the cosets.
        parts: Of how many.
        limit: How small a product of cosines may be.
        trigs: The rotations.
        states: The states; or (1, 2**n, 2, W), and only the last chunk's is kept.
        words: Added to.
        values: Added to.
        exchanges: How lanes are exchanged, (parts, W).
        tables: Addresses of rows, (384,).
        work: Memory to work in.

    Returns:
        Whether a product of cosines is too small.
    """
    unit, steep, lanes = work.dtype.type(1), False, exchanges.ctypes.data
    num_blocks, num_readouts = len(blocks.blocks), len(readout.blocks)
    for chunk in range(len(trigs)):
        trig = trigs[chunk].ctypes.data
        psi = states[min(chunk, len(states) - 1)].ctypes.data
        each = words[chunk].ctypes.data
        for stage in range(first, last):
            if stage == 0:
                memory = work.ctypes.data
                build_factors(start, trig, memory, unit)
                build_products(start, memory, unit)
                begin, end = part_of(0, len(start.bases), part, parts)
                start_rows(start, begin, end, trig, psi, memory, unit)
            elif stage <= num_blocks:
                steep |= _run(blocks, stage - 1, part, parts, trig, psi, limit, lanes, tables, work, unit)
            elif stage <= num_blocks + num_readouts:
                _measure(readout, stage - 1 - num_blocks, part, parts, psi, each, lanes, tables, work, unit)
            else:
                _add_parts(finish, words[chunk])
                for t in range(len(finish.turns)):
                    pair = finish.turns[t]
                    angle = trig + pair.rotation * ROW
                    turn(unit, each + pair.low * VECTOR, each + pair.high * VECTOR, angle)
                for o in range(len(finish.outputs)):
                    output = finish.outputs[o]
                    for lane in range(values.shape[2]):
                        values[chunk, output.output, lane] += (
                            work.dtype.type(finish.coefficients[o]) * words[chunk, output.word, lane]
                        )
    return steep
