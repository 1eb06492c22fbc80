"""Drives the CPU kernels over a batch: chunk by chunk on each thread, or all threads on one chunk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.simulator.cpu.layouts import Layout
from qiskit_qgen.simulator.cpu.plans import Move, Plan, Segment
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
        self._words, self._values = self._zeros(len(plan.word_signs), plan.num_outputs)
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
        layout, num_words = self.layout, len(self.plan.word_signs)
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
                self._call_backward(self.plan.segments[0], self._trig(part), *arguments)

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
        plan, (segment,) = self.plan, self.plan.segments
        tables = plan.start, segment.blocks, segment.readout, plan.finish
        stages = len(segment.blocks.blocks) + len(segment.readout.blocks) + 2
        limit = _SMALLEST_COSINES[self.layout.dtype]
        return bool(kernels.forward(*tables, 0, stages, 0, 1, limit, trig, final, words, values, *self.memory()))

    def _call_backward(self, segment: Segment, trig: NDArray[Any], final: NDArray[Any], *arrays: NDArray[Any]) -> None:
        from qiskit_qgen.simulator.cpu import adjoint

        plan, (psi, lam) = self.plan, self.empty_states(2)
        tables = plan.start, segment.blocks, segment.readout, plan.finish
        stages = len(segment.blocks.blocks) + len(segment.readout.blocks) + 2
        adjoint.backward(*tables, 0, stages, 0, 1, True, trig, final, psi, lam, *arrays, *self.memory())

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
    """One chunk, whose blocks are each shared by all threads."""

    def __init__(self, batch: Batch, trig: NDArray[Any], threads: int) -> None:
        self._batch = batch
        self._plan = batch.plan
        self._trig = trig
        self._threads = threads
        self._layout = batch.layout
        self._shares = batch.layout.shares
        self._limit = _SMALLEST_COSINES[batch.layout.dtype]

    def forward(self, final: NDArray[Any], words: NDArray[Any], values: NDArray[Any]) -> bool:
        """Run to ``final``, (1, rows, 2, lanes), add to words and outputs, return whether tangents are too large."""
        psi, spare = final, None
        steep = False
        for number, segment in enumerate(self._plan.segments):
            if segment.enter is not None:
                spare = self._batch.empty_states(1) if spare is None else spare
                self._move(segment.enter, psi[0], spare[0])
                psi, spare = spare, psi
            blocks = len(segment.blocks.blocks)
            for stage in range(number > 0, 1 + blocks + len(segment.readout.blocks)):
                shares = np.zeros((self._shares, *words.shape), words.dtype) if stage > blocks else None
                steep |= any(self._forward_stage(segment, stage, psi, shares, values))
                if shares is not None:
                    words += shares.sum(0)
        if psi is not final:
            final[:] = psi
        by_part = words.reshape(*words.shape[:2], self._layout.parts, self._layout.samples)
        summed = np.einsum("ckps,kp->cks", by_part, self._plan.word_signs.astype(words.dtype))
        by_part[:] = 0
        by_part[:, :, 0] = summed
        segment = self._plan.segments[-1]
        last = 1 + len(segment.blocks.blocks) + len(segment.readout.blocks)
        self._forward_stage(segment, last, final, None, values, words)
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
        psi, lam, spare = (self._batch.empty_states(1) for _ in range(3))
        shares = np.zeros((self._shares, *gradient.shape), gradient.dtype)
        arrays = words, by_words, by_values, by_row
        segments = self._plan.segments
        self._backward_stage(segments[-1], 0, final, psi, lam, arrays, gradient[None], is_new=False, parts=1)
        by_part = by_words.reshape(*by_words.shape[:2], self._layout.parts, self._layout.samples)
        by_part[:] = by_part[:, :, :1] * self._plan.word_signs.astype(by_words.dtype)[:, :, None]
        is_new = len(segments[-1].readout.blocks) > 0
        if not is_new:
            lam[:] = 0
        source = final
        for number, segment in reversed(list(enumerate(segments))):
            blocks, readouts = len(segment.blocks.blocks), len(segment.readout.blocks)
            for stage in range(1, 1 + readouts + blocks + (number == 0)):
                self._backward_stage(
                    segment, stage, source, psi, lam, arrays, shares, is_new=is_new, parts=self._shares
                )
                is_new = False
                source = psi if stage > readouts else source
            if segment.leave is not None:
                self._move(segment.leave, source[0], spare[0])
                self._move(segment.leave, lam[0], psi[0])
                psi, lam, spare = spare, psi, lam
                source = psi
        gradient += shares.sum(0)

    def _forward_stage(
        self,
        segment: Segment,
        stage: int,
        psi: NDArray[Any],
        shares: NDArray[Any] | None,
        values: NDArray[Any],
        words: NDArray[Any] | None = None,
    ) -> list[bool]:
        """Do one stage, on all parts of the cosets or, with words, on their values."""
        from qiskit_qgen.simulator.cpu import kernels

        plan, parts = self._plan, self._shares if words is None else 1
        unused = np.zeros((1, 0, self._layout.lanes), self._layout.dtype) if words is None else words

        def task(part: int) -> bool:
            target = unused if shares is None else shares[part]
            tables = plan.start, segment.blocks, segment.readout, plan.finish
            arrays = self._trig, psi, target, values
            memory = self._batch.memory()
            return bool(kernels.forward(*tables, stage, stage + 1, part, parts, self._limit, *arrays, *memory))

        return run_all([partial(task, part) for part in range(parts)], self._threads)

    def _backward_stage(
        self,
        segment: Segment,
        stage: int,
        source: NDArray[Any],
        psi: NDArray[Any],
        lam: NDArray[Any],
        arrays: tuple[NDArray[Any], ...],
        shares: NDArray[Any],
        *,
        is_new: bool,
        parts: int,
    ) -> None:
        """Do one stage, on all parts of the cosets."""
        from qiskit_qgen.simulator.cpu import adjoint

        plan = self._plan

        def task(part: int) -> None:
            tables = plan.start, segment.blocks, segment.readout, plan.finish
            states = self._trig, source, psi[0], lam[0]
            memory = self._batch.memory()
            stages = stage, stage + 1, part, parts, is_new
            adjoint.backward(*tables, *stages, *states, *arrays, shares[part], *memory)

        run_all([partial(task, part) for part in range(parts)], self._threads)

    def _move(self, move: Move, source: NDArray[Any], target: NDArray[Any]) -> None:
        from qiskit_qgen.simulator.cpu import moves

        parts = self._shares
        run_all([partial(moves.run, move, part, parts, source, target) for part in range(parts)], self._threads)
