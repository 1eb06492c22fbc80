"""Runs batches of a program on the CPU kernels: forward to values or probabilities, and back to derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.simulator.cpu.batches import Batch
from qiskit_qgen.simulator.cpu.layouts import Layout
from qiskit_qgen.simulator.cpu.plans import Plan, build_plan
from qiskit_qgen.simulator.cpu.rotations import RotationAngles
from qiskit_qgen.simulator.programs.folding import Split, split
from qiskit_qgen.simulator.programs.operations import PauliTerm
from qiskit_qgen.simulator.programs.program import Program


class Sweeps:
    """Forward and backward passes over batches of one program, that read one thing.

    Args:
        program: The lowered circuit.
        terms: The observables, see :meth:`~qiskit_qgen.simulator.programs.program.Program.terms`; None to read the
            probabilities of the program's rows.
        num_outputs: The number of observables.
    """

    def __init__(self, program: Program, terms: Sequence[PauliTerm] | None, num_outputs: int) -> None:
        self._program = program
        self._reads_rows = terms is None
        # The norm is read out as well: rounding changes it, by 1e-4 in some 500 gates of single precision.
        self._terms = (*(terms or ()), PauliTerm(0, 0, 0, 1.0, num_outputs))
        self._num_outputs = num_outputs
        self._plans: dict[tuple[int, bool], tuple[Plan, RotationAngles]] = {}

    def forward(self, slots: NDArray[Any], *, threads: int, keep: bool) -> tuple[NDArray[Any], Batch]:
        """Return the values and, for :meth:`backward`, the batch; if ``keep``, with its final states.

        The values are the expectation values without their constant parts, (B, num_outputs), or the probability of each
        of the program's rows, (B, 2**width).
        """
        layout = Layout.choose(len(slots), self._program.width, slots.dtype)
        laned = layout.to_lanes(slots)
        batch, read, probabilities = self._forward(layout, laned, threads, keep=keep, tangents=True)
        if batch.is_steep:  # angles so near pi that their tangents are too large
            batch, read, probabilities = self._forward(layout, laned, threads, keep=keep, tangents=False)
        batch.norms = read[:, -1:]
        values = probabilities[: len(slots)] if self._reads_rows else read[:, :-1]
        return values / batch.norms, batch

    def backward(self, batch: Batch, cotangent: NDArray[Any]) -> NDArray[Any]:
        """Return the derivative by the slots, (B, num_slots), from that by the values.

        Args:
            batch: Of the forward pass.
            cotangent: Derivative by each value, (B, num_outputs or 2**width).
        """
        layout, plan = batch.layout, batch.plan
        cotangent = cotangent / batch.norms
        if self._reads_rows:
            laned = layout.empty(layout.chunks, plan.rows.size, layout.samples)
            laned[:] = layout.to_lanes(cotangent[:, plan.rows.reshape(-1)])
            by_output, by_row = cotangent[:, :0], laned.reshape(layout.chunks, len(plan.rows), layout.lanes)
        else:
            by_output, by_row = cotangent, layout.empty(layout.chunks, 0, layout.lanes)
        gradient = batch.run_backward(by_output, by_row)  # the last output, the norm, does not depend on the angles
        by_part = gradient.reshape(*gradient.shape[:2], layout.parts, layout.samples)
        return layout.from_lanes(batch.angles.pull_back(by_part))

    @cached_property
    def split(self) -> Split:
        """What becomes of the program's operations."""
        return split(self._program.operations, None if self._reads_rows else self._terms)

    def plan(self, parts: int) -> Plan:
        """Return what the kernels do where each sample has so many lanes and no angle is near pi."""
        return self._planned(parts, tangents=True)[0]

    def _forward(
        self, layout: Layout, slots: NDArray[Any], threads: int, *, keep: bool, tangents: bool
    ) -> tuple[Batch, NDArray[Any], NDArray[Any]]:
        plan, angles = self._planned(layout.parts, tangents=tangents)
        batch = Batch(plan, angles, layout, slots, threads)
        if keep:
            batch.keep()
        num_rows = plan.rows.size if self._reads_rows else 0
        probabilities = np.empty((layout.chunks * layout.samples, num_rows), layout.dtype)

        def collect(first: int, final: NDArray[Any]) -> None:
            squares = final[:, :, 0] ** 2 + final[:, :, 1] ** 2
            by_sample = np.moveaxis(squares.reshape(len(final), *plan.rows.shape, layout.samples), 3, 1)
            target = probabilities[first * layout.samples :][: len(final) * layout.samples]
            target[:, plan.rows] = by_sample.reshape(-1, *plan.rows.shape)

        return batch, batch.run_forward(collect if self._reads_rows else None), probabilities

    def _planned(self, parts: int, *, tangents: bool) -> tuple[Plan, RotationAngles]:
        if (parts, tangents) not in self._plans:
            program = self._program
            arguments = self._terms, self._num_outputs + 1, program.width, parts
            plan = build_plan(program.operations, self.split, *arguments, tangents=tangents)
            angles = RotationAngles(plan.angles, plan.factors, plan.tangents, len(program.expressions))
            self._plans[parts, tangents] = plan, angles
        return self._plans[parts, tangents]
