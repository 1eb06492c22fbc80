"""Kernels of product states: how a state starts, and derivatives by what started it.

The state is the product of a vector v_q of two numbers for each bit q of the address. With lambda, the derivative by
all that made v_q needs two numbers more, the contraction of lambda with the vectors of all other bits: beside v_q
that is lambda of a single qubit.

The *low* bits are those of a table of products; for each of its rows, the *high* bits run through all values, and then
there are those of the lanes. Rows of v_q are those with the numbers 2q and 2q + 1 at ``space.FACTORS``.
"""

from __future__ import annotations

from typing import Any

from qiskit_qgen.simulator.cpu import space
from qiskit_qgen.simulator.cpu.block_tables import ROTATION
from qiskit_qgen.simulator.cpu.compilation import helper
from qiskit_qgen.simulator.cpu.lanes import (
    add_multiplied_conjugate,
    add_phase_overlap,
    add_scaled,
    clear,
    copy,
    exchange,
    multiply,
    multiply_conjugate,
    rotate,
    rotate_back,
    set_real,
    set_scaled,
)
from qiskit_qgen.simulator.cpu.space import ROW, VECTOR
from qiskit_qgen.simulator.cpu.start_tables import StartTables


@helper
def build_factors(start: StartTables, trig: int, memory: int, unit: Any) -> None:
    """Run each bit's operations on its two numbers."""
    factors = memory + space.FACTORS
    for bit in range(start.row_bits + start.lane_bits):
        set_real(unit, factors + 2 * bit * ROW, 1)
        clear(unit, factors + (2 * bit + 1) * ROW)
    for f in range(len(start.factors)):
        factor = start.factors[f]
        angle, low = trig + factor.rotation * ROW, factors + 2 * factor.bit * ROW
        if factor.kind == ROTATION:
            rotate(unit, low, low + ROW, angle)
        else:
            multiply_conjugate(unit, low, low, angle)
            multiply(unit, low + ROW, low + ROW, angle)
    _exchange(start, trig, factors, unit)


@helper
def _exchange(start: StartTables, trig: int, factors: int, unit: Any) -> None:
    """Exchange both numbers of each bit of the row in the lanes in which it is the opposite of the address's."""
    for bit in range(start.row_bits):
        if start.masks[bit] >= 0:
            low = factors + 2 * bit * ROW
            exchange(unit, low, low + ROW, trig + start.masks[bit] * ROW)


@helper
def build_products(start: StartTables, memory: int, unit: Any) -> None:
    """Multiply the low bits' numbers: the products over the first b bits begin at row ``2**b``."""
    products = memory + space.PRODUCTS
    set_real(unit, products + ROW, 1)
    for bit in range(start.low_bits):
        factor = memory + space.FACTORS + 2 * bit * ROW
        for j in range(1 << bit):
            source = products + ((1 << bit) + j) * ROW
            target = products + ((2 << bit) + j) * ROW
            multiply(unit, target, source, factor)
            multiply(unit, target + (ROW << bit), source, factor + ROW)


@helper
def _multiply_lanes(start: StartTables, trig: int, memory: int, unit: Any) -> None:
    """Multiply the numbers of the lanes' bits; the product over those below bit i is row i of the scratch."""
    products = memory + space.SCRATCH
    set_real(unit, products, 1)
    for bit in range(start.lane_bits):
        factor = memory + space.FACTORS + 2 * (start.row_bits + bit) * ROW
        mask, selected = trig + start.masks[start.row_bits + bit] * ROW, products + 8 * ROW
        set_scaled(unit, selected, mask, factor)
        add_scaled(unit, selected, mask + VECTOR, factor + ROW)
        multiply(unit, products + (bit + 1) * ROW, products + bit * ROW, selected)


@helper
def start_rows(start: StartTables, begin: int, end: int, trig: int, psi: int, memory: int, unit: Any) -> None:
    """Write the rows of the high bits' values from ``begin`` to ``end``."""
    _multiply_lanes(start, trig, memory, unit)
    factors = memory + space.FACTORS + 2 * start.low_bits * ROW
    size, high_bits = 1 << start.low_bits, start.row_bits - start.low_bits
    products, total = memory + space.PRODUCTS + size * ROW, memory + space.PREFIXES
    for high in range(begin, end):
        copy(unit, total, memory + space.SCRATCH + start.lane_bits * ROW)
        for bit in range(high_bits):
            multiply(unit, total, total, factors + (2 * bit + ((high >> bit) & 1)) * ROW)
        for j in range(size):
            row = psi + (start.bases[high] ^ start.offsets[j]) * ROW
            multiply(unit, row, products + j * ROW, total)


@helper
def pull_back_start(
    start: StartTables, begin: int, end: int, trig: int, lam: int, gradient: int, memory: int, unit: Any
) -> None:
    """Add what some rows contribute to the derivatives by the angles of the start."""
    build_factors(start, trig, memory, unit)
    build_products(start, memory, unit)
    _contract(start, begin, end, trig, lam, memory, unit)
    factors, by_factors = memory + space.FACTORS, memory + space.BY_FACTORS
    _exchange(start, trig, factors, unit)
    _exchange(start, trig, by_factors, unit)
    for f in range(len(start.factors) - 1, -1, -1):
        factor = start.factors[f]
        angle, total = trig + factor.rotation * ROW, gradient + factor.rotation * VECTOR
        low, by_low = factors + 2 * factor.bit * ROW, by_factors + 2 * factor.bit * ROW
        if factor.kind == ROTATION:
            rotate_back(unit, low, low + ROW, by_low, by_low + ROW, angle, total)
        else:
            add_phase_overlap(unit, total, 1, by_low, low)
            add_phase_overlap(unit, total, -1, by_low + ROW, low + ROW)
            for first in (low, by_low):
                multiply(unit, first, first, angle)
                multiply_conjugate(unit, first + ROW, first + ROW, angle)


@helper
def _contract(start: StartTables, begin: int, end: int, trig: int, lam: int, memory: int, unit: Any) -> None:
    """Contract some rows of lambda with the numbers of all bits but one, for each bit."""
    _multiply_lanes(start, trig, memory, unit)
    low_bits, size, high_bits = start.low_bits, 1 << start.low_bits, start.row_bits - start.low_bits
    products, sums, by_factors = memory + space.PRODUCTS, memory + space.SUMS, memory + space.BY_FACTORS
    prefixes, factors, scratch = memory + space.PREFIXES, memory + space.FACTORS, memory + space.SCRATCH
    rest, total = scratch + 9 * ROW, scratch + 10 * ROW
    for row in range(2 * (start.row_bits + start.lane_bits)):
        clear(unit, by_factors + row * ROW)
    for j in range(size):
        clear(unit, sums + j * ROW)
    clear(unit, total)
    copy(unit, prefixes, scratch + start.lane_bits * ROW)
    for high in range(begin, end):
        for bit in range(high_bits):
            factor = factors + 2 * (low_bits + bit) * ROW + ((high >> bit) & 1) * ROW
            multiply(unit, prefixes + (bit + 1) * ROW, prefixes + bit * ROW, factor)
        clear(unit, rest)
        for j in range(size):
            row = lam + (start.bases[high] ^ start.offsets[j]) * ROW
            add_multiplied_conjugate(unit, sums + j * ROW, row, prefixes + high_bits * ROW)
            add_multiplied_conjugate(unit, rest, row, products + (size + j) * ROW)
        for bit in range(high_bits - 1, -1, -1):
            number = 2 * (low_bits + bit) + ((high >> bit) & 1)
            add_multiplied_conjugate(unit, by_factors + number * ROW, rest, prefixes + bit * ROW)
            multiply_conjugate(unit, rest, rest, factors + number * ROW)
        add_multiplied_conjugate(unit, total, rest, products + ROW)  # row 1 is one
    _contract_low(start, memory, unit)
    _contract_lanes(start, trig, memory, unit)


@helper
def _contract_low(start: StartTables, memory: int, unit: Any) -> None:
    """Contract the sums of the low bits' rows, one bit after the other."""
    products, sums, by_factors = memory + space.PRODUCTS, memory + space.SUMS, memory + space.BY_FACTORS
    for bit in range(start.low_bits - 1, -1, -1):
        half = ROW << bit
        factor, by_factor = memory + space.FACTORS + 2 * bit * ROW, by_factors + 2 * bit * ROW
        for j in range(1 << bit):
            low, others = sums + j * ROW, products + ((1 << bit) + j) * ROW
            add_multiplied_conjugate(unit, by_factor, low, others)
            add_multiplied_conjugate(unit, by_factor + ROW, low + half, others)
            multiply_conjugate(unit, low, low, factor)
            add_multiplied_conjugate(unit, low, low + half, factor + ROW)


@helper
def _contract_lanes(start: StartTables, trig: int, memory: int, unit: Any) -> None:
    """Contract the sum over all rows, for each bit of the lanes."""
    factors, by_factors, scratch = memory + space.FACTORS, memory + space.BY_FACTORS, memory + space.SCRATCH
    rest, selected = scratch + 9 * ROW, scratch + 8 * ROW
    for bit in range(start.lane_bits):
        place, mask = 2 * (start.row_bits + bit) * ROW, trig + start.masks[start.row_bits + bit] * ROW
        copy(unit, rest, scratch + 10 * ROW)
        for other in range(start.lane_bits):
            if other == bit:
                continue
            number = start.row_bits + other
            other_mask, factor = trig + start.masks[number] * ROW, factors + 2 * number * ROW
            set_scaled(unit, selected, other_mask, factor)
            add_scaled(unit, selected, other_mask + VECTOR, factor + ROW)
            multiply_conjugate(unit, rest, rest, selected)
        add_scaled(unit, by_factors + place, mask, rest)
        add_scaled(unit, by_factors + place + ROW, mask + VECTOR, rest)
