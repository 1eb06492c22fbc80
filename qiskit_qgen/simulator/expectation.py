"""Batches of expectation values and their vector-Jacobian products as one differentiable torch function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.exceptions import GradientError
from qiskit_qgen.simulator.expressions import SlotEvaluator
from qiskit_qgen.simulator.program import Program
from qiskit_qgen.simulator.sweeps import Sweeps


class ExpectationValues:
    """The expectation values of some observables on a circuit, as a function of the circuit's parameters.

    ``values[b, k] = <0| U(parameters[b])^dagger O_k U(parameters[b]) |0>``. Differentiable once, by adjoint
    differentiation (arXiv 2009.02823): one sweep back for all observables and all parameters together.

    Args:
        program: The lowered circuit.
        observables: Hermitian operators on the circuit's qubits.
        threads: How many threads to use; None for as many as torch uses, ``torch.get_num_threads()``.

    Raises:
        ArgumentError: If an observable does not fit the circuit or has complex coefficients.
    """

    def __init__(self, program: Program, observables: Sequence[SparsePauliOp], *, threads: int | None = None) -> None:
        terms, constants = program.terms(observables)
        self._constants = torch.tensor(constants, dtype=torch.float64)
        self._sweeps = Sweeps(program, terms, len(constants))
        self._threads = threads
        self._evaluate = SlotEvaluator(program.parameters, program.expressions)

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return the values.

        Args:
            parameters: Values of the circuit's parameters in Qiskit's order, (B, num_parameters), float32 or float64,
                on the CPU.

        Returns:
            (B, num_observables), of the dtype of ``parameters``.
        """
        threads = self._threads or torch.get_num_threads()
        values = _AdjointExpectation.apply(self._evaluate(parameters), self._sweeps, threads)
        return values + self._constants.to(values)


class _AdjointExpectation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, slots: torch.Tensor, sweeps: Sweeps, threads: int) -> torch.Tensor:
        keep = ctx.needs_input_grad[0]
        values, ctx.kept = sweeps.forward(slots.detach().numpy(), threads=threads, keep=keep)
        ctx.sweeps, ctx.threads = sweeps, threads
        ctx.save_for_backward(slots)
        return torch.from_numpy(values)

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        array = ctx.sweeps.backward(ctx.kept, threads=ctx.threads, cotangent=cotangent.detach().numpy())
        gradient = torch.from_numpy(array)
        if torch.is_grad_enabled():  # create_graph=True
            gradient = _FirstDerivative.apply(gradient, *ctx.saved_tensors, cotangent)
        return gradient, None, None


class _FirstDerivative(torch.autograd.Function):
    """The identity on a first derivative, tied to what it depends on, so that a second one is refused."""

    @staticmethod
    def forward(ctx: Any, gradient: torch.Tensor, *origins: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx: Any, _: torch.Tensor) -> Any:  # noqa: ARG004
        raise GradientError(
            "The built-in simulator gives first derivatives only, but a second one was asked for, as a gradient "
            "penalty through a circuit does: use a loss without it."
        )
