"""What is read out of a circuit, as a torch function that can be differentiated any number of times."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray

from qiskit_qgen.exceptions import GradientError
from qiskit_qgen.simulator.cpu.batches import Batch
from qiskit_qgen.simulator.cpu.sweeps import Sweeps
from qiskit_qgen.simulator.cpu.threads import default_threads
from qiskit_qgen.simulator.programs.expressions import SlotEvaluator
from qiskit_qgen.simulator.programs.operations import PauliTerm
from qiskit_qgen.simulator.programs.program import Program
from qiskit_qgen.simulator.tensors.kernels import TensorKernels


class CircuitFunction(ABC):
    """A function of a circuit's parameters: expectation values of terms, or the probabilities of the program's rows.

    On the CPU, values and first derivatives come from the CPU kernels, by adjoint differentiation (arXiv 2009.02823).
    On other devices, and wherever a derivative is to be differentiated again (``create_graph=True``, ``torch.func``),
    they come from the tensor kernels.
    """

    def __init__(
        self,
        program: Program,
        terms: Sequence[PauliTerm] | None = None,
        num_outputs: int = 0,
        *,
        threads: int | None = None,
    ) -> None:
        self.sweeps = Sweeps(program, terms, num_outputs)
        self.tensors = TensorKernels(program, terms, num_outputs)
        self._evaluate = SlotEvaluator(program.parameters, program.expressions)
        self._threads = threads

    @property
    def threads(self) -> int:
        """The number of threads."""
        return self._threads or default_threads()

    @abstractmethod
    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return what is read out, from values of the circuit's parameters, (B, num_parameters)."""

    def linearize(self, parameters: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        """Run the circuit once, for any number of first derivatives that are not differentiated again.

        It does what ``torch.autograd.grad`` does for the function's call, with less of autograd in between.

        Args:
            parameters: Values of the circuit's parameters, (B, num_parameters).

        Returns:
            The function from derivatives by the values of the CPU or tensor kernels, (B, K), to those by the
            parameters, (B, num_parameters).
        """
        leaf = parameters.detach().requires_grad_()
        slots = self._evaluate(leaf)
        if not slots.requires_grad:  # the parameters are in the global phase alone
            return lambda cotangent: torch.zeros_like(parameters)  # noqa: ARG005
        if slots.device.type != "cpu":
            return partial(_gradient, self.tensors(slots), leaf)
        _, batch = self.sweeps.forward(slots.detach().numpy(), threads=self.threads, keep=True)

        def pull_back(cotangent: torch.Tensor) -> torch.Tensor:
            by_slot = torch.from_numpy(self.sweeps.backward(batch, cotangent.numpy()))
            return by_slot if slots is leaf else _gradient(slots, leaf, by_slot)

        return pull_back

    def _values(self, parameters: torch.Tensor) -> torch.Tensor:
        slots = self._evaluate(parameters)
        if slots.device.type != "cpu":
            return self.tensors(slots)
        keep = slots.requires_grad and torch.is_grad_enabled()
        array = None if keep else _as_array(slots)
        if array is not None:
            return torch.from_numpy(self.sweeps.forward(array, threads=self.threads, keep=False)[0])
        return _applied(slots, _Call(self, keep=keep))


class _Call:
    """One use of a function, and what the forward pass left for the backward pass."""

    def __init__(self, function: CircuitFunction, *, keep: bool) -> None:
        self.function = function
        self.keep = keep
        self.batch: Batch | None = None


class _Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(slots: torch.Tensor, call: _Call) -> torch.Tensor:
        function = call.function
        values, call.batch = function.sweeps.forward(slots.detach().numpy(), threads=function.threads, keep=call.keep)
        return torch.from_numpy(values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor, _Call], output: torch.Tensor) -> None:  # noqa: ARG004
        slots, ctx.call = inputs
        ctx.save_for_backward(slots)

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None]:
        (slots,) = ctx.saved_tensors
        function = ctx.call.function
        array = None if torch.is_grad_enabled() else _as_array(cotangent)
        if array is None:
            return function.tensors.pull_back(slots, cotangent), None
        return torch.from_numpy(function.sweeps.backward(ctx.call.batch, array)), None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], slots: torch.Tensor, call: _Call) -> tuple[torch.Tensor, int]:
        flat = slots.movedim(in_dims[0], 0).flatten(0, 1)
        values = _applied(flat, _Call(call.function, keep=call.keep))
        return values.unflatten(0, (info.batch_size, -1)), 0

    @staticmethod
    def jvp(ctx: Any, *_: Any) -> Any:  # noqa: ARG004
        raise GradientError(
            "The built-in simulator has no forward-mode derivatives, which jvp, jacfwd and hessian of torch.func ask "
            "for: use torch.func.jacrev, and jacrev(jacrev(f)) for a Hessian."
        )


def _applied(slots: torch.Tensor, call: _Call) -> torch.Tensor:
    values: torch.Tensor = _Adjoint.apply(slots, call)  # type: ignore[no-untyped-call]
    return values


def _gradient(outputs: torch.Tensor, inputs: torch.Tensor, cotangent: torch.Tensor) -> torch.Tensor:
    (gradient,) = torch.autograd.grad(outputs, inputs, cotangent, retain_graph=True)
    return gradient


# torch asks for the signature at each call; working it out again takes a tenth of a small circuit's time.
_Adjoint.forward.__signature__ = inspect.signature(_Adjoint.forward)  # type: ignore[attr-defined]


def _as_array(tensor: torch.Tensor) -> NDArray[Any] | None:
    """Return a tensor's numbers, or None if it has none, as the batches of ``is_grads_batched=True``."""
    try:
        return tensor.detach().numpy()
    except RuntimeError:
        return None
