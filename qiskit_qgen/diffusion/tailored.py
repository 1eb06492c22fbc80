"""A schedule made to measure: through given points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen._checks import check_array, check_int, check_shape
from qiskit_qgen.diffusion.schedules import betas_from_alpha_bars
from qiskit_qgen.exceptions import ArgumentError


def log_snr_beta_schedule(points: Sequence[tuple[float, float]], num_steps: int = 1000) -> Tensor:
    """Return the variances of a schedule that runs through given points, straight in between.

    Args:
        points: At least two pairs (t, log-SNR): the time from 0 to 1 and ``ln(alpha_bar / (1 - alpha_bar))`` there.
            Times rise from 0 to 1, ratios fall.
        num_steps: Number T of diffusion steps; step k, counted from 1, ends at the time (k - 1) / (T - 1), so that the
            first point is met after the first step and the last after the last.

    Returns:
        The variances beta_1 ... beta_T, (num_steps,), float64.

    Raises:
        ArgumentError: If the points are fewer than two, out of order or out of range, or ``num_steps`` is less than 2.
    """
    check_int("num_steps", num_steps, minimum=2)
    pairs = check_array("points", points)
    check_shape(
        "points", pairs.shape, "(at least 2, 2)", pairs.ndim == 2 and pairs.shape[1:] == (2,) and len(pairs) > 1
    )
    times, ratios = pairs.T
    if times[0] != 0 or times[-1] != 1 or (np.diff(times) <= 0).any() or (np.diff(ratios) >= 0).any():
        raise ArgumentError(
            "Argument `points` must hold times that rise from 0 to 1 and ratios that fall, but is "
            f"{[tuple(pair) for pair in pairs.tolist()]}."
        )
    return _betas(np.interp(np.linspace(0, 1, num_steps), times, ratios))


def _betas(log_snr: NDArray[np.float64]) -> Tensor:
    """The variances of steps that end at ``log_snr``."""
    after = torch.sigmoid(torch.from_numpy(log_snr))
    return betas_from_alpha_bars(torch.cat([torch.ones(1, dtype=torch.float64), after]), max_beta=1.0)
