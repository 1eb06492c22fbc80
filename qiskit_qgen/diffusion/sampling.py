"""From noise to images: ancestral sampling, DDIM, and a second-order solver."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen.diffusion.noise_schedule import NoiseSchedule, Prediction
from qiskit_qgen.exceptions import ArgumentError

Denoiser: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Noisy images (N, ...) and their steps (N,), int64, to predictions (N, ...)."""

NoiseSource: TypeAlias = Callable[[Sequence[int]], Tensor]
"""The shape of a batch of noise to that noise, of mean 0 and variance 1."""


def ddpm_sample(
    model: Denoiser,
    x: Tensor,
    schedule: NoiseSchedule,
    *,
    noise: NoiseSource,
    prediction: Prediction = "epsilon",
    clip: float | None = 1.0,
) -> Tensor:
    """Sample through all T steps with the posterior's mean and variance, as in arXiv 2006.11239.

    ``x_{t-1} = a_{t-1} beta_t / s_t^2 x0 + sqrt(alpha_t) s_{t-1}^2 / s_t^2 x_t + s_{t-1} / s_t sqrt(beta_t) z``

    Args:
        model: The network.
        x: Initial noise, (N, ...).
        schedule: The schedule that the network was trained with.
        noise: Source of the fresh noise z of each step.
        prediction: What the network predicts.
        clip: Bound of the clean images' absolute values, or None.

    Returns:
        Images of the shape of ``x``.
    """
    betas, bars = schedule.betas.tolist(), schedule.alpha_bars.tolist()
    for step in range(schedule.num_steps - 1, -1, -1):
        x0, _ = _predicted(model, x, step, schedule, prediction, clip)
        before, after, beta = bars[step - 1] if step else 1.0, bars[step], betas[step]
        x = math.sqrt(before) * beta / (1 - after) * x0 + math.sqrt(1 - beta) * (1 - before) / (1 - after) * x
        if step:
            x = x + math.sqrt((1 - before) / (1 - after) * beta) * noise(x.shape).to(x)
    return x


def ddim_sample(
    model: Denoiser,
    x: Tensor,
    schedule: NoiseSchedule,
    *,
    num_steps: int = 50,
    eta: float = 0.0,
    noise: NoiseSource | None = None,
    prediction: Prediction = "epsilon",
    clip: float | None = 1.0,
) -> Tensor:
    """Sample in few steps as in arXiv 2010.02502.

    ``x_u = a_u x0 + sqrt(s_u^2 - d^2) e + d z`` with ``d = eta s_u / s_t sqrt(1 - a_t^2 / a_u^2)``, from t to the next
    lower u; where x0 is clipped, e is what it then leaves of ``x_t``.

    Args:
        model: The network.
        x: Initial noise, (N, ...).
        schedule: The schedule that the network was trained with.
        num_steps: Number of calls of the network, from 1 to T.
        eta: 0 is deterministic; 1 with T steps is ancestral sampling.
        noise: Source of the fresh noise z; needed only if ``eta`` is positive.
        prediction: What the network predicts.
        clip: Bound of the clean images' absolute values, or None.

    Returns:
        Images of the shape of ``x``.

    Raises:
        ArgumentError: If ``num_steps`` or ``eta`` is out of range, or ``eta`` is positive and there is no ``noise``.
    """
    check_float("eta", eta, minimum=0, maximum=1)
    bars = schedule.alpha_bars.tolist()
    if eta and noise is None:
        raise ArgumentError("Argument `noise` must be a source of noise if `eta` is positive, but is None.")
    for step, following in _pairs(schedule, num_steps):
        x0, epsilon = _predicted(model, x, step, schedule, prediction, clip)
        if following is None:
            return x0
        now, then = bars[step], bars[following]
        spread = eta * math.sqrt((1 - then) / (1 - now) * (1 - now / then))
        x = math.sqrt(then) * x0 + math.sqrt(max(1 - then - spread**2, 0.0)) * epsilon
        if spread and noise is not None:
            x = x + spread * noise(x.shape).to(x)
    return x


def dpm_solver_sample(
    model: Denoiser,
    x: Tensor,
    schedule: NoiseSchedule,
    *,
    num_steps: int = 20,
    prediction: Prediction = "epsilon",
    clip: float | None = 1.0,
) -> Tensor:
    """Sample by DPM-Solver++(2M) of arXiv 2211.01095: second order, one call of the network for each step.

    With ``l = ln(a / s)``, ``h = l_u - l_t`` and the ratio r of the step before to this one:
    ``x_u = s_u / s_t x_t - a_u (exp(-h) - 1) ((1 + 1 / 2r) x0_t - 1 / 2r x0_before)``; the first and the last step are
    of first order.

    Args:
        model: The network.
        x: Initial noise, (N, ...).
        schedule: The schedule that the network was trained with.
        num_steps: Number of calls of the network, from 1 to T.
        prediction: What the network predicts.
        clip: Bound of the clean images' absolute values, or None.

    Returns:
        Images of the shape of ``x``.

    Raises:
        ArgumentError: If ``num_steps`` is out of range.
    """
    half_log_snr = [math.log(ratio) / 2 for ratio in schedule.snr.tolist()]
    signals, sigmas = schedule.signals.tolist(), schedule.sigmas.tolist()
    kept: tuple[Tensor, float] | None = None
    for step, following in _pairs(schedule, num_steps):
        x0, _ = _predicted(model, x, step, schedule, prediction, clip)
        if following is None:
            return x0
        width = half_log_snr[following] - half_log_snr[step]
        direction = x0
        if kept is not None:
            before, width_before = kept
            direction = x0 + width / (2 * width_before) * (x0 - before)
        x = sigmas[following] / sigmas[step] * x - signals[following] * math.expm1(-width) * direction
        kept = (x0, width)
    return x


def spaced_steps(num_train_steps: int, num_steps: int) -> list[int]:
    """Return the steps of a sampling with ``num_steps`` of ``num_train_steps``, from the last down.

    They are spaced evenly so that the noisiest is among them ("trailing" in arXiv 2305.08891).

    Raises:
        ArgumentError: If ``num_steps`` is not from 1 to ``num_train_steps``.
    """
    check_int("num_steps", num_steps, minimum=1, maximum=num_train_steps)
    return [round(num_train_steps - index * num_train_steps / num_steps) - 1 for index in range(num_steps)]


def _pairs(schedule: NoiseSchedule, num_steps: int) -> Iterator[tuple[int, int | None]]:
    """Each step with the one that follows it, None at the end."""
    steps: list[int] = spaced_steps(schedule.num_steps, num_steps)
    following: list[int | None] = [*steps[1:], None]
    return iter(zip(steps, following, strict=True))


def _predicted(
    model: Denoiser, x: Tensor, step: int, schedule: NoiseSchedule, prediction: Prediction, clip: float | None
) -> tuple[Tensor, Tensor]:
    """The clean images and the noise that the network sees in ``x``."""
    steps = torch.full((len(x),), step, dtype=torch.int64, device=x.device)
    x0 = schedule.x0_from(prediction, model(x, steps), x, steps)
    if clip is not None:
        x0 = x0.clamp(-clip, clip)
    return x0, schedule.epsilon_from(x0, x, steps)
