"""Batches of expectation values and their vector-Jacobian products as one differentiable torch function."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Timer
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.exceptions import GradientError
from qiskit_qgen.simulator.expressions import SlotEvaluator
from qiskit_qgen.simulator.memory import aligned_empty, from_lanes, to_lanes
from qiskit_qgen.simulator.program import Program
from qiskit_qgen.simulator.rotations import RotationAngles
from qiskit_qgen.simulator.threads import run_all

_LOGGER = logging.getLogger("qiskit_qgen")
_TASK_CHUNKS = 16  # chunks that one call of a kernel handles at most
_TASK_BYTES = 1 << 26  # and at most so many bytes of states
_KEPT_BYTES = 1 << 29  # final states are kept for the backward pass up to so many bytes, else they are computed again
_SERIAL_WORK = 5_000_000  # rows times rotations below which a second thread costs more than it gains
# How many samples a row of a chunk may hold, and what a chunk then costs: wide rows are cheaper if they can be filled.
_LANES = {np.dtype(np.float32): {16: 1.0, 8: 0.55, 4: 0.35}, np.dtype(np.float64): {8: 1.0, 4: 0.55}}

_LOADED_KERNELS: set[tuple[str, np.dtype[Any], int]] = set()


def _choose_lanes(num_samples: int, threads: int, dtype: np.dtype[Any]) -> int:
    """Return the number of samples per row that should finish a batch first."""

    def cost(lanes: int) -> tuple[float, int]:
        chunks = -(-num_samples // lanes)
        return _LANES[dtype][lanes] * -(-chunks // threads), -lanes

    return min(_LANES[dtype], key=cost)


@contextmanager
def _announced() -> Iterator[None]:
    """Say why it takes so long, if it takes long: kernels are compiled at their first use on a machine."""
    text = "Compiling a kernel of the simulator for this kind of batch, once on this machine; about 15 seconds."
    timer = Timer(3.0, _LOGGER.warning, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Layout:
    """How a batch is divided into chunks of interleaved samples, and these into tasks for the threads."""

    def __init__(self, num_samples: int, num_rows: int, num_rotations: int, dtype: np.dtype[Any], threads: int) -> None:
        self.dtype = dtype
        self.lanes = _choose_lanes(num_samples, threads, dtype)
        self.chunks = -(-num_samples // self.lanes)
        chunk_bytes = num_rows * 2 * self.lanes * dtype.itemsize
        self.keeps_states = self.chunks * chunk_bytes <= _KEPT_BYTES
        self._threads = threads if self.chunks * self.lanes * num_rows * num_rotations > _SERIAL_WORK else 1
        self._step = max(1, min(_TASK_CHUNKS, -(-self.chunks // self._threads), _TASK_BYTES // chunk_bytes))

    def run(self, task: Callable[[slice], None], kernel: str) -> None:
        """Run ``task`` on slices of the chunks; the first use of a compiled kernel is announced if it takes long."""
        parts = [slice(first, min(first + self._step, self.chunks)) for first in range(0, self.chunks, self._step)]
        key = (kernel, self.dtype, self.lanes)
        if parts and key not in _LOADED_KERNELS:
            with _announced():
                task(parts.pop(0))
            _LOADED_KERNELS.add(key)
        run_all([partial(task, part) for part in parts], self._threads)


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
        self._tables = program.blocks
        self._readout, constants = program.readout(observables)
        self._constants = np.array(constants)
        self._num_rows = 1 << program.width
        self._threads = threads
        self._evaluate = SlotEvaluator(program.parameters, program.expressions)
        self._angles = RotationAngles(program)

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return the values.

        Args:
            parameters: Values of the circuit's parameters in Qiskit's order, (B, num_parameters), float32 or float64,
                on the CPU.

        Returns:
            (B, num_observables), of the dtype of ``parameters``.
        """
        return _AdjointExpectation.apply(self._evaluate(parameters), self)

    def compute(self, slots: NDArray[Any], *, for_backward: bool) -> tuple[NDArray[Any], _Kept]:
        """Return the values (B, num_observables), and what :meth:`pull_back` needs if ``for_backward``."""
        threads = self._threads or torch.get_num_threads()
        layout = _Layout(len(slots), self._num_rows, self._angles.num_rotations, slots.dtype, threads)
        laned = to_lanes(slots, layout.chunks, layout.lanes, layout.dtype)
        values = np.zeros((layout.chunks, len(self._constants), layout.lanes), layout.dtype)
        states = None
        if for_backward and layout.keeps_states:
            states = self._empty_states(layout, layout.chunks)

        def task(part: slice) -> None:
            self._run_forward(layout, laned[part], states[part] if states is not None else None, values[part])

        layout.run(task, "forward")
        result = from_lanes(values, len(slots)) + self._constants.astype(layout.dtype)
        return result, (layout, laned, states)

    def pull_back(self, cotangent: NDArray[Any], kept: _Kept) -> NDArray[Any]:
        """Return the derivative by the slots, (B, num_slots), from that by the values, (B, num_observables)."""
        from qiskit_qgen.simulator import kernels  # compiled code is loaded when first used

        layout, laned, states = kept
        by_value = np.ascontiguousarray(to_lanes(cotangent, layout.chunks, layout.lanes, layout.dtype))
        gradient = np.zeros((layout.chunks, self._angles.num_rotations, layout.lanes), layout.dtype)

        def task(part: slice) -> None:
            task_states = states[part] if states is not None else self._empty_states(layout, part.stop - part.start)
            if states is None:
                self._run_forward(layout, laned[part], task_states, np.zeros_like(by_value[part]))
            trig = self._trig(layout, laned[part])
            lanes = (0,) * layout.lanes
            kernels.backward(self._tables, self._readout, trig, task_states, by_value[part], gradient[part], lanes)

        layout.run(task, "backward")
        return from_lanes(self._angles.pull_back(gradient), len(cotangent))

    def _run_forward(
        self, layout: _Layout, laned: NDArray[Any], states: NDArray[Any] | None, values: NDArray[Any]
    ) -> None:
        from qiskit_qgen.simulator import kernels

        states = self._empty_states(layout, 1) if states is None else states
        trig = self._trig(layout, laned)
        kernels.forward(self._tables, self._readout, trig, states, values, (0,) * layout.lanes)

    def _empty_states(self, layout: _Layout, chunks: int) -> NDArray[Any]:
        return aligned_empty(chunks, self._num_rows, 2, layout.lanes, dtype=layout.dtype)

    def _trig(self, layout: _Layout, laned: NDArray[Any]) -> NDArray[Any]:
        trig = aligned_empty(len(laned), self._angles.num_rotations, 2, layout.lanes, dtype=layout.dtype)
        self._angles.fill(laned, trig)
        return trig


_Kept = tuple[_Layout, NDArray[Any], NDArray[Any] | None]


class _AdjointExpectation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, slots: torch.Tensor, owner: ExpectationValues) -> torch.Tensor:
        values, ctx.kept = owner.compute(slots.detach().numpy(), for_backward=ctx.needs_input_grad[0])
        ctx.owner = owner
        ctx.save_for_backward(slots)
        return torch.from_numpy(values)

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None]:
        gradient = torch.from_numpy(ctx.owner.pull_back(cotangent.detach().numpy(), ctx.kept))
        if torch.is_grad_enabled():  # create_graph=True
            gradient = _FirstDerivative.apply(gradient, *ctx.saved_tensors, cotangent)
        return gradient, None


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
