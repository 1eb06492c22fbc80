"""Batches of expectation values and their vector-Jacobian products, on the CPU kernels, as one differentiable torch
function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp
from torch.autograd.function import once_differentiable

from qiskit_qgen.simulator.expressions import SlotEvaluator
from qiskit_qgen.simulator.lowering import Program
from qiskit_qgen.simulator.threads import run_all

_TASK_CHUNKS = 16  # chunks handled by one call of a kernel at most, which bounds its scratch memory
_SERIAL_WORK = 200_000  # rows times operations below which a second thread costs more than it gains
# The rows of a chunk hold this many samples; wider rows cost less per sample if they can be filled.
_LANES = {np.dtype(np.float32): {16: 1.0, 8: 0.55, 4: 0.35}, np.dtype(np.float64): {8: 1.0, 4: 0.55}}


def _choose_lanes(num_samples: int, threads: int, dtype: np.dtype[Any]) -> int:
    """Return the number of samples per row that should finish a batch first."""
    costs = {width: cost * -(-(-(-num_samples // width)) // threads) for width, cost in _LANES[dtype].items()}
    return min(costs, key=lambda width: (costs[width], -width))


def _aligned(*shape: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an uninitialised array that starts at a cache line: rows that straddle two lines halve the kernels'
    speed.
    """
    line = 64
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + line, np.uint8)
    start = -memory.ctypes.data % line
    return memory[start : start + size].view(dtype).reshape(shape)


class ExpectationValues:
    """The expectation values of some observables on a circuit, as a function of the circuit's parameters.

    ``values[b, k] = <0| U(parameters[b])^dagger O_k U(parameters[b]) |0>``. Differentiable once, by adjoint differentiation
    (arXiv 2009.02823): one sweep back for all observables and all parameters together, whatever their number.

    Args:
        program: The lowered circuit.
        observables: Hermitian operators on the circuit's qubits.
        threads: How many threads to use; None for as many as torch uses, ``torch.get_num_threads()``.
    """

    def __init__(self, program: Program, observables: Sequence[SparsePauliOp], *, threads: int | None = None) -> None:
        self._program = program
        self._readout, constants = program.readout(observables)
        self._constants = np.array(constants)
        self._threads = threads
        self._evaluate = SlotEvaluator(program.parameters, program.expressions)
        angles = [operation.angle for operation in program.operations]
        slots = np.array([angle.slot for angle in angles], np.int64)
        self._scales = np.array([angle.scale for angle in angles])
        self._offsets = np.array([angle.offset for angle in angles])
        self._variable = np.flatnonzero(slots >= 0)
        self._slots = slots[self._variable]
        self._order = self._variable[np.argsort(self._slots, kind="stable")]
        self._starts = np.searchsorted(np.sort(self._slots), np.arange(len(program.expressions)))

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return the values.

        Args:
            parameters: Values of the circuit's parameters in Qiskit's order, (B, num_parameters), float32 or float64,
                on the CPU.

        Returns:
            (B, num_observables), of the dtype of ``parameters``.
        """
        return _AdjointExpectation.apply(self._evaluate(parameters), self)

    def compute(self, slots: NDArray[Any], *, keep_states: bool) -> tuple[NDArray[Any], tuple[Any, ...]]:
        """Return the values (B, num_observables), and what :meth:`pull_back` needs if ``keep_states``."""
        from qiskit_qgen.simulator import kernels  # compiled code is loaded when first used

        num_samples = len(slots)
        threads = self._threads or torch.get_num_threads()
        lanes = _choose_lanes(num_samples, threads, slots.dtype)
        chunks = -(-num_samples // lanes)
        num_rows, num_rotations = 1 << self._program.num_qubits, len(self._scales)
        values = np.zeros((chunks, len(self._constants), lanes), slots.dtype)
        trig = _aligned(chunks if keep_states else 0, num_rotations, 2, lanes, dtype=slots.dtype)
        states = _aligned(chunks if keep_states else 0, num_rows, 2, lanes, dtype=slots.dtype)
        tables = self._program.blocks

        def task(first: int, last: int) -> None:
            if keep_states:
                task_trig, task_states = trig[first:last], states[first:last]
            else:
                task_trig = _aligned(last - first, num_rotations, 2, lanes, dtype=slots.dtype)
                task_states = _aligned(1, num_rows, 2, lanes, dtype=slots.dtype)
            self._fill_trig(slots[first * lanes : last * lanes], task_trig)
            kernels.forward(tables, self._readout, task_trig, task_states, values[first:last], (0,) * lanes)

        self._run(task, chunks, threads, lanes)
        result = values.swapaxes(1, 2).reshape(chunks * lanes, -1)[:num_samples]
        result += self._constants.astype(slots.dtype)
        return result, (trig, states)

    def pull_back(self, cotangent: NDArray[Any], kept: tuple[Any, ...]) -> NDArray[Any]:
        """Return the vector-Jacobian product by the slots, (B, num_slots)."""
        from qiskit_qgen.simulator import kernels

        trig, states = kept
        chunks, num_rotations, _, lanes = trig.shape
        num_samples = len(cotangent)
        padded = np.zeros((chunks * lanes, cotangent.shape[1]), trig.dtype)
        padded[:num_samples] = cotangent
        laned = np.ascontiguousarray(padded.reshape(chunks, lanes, -1).swapaxes(1, 2))
        gradient = np.zeros((chunks, num_rotations, lanes), trig.dtype)
        tables = self._program.blocks

        def task(first: int, last: int) -> None:
            part = slice(first, last)
            kernels.backward(tables, self._readout, trig[part], states[part], laned[part], gradient[part], (0,) * lanes)

        self._run(task, chunks, self._threads or torch.get_num_threads(), lanes)
        scales = self._scales[self._order].astype(trig.dtype)
        by_slot = np.add.reduceat(gradient[:, self._order] * scales[:, None], self._starts, axis=1)
        return by_slot.swapaxes(1, 2).reshape(chunks * lanes, -1)[:num_samples]

    def _run(self, task: Any, chunks: int, threads: int, lanes: int) -> None:
        work = chunks * lanes * len(self._scales) << self._program.num_qubits
        threads = threads if work > _SERIAL_WORK else 1
        step = min(_TASK_CHUNKS, -(-chunks // threads))
        run_all(
            [lambda first=first: task(first, min(first + step, chunks)) for first in range(0, chunks, step)], threads
        )

    def _fill_trig(self, slots: NDArray[Any], trig: NDArray[Any]) -> None:
        """Write cosine and sine of half of each rotation's angle for some chunks; the last one may be filled up with
        zeros.
        """
        chunks, num_rotations, _, lanes = trig.shape
        padded = np.zeros((chunks * lanes, slots.shape[1]), slots.dtype)
        padded[: len(slots)] = slots
        laned = padded.reshape(chunks, lanes, -1).swapaxes(1, 2)
        halves = np.empty((chunks, num_rotations, lanes), slots.dtype)
        halves[:] = (self._offsets / 2).astype(slots.dtype)[:, None]
        halves[:, self._variable] += (
            laned[:, self._slots] * (self._scales[self._variable] / 2).astype(slots.dtype)[:, None]
        )
        np.cos(halves, out=trig[:, :, 0])
        np.sin(halves, out=trig[:, :, 1])


class _AdjointExpectation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, slots: torch.Tensor, owner: ExpectationValues) -> torch.Tensor:
        values, ctx.kept = owner.compute(slots.detach().numpy(), keep_states=ctx.needs_input_grad[0])
        ctx.owner = owner
        return torch.from_numpy(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None]:
        return torch.from_numpy(ctx.owner.pull_back(cotangent.numpy(), ctx.kept)), None
