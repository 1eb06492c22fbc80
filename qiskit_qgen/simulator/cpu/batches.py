"""Drives the CPU kernels over a batch: chunk by chunk on each thread, or all threads on one chunk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.simulator.cpu.layouts import Layout
from qiskit_qgen.simulator.cpu.plans import Plan
from qiskit_qgen.simulator.cpu.rotations import RotationAngles
from qiskit_qgen.simulator.cpu.threads import run_all

_TASK_CHUNKS = 16  # chunks that one call of a kernel handles at most
_TASK_BYTES = 1 << 26  # and at most so many bytes of states
_KEPT_BYTES = 1 << 29  # final states are kept for the backward pass up to so many bytes, else they are computed again
_SERIAL_WORK = 5_000_000  # rows times rotations below which a second thread costs more than it gains
_TABLES = 384  # addresses of rows
_SMALLEST_COSINES = {np.dtype(np.float32): 1e-15, np.dtype(np.float64): 1e-140}  # of one diagonal
_MEMORY = local()  # of each thread, for kernels to work in


class Batch:
    """One batch on one plan, and what its backward pass needs of its forward pass.

    Args:
        plan: What the kernels do.
        angles: The angles of the plan's rotations.
        layout: The shape of the batch on the kernels.
        slots: The slots' values, (chunks, num_slots, samples).
        threads: The number of threads.
    """

    norms: NDArray[Any]
    """The squared norms of the final states, (B, 1)."""
    is_steep = False
    """Whether the tangents of some angles were too large for this plan: what was read is void then."""

    def __init__(self, plan: Plan, angles: RotationAngles, layout: Layout, slots: NDArray[Any], threads: int) -> None:
        self.plan = plan
        self.angles = angles
        self.layout = layout
        self._slots = slots
        # Final states, and cosines and sines, of all chunks; None if they are to be computed again.
        self._states: NDArray[Any] | None = None
        self._trigs: NDArray[Any] | None = None
        self._rows = len(plan.rows)
        self._words, self._values = self._zeros(plan.num_words, plan.num_outputs)
        self._chunk_bytes = self._rows * 2 * layout.lanes * layout.dtype.itemsize
        work = layout.chunks * layout.lanes * self._rows * angles.num_rotations
        self._threads = threads if work > _SERIAL_WORK else 1

    def keep(self) -> None:
        """Keep the final states, if they are worth their memory, and all cosines and sines for the backward pass."""
        if self.layout.chunks * self._chunk_bytes <= _KEPT_BYTES:
            self._trigs = self._trig(slice(0, self.layout.chunks))
            self._states = self.empty_states(self.layout.chunks)

    def empty_states(self, chunks: int) -> NDArray[Any]:
        """Return memory for final states, (chunks, rows, 2, lanes)."""
        return self.layout.empty(chunks, self._rows, 2, self.layout.lanes)

    def run_forward(self, collect: Callable[[int, NDArray[Any]], None] | None = None) -> NDArray[Any]:
        """Run all chunks forward, and return the outputs, (B, num_outputs).

        Args:
            collect: Is given the number of a first chunk and the final states from there on, once they are there.
        """
        values = self._values

        def task(part: slice) -> bool:
            wanted = part.stop - part.start if collect else 1
            final = self.empty_states(wanted) if self._states is None else self._states[part]
            steep = self._forward(part, final, self._words[part], values[part])
            if collect and not steep:
                collect(part.start, final)
            return steep

        self.is_steep = any(self._run(task))
        return self.layout.from_lanes(self._of_samples(values))

    def run_backward(self, by_output: NDArray[Any], by_row: NDArray[Any]) -> NDArray[Any]:
        """Return the derivatives by the rotations' angles, (chunks, rotations, lanes).

        Args:
            by_output: Derivatives by the first outputs, (B, num_outputs at most); all others do not count.
            by_row: Derivatives by the probabilities of the rows, (chunks, rows or 0, lanes).
        """
        layout, num_words = self.layout, self.plan.num_words
        counts = self.angles.num_rotations, self.plan.num_outputs, num_words, num_words
        gradient, by_values, words, by_words = self._zeros(*counts)
        self._of_samples(by_values)[:, : by_output.shape[1]] = layout.to_lanes(by_output)
        words[:] = self._words

        def task(part: slice) -> None:
            states = self._states
            if states is None:
                final = self.empty_states(part.stop - part.start)
                again, values = self._zeros(num_words, self.plan.num_outputs)
                self._forward(part, final, again[part], values[part])
            else:
                final = states[part]
            arguments = final, words[part], by_words[part], by_values[part], by_row[part], gradient[part]
            if layout.shares:
                _Spread(self, self._trig(part), self._threads).backward(*arguments)
            else:
                self._call_backward(self._trig(part), *arguments)

        self._run(task)
        return gradient

    def memory(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return what a kernel needs to work; it is the thread's, and overwritten by its next kernel."""
        kept: dict[str, tuple[NDArray[np.int64], NDArray[Any]]] = _MEMORY.__dict__
        size, name = self.plan.work_bytes // self.layout.dtype.itemsize, self.layout.dtype.char
        if name not in kept or len(kept[name][1]) < size:
            kept[name] = np.empty(_TABLES, np.int64), self.layout.empty(size)
        return kept[name]

    def _forward(self, part: slice, final: NDArray[Any], words: NDArray[Any], values: NDArray[Any]) -> bool:
        from qiskit_qgen.simulator.cpu import kernels  # compiled code is loaded when first used

        trig = self._trig(part)
        if self.layout.shares:
            return _Spread(self, trig, self._threads).forward(final, words, values)
        limit, memory = _SMALLEST_COSINES[self.layout.dtype], (self.layout.exchanges, *self.memory())
        stages = 0, self.plan.num_stages, 0, 1
        return bool(kernels.forward(*self.plan.tables, *stages, limit, trig, final, words, values, *memory))

    def _call_backward(self, trig: NDArray[Any], final: NDArray[Any], *arrays: NDArray[Any]) -> None:
        from qiskit_qgen.simulator.cpu import adjoint

        psi, lam = self.empty_states(2)
        memory = self.layout.exchanges, *self.memory()
        stages = 0, self.plan.num_stages, 0, 1
        adjoint.backward(*self.plan.tables, *stages, trig, final, psi, lam, *arrays, *memory)

    def _run(self, task: Callable[[slice], Any]) -> list[Any]:
        """Run ``task`` on slices of the chunks."""
        chunks, threads = self.layout.chunks, 1 if self.layout.shares else self._threads
        step = max(1, min(_TASK_CHUNKS, -(-chunks // threads), _TASK_BYTES // self._chunk_bytes))
        if self.layout.shares:
            step = 1
        parts = [slice(first, min(first + step, chunks)) for first in range(0, chunks, step)]
        return run_all([partial(task, part) for part in parts], threads)

    def _trig(self, part: slice) -> NDArray[Any]:
        """Return cosine, and sine or tangent, of half of each rotation's angle, (chunks, rotations, 2, lanes)."""
        if self._trigs is not None:
            return self._trigs[part]
        chunks, layout, rotations = part.stop - part.start, self.layout, self.angles.num_rotations
        trig = layout.empty(chunks, rotations, 2, layout.parts, layout.samples)
        self.angles.fill(self._slots[part], trig)
        return trig.reshape(chunks, rotations, 2, layout.lanes)

    def _of_samples(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return what observables are, (chunks, count, samples), from what is in the first of each sample's lanes."""
        return values[:, :, : self.layout.samples]

    def _zeros(self, *counts: int) -> list[NDArray[Any]]:
        """Return arrays of zeros, (chunks, count, lanes) each."""
        chunks, lanes = self.layout.chunks, self.layout.lanes
        memory, last = self.layout.empty(chunks * lanes * sum(counts)), 0
        memory.fill(0)
        arrays = []
        for count in counts:
            first, last = last, last + chunks * lanes * count
            arrays.append(memory[first:last].reshape(chunks, count, lanes))
        return arrays


class _Spread:
    """One chunk, whose stages are each shared by all threads."""

    def __init__(self, batch: Batch, trig: NDArray[Any], threads: int) -> None:
        self._batch = batch
        self._plan = batch.plan
        self._trig = trig
        self._threads = threads
        self._shares = batch.layout.shares
        self._limit = _SMALLEST_COSINES[batch.layout.dtype]

    def forward(self, final: NDArray[Any], words: NDArray[Any], values: NDArray[Any]) -> bool:
        """Run to ``final``, (1, rows, 2, lanes), add to words and outputs, return whether tangents are too large."""
        last, num_readouts = self._plan.num_stages - 1, len(self._plan.readout.blocks)
        steep = False
        for stage in range(last):
            shares = np.zeros((self._shares, *words.shape), words.dtype) if stage >= last - num_readouts else None
            steep |= any(self._forward_stage(stage, final, shares, values))
            if shares is not None:
                words += shares.sum(0)
        self._forward_stage(last, final, words[None], values, parts=1)
        return steep

    def backward(
        self,
        final: NDArray[Any],
        words: NDArray[Any],
        by_words: NDArray[Any],
        by_values: NDArray[Any],
        by_row: NDArray[Any],
        gradient: NDArray[Any],
    ) -> None:
        """Sweep back from ``final``, and add the derivatives to ``gradient``, (1, rotations, lanes)."""
        from qiskit_qgen.simulator.cpu import adjoint

        psi, lam = self._batch.empty_states(2)
        shares = np.zeros((self._shares, *gradient.shape), gradient.dtype)
        states, arrays = (self._trig, final, psi, lam), (words, by_words, by_values, by_row)
        exchanges = self._batch.layout.exchanges

        def run(stage: int, parts: int, totals: NDArray[Any]) -> None:
            def task(part: int) -> None:
                arguments = *states, *arrays, totals[part], exchanges, *self._batch.memory()
                adjoint.backward(*self._plan.tables, stage, stage + 1, part, parts, *arguments)

            run_all([partial(task, part) for part in range(parts)], self._threads)

        run(0, 1, gradient[None])
        for stage in range(1, self._plan.num_stages):
            run(stage, self._shares, shares)
        gradient += shares.sum(0)

    def _forward_stage(
        self, stage: int, psi: NDArray[Any], words: NDArray[Any] | None, values: NDArray[Any], parts: int | None = None
    ) -> list[bool]:
        """Do one stage, on all parts of the cosets."""
        from qiskit_qgen.simulator.cpu import kernels

        layout, count = self._batch.layout, parts or self._shares
        unused = np.zeros((1, 0, layout.lanes), layout.dtype)

        def task(part: int) -> bool:
            arrays = self._trig, psi, unused if words is None else words[part], values, layout.exchanges
            memory = self._batch.memory()
            return bool(
                kernels.forward(*self._plan.tables, stage, stage + 1, part, count, self._limit, *arrays, *memory)
            )

        return run_all([partial(task, part) for part in range(count)], self._threads)
