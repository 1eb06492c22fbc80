"""Evaluates a circuit's parameter expressions for a whole batch as tensors.

Their chain rule comes from autograd. Expressions of one form, such as the angles of a feature map, are evaluated
together.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from qiskit.circuit import Parameter, ParameterExpression

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.simulator.tables import Table

_UNARY: dict[str, Callable[[Any], Any]] = {
    "ABS": torch.abs,
    "ACOS": torch.acos,
    "ASIN": torch.asin,
    "ATAN": torch.atan,
    "CONJ": torch.conj,
    "COS": torch.cos,
    "EXP": torch.exp,
    "LOG": torch.log,
    "SIGN": torch.sgn,
    "SIN": torch.sin,
    "TAN": torch.tan,
}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "ADD": operator.add,
    "DIV": operator.truediv,
    "MUL": operator.mul,
    "POW": operator.pow,
    "RDIV": lambda left, right: right / left,
    "RPOW": lambda left, right: right**left,
    "RSUB": lambda left, right: right - left,
    "SUB": operator.sub,
}
_LEAVE_THE_REALS = {"ACOS", "ASIN", "LOG", "POW", "RPOW"}
_TOLERANCE = 1e3  # of imaginary parts, in units of the last place


class _Place(NamedTuple):
    """Stands for a parameter in a form: the number of its place."""

    number: int


_Step = tuple[str, tuple[Any, ...]]
"""An operation and its operands: places, numbers, or None for the result that was left by earlier steps."""


def _form(expression: ParameterExpression) -> tuple[tuple[_Step, ...], list[Parameter]]:
    """Return an expression as steps on places, and the parameters to put there."""
    if isinstance(expression, Parameter):
        return (), [expression]
    parameters: list[Parameter] = []
    steps = []
    for step in expression._qpy_replay:  # what Qiskit saves: steps on a stack
        name = str(step.op).rpartition(".")[2]
        operands = [step.lhs] if name in _UNARY else [step.lhs, step.rhs]
        for position, operand in enumerate(operands):
            if isinstance(operand, ParameterExpression):
                operands[position] = _Place(len(parameters))
                parameters.append(operand)
        steps.append((name, tuple(operands)))
    return tuple(steps), parameters


class _Group:
    """Expressions of one form."""

    def __init__(self, steps: tuple[_Step, ...], expressions: list[ParameterExpression]) -> None:
        self._steps = steps
        self._expressions = expressions
        operands = [operand for _, operands in steps for operand in operands]
        self._is_complex = any(isinstance(operand, complex) for operand in operands)
        self._may_be_complex = any(name in _LEAVE_THE_REALS for name, _ in steps)

    def __call__(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the expressions' values from those of their parameters, place by place; (B, number of expressions)."""
        values = None if self._is_complex else self._run(inputs)
        if values is None or (self._may_be_complex and _any(values.isnan())):
            values = self._run(tuple(argument + 0j for argument in inputs))
        return self._real(values) if values.is_complex() else values

    def _run(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        stack: list[Any] = [] if self._steps else [inputs[0]]
        for name, operands in self._steps:
            values = []
            for operand in reversed(operands):
                if operand is None:
                    values.append(stack.pop())
                else:
                    values.append(inputs[operand.number] if isinstance(operand, _Place) else operand)
            if name in _UNARY:
                (value,) = values
                value = value if isinstance(value, torch.Tensor) else torch.full_like(inputs[0], value)
                stack.append(_UNARY[name](value).to(inputs[0]))  # absolute values stay among complex numbers
            else:
                right, left = values
                stack.append(_BINARY[name](left, right))
        result: torch.Tensor = stack.pop()
        return result

    def _real(self, values: torch.Tensor) -> torch.Tensor:
        """Return the real part of values that are real except for rounding errors."""
        bound = _TOLERANCE * torch.finfo(values.dtype).eps * (1 + values.real.abs())
        wrong = values.imag.abs() > bound
        if _any(wrong):
            row, number = wrong.nonzero()[0].tolist()
            raise ArgumentError(
                "Argument `parameters` must give every gate a real angle, "
                f"but {self._expressions[number]} is {values[row, number].item():.4g} in row {row}."
            )
        return values.real


def _any(found: torch.Tensor) -> bool:
    """Whether an entry is true; False where there is no answer, under ``torch.func.vmap``."""
    try:
        return bool(found.any())
    except RuntimeError:
        return False


class SlotEvaluator:
    """Maps values of parameters, (B, num_parameters), to values of expressions, (B, num_expressions)."""

    def __init__(self, parameters: Sequence[Parameter], expressions: Sequence[ParameterExpression]) -> None:
        columns = {parameter: number for number, parameter in enumerate(parameters)}
        members: dict[tuple[_Step, ...], list[tuple[int, list[int]]]] = {}
        for slot, expression in enumerate(expressions):
            steps, used = _form(expression)
            members.setdefault(steps, []).append((slot, [columns[parameter] for parameter in used]))
        self._groups = [_Group(steps, [expressions[slot] for slot, _ in group]) for steps, group in members.items()]
        places = [list(zip(*(used for _, used in group), strict=True)) for group in members.values()]
        self._places = [len(group) for group in places]
        self._sizes = [len(place) for group in places for place in group]
        self._columns = Table(np.array([column for group in places for place in group for column in place], np.int64))
        self._is_identity = list(expressions) == list(parameters)
        slots = [slot for group in members.values() for slot, _ in group]
        self._order = Table(np.argsort(slots))

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return the expressions' values, (B, num_expressions), differentiable.

        Raises:
            ArgumentError: If an expression is not real.
        """
        if self._is_identity:
            return parameters
        if not self._groups:
            return parameters[:, :0]
        columns, order = (table.on(parameters.device, torch.int64) for table in (self._columns, self._order))
        inputs = iter(parameters.index_select(1, columns).split(self._sizes, 1))
        values = [group(list(islice(inputs, number))) for group, number in zip(self._groups, self._places, strict=True)]
        if len(values) == 1:
            return values[0]
        return torch.cat(values, 1).index_select(1, order)
