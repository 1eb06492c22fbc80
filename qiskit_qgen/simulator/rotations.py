"""From the values of a program's slots to the cosines and sines of its rotations, and back for derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.simulator.program import Program


class RotationAngles:
    """The angles of a program's rotations: ``scale * slot + offset``, several rotations of one slot allowed."""

    def __init__(self, program: Program) -> None:
        angles = [operation.angle for operation in program.operations]
        slots = np.array([angle.slot for angle in angles], np.int64)
        self.num_rotations = len(angles)
        self.num_slots = len(program.expressions)
        self._offsets = np.array([angle.offset for angle in angles])
        variable = np.flatnonzero(slots >= 0)
        self._rotations = variable[np.argsort(slots[variable], kind="stable")]  # by slot
        self._slots = slots[self._rotations]
        self._scales = np.array([angles[rotation].scale for rotation in self._rotations])
        self._starts = np.searchsorted(self._slots, np.arange(self.num_slots))

    def fill(self, slots: NDArray[Any], trig: NDArray[Any]) -> None:
        """Write cosine and sine of half of each angle, (chunks, rotations, 2, W), from slots (chunks, num_slots, W)."""
        chunks, _, lanes = slots.shape
        halves = np.empty((chunks, self.num_rotations, lanes), slots.dtype)
        halves[:] = (self._offsets / 2).astype(slots.dtype)[:, None]
        halves[:, self._rotations] += slots[:, self._slots] * (self._scales / 2).astype(slots.dtype)[:, None]
        with np.errstate(invalid="ignore"):  # an infinite angle gives NaN, as a NaN does
            np.cos(halves, out=trig[:, :, 0])
            np.sin(halves, out=trig[:, :, 1])

    def pull_back(self, gradient: NDArray[Any]) -> NDArray[Any]:
        """Return derivatives by the slots, (chunks, num_slots, W), from those by the angles, (chunks, rotations, W)."""
        if not self.num_slots:
            return np.zeros((gradient.shape[0], 0, gradient.shape[2]), gradient.dtype)
        scaled = gradient[:, self._rotations] * self._scales.astype(gradient.dtype)[:, None]
        return np.add.reduceat(scaled, self._starts, axis=1)
