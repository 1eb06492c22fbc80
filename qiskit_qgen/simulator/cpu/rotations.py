"""From the values of a program's slots to the cosines and sines of its rotations, and back for derivatives."""

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
        num_slots: The number of slots.
    """

    def __init__(self, angles: Sequence[Angle], factors: IntArray, num_slots: int) -> None:
        slots = np.array([angle.slot for angle in angles], np.int64)
        self.num_rotations = len(angles)
        self.num_slots = num_slots
        self._factors = None if (factors == 1).all() else factors
        self._offsets = np.array([angle.offset for angle in angles])
        variable = np.flatnonzero(slots >= 0)
        self._rotations = variable[np.argsort(slots[variable], kind="stable")]  # by slot
        self._slots = slots[self._rotations]
        self._scales = np.array([angles[rotation].scale for rotation in self._rotations])
        self._half_scales = self._scales[:, None] / 2
        self._half_offsets = self._offsets[:, None] / 2
        self._starts = np.searchsorted(self._slots, np.arange(self.num_slots))

    def fill(self, slots: NDArray[Any], trig: NDArray[Any]) -> None:
        """Write cosine and sine of half of each angle.

        Args:
            slots: The slots' values, (chunks, num_slots, samples).
            trig: To be written, (chunks, rotations, 2, parts, samples).
        """
        dtype = slots.dtype
        halves = np.empty((len(slots), self.num_rotations, 1, slots.shape[2]), dtype)
        halves[:] = self._half_offsets.astype(dtype, copy=False)[:, None]
        halves[:, self._rotations, 0] += slots[:, self._slots] * self._half_scales.astype(dtype, copy=False)
        with np.errstate(invalid="ignore"):  # an infinite angle gives NaN, as a NaN does
            np.cos(halves, out=trig[:, :, 0, :1])
            np.sin(halves, out=trig[:, :, 1, :1])
        trig[:, :, :, 1:] = trig[:, :, :, :1]
        if self._factors is not None:
            factors = self._factors.astype(dtype)[:, :, None]
            trig[:, :, 1] *= factors
            trig[:, :, 0] += (1 - trig[:, :, 0]) * (factors == 0)

    def pull_back(self, gradient: NDArray[Any]) -> NDArray[Any]:
        """Return derivatives by the slots, (chunks, num_slots, samples), from those by the angles.

        Args:
            gradient: (chunks, rotations, parts, samples).
        """
        if self._factors is None:
            summed = gradient.sum(2) if gradient.shape[2] > 1 else gradient[:, :, 0]
        else:
            summed = np.einsum("crps,rp->crs", gradient, self._factors.astype(gradient.dtype))
        if not self.num_slots:
            return np.zeros((gradient.shape[0], 0, gradient.shape[3]), gradient.dtype)
        scaled = summed[:, self._rotations] * self._scales.astype(gradient.dtype)[:, None]
        return np.add.reduceat(scaled, self._starts, axis=1)
