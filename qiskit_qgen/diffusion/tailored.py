"""Tailored schedules: through given points, or fitted to the spectrum of a data set.

The second is our own. Take images as normal vectors whose component k in the basis of the discrete cosine transform has
the variance ``lambda_k``. At the signal-to-noise ratio ``s = alpha_bar / (1 - alpha_bar)`` a noisy component is its
signal turned towards the noise by an angle with ``tan(theta_k) = sqrt(s lambda_k)``, and deterministic sampling has to
turn it back. The schedule lets the sum of these angles, each weighted by the component's standard deviation,

``A(s) = sum_k sqrt(lambda_k) atan(sqrt(s lambda_k))``,

fall by the same amount in every step. For components of unit variance this is the cosine schedule. By the I-MMSE
relation ``dA = dI / sqrt(s)``, where I(s) is the information in nats that a noisy image holds about the clean one: a
step removes information, weighted by the noise's amplitude, so that many tiny components do not take all steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen._checks import check_array, check_float, check_int, check_shape
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.diffusion.schedules import betas_from_alpha_bars
from qiskit_qgen.exceptions import ArgumentError

MAX_LOG_SNR = 10.0
MIN_LOG_SNR = -10.0
_GRID = 4097


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


def information_beta_schedule(
    spectrum: TensorLike, num_steps: int = 1000, *, max_log_snr: float = MAX_LOG_SNR, min_log_snr: float = MIN_LOG_SNR
) -> Tensor:
    """Return the variances of a schedule whose every step removes the same amount of information, as it is seen.

    See the module's text for the formula, which is our own.

    Args:
        spectrum: The variances ``lambda_k`` of the data's components, such as :func:`data_spectrum` returns; not
            negative, some positive.
        num_steps: Number T of diffusion steps, at least 2.
        max_log_snr: ln of the signal-to-noise ratio after the first step.
        min_log_snr: ln of the signal-to-noise ratio after the last step.

    Returns:
        The variances beta_1 ... beta_T, (num_steps,), float64.

    Raises:
        ArgumentError: If a number is out of range.
    """
    check_int("num_steps", num_steps, minimum=2)
    check_float("min_log_snr", min_log_snr)
    check_float("max_log_snr", max_log_snr, minimum=min_log_snr, open_minimum=True)
    variances = check_array("spectrum", spectrum).reshape(-1)
    if not variances.size or (variances < 0).any() or not (variances > 0).any():
        raise ArgumentError("Argument `spectrum` must hold variances, none negative and at least one positive.")
    grid = np.linspace(min_log_snr, max_log_snr, _GRID)
    deviations = np.sqrt(variances)
    angles = np.array([deviations @ np.arctan(np.exp(value / 2) * deviations) for value in grid])
    wanted = np.linspace(angles[-1], angles[0], num_steps)
    return _betas(np.interp(wanted, angles, grid))


def data_spectrum(images: Tensor) -> Tensor:
    """Return the variance of each component of images in the basis of the discrete cosine transform.

    Args:
        images: At least two images (N, C, H, W), in the range in which they are diffused.

    Returns:
        (C, H, W), float64: variances over the images, low frequencies first. Their sum is the images' variance,
        since the transform is orthonormal.

    Raises:
        ArgumentError: If the shape is another or all images are equal.
    """
    from scipy.fft import dctn  # slow to import

    check_shape("images", images.shape, "(N of at least 2, C, H, W)", images.dim() == 4 and len(images) > 1)
    values = check_array("images", images)
    variances = dctn(values - values[:1], axes=(2, 3), norm="ortho").var(axis=0)  # the shift keeps equal images at 0
    if not variances.max() > 0:
        raise ArgumentError("Argument `images` must hold different images, but all are equal.")
    return torch.from_numpy(variances)


def _betas(log_snr: NDArray[np.float64]) -> Tensor:
    """The variances of steps that end at ``log_snr``."""
    after = torch.sigmoid(torch.from_numpy(log_snr))
    return betas_from_alpha_bars(torch.cat([torch.ones(1, dtype=torch.float64), after]), max_beta=1.0)
