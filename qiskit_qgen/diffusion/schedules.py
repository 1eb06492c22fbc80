"""Named noise schedules."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen.exceptions import ArgumentError

MAX_BETA = 0.999
"""No step of a named schedule removes more of the signal's power than this (arXiv 2102.09672)."""


def linear_beta_schedule(num_steps: int = 1000, *, beta_start: float = 1e-4, beta_end: float = 0.02) -> Tensor:
    """Return variances that grow in equal steps, as in arXiv 2006.11239.

    Args:
        num_steps: Number of diffusion steps.
        beta_start: Variance of the noise that the first step adds, in (0, 1).
        beta_end: Variance of the noise that the last step adds, in (0, 1).

    Returns:
        The variances beta_1 ... beta_T, (num_steps,), float64.

    Raises:
        ArgumentError: If a number is out of range.
    """
    check_int("num_steps", num_steps, minimum=1)
    ends = {"beta_start": beta_start, "beta_end": beta_end}
    first, last = (
        check_float(name, value, minimum=0, maximum=1, open_minimum=True, open_maximum=True)
        for name, value in ends.items()
    )
    return torch.linspace(first, last, num_steps, dtype=torch.float64)


def cosine_beta_schedule(num_steps: int = 1000, *, offset: float = 0.008, min_beta: float = 0.0) -> Tensor:
    """Return the variances of the cosine schedule of arXiv 2102.09672.

    ``alpha_bar(t) = cos^2(pi/2 (t/T + s) / (1 + s))``, divided by its value at 0, with the offset s.

    Args:
        num_steps: Number T of diffusion steps.
        offset: The offset s, not negative, which keeps the first steps from being too small.
        min_beta: The smallest variance of a step, in [0, 0.999]; the code of arXiv 2504.00034 has 1e-4, which is more
            than the formula's first variances.

    Returns:
        The variances beta_1 ... beta_T, each from ``min_beta`` to 0.999, (num_steps,), float64.

    Raises:
        ArgumentError: If a number is out of range.
    """
    times = _times(num_steps)
    check_float("offset", offset, minimum=0)
    check_float("min_beta", min_beta, minimum=0, maximum=MAX_BETA)
    betas = betas_from_alpha_bars(torch.cos(math.pi / 2 * (times + offset) / (1 + offset)).square())
    return betas.clamp(min=min_beta)


def sigmoid_beta_schedule(
    num_steps: int = 1000, *, start: float = -3.0, end: float = 3.0, temperature: float = 1.0
) -> Tensor:
    """Return the variances of the sigmoid schedule of arXiv 2212.11972.

    ``alpha_bar(t) = (S(e) - S(a + (e - a) t/T)) / (S(e) - S(a))`` with ``S(u) = 1 / (1 + exp(-u / temperature))``.

    Args:
        num_steps: Number T of diffusion steps.
        start: Where on the sigmoid the first step begins, a.
        end: Where the last step ends, e, greater than ``start``.
        temperature: A smaller one removes more in the middle of the course.

    Returns:
        The variances beta_1 ... beta_T, each at most 0.999, (num_steps,), float64.

    Raises:
        ArgumentError: If a number is out of range.
    """
    times = _times(num_steps)
    check_float("start", start)
    check_float("end", end, minimum=start, open_minimum=True)
    check_float("temperature", temperature, minimum=0, open_minimum=True)
    values = torch.sigmoid((start + (end - start) * times) / temperature)
    return betas_from_alpha_bars((values[-1] - values) / (values[-1] - values[0]))


def betas_from_alpha_bars(alpha_bars: Tensor, *, max_beta: float = MAX_BETA) -> Tensor:
    """Return the variances of the steps between given parts of the signal's power.

    ``beta_t = 1 - alpha_bar_t / alpha_bar_{t-1}``, at most ``max_beta``.

    Args:
        alpha_bars: The part of the signal's power before the first step and after each, (T + 1,), falling.
        max_beta: The largest variance of a step, in (0, 1].

    Returns:
        (T,), float64.

    Raises:
        ArgumentError: If ``alpha_bars`` holds fewer than two numbers, or numbers that are not positive at the start or
            do not fall all the way.
    """
    powers = alpha_bars.double()
    if powers.dim() != 1 or len(powers) < 2:
        raise ArgumentError(f"Argument `alpha_bars` must have shape (T + 1,), but has shape {tuple(powers.shape)}.")
    if not bool((powers.diff() < 0).all()) or not bool((powers[:-1] > 0).all()):
        raise ArgumentError("Argument `alpha_bars` must be positive numbers that fall from one step to the next.")
    return (1 - powers[1:] / powers[:-1]).clamp(max=max_beta)


def _times(num_steps: int) -> Tensor:
    """T / T before the first step and after each."""
    check_int("num_steps", num_steps, minimum=1)
    return torch.linspace(0, 1, num_steps + 1, dtype=torch.float64)
