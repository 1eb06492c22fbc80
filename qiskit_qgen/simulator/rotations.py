"""From the values of a program's slots to the cosines and sines of its rotations, and back for derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.operations import Angle


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
        self._constant = np.flatnonzero(slots < 0)
        variable = np.flatnonzero(slots >= 0)
        self._rotations = variable[np.argsort(slots[variable], kind="stable")]  # by slot
        self._slots = slots[self._rotations]
        self._scales = np.array([angles[rotation].scale for rotation in self._rotations])
        self._starts = np.searchsorted(self._slots, np.arange(self.num_slots))

    def fill(self, slots: NDArray[Any], trig: NDArray[Any]) -> None:
        """Write cosine and sine of half of each angle.

        Args:
            slots: The slots' values, (chunks, num_slots, samples).
            trig: To be written, (chunks, rotations, 2, parts, samples).
        """
        dtype = slots.dtype
        halves = slots[:, self._slots] * (self._scales / 2).astype(dtype)[:, None]
        halves += (self._offsets[self._rotations] / 2).astype(dtype)[:, None]
        trig[:, self._constant] = _constants(self._offsets[self._constant] / 2, dtype)[:, :, None, None]
        with np.errstate(invalid="ignore"):  # an infinite angle gives NaN, as a NaN does
            trig[:, self._rotations, 0] = np.cos(halves)[:, :, None]
            trig[:, self._rotations, 1] = np.sin(halves)[:, :, None]
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


def _constants(halves: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the rounded cosines and sines, (rotations, 2), of angles that do not depend on the slots.

    The rounded values of a Hadamard gate's angle shrink every state by 3e-8. In float32, a rotation's cosine or sine is
    therefore rounded to the other side where that keeps the product of all norms so far nearer to 1.
    """
    rounded = np.stack([np.cos(halves), np.sin(halves)], 1).astype(dtype)
    if dtype != np.float32:
        return rounded
    drift = 0.0
    for pair in rounded:
        larger = int(abs(pair[1]) > abs(pair[0]))
        other = float(pair[1 - larger]) ** 2
        choices = [np.nextafter(pair[larger], np.float32(side)) for side in (-2, 2)]
        exact = {abs(float(pair[0])), abs(float(pair[1]))} == {0.0, 1.0}
        candidates = [pair[larger]] if exact else [pair[larger], *choices]
        norms = [math.log(float(candidate) ** 2 + other) for candidate in candidates]
        best = min(range(len(candidates)), key=lambda number: abs(drift + norms[number]))
        pair[larger] = candidates[best]
        drift += norms[best]
    return rounded
