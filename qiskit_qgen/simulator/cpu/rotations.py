"""From the values of a program's slots to cosines, sines and tangents of its rotations, and back for derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.programs.operations import Angle


class RotationAngles:
    """The angles of rotations, ``factor * (scale * slot + offset)``, several rotations of one slot allowed.

    Args:
        angles: The angles without the factors.
        factors: The factor of each rotation in each part of the lanes, 1, -1 or 0: (rotations, parts).
        tangents: Which rotations have a tangent in place of the sine, (rotations,).
        num_slots: The number of slots.
    """

    def __init__(self, angles: Sequence[Angle], factors: IntArray, tangents: NDArray[np.bool_], num_slots: int) -> None:
        slots = np.array([angle.slot for angle in angles], np.int64)
        self.num_rotations = len(angles)
        self.num_slots = num_slots
        self._factors = None if (factors == 1).all() else factors
        count = int(tangents.sum())
        self._tangents = slice(count) if tangents[:count].all() else np.flatnonzero(tangents)
        scales = np.array([angle.scale for angle in angles], float)
        self._half_scales = scales[:, None] / 2
        self._half_offsets = np.array([angle.offset for angle in angles], float)[:, None] / 2
        self._variable = np.flatnonzero(slots >= 0)
        self._slots = slots[self._variable]
        # For derivatives: the rotations by slot, the slots that have any, and where those of each start.
        order = np.argsort(self._slots, kind="stable")
        self._rotations = self._variable[order]
        self._scales = scales[self._rotations, None]
        self._used, self._starts = np.unique(self._slots[order], return_index=True)
        self._one_each = len(self._rotations) == num_slots == len(self._used)

    def fill(self, slots: NDArray[Any], trig: NDArray[Any]) -> None:
        """Write cosine, and sine or tangent, of half of each angle.

        Args:
            slots: The slots' values, (chunks, num_slots, samples).
            trig: To be written, (chunks, rotations, 2, parts, samples).
        """
        dtype = slots.dtype
        halves = np.empty((len(slots), self.num_rotations, slots.shape[2]), dtype)
        halves[:] = self._half_offsets
        if len(self._variable) == self.num_rotations:
            angles = slots.take(self._slots, 1)
            angles *= self._half_scales.astype(dtype)
            halves += angles
        else:
            halves[:, self._variable] += slots[:, self._slots] * self._half_scales.astype(dtype)[self._variable]
        with np.errstate(invalid="ignore"):  # an infinite angle gives NaN, as a NaN does
            np.cos(halves, out=trig[:, :, 0, 0])
            np.sin(halves, out=trig[:, :, 1, 0])
        if trig.shape[3] > 1:
            trig[:, :, :, 1:] = trig[:, :, :, :1]
        if self._factors is not None:
            factors = self._factors.astype(dtype)[:, :, None]
            trig[:, :, 1] *= factors
            trig[:, :, 0] += (1 - trig[:, :, 0]) * (factors == 0)
        trig[:, self._tangents, 1] /= trig[:, self._tangents, 0]

    def pull_back(self, gradient: NDArray[Any]) -> NDArray[Any]:
        """Return derivatives by the slots, (chunks, num_slots, samples), from those by the angles.

        Args:
            gradient: (chunks, rotations, parts, samples).
        """
        if self._factors is not None:
            summed = np.einsum("crps,rp->crs", gradient, self._factors.astype(gradient.dtype))
        else:
            summed = gradient.sum(2) if gradient.shape[2] > 1 else gradient[:, :, 0]
        scaled: NDArray[Any] = summed.take(self._rotations, 1)
        scaled *= self._scales.astype(gradient.dtype)
        if self._one_each:
            return scaled
        by_slot: NDArray[Any] = np.zeros((len(scaled), self.num_slots, scaled.shape[2]), scaled.dtype)
        if len(self._used):
            by_slot[:, self._used] = np.add.reduceat(scaled, self._starts, axis=1)
        return by_slot
