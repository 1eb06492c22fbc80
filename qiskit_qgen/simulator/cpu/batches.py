"""Drives the CPU kernels over a batch: chunk by chunk on each thread, or all threads on one chunk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.simulator.cpu.layouts import Layout
from qiskit_qgen.simulator.cpu.plans import Move, Plan
from qiskit_qgen.simulator.cpu.rotations import RotationAngles
from qiskit_qgen.simulator.cpu.threads import run_all

_TASK_CHUNKS = 16  # chunks that one call of a kernel handles at most
_TASK_BYTES = 1 << 26  # and at most so many bytes of states
_KEPT_BYTES = 1 << 29  # final states are kept for the backward pass up to so many bytes, else they are computed again
_SERIAL_WORK = 5_000_000  # rows times rotations below which a second thread costs more than it gains


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

    def __init__(self, plan: Plan, angles: RotationAngles, layout: Layout, slots: NDArray[Any], threads: int) -> None:
        self.plan = plan
        self.angles = angles
        self.layout = layout
        self._slots = slots
        # Final states, and cosines and sines, of all chunks; None if they are to be computed again.
        self._states: NDArray[Any] | None = None
        self._trigs: NDArray[Any] | None = None
        self._rows = len(plan.rows)
        self._chunk_bytes = self._rows * 2 * layout.lanes * layout.dtype.itemsize
        self._lanes = (0,) * layout.lanes
        work = layout.chunks * layout.lanes * self._rows * angles.num_rotations
        self._threads = threads if work > _SERIAL_WORK else 1

    def empty_states(self, chunks: int) -> NDArray[Any]:
        """Return memory for final states, (chunks, rows, 2, lanes)."""
        return self.layout.empty(chunks, self._rows, 2, self.layout.lanes)

    def keep(self) -> None:
        """Keep the final states, if they are worth their memory, and all cosines and sines for the backward pass."""
        if self.layout.chunks * self._chunk_bytes <= _KEPT_BYTES:
            self._trigs = self._trig(slice(0, self.layout.chunks))
            self._states = self.empty_states(self.layout.chunks)

    def empty_values(self) -> NDArray[Any]:
        """Return zeros for the outputs, (chunks, outputs, lanes)."""
        return np.zeros((self.layout.chunks, len(self.plan.outputs), self.layout.lanes), self.layout.dtype)

    def fold_outputs(self, values: NDArray[Any], num_outputs: int) -> NDArray[Any]:
        """Turn the outputs, (chunks, outputs, lanes), into expectation values, (B, num_outputs)."""
        layout, plan = self.layout, self.plan
        if layout.parts == 1:
            return layout.from_lanes(values)
        by_part = values.reshape(*values.shape[:2], layout.parts, layout.samples)
        signed = np.einsum("cops,op->cos", by_part, plan.output_signs.astype(layout.dtype))
        folded = np.zeros((num_outputs, layout.chunks, layout.samples), layout.dtype)
        np.add.at(folded, plan.outputs, signed.swapaxes(0, 1))
        return layout.from_lanes(folded.swapaxes(0, 1))

    def unfold_outputs(self, cotangent: NDArray[Any]) -> NDArray[Any]:
        """Turn derivatives by the expectation values, (B, num_outputs), into those by the outputs."""
        layout, plan = self.layout, self.plan
        laned = layout.to_lanes(cotangent)
        if layout.parts == 1:
            return np.ascontiguousarray(laned)
        signed: NDArray[Any] = laned[:, plan.outputs, None] * plan.output_signs.astype(layout.dtype)[:, :, None]
        return signed.reshape(layout.chunks, len(plan.outputs), layout.lanes)

    def run_forward(self, values: NDArray[Any], collect: Callable[[int, NDArray[Any]], None] | None = None) -> None:
        """Run all chunks forward.

        Args:
            values: The outputs, added to.
            collect: Is given the number of a first chunk and the final states from there on, once they are there.
        """

        def task(part: slice) -> None:
            wanted = part.stop - part.start if collect else 1
            final = self.empty_states(wanted) if self._states is None else self._states[part]
            if self.layout.shares:
                _Spread(self, self._trig(part)[0], self._threads).forward(values[part.start], final[0])
            else:
                self._run_small(part, final, values[part])
            if collect:
                collect(part.start, final)

        self._run(task)

    def run_backward(self, by_output: NDArray[Any], by_row: NDArray[Any]) -> NDArray[Any]:
        """Return the derivatives by the rotations' angles, (chunks, rotations, lanes).

        Args:
            by_output: Derivatives by the outputs, (chunks, outputs, lanes).
            by_row: Derivatives by the probabilities of the rows, (chunks, rows or 0, lanes).
        """
        from qiskit_qgen.simulator.cpu import adjoint  # compiled code is loaded when first used

        gradient = np.zeros((self.layout.chunks, self.angles.num_rotations, self.layout.lanes), self.layout.dtype)

        def task(part: slice) -> None:
            states = self._states
            final = states[part] if states is not None else self.empty_states(part.stop - part.start)
            if self.layout.shares:
                spread = _Spread(self, self._trig(part)[0], self._threads)
                if states is None:
                    spread.forward(np.zeros_like(by_output[0]), final[0])
                spread.backward(by_output[part.start], by_row[part.start], final[0], gradient[part.start])
                return
            if states is None:
                self._run_small(part, final, np.zeros_like(by_output[part]))
            segment = self.plan.segments[0]
            trig, lanes = self._trig(part), self._lanes
            adjoint.backward(
                segment.tables, segment.readout, trig, final, by_output[part], by_row[part], gradient[part], lanes
            )

        self._run(task)
        return gradient

    def _run_small(self, part: slice, final: NDArray[Any], values: NDArray[Any]) -> None:
        from qiskit_qgen.simulator.cpu import kernels

        segment = self.plan.segments[0]
        kernels.forward(segment.tables, segment.readout, self._trig(part), final, values, self._lanes)

    def _run(self, task: Callable[[slice], None]) -> None:
        """Run ``task`` on slices of the chunks."""
        chunks, threads = self.layout.chunks, 1 if self.layout.shares else self._threads
        step = max(1, min(_TASK_CHUNKS, -(-chunks // threads), _TASK_BYTES // self._chunk_bytes))
        if self.layout.shares:
            step = 1
        parts = [slice(first, min(first + step, chunks)) for first in range(0, chunks, step)]
        run_all([partial(task, part) for part in parts], threads)

    def _trig(self, part: slice) -> NDArray[Any]:
        """Return cosine and sine of half of each rotation's angle, (chunks, rotations, 2, lanes)."""
        if self._trigs is not None:
            return self._trigs[part]
        chunks, layout, rotations = part.stop - part.start, self.layout, self.angles.num_rotations
        trig = layout.empty(chunks, rotations, 2, layout.parts, layout.samples)
        self.angles.fill(self._slots[part], trig)
        return trig.reshape(chunks, rotations, 2, layout.lanes)


class _Spread:
    """One chunk, whose blocks are each shared by all threads."""

    def __init__(self, batch: Batch, trig: NDArray[Any], threads: int) -> None:
        self._plan = batch.plan
        self._empty_state = partial(batch.empty_states, 1)
        self._trig = trig
        self._threads = threads
        self._layout = batch.layout
        self._shares = batch.layout.shares
        self._lanes = (0,) * batch.layout.lanes

    def forward(self, values: NDArray[Any], final: NDArray[Any]) -> None:
        """Run from |0...0> to ``final``, (rows, 2, lanes), and add the outputs to ``values``, (outputs, lanes)."""
        from qiskit_qgen.simulator.cpu import kernels

        psi, spare = final, None
        psi[:] = 0
        psi.reshape(*psi.shape[:2], self._layout.parts, -1)[0, 0, 0] = 1
        for segment in self._plan.segments:
            if segment.enter is not None:
                spare = self._empty_state()[0] if spare is None else spare
                self._move(segment.enter, psi, spare)
                psi, spare = spare, psi
            for number in range(len(segment.tables.blocks)):
                self._share(partial(kernels.run_block, segment.tables, number), self._trig, psi, self._lanes)
            for number in range(len(segment.readout.blocks)):
                shares = np.zeros((self._shares, *values.shape), values.dtype)
                self._share(partial(kernels.measure_block, segment.readout, number), psi, shares, self._lanes)
                values += shares.sum(0)
        if psi is not final:
            final[:] = psi

    def backward(
        self, by_output: NDArray[Any], by_row: NDArray[Any], final: NDArray[Any], gradient: NDArray[Any]
    ) -> None:
        """Sweep back from ``final``, and add the derivatives to ``gradient``, (rotations, lanes)."""
        from qiskit_qgen.simulator.cpu import adjoint

        psi, lam, spare = (self._empty_state()[0] for _ in range(3))
        psi[:] = final
        lam[:] = psi * by_row[:, None] if len(by_row) else 0
        shares = np.zeros((self._shares, *gradient.shape), gradient.dtype)
        for segment in reversed(self._plan.segments):
            for number in range(len(segment.readout.blocks)):
                self._share(partial(adjoint.observe_block, segment.readout, number), by_output, psi, lam, self._lanes)
            for number in reversed(range(len(segment.tables.blocks))):
                undo = partial(adjoint.undo_block, segment.tables, number)
                self._share(undo, self._trig, psi, lam, shares, self._lanes)
            if segment.leave is not None:
                self._move(segment.leave, psi, spare)
                self._move(segment.leave, lam, psi)
                psi, lam, spare = spare, psi, lam
        gradient += shares.sum(0)

    def _move(self, move: Move, source: NDArray[Any], target: NDArray[Any]) -> None:
        from qiskit_qgen.simulator.cpu import kernels

        views = [state.reshape(*state.shape[:2], self._layout.parts, -1) for state in (source, target)]
        samples = (0,) * self._layout.samples
        self._share(partial(kernels.relabel, move.images, move.part_images), *views, samples)

    def _share(self, kernel: Callable[..., None], *arguments: Any) -> None:
        """Call a kernel on each part of the cosets or rows."""
        run_all([partial(kernel, part, self._shares, *arguments) for part in range(self._shares)], self._threads)
