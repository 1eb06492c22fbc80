"""Results of rows of parameter values as a differentiable torch function."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from qiskit_qgen._checks import check_shape, check_type
from qiskit_qgen.exceptions import ArgumentError, GradientError
from qiskit_qgen.gradients.rule import AbstractGradientRule


def check_parameters(parameters: Any, num_parameters: int) -> None:
    """Raise an error unless these are rows of parameter values, a floating-point tensor (B, num_parameters)."""
    check_type("parameters", parameters, torch.Tensor, f"a floating-point tensor of shape (B, {num_parameters})")
    shape = parameters.shape
    check_shape("parameters", shape, f"(B, {num_parameters})", len(shape) == 2 and shape[1] == num_parameters)
    if not parameters.is_floating_point():
        raise ArgumentError(
            f"Argument `parameters` must hold floating-point numbers, but is of dtype {parameters.dtype}."
        )


Run: TypeAlias = Callable[[NDArray[np.float64]], Any]
"""Rows of parameter values, (N, num_columns), to their results, (N, num_outputs)."""


class PrimitiveFunction:
    """A circuit's results as a differentiable function of its parameters, (B, P) to (B, O).

    The forward pass runs one PUB in one job for the whole batch and all outputs. The backward pass runs one PUB in one
    job with the shifted rows, contracted with the cotangent at once. Second derivatives raise :class:`GradientError`.
    What the primitive raises comes out as it is.

    Args:
        rule: The gradient rule.
        run: Runs rows of values of the parameters of ``rule.circuit``, (N, num_columns), as one PUB in one job;
            returns their results, (N, num_outputs), as an array or a sparse matrix.
        num_parameters: The number of parameters of the circuit.
        num_outputs: The number of outputs.
    """

    def __init__(self, rule: AbstractGradientRule, run: Run, *, num_parameters: int, num_outputs: int) -> None:
        self._rule = rule
        self._run = run
        self._num_parameters = num_parameters
        self._num_outputs = num_outputs

    def __call__(self, parameters: torch.Tensor, *, columns: Sequence[int] | None = None) -> torch.Tensor:
        """Return the results.

        Args:
            parameters: Values of the circuit's parameters in Qiskit's order, (B, num_parameters).
            columns: The parameters that need a gradient; the others are not shifted, and their gradient is zero. None
                for all of them.

        Returns:
            (B, num_outputs), of the dtype and on the device of ``parameters``.

        Raises:
            ArgumentTypeError: If ``parameters`` is not a tensor.
            ArgumentError: If ``parameters`` has another shape or is of no floating-point dtype.
            GradientError: In a second backward pass, in forward mode, or mapped by ``torch.func.vmap``.
        """
        check_parameters(parameters, self._num_parameters)
        wanted = list(range(parameters.shape[1]) if columns is None else columns)
        values: torch.Tensor = _Values.apply(parameters, _Call(self, wanted))  # type: ignore[no-untyped-call]
        return values

    def run_through(self, around: Callable[[Run, NDArray[np.float64]], Any]) -> PrimitiveFunction:
        """Return this function with ``around(run, rows)`` in place of ``run(rows)``."""
        changed = copy.copy(self)
        changed._run = partial(around, self._run)
        return changed

    def compute(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the results, (B, num_outputs)."""
        results = self._evaluate(self._rule.unshifted(values))
        return np.ascontiguousarray(results if isinstance(results, np.ndarray) else results.toarray())

    def pull_back(
        self, values: NDArray[np.float64], wanted: Sequence[int], cotangent: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the derivative by the parameters, (B, num_parameters), from that by the results."""
        gradient = np.zeros_like(values)
        if not wanted or not len(values):
            return gradient
        shifted = self._rule.shifted(values, wanted)
        samples, per_sample, columns = shifted.rows.shape
        results = self._evaluate(shifted.rows.reshape(samples * per_sample, columns))
        contracted = _contract(results, cotangent, per_sample)
        gradient[:, wanted] = shifted.derivatives(contracted).reshape(samples, len(wanted))
        return gradient

    def _evaluate(self, rows: NDArray[np.float64]) -> Any:
        return self._run(rows) if len(rows) else np.zeros((0, self._num_outputs))


class _Call(NamedTuple):
    """One call of a function."""

    function: PrimitiveFunction
    wanted: list[int]


class _FirstOrder(torch.autograd.Function):
    """What neither maps nor has forward-mode derivatives."""

    @staticmethod
    def vmap(*_: Any) -> Any:
        raise GradientError(
            "torch.func.vmap, which jacrev uses too, cannot map a circuit on a primitive, which would run it again "
            "for each slice: give it one batch of rows, and take Jacobians with torch.autograd.functional.jacobian."
        )

    @staticmethod
    def jvp(*_: Any) -> Any:
        raise GradientError("A circuit on a primitive has no forward-mode derivatives: use backward mode.")


class _Values(_FirstOrder):
    @staticmethod
    def forward(parameters: torch.Tensor, call: _Call) -> torch.Tensor:
        return torch.from_numpy(call.function.compute(_numpy(parameters))).to(parameters)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor, _Call], output: torch.Tensor) -> None:  # noqa: ARG004
        parameters, ctx.call = inputs
        ctx.save_for_backward(parameters)

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _Gradient.apply(*ctx.saved_tensors, cotangent, ctx.call), None  # type: ignore[no-untyped-call]


class _Gradient(_FirstOrder):
    """The first derivative, tied to what it depends on, so that a second one is refused."""

    @staticmethod
    def forward(parameters: torch.Tensor, cotangent: torch.Tensor, call: _Call) -> torch.Tensor:
        found = call.function.pull_back(_numpy(parameters), call.wanted, _numpy(cotangent))
        return torch.from_numpy(found).to(parameters)

    @staticmethod
    def setup_context(*_: Any) -> None:
        pass

    @staticmethod
    def backward(*_: Any) -> Any:
        raise GradientError(
            "A circuit on a primitive has first derivatives only, but a second one was asked for, as a gradient "
            "penalty through a circuit does: use LocalExecution(), or a loss without it."
        )


def _numpy(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().to("cpu", torch.float64).numpy()


def _contract(results: Any, cotangent: NDArray[np.float64], rows_per_sample: int) -> NDArray[np.float64]:
    """Return sum_o results[b k, o] cotangent[b, o], (B * K,)."""
    if isinstance(results, np.ndarray):
        return np.asarray(np.einsum("no,no->n", results, np.repeat(cotangent, rows_per_sample, 0)))
    entries = results.tocoo()
    row, outcome = entries.coords
    weights = entries.data * cotangent[row // rows_per_sample, outcome]
    return np.asarray(np.bincount(row, weights, minlength=results.shape[0]), np.float64)
