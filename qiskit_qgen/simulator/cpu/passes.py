"""Vector loops of the CPU kernels over the rows of one coset: several rotations at a time, in registers.

A *pass* applies up to three rotations whose Pauli strings act on different bits of a suitable numbering of the rows:
groups of ``2**k`` rows are loaded, rotated and stored again, so that memory is touched once for ``k`` rotations.
``order`` numbers the rows: it lists each group's, and in the one with the number i, bit m of i says which row of its
pair for rotation m it is. Rows of the list are XORed with ``shift``, which exchanges the rows of pairs whose sign is
odd in a coset.

Rotations are tangents: instead of (c a - s b, s a + c b) they give (a - t b, b + t a), two fused multiply-adds in place
of four multiplications. What lacks is the same for all rows, the product of the cosines, and is in the next diagonal.

A table of rows holds their addresses; ``source`` and ``target`` are addresses of such tables. Those of lambda follow
``LAM`` bytes behind those of psi.

Of samples with several lanes, the rows of a pair may meet with exchanged lanes: in low row and lane l, and high row and
lane ``l XOR x``, lie a pair of amplitudes. The tangent of the high row is then that of the low one, exchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

from qiskit_qgen.simulator.cpu.lanes import (
    Emitter,
    instruction,
)
from qiskit_qgen.simulator.cpu.space import MOST_ROTATIONS, ROW, TABLE, VECTOR

LAM = 3 * TABLE
"""How far behind the table of psi that of lambda is."""


def _group(e: Emitter, order: Any, number: Any, shift: Any, size: int) -> list[Any]:
    """Return the rows of a group."""
    first = e.builder.mul(number, e.word(size))
    places = [e.builder.add(first, e.word(i)) for i in range(size)]
    return [e.builder.xor(e.load_word(order, place), shift) for place in places]


def _pairs(count: int, rotation: int) -> list[tuple[int, int]]:
    bit = 1 << rotation
    return [(i, i | bit) for i in range(1 << count) if not i & bit]


def _tangents(e: Emitter, trig: Any, count: int) -> list[Any]:
    return [e.load(e.offset(trig, e.word(number), ROW), 1) for number in range(count)]


def _run(count: int, *, diagonal: bool) -> Callable[..., None]:
    def run(e: Emitter, source: Any, target: Any, order: Any, shift: Any, groups: Any, trig: Any, phases: Any) -> None:
        tangents = _tangents(e, trig, count)
        with e.loop(groups) as number:
            rows = _group(e, order, number, shift, 1 << count)
            sources, targets = ([e.load_word(table, row) for row in rows] for table in (source, target))
            parts = []
            for part in (0, 1):
                values = [e.load(address, part) for address in sources]
                for rotation, tangent in enumerate(tangents):
                    for i, j in _pairs(count, rotation):
                        low, high = values[i], values[j]
                        values[i] = e.sub(low, e.mul(tangent, high))
                        values[j] = e.add(high, e.mul(tangent, low))
                if not diagonal:
                    for value, address in zip(values, targets, strict=True):
                        e.store(value, address, part)
                parts.append(values)
            if diagonal:
                for row, value, address in zip(rows, zip(*parts, strict=True), targets, strict=True):
                    e.put(e.times(value, e.complex(e.offset(phases, row, ROW))), address)

    run.__doc__ = f"Apply {count} rotations{', and then a diagonal' if diagonal else ''}."
    return instruction(run)


def _undo(count: int) -> Callable[..., None]:
    def undo(
        e: Emitter, source: Any, target: Any, order: Any, shift: Any, groups: Any, trig: Any, gradient: Any
    ) -> None:
        tangents = _tangents(e, trig, count)
        sums = [(e.variable(), e.variable()) for _ in tangents]  # two: the next sum waits for the one before
        lam = e.word(LAM)
        tables = (source, e.builder.add(source, lam), target, e.builder.add(target, lam))
        with e.loop(groups) as number:
            rows = _group(e, order, number, shift, 1 << count)
            psi_from, lam_from, psi_to, lam_to = ([e.load_word(table, row) for row in rows] for table in tables)
            for part in (0, 1):
                psi, lam = ([e.load(address, part) for address in addresses] for addresses in (psi_from, lam_from))
                for rotation in reversed(range(count)):
                    tangent, (plus, minus) = tangents[rotation], sums[rotation]
                    for i, j in _pairs(count, rotation):
                        e.write(e.add(e.read(plus), e.mul(lam[j], psi[i])), plus)
                        e.write(e.add(e.read(minus), e.mul(lam[i], psi[j])), minus)
                        for values in (psi, lam):
                            low, high = values[i], values[j]
                            values[i] = e.add(low, e.mul(tangent, high))
                            values[j] = e.sub(high, e.mul(tangent, low))
                for values, addresses in ((psi, psi_to), (lam, lam_to)):
                    for value, address in zip(values, addresses, strict=True):
                        e.store(value, address, part)
        for rotation, (plus, minus) in enumerate(sums):
            row = e.offset(gradient, e.word(rotation), VECTOR)
            e.store(e.add(e.load(row), e.sub(e.read(plus), e.read(minus))), row)

    undo.__doc__ = f"Undo {count} rotations on psi and lambda; gradient[m] += Re <lam| -iY |psi> of each."
    return instruction(undo)


def _lane_tangents(e: Emitter, trig: Any, lanes: tuple[Any, ...]) -> list[tuple[Any, Any, Any]]:
    """Return for each rotation how it exchanges lanes, and the tangents of low and of high rows."""
    exchanges = [e.load_lanes(address) for address in lanes]
    tangents = _tangents(e, trig, len(lanes))
    return [(each, t, e.exchange(t, each)) for each, t in zip(exchanges, tangents, strict=True)]


def _signs(e: Emitter, order: Any, number: Any, groups: Any, odd: Any, count: int) -> list[Any]:
    """Return the sign of each rotation in a group, of a coset in which those of the set ``odd`` are turned."""
    place = e.builder.add(e.builder.mul(groups, e.word(1 << count)), number)
    bits = e.builder.xor(e.load_word(order, place), odd)
    ones = [e.builder.and_(e.builder.lshr(bits, e.word(bit)), e.word(1)) for bit in range(count)]
    return [e.broadcast(e.builder.sub(e.word(1), e.builder.add(one, one))) for one in ones]


def _with_lanes(emit: Callable[..., None], count: int, text: str) -> Callable[..., None]:
    """Make an instruction whose last arguments are addresses of exchanges, which ``emit`` takes as a tuple."""

    def emitted(e: Emitter, *numbers: Any) -> None:
        emit(e, *numbers[:-count], numbers[-count:])

    lanes = [Parameter(f"lanes{number}", Parameter.POSITIONAL_OR_KEYWORD) for number in range(count)]
    emitted.__signature__ = Signature([*list(signature(emit).parameters.values())[:-1], *lanes])  # type: ignore[attr-defined]
    emitted.__name__, emitted.__doc__ = emit.__name__, text
    return instruction(emitted)


def _run_lanes(count: int) -> Callable[..., None]:
    def run(
        e: Emitter, source: Any, target: Any, order: Any, odd: Any, groups: Any, trig: Any, lanes: tuple[Any, ...]
    ) -> None:
        tangents = _lane_tangents(e, trig, lanes)
        with e.loop(groups) as number:
            rows = _group(e, order, number, e.word(0), 1 << count)
            sources, targets = ([e.load_word(table, row) for row in rows] for table in (source, target))
            signs = _signs(e, order, number, groups, odd, count)
            signed = [
                (each, e.mul(low, s), e.mul(high, s)) for (each, low, high), s in zip(tangents, signs, strict=True)
            ]
            for part in (0, 1):
                values = [e.load(address, part) for address in sources]
                for rotation, (exchange, tangent, other_tangent) in enumerate(signed):
                    for i, j in _pairs(count, rotation):
                        low, high = values[i], values[j]
                        values[i] = e.sub(low, e.mul(tangent, e.exchange(high, exchange)))
                        values[j] = e.add(high, e.mul(other_tangent, e.exchange(low, exchange)))
                for value, address in zip(values, targets, strict=True):
                    e.store(value, address, part)

    return _with_lanes(run, count, f"Apply {count} rotations that exchange lanes.")


def _undo_lanes(count: int) -> Callable[..., None]:
    def undo(
        e: Emitter,
        source: Any,
        target: Any,
        order: Any,
        odd: Any,
        groups: Any,
        trig: Any,
        gradient: Any,
        lanes: tuple[Any, ...],
    ) -> None:
        tangents = _lane_tangents(e, trig, lanes)
        sums = [e.variable() for _ in tangents]
        lam = e.word(LAM)
        tables = (source, e.builder.add(source, lam), target, e.builder.add(target, lam))
        with e.loop(groups) as number:
            rows = _group(e, order, number, e.word(0), 1 << count)
            psi_from, lam_from, psi_to, lam_to = ([e.load_word(table, row) for row in rows] for table in tables)
            signs = _signs(e, order, number, groups, odd, count)
            for part in (0, 1):
                psi, lam_values = (
                    [e.load(address, part) for address in addresses] for addresses in (psi_from, lam_from)
                )
                for rotation in reversed(range(count)):
                    (exchange, tangent, other_tangent), sign = tangents[rotation], signs[rotation]
                    tangent, other_tangent = e.mul(tangent, sign), e.mul(other_tangent, sign)
                    overlap = e.constant(0)
                    for i, j in _pairs(count, rotation):
                        crossed = [
                            e.exchange(value, exchange) for value in (psi[i], psi[j], lam_values[i], lam_values[j])
                        ]
                        overlap = e.add(overlap, e.mul(crossed[3], psi[i]))
                        overlap = e.sub(overlap, e.mul(lam_values[i], crossed[1]))
                        psi[i], psi[j] = (
                            e.add(psi[i], e.mul(tangent, crossed[1])),
                            e.sub(psi[j], e.mul(other_tangent, crossed[0])),
                        )
                        lam_values[i], lam_values[j] = (
                            e.add(lam_values[i], e.mul(tangent, crossed[3])),
                            e.sub(lam_values[j], e.mul(other_tangent, crossed[2])),
                        )
                    e.write(e.add(e.read(sums[rotation]), e.mul(sign, overlap)), sums[rotation])
                for values, addresses in ((psi, psi_to), (lam_values, lam_to)):
                    for value, address in zip(values, addresses, strict=True):
                        e.store(value, address, part)
        for rotation, total in enumerate(sums):
            row = e.offset(gradient, e.word(rotation), VECTOR)
            e.store(e.add(e.load(row), e.read(total)), row)

    return _with_lanes(
        undo, count, f"Undo {count} rotations that exchange lanes; gradient[m] += Re <lam| -iY |psi> of each."
    )


copy_rows, run_1, run_2, run_3 = (_run(count, diagonal=False) for count in range(MOST_ROTATIONS + 1))
run_0_diagonal, run_1_diagonal, run_2_diagonal, run_3_diagonal = (
    _run(count, diagonal=True) for count in range(MOST_ROTATIONS + 1)
)
undo_0, undo_1, undo_2, undo_3 = (_undo(count) for count in range(MOST_ROTATIONS + 1))
run_lanes_1, run_lanes_2, run_lanes_3 = (_run_lanes(count) for count in range(1, MOST_ROTATIONS + 1))
undo_lanes_1, undo_lanes_2, undo_lanes_3 = (_undo_lanes(count) for count in range(1, MOST_ROTATIONS + 1))


@instruction
def undo_diagonal(e: Emitter, source: Any, target: Any, size: Any, phases: Any, weights: Any) -> None:
    """weights[j] += Im(conj(lam[j]) psi[j]), and both rows times conj(phases[j]), for all rows."""
    lam_table = e.word(LAM)
    tables = (source, e.builder.add(source, lam_table), target, e.builder.add(target, lam_table))
    with e.loop(size) as row:
        psi_from, lam_from, psi_to, lam_to = (e.load_word(table, row) for table in tables)
        psi, lam, phase = e.complex(psi_from), e.complex(lam_from), e.complex(e.offset(phases, row, ROW))
        weight = e.offset(weights, row, VECTOR)
        overlap = e.sub(e.add(e.load(weight), e.mul(lam[0], psi[1])), e.mul(lam[1], psi[0]))
        e.store(overlap, weight)
        e.put(e.times(psi, phase, conjugate=True), psi_to)
        e.put(e.times(lam, phase, conjugate=True), lam_to)


@instruction
def add_squares(e: Emitter, source: Any, size: Any, squares: Any) -> None:
    """squares[j] += |psi[j]|^2 for all rows."""
    with e.loop(size) as row:
        (real, imag), total = e.complex(e.load_word(source, row)), e.offset(squares, row, VECTOR)
        e.store(e.add(e.add(e.load(total), e.mul(real, real)), e.mul(imag, imag)), total)


@instruction
def add_overlaps(e: Emitter, source: Any, pairs: Any, count: Any, flip: Any, overlaps: Any) -> None:
    """overlaps[0] += the sum of Re(conj(psi[j XOR flip]) psi[j]), and overlaps[1] += that of Im, over listed j."""
    sums = [e.variable() for _ in range(4)]
    with e.loop(count) as number:
        row = e.load_word(pairs, number)
        real, imag = e.complex(e.load_word(source, row))
        other_real, other_imag = e.complex(e.load_word(source, e.builder.xor(row, flip)))
        products = ((other_real, real), (other_imag, imag), (other_real, imag), (other_imag, real))
        for total, (left, right) in zip(sums, products, strict=True):
            e.write(e.add(e.read(total), e.mul(left, right)), total)
    e.store(e.add(e.load(overlaps, 0), e.add(e.read(sums[0]), e.read(sums[1]))), overlaps, 0)
    e.store(e.add(e.load(overlaps, 1), e.sub(e.read(sums[2]), e.read(sums[3]))), overlaps, 1)


@instruction
def add_lane_overlaps(e: Emitter, source: Any, pairs: Any, count: Any, flip: Any, lanes: Any, overlaps: Any) -> None:
    """Do :func:`add_overlaps` where ``psi[j XOR flip]`` has exchanged lanes."""
    exchange, sums = e.load_lanes(lanes), [e.variable() for _ in range(4)]
    with e.loop(count) as number:
        row = e.load_word(pairs, number)
        real, imag = e.complex(e.load_word(source, row))
        other = e.complex(e.load_word(source, e.builder.xor(row, flip)))
        other_real, other_imag = (e.exchange(part, exchange) for part in other)
        products = ((other_real, real), (other_imag, imag), (other_real, imag), (other_imag, real))
        for total, (left, right) in zip(sums, products, strict=True):
            e.write(e.add(e.read(total), e.mul(left, right)), total)
    e.store(e.add(e.load(overlaps, 0), e.add(e.read(sums[0]), e.read(sums[1]))), overlaps, 0)
    e.store(e.add(e.load(overlaps, 1), e.sub(e.read(sums[2]), e.read(sums[3]))), overlaps, 1)


@instruction
def start_images(e: Emitter, source: Any, size: Any, diagonal: Any) -> None:
    """lam[j] = diagonal[j] psi[j], the diagonal being real."""
    lam_table = e.builder.add(source, e.word(LAM))
    with e.loop(size) as row:
        factor, psi = e.load(e.offset(diagonal, row, VECTOR)), e.complex(e.load_word(source, row))
        e.put((e.mul(factor, psi[0]), e.mul(factor, psi[1])), e.load_word(lam_table, row))


@instruction
def add_diagonal_images(e: Emitter, source: Any, size: Any, diagonal: Any) -> None:
    """lam[j] += diagonal[j] psi[j], the diagonal being real."""
    lam_table = e.builder.add(source, e.word(LAM))
    with e.loop(size) as row:
        factor, psi = e.load(e.offset(diagonal, row, VECTOR)), e.complex(e.load_word(source, row))
        address = e.load_word(lam_table, row)
        lam = e.complex(address)
        e.put((e.add(lam[0], e.mul(factor, psi[0])), e.add(lam[1], e.mul(factor, psi[1]))), address)


@instruction
def add_images(e: Emitter, source: Any, pairs: Any, count: Any, flip: Any, real: Any, imag: Any) -> None:
    """For listed j, lam[j XOR flip] += (real + i imag) psi[j] and lam[j] += (real - i imag) psi[j XOR flip].

    ``real`` and ``imag`` are addresses of real rows.
    """
    lam_table = e.builder.add(source, e.word(LAM))
    factor, turned = e.load(real), e.load(imag)
    with e.loop(count) as number:
        row = e.load_word(pairs, number)
        other = e.builder.xor(row, flip)
        here, there = e.complex(e.load_word(source, row)), e.complex(e.load_word(source, other))
        for place, psi, (first, second) in ((other, here, (e.sub, e.add)), (row, there, (e.add, e.sub))):
            address = e.load_word(lam_table, place)
            lam = e.complex(address)
            new_real = first(e.add(lam[0], e.mul(factor, psi[0])), e.mul(turned, psi[1]))
            new_imag = second(e.add(lam[1], e.mul(factor, psi[1])), e.mul(turned, psi[0]))
            e.put((new_real, new_imag), address)


@instruction
def add_lane_images(
    e: Emitter, source: Any, pairs: Any, count: Any, flip: Any, lanes: Any, real: Any, imag: Any
) -> None:
    """Do :func:`add_images` where ``psi[j XOR flip]`` and ``lam[j XOR flip]`` have exchanged lanes."""
    lam_table, exchange = e.builder.add(source, e.word(LAM)), e.load_lanes(lanes)
    # A row that meets itself gets both contributions, which are the same.
    same = e.builder.icmp_unsigned("==", flip, e.word(0))
    share = e.builder.select(same, e.constant(0.5), e.constant(1))
    factor = e.mul(e.load(real), share), e.mul(e.load(imag), share)
    with e.loop(count) as number:
        row = e.load_word(pairs, number)
        other = e.builder.xor(row, flip)
        here, there = e.complex(e.load_word(source, row)), e.complex(e.load_word(source, other))
        there_exchanged = tuple(e.exchange(part, exchange) for part in there)
        to_other = [e.exchange(part, exchange) for part in e.times(here, factor)]
        to_row = e.times(there_exchanged, factor, conjugate=True)
        for place, image in ((other, to_other), (row, to_row)):
            address = e.load_word(lam_table, place)
            lam = e.complex(address)
            e.put((e.add(lam[0], image[0]), e.add(lam[1], image[1])), address)
