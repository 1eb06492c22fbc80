"""Vector instructions of the CPU kernels: one instruction, many samples.

The kernels keep the states of ``W`` samples interleaved: a *row* is one amplitude of all of them, stored as ``W``
real parts followed by ``W`` imaginary parts. Every array here has the shape ``(rows, 2, W)`` (rows of complex
numbers) or ``(rows, W)`` (rows of real ones), C-contiguous. Gates combine whole rows, so the vector unit is full
whatever the qubit and whatever the entangler, and no amplitude ever moves inside a vector.

The operations are written as LLVM vector code instead of loops over ``W`` since LLVM cannot know that two rows of one
array do not overlap: it would check that at run time, for each pair of rows. ``W`` is taken from the length of the
tuple ``lanes``, so it is known when a kernel is compiled.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_CONTRACT = ("contract",)  # allows fused multiply-add, keeps NaN and the order of sums


class _Rows:
    """Loads and stores whole rows of one array argument inside an intrinsic's code generation."""

    def __init__(self, context: Any, builder: Any, array_type: Any, array: Any, width: int) -> None:
        self._builder = builder
        self._data = context.make_array(array_type)(context, builder, array).data
        self._scalar = context.get_value_type(array_type.dtype)
        self._vector = ir.VectorType(self._scalar, width)
        self._width = width
        self._parts = array_type.ndim - 1
        self._align = array_type.dtype.bitwidth // 8

    def _pointer(self, row: Any, part: int) -> Any:
        unit = ir.Constant(row.type, self._parts * self._width)
        offset = self._builder.add(self._builder.mul(row, unit), ir.Constant(row.type, part * self._width))
        element = self._builder.gep(self._data, [offset], source_etype=self._scalar)
        return self._builder.bitcast(element, ir.PointerType(self._vector))

    def load(self, row: Any, part: int = 0) -> Any:
        return self._builder.load(self._pointer(row, part), align=self._align, typ=self._vector)

    def store(self, value: Any, row: Any, part: int = 0) -> None:
        self._builder.store(value, self._pointer(row, part), align=self._align)

    def broadcast(self, scalar: Any) -> Any:
        zero = ir.Constant(ir.IntType(32), 0)
        single = self._builder.insert_element(ir.Constant(self._vector, ir.Undefined), scalar, zero)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self._width), [0] * self._width)
        return self._builder.shuffle_vector(single, ir.Constant(self._vector, ir.Undefined), mask)


class _Arithmetic:
    """Vector arithmetic in which a product and a sum may become one fused instruction."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def mul(self, left: Any, right: Any) -> Any:
        return self._builder.fmul(left, right, flags=_CONTRACT)

    def add(self, left: Any, right: Any) -> Any:
        return self._builder.fadd(left, right, flags=_CONTRACT)

    def sub(self, left: Any, right: Any) -> Any:
        return self._builder.fsub(left, right, flags=_CONTRACT)


def _instruction(emit: Callable[..., None]) -> Callable[..., None]:
    """Make an intrinsic, with one more argument ``lanes``, from the code that emits it."""

    def definition(typingctx: Any, *kinds: Any) -> tuple[Any, Callable[..., Any]]:  # noqa: ARG001
        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            width = signature.args[-1].count
            operands = []
            for kind, value in zip(signature.args[:-1], values[:-1], strict=True):
                if isinstance(kind, types.Array):
                    operands.append(_Rows(context, builder, kind, value, width))
                elif isinstance(kind, types.Integer):
                    operands.append(context.cast(builder, value, kind, types.intp))
                else:
                    operands.append(value)
            emit(_Arithmetic(builder), *operands)
            return context.get_dummy_value()

        return types.void(*kinds), codegen

    names = ["typingctx", *list(inspect.signature(emit).parameters)[1:], "lanes"]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    definition.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    definition.__name__ = emit.__name__
    definition.__doc__ = emit.__doc__
    return intrinsic(definition)


@_instruction
def copy(_: _Arithmetic, target: _Rows, i: Any, source: _Rows, j: Any) -> None:
    """target[i] = source[j]."""
    real, imag = source.load(j, 0), source.load(j, 1)
    target.store(real, i, 0)
    target.store(imag, i, 1)


@_instruction
def multiply(op: _Arithmetic, target: _Rows, i: Any, source: _Rows, j: Any, phase: _Rows, k: Any) -> None:
    """target[i] = source[j] * phase[k]."""
    real, imag, cosine, sine = source.load(j, 0), source.load(j, 1), phase.load(k, 0), phase.load(k, 1)
    target.store(op.sub(op.mul(real, cosine), op.mul(imag, sine)), i, 0)
    target.store(op.add(op.mul(real, sine), op.mul(imag, cosine)), i, 1)


@_instruction
def multiply_conjugate(op: _Arithmetic, target: _Rows, i: Any, source: _Rows, j: Any, phase: _Rows, k: Any) -> None:
    """target[i] = source[j] * conj(phase[k])."""
    real, imag, cosine, sine = source.load(j, 0), source.load(j, 1), phase.load(k, 0), phase.load(k, 1)
    target.store(op.add(op.mul(real, cosine), op.mul(imag, sine)), i, 0)
    target.store(op.sub(op.mul(imag, cosine), op.mul(real, sine)), i, 1)


@_instruction
def rotate(op: _Arithmetic, psi: _Rows, i: Any, j: Any, trig: _Rows, r: Any) -> None:
    """(psi[i], psi[j]) = RY (psi[i], psi[j]); trig[r] holds the cosine and the sine of half the angle."""
    cosine, sine = trig.load(r, 0), trig.load(r, 1)
    for part in (0, 1):
        low, high = psi.load(i, part), psi.load(j, part)
        psi.store(op.sub(op.mul(low, cosine), op.mul(high, sine)), i, part)
        psi.store(op.add(op.mul(low, sine), op.mul(high, cosine)), j, part)


@_instruction
def rotate_back(op: _Arithmetic, psi: _Rows, lam: _Rows, i: Any, j: Any, trig: _Rows, r: Any, gradient: _Rows) -> None:
    """Undo :func:`rotate` on psi and lam, and gradient[r] += Re <lam| -iY |psi> over the pair (i, j)."""
    cosine, sine = trig.load(r, 0), trig.load(r, 1)
    overlaps = []  # summed apart from the total: the total is what the next pair waits for
    for part in (0, 1):
        low, high, lam_low, lam_high = psi.load(i, part), psi.load(j, part), lam.load(i, part), lam.load(j, part)
        overlaps.append(op.sub(op.mul(lam_high, low), op.mul(lam_low, high)))
        psi.store(op.add(op.mul(low, cosine), op.mul(high, sine)), i, part)
        psi.store(op.sub(op.mul(high, cosine), op.mul(low, sine)), j, part)
        lam.store(op.add(op.mul(lam_low, cosine), op.mul(lam_high, sine)), i, part)
        lam.store(op.sub(op.mul(lam_high, cosine), op.mul(lam_low, sine)), j, part)
    gradient.store(op.add(gradient.load(r), op.add(*overlaps)), r)


@_instruction
def add_real_overlap(
    op: _Arithmetic, total: _Rows, t: Any, weight: Any, bra: _Rows, i: Any, ket: _Rows, j: Any
) -> None:
    """total[t] += weight * Re(conj(bra[i]) ket[j])."""
    overlap = op.add(op.mul(bra.load(i, 0), ket.load(j, 0)), op.mul(bra.load(i, 1), ket.load(j, 1)))
    total.store(op.add(total.load(t), op.mul(total.broadcast(weight), overlap)), t)


@_instruction
def add_imag_overlap(
    op: _Arithmetic, total: _Rows, t: Any, weight: Any, bra: _Rows, i: Any, ket: _Rows, j: Any
) -> None:
    """total[t] += weight * Im(conj(bra[i]) ket[j])."""
    overlap = op.sub(op.mul(bra.load(i, 0), ket.load(j, 1)), op.mul(bra.load(i, 1), ket.load(j, 0)))
    total.store(op.add(total.load(t), op.mul(total.broadcast(weight), overlap)), t)


@_instruction
def add_row(op: _Arithmetic, total: _Rows, t: Any, weight: Any, source: _Rows, j: Any) -> None:
    """total[t] += weight * source[j], real rows."""
    total.store(op.add(total.load(t), op.mul(total.broadcast(weight), source.load(j))), t)


@_instruction
def add_product(
    op: _Arithmetic, target: _Rows, i: Any, weight: Any, factor: _Rows, k: Any, source: _Rows, j: Any
) -> None:
    """target[i] += weight * factor[k] * source[j], factor being a real row."""
    scale = op.mul(factor.broadcast(weight), factor.load(k))
    target.store(op.add(target.load(i, 0), op.mul(scale, source.load(j, 0))), i, 0)
    target.store(op.add(target.load(i, 1), op.mul(scale, source.load(j, 1))), i, 1)


@_instruction
def add_imaginary_product(
    op: _Arithmetic, target: _Rows, i: Any, weight: Any, factor: _Rows, k: Any, source: _Rows, j: Any
) -> None:
    """target[i] += 1j * weight * factor[k] * source[j], factor being a real row."""
    scale = op.mul(factor.broadcast(weight), factor.load(k))
    target.store(op.sub(target.load(i, 0), op.mul(scale, source.load(j, 1))), i, 0)
    target.store(op.add(target.load(i, 1), op.mul(scale, source.load(j, 0))), i, 1)
