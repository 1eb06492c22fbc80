"""Evaluates a circuit's parameter expressions for a whole batch as tensors.

Their chain rule comes from autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from qiskit.circuit import Parameter, ParameterExpression

# The names that sympy prints.
_TORCH_NAMES = {
    "Abs": torch.abs,
    "acos": torch.acos,
    "asin": torch.asin,
    "atan": torch.atan,
    "conjugate": torch.conj,
    "cos": torch.cos,
    "exp": torch.exp,
    "log": torch.log,
    "signum": torch.sign,
    "sin": torch.sin,
    "sqrt": torch.sqrt,
    "tan": torch.tan,
}


class SlotEvaluator:
    """Maps values of parameters, (B, num_parameters), to values of expressions, (B, num_expressions)."""

    def __init__(self, parameters: Sequence[Parameter], expressions: Sequence[ParameterExpression]) -> None:
        columns = {parameter: number for number, parameter in enumerate(parameters)}
        self._functions: list[Callable[..., Any]] = []
        self._arguments: list[list[int]] = []
        self._columns: list[int] | None = None
        if all(expression in columns for expression in expressions):
            self._columns = [columns[expression] for expression in expressions]
            self._is_identity = self._columns == list(range(len(parameters)))
            return
        for expression in expressions:
            used, function = _compiled(expression)
            self._functions.append(function)
            self._arguments.append([columns[parameter] for parameter in used])

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return the expressions' values, (B, num_expressions), differentiable."""
        if self._columns is not None:
            return parameters if self._is_identity else parameters[:, self._columns]
        values = [
            function(*(parameters[:, column] for column in arguments))
            for function, arguments in zip(self._functions, self._arguments, strict=True)
        ]
        return torch.stack(
            [torch.broadcast_to(torch.as_tensor(v).to(parameters), parameters.shape[:1]) for v in values], 1
        )


def _compiled(expression: ParameterExpression) -> tuple[list[Parameter], Callable[..., Any]]:
    """Return the parameters that an expression depends on, and the expression as a function of them."""
    for parameter in expression.parameters:
        if expression == parameter:  # Qiskit's ``sympify`` may name another one here: for a - a + b, a
            return [parameter], lambda value: value
    import sympy  # slow to import, and needed for composed expressions alone

    formula = expression.sympify().replace(sympy.sign, sympy.Function("signum"))  # printed by its name, as the others
    symbols = {str(symbol): symbol for symbol in formula.free_symbols}
    used = [parameter for parameter in expression.parameters if parameter.name in symbols]
    arguments = [symbols[parameter.name] for parameter in used]
    return used, sympy.lambdify(arguments, formula, modules=[_TORCH_NAMES, "math"], dummify=True)
