"""From the values of a program's slots to cosines, sines and tangents of its rotations, and back for derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.programs.operations import Angle

# Of constant angles that have a tangent: at pi the true one, 6e-17, would rule out tangents for the whole batch.
_LEAST_COSINES: dict[np.dtype[Any], float] = {np.dtype(np.float32): 2.0**-24, np.dtype(np.float64): 0.0}


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
        scales = np.array([angle.scale for angle in angles], float)
        offsets = np.array([angle.offset for angle in angles], float)
        self._variable = np.flatnonzero(slots >= 0)
        self._slots = slots[self._variable]
        self._is_variable = len(self._variable) == self.num_rotations
        have_tangents = tangents[self._variable]
        count = int(have_tangents.sum())
        self._tangents = slice(count) if have_tangents[:count].all() else np.flatnonzero(have_tangents)
        self._half_scales = scales[self._variable, None] / 2
        self._half_offsets = offsets[self._variable, None] / 2
        self._constant = np.flatnonzero(slots < 0)
        fixed = self._constant
        self._constants = _constant_rows(offsets[fixed], factors[fixed], tangents[fixed])
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
        halves = slots.take(self._slots, 1)
        halves *= self._half_scales.astype(dtype)
        halves += self._half_offsets.astype(dtype)
        with np.errstate(invalid="ignore"):  # an infinite angle gives NaN, as a NaN does
            cosines = np.cos(halves)[:, :, None]  # written to its place at once, it takes twice as long
            sines = np.sin(halves, out=halves)[:, :, None]
            sines[:, self._tangents] /= cosines[:, self._tangents]
        if self._factors is not None:
            factors = self._factors[self._variable].astype(dtype)[:, :, None]
            sines = sines * factors
            cosines = cosines + (1 - cosines) * (factors == 0)
        rows = slice(None) if self._is_variable else self._variable
        trig[:, rows, 0], trig[:, rows, 1] = cosines, sines
        if not self._is_variable:
            trig[:, self._constant] = self._constants[dtype]

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


def _constant_rows(
    angles: NDArray[Any], factors: IntArray, tangents: NDArray[np.bool_]
) -> dict[np.dtype[Any], NDArray[Any]]:
    """Return cosine, and sine or tangent, of half of constant angles, (rotations, 2, parts, 1), for each precision.

    They are computed in double precision: half of pi / 2, rounded to single precision, is off by 2e-8, and in circuits
    of many gates such errors add up.
    """
    halves = angles[:, None] / 2
    rows: dict[np.dtype[Any], NDArray[Any]] = {}
    for dtype, least in _LEAST_COSINES.items():
        cosines, sines = np.cos(halves), np.sin(halves)
        cosines = np.where(tangents[:, None] & (abs(cosines) < least), np.copysign(least, cosines), cosines)
        sines = np.where(tangents[:, None], sines / cosines, sines)
        rows[dtype] = np.stack([np.where(factors == 0, 1, cosines), sines * factors], 1)[..., None].astype(dtype)
    return rows
