"""Vector instructions of the CPU kernels: one instruction, many samples.

The kernels keep the states of ``W`` samples interleaved: a *row* is one amplitude of all of them, ``W`` real parts
followed by ``W`` imaginary parts, or ``W`` real numbers. ``W`` numbers fill a cache line, so that there are 16 lanes
of single and 8 of double precision. Gates combine whole rows, so the vector unit is full whatever the qubit and
whatever the entangler, and no amplitude ever moves inside a vector.

The operations are written as LLVM vector code instead of loops over ``W`` since LLVM cannot know that two rows of one
array do not overlap: it would check that at run time, for each pair of rows. Rows are named by their addresses:
passing an array to a function counts references, which costs more than a rotation does. The number ``unit`` is one,
of the precision that the rows have; it is never read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from qiskit_qgen.simulator.cpu.space import VECTOR, WORD

_CONTRACT = ("contract",)  # allows fused multiply-add, keeps NaN and the order of sums


class Emitter:
    """Emits vector code in which a product and a sum may become one fused instruction."""

    def __init__(self, builder: Any, scalar: Any, *, features: str = "") -> None:
        self.builder = builder
        self._scalar = scalar
        self.width = VECTOR // (4 if isinstance(scalar, ir.FloatType) else 8)
        self._vector = ir.VectorType(scalar, self.width)
        self._lanes = ir.VectorType(ir.IntType(8 * VECTOR // self.width), self.width)
        self._permute = None
        if "+avx512f" in features.split(","):
            kind = ir.FunctionType(self._vector, [self._vector, self._lanes])
            name = "llvm.x86.avx512.permvar.sf.512" if self.width == 16 else "llvm.x86.avx512.permvar.df.512"
            self._permute = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]

    def word(self, number: int) -> Any:
        """Return a whole number."""
        return ir.Constant(ir.IntType(64), number)

    def offset(self, address: Any, number: Any, size: int) -> Any:
        """Return ``address + number * size``."""
        return self.builder.add(address, self.builder.mul(number, self.word(size)))

    def load_word(self, address: Any, number: Any) -> Any:
        """Return a whole number of a table."""
        pointer = self.builder.inttoptr(self.offset(address, number, WORD), ir.IntType(64).as_pointer())
        return self.builder.load(pointer, align=WORD, typ=ir.IntType(64))

    def load(self, address: Any, part: int = 0) -> Any:
        """Return the real (0) or imaginary (1) part of a row."""
        return self.builder.load(self._pointer(address, part), align=self._align, typ=self._vector)

    def store(self, value: Any, address: Any, part: int = 0) -> None:
        """Write the real (0) or imaginary (1) part of a row."""
        self.builder.store(value, self._pointer(address, part), align=self._align)

    def broadcast(self, number: Any) -> Any:
        """Return a whole number in all lanes."""
        return self._spread(self.builder.sitofp(number, self._scalar))

    def constant(self, number: float) -> Any:
        """Return a constant in all lanes."""
        return self._spread(ir.Constant(self._scalar, number))

    def variable(self, number: float = 0.0) -> Any:
        """Return a variable row, which a loop may change."""
        slot = cgutils.alloca_once(self.builder, self._vector)  # type: ignore[no-untyped-call]
        self.builder.store(self.constant(number), slot)
        return slot

    def read(self, variable: Any) -> Any:
        """Return a variable row's value."""
        return self.builder.load(variable, typ=self._vector)

    def write(self, value: Any, variable: Any) -> None:
        """Set a variable row."""
        self.builder.store(value, variable)

    @contextmanager
    def loop(self, count: Any) -> Iterator[Any]:
        """Emit a loop, and give its index."""
        with cgutils.for_range(self.builder, count) as loop:
            yield loop.index

    def exchange(self, value: Any, lanes: Any) -> Any:
        """Return the value with lane l in the place of lane ``l XOR lanes[0]``.

        Args:
            value: A row.
            lanes: Whole numbers as wide as the row's, ``l XOR lanes[0]`` for each lane l: see :meth:`load_lanes`.
        """
        if self._permute is not None:
            return self.builder.call(self._permute, [value, lanes])
        number = self.builder.extract_element(lanes, ir.Constant(ir.IntType(32), 0))
        for bit in range(self.width.bit_length() - 1):
            order = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [i ^ 1 << bit for i in range(self.width)])
            other = self.builder.shuffle_vector(value, value, order)
            value = self.builder.select(
                self.builder.trunc(self.builder.lshr(number, number.type(bit)), ir.IntType(1)), other, value
            )
        return value

    def load_lanes(self, address: Any) -> Any:
        """Return the whole numbers of a row of the table of exchanges."""
        pointer = self.builder.inttoptr(address, self._lanes.as_pointer())
        return self.builder.load(pointer, align=self._align, typ=self._lanes)

    def mul(self, left: Any, right: Any) -> Any:
        """Return the product."""
        return self.builder.fmul(left, right, flags=_CONTRACT)

    def add(self, left: Any, right: Any) -> Any:
        """Return the sum."""
        return self.builder.fadd(left, right, flags=_CONTRACT)

    def sub(self, left: Any, right: Any) -> Any:
        """Return the difference."""
        return self.builder.fsub(left, right, flags=_CONTRACT)

    def times(self, factor: tuple[Any, Any], phase: tuple[Any, Any], *, conjugate: bool = False) -> tuple[Any, Any]:
        """Return a product of complex numbers, of which the second may be conjugated."""
        (real, imag), (cosine, sine) = factor, phase
        first, second = (self.add, self.sub) if conjugate else (self.sub, self.add)
        return (
            first(self.mul(real, cosine), self.mul(imag, sine)),
            second(self.mul(imag, cosine), self.mul(real, sine)),
        )

    def complex(self, address: Any) -> tuple[Any, Any]:
        """Return both parts of a row."""
        return self.load(address, 0), self.load(address, 1)

    def put(self, value: tuple[Any, Any], address: Any) -> None:
        """Write both parts of a row."""
        self.store(value[0], address, 0)
        self.store(value[1], address, 1)

    @property
    def _align(self) -> int:
        return VECTOR // self.width

    def _pointer(self, address: Any, part: int) -> Any:
        shifted = self.builder.add(address, self.word(part * VECTOR)) if part else address
        return self.builder.inttoptr(shifted, self._vector.as_pointer())

    def _spread(self, scalar: Any) -> Any:
        zero, undefined = ir.Constant(ir.IntType(32), 0), ir.Constant(self._vector, ir.Undefined)
        single = self.builder.insert_element(undefined, scalar, zero)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        return self.builder.shuffle_vector(single, undefined, mask)


def instruction(emit: Callable[..., None]) -> Callable[..., None]:
    """Make an intrinsic from the code that emits it: its first argument is ``unit``, all others are whole numbers."""

    def definition(typingctx: Any, *kinds: Any) -> tuple[Any, Callable[..., Any]]:  # noqa: ARG001
        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            unit, *numbers = zip(signature.args, values, strict=True)
            operands = [context.cast(builder, value, kind, types.int64) for kind, value in numbers]
            features = context.codegen()._tm_features
            emit(Emitter(builder, context.get_value_type(unit[0]), features=features), *operands)
            return context.get_dummy_value()

        return types.void(*kinds), codegen

    names = ["typingctx", "unit", *list(inspect.signature(emit).parameters)[1:]]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    definition.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    definition.__name__ = emit.__name__
    definition.__doc__ = emit.__doc__
    return intrinsic(definition)


def _lowest_bit(typingctx: Any, bits: Any) -> tuple[Any, Callable[..., Any]]:  # noqa: ARG001
    """Return the number of the lowest bit that is set."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        number = context.cast(builder, values[0], signature.args[0], types.int64)
        return builder.cttz(number, ir.Constant(ir.IntType(1), 1))

    return types.int64(bits), codegen


lowest_bit: Any = intrinsic(_lowest_bit)


@instruction
def clear(e: Emitter, row: Any) -> None:
    """Do ``row = 0``, complex."""
    e.put((e.constant(0), e.constant(0)), row)


@instruction
def set_real(e: Emitter, row: Any, number: Any) -> None:
    """Do ``row = number``, complex."""
    e.put((e.broadcast(number), e.constant(0)), row)


@instruction
def copy(e: Emitter, target: Any, source: Any) -> None:
    """Do ``target = source``, complex."""
    e.put(e.complex(source), target)


@instruction
def scale(e: Emitter, row: Any, factor: Any) -> None:
    """Do ``row *= factor``, both real."""
    e.store(e.mul(e.load(row), e.load(factor)), row)


@instruction
def scale_square(e: Emitter, row: Any, factor: Any) -> None:
    """Do ``row *= factor**2``, both real."""
    number = e.load(factor)
    e.store(e.mul(e.mul(e.load(row), number), number), row)


@instruction
def divide_square(e: Emitter, row: Any, factor: Any) -> None:
    """Do ``row /= factor**2``, both real."""
    number = e.load(factor)
    e.store(e.builder.fdiv(e.builder.fdiv(e.load(row), number), number), row)


@instruction
def set_scaled(e: Emitter, target: Any, factor: Any, source: Any) -> None:
    """Do ``target = factor * source``, the factor being a real row."""
    scale = e.load(factor)
    for part in (0, 1):
        e.store(e.mul(scale, e.load(source, part)), target, part)


@instruction
def multiply(e: Emitter, target: Any, source: Any, phase: Any) -> None:
    """Do ``target = source * phase``."""
    e.put(e.times(e.complex(source), e.complex(phase)), target)


@instruction
def multiply_conjugate(e: Emitter, target: Any, source: Any, phase: Any) -> None:
    """Do ``target = source * conj(phase)``."""
    e.put(e.times(e.complex(source), e.complex(phase), conjugate=True), target)


@instruction
def add_multiplied_conjugate(e: Emitter, target: Any, source: Any, phase: Any) -> None:
    """Do ``target += source * conj(phase)``."""
    real, imag = e.times(e.complex(source), e.complex(phase), conjugate=True)
    e.put((e.add(e.load(target, 0), real), e.add(e.load(target, 1), imag)), target)


@instruction
def add_scaled(e: Emitter, target: Any, factor: Any, source: Any) -> None:
    """Do ``target += factor * source``, the factor being a real row."""
    scale = e.load(factor)
    for part in (0, 1):
        e.store(e.add(e.load(target, part), e.mul(scale, e.load(source, part))), target, part)


@instruction
def add_row(e: Emitter, total: Any, weight: Any, source: Any) -> None:
    """Do ``total += weight * source``, real rows, the weight being a whole number."""
    e.store(e.add(e.load(total), e.mul(e.broadcast(weight), e.load(source))), total)


@instruction
def rotate(e: Emitter, low: Any, high: Any, trig: Any) -> None:
    """(low, high) = RY (low, high); ``trig`` holds the cosine and the sine of half the angle."""
    cosine, sine = e.complex(trig)
    for part in (0, 1):
        first, second = e.load(low, part), e.load(high, part)
        e.store(e.sub(e.mul(first, cosine), e.mul(second, sine)), low, part)
        e.store(e.add(e.mul(first, sine), e.mul(second, cosine)), high, part)


@instruction
def rotate_back(e: Emitter, low: Any, high: Any, lam_low: Any, lam_high: Any, trig: Any, gradient: Any) -> None:
    """Undo :func:`rotate` on two states, and gradient += Re <lam| -iY |psi> over the pair."""
    cosine, sine = e.complex(trig)
    overlaps = []  # summed apart from the total: the total is what the next pair waits for
    for part in (0, 1):
        first, second, third, fourth = (e.load(row, part) for row in (low, high, lam_low, lam_high))
        overlaps.append(e.sub(e.mul(fourth, first), e.mul(third, second)))
        e.store(e.add(e.mul(first, cosine), e.mul(second, sine)), low, part)
        e.store(e.sub(e.mul(second, cosine), e.mul(first, sine)), high, part)
        e.store(e.add(e.mul(third, cosine), e.mul(fourth, sine)), lam_low, part)
        e.store(e.sub(e.mul(fourth, cosine), e.mul(third, sine)), lam_high, part)
    e.store(e.add(e.load(gradient), e.add(*overlaps)), gradient)


@instruction
def exchange(e: Emitter, low: Any, high: Any, mask: Any) -> None:
    """Exchange two rows in some lanes; ``mask`` is (1, 0) in lanes that stay and (0, 1) in all others."""
    stays, goes = e.complex(mask)
    for part in (0, 1):
        first, second = e.load(low, part), e.load(high, part)
        e.store(e.add(e.mul(stays, first), e.mul(goes, second)), low, part)
        e.store(e.add(e.mul(stays, second), e.mul(goes, first)), high, part)


@instruction
def rotate_lanes(e: Emitter, low: Any, high: Any, trig: Any, weight: Any, lanes: Any) -> None:
    """Do :func:`rotate` on rows of which one meets the other with exchanged lanes; ``weight``, 1 or -1, turns it back.

    The rows may be one: each lane then meets another one.
    """
    exchange, (cosine, sine) = e.load_lanes(lanes), e.complex(trig)
    sine = e.mul(sine, e.broadcast(weight))
    other_cosine, other_sine = e.exchange(cosine, exchange), e.exchange(sine, exchange)
    for part in (0, 1):
        first, second = e.load(low, part), e.load(high, part)
        e.store(e.add(e.mul(second, other_cosine), e.mul(e.exchange(first, exchange), other_sine)), high, part)
        e.store(e.sub(e.mul(first, cosine), e.mul(e.exchange(second, exchange), sine)), low, part)


@instruction
def rotate_back_lanes(
    e: Emitter, low: Any, high: Any, lam_low: Any, lam_high: Any, trig: Any, weight: Any, lanes: Any, gradient: Any
) -> None:
    """Undo :func:`rotate_lanes` on two states, and gradient += Re <lam| -iY |psi> over the pair, half of it twice."""
    exchange, (cosine, sine) = e.load_lanes(lanes), e.complex(trig)
    sine = e.mul(sine, e.broadcast(weight))
    other_cosine, other_sine = e.exchange(cosine, exchange), e.exchange(sine, exchange)
    overlaps = []
    for part in (0, 1):
        rows = [e.load(row, part) for row in (low, high, lam_low, lam_high)]
        first, second, third, fourth = rows
        swapped = [e.exchange(row, exchange) for row in rows]
        overlaps.append(e.sub(e.mul(swapped[3], first), e.mul(third, swapped[1])))
        e.store(e.sub(e.mul(second, other_cosine), e.mul(swapped[0], other_sine)), high, part)
        e.store(e.add(e.mul(first, cosine), e.mul(swapped[1], sine)), low, part)
        e.store(e.sub(e.mul(fourth, other_cosine), e.mul(swapped[2], other_sine)), lam_high, part)
        e.store(e.add(e.mul(third, cosine), e.mul(swapped[3], sine)), lam_low, part)
    same = e.builder.select(e.builder.icmp_unsigned("==", low, high), e.constant(0.5), e.constant(1))
    total = e.mul(e.mul(e.add(*overlaps), same), e.broadcast(weight))
    e.store(e.add(e.load(gradient), total), gradient)


@instruction
def add_phase_overlap(e: Emitter, total: Any, weight: Any, lam: Any, psi: Any) -> None:
    """Do ``total += weight * Im(conj(lam) psi)``, the weight being a whole number."""
    (real, imag), (lam_real, lam_imag) = e.complex(psi), e.complex(lam)
    overlap = e.sub(e.mul(lam_real, imag), e.mul(lam_imag, real))
    e.store(e.add(e.load(total), e.mul(e.broadcast(weight), overlap)), total)


@instruction
def turn(e: Emitter, low: Any, high: Any, trig: Any) -> None:
    """(low, high) = (cosine low - sine high, sine low + cosine high), real rows."""
    cosine, sine = e.complex(trig)
    first, second = e.load(low), e.load(high)
    e.store(e.sub(e.mul(first, cosine), e.mul(second, sine)), low)
    e.store(e.add(e.mul(first, sine), e.mul(second, cosine)), high)


@instruction
def turn_back(e: Emitter, low: Any, high: Any, by_low: Any, by_high: Any, trig: Any, gradient: Any) -> None:
    """Undo :func:`turn` on values and derivatives by them; gradient += half the derivative by the turn's angle."""
    cosine, sine = e.complex(trig)
    first, second, third, fourth = (e.load(row) for row in (low, high, by_low, by_high))
    overlap = e.sub(e.mul(fourth, first), e.mul(third, second))
    e.store(e.add(e.load(gradient), e.mul(e.constant(0.5), overlap)), gradient)
    e.store(e.add(e.mul(first, cosine), e.mul(second, sine)), low)
    e.store(e.sub(e.mul(second, cosine), e.mul(first, sine)), high)
    e.store(e.add(e.mul(third, cosine), e.mul(fourth, sine)), by_low)
    e.store(e.sub(e.mul(fourth, cosine), e.mul(third, sine)), by_high)
