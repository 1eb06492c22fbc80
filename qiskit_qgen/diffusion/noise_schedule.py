"""A schedule with all quantities derived from its variances, and conversions between predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Self

import torch
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_float
from qiskit_qgen.diffusion.schedules import cosine_beta_schedule, linear_beta_schedule, sigmoid_beta_schedule
from qiskit_qgen.exceptions import ArgumentError

Prediction = Literal["epsilon", "x0", "v"]
PREDICTIONS: tuple[Prediction, ...] = ("epsilon", "x0", "v")
SCHEDULE_NAMES = ("linear", "cosine", "sigmoid")
_NAMED: Mapping[str, Callable[..., Tensor]] = {
    "linear": linear_beta_schedule,
    "cosine": cosine_beta_schedule,
    "sigmoid": sigmoid_beta_schedule,
}


class NoiseSchedule:
    """A Gaussian diffusion of T steps, ``x_t = a_t x_0 + s_t e`` with ``a_t^2 + s_t^2 = 1`` and normal noise e.

    Steps are counted from 0 to T - 1, as in code: step k stands for t = k + 1. All numbers are kept in float64 and are
    used in the type of the images.

    Args:
        betas: Variance of the noise that each step adds, (T,), each in (0, 1).

    Raises:
        ArgumentError: If ``betas`` is not a vector of such numbers.

    Example:
        >>> schedule = NoiseSchedule.named("cosine", 100)
        >>> round(float(schedule.alpha_bars[49]), 3)
        0.494
    """

    def __init__(self, betas: Tensor) -> None:
        variances = torch.as_tensor(betas).detach().cpu().double()
        if variances.dim() != 1 or not len(variances) or not bool(((variances > 0) & (variances < 1)).all()):
            raise ArgumentError("Argument `betas` must be a vector of numbers between 0 and 1, at least one.")
        self.betas = variances
        """Variance of the noise that each step adds, (T,)."""
        self.alpha_bars = (1 - variances).cumprod(0)
        """Part of the signal's power that is left after each step, ``a_t^2``, (T,)."""
        self.signals = self.alpha_bars.sqrt()
        """The factors ``a_t``, (T,)."""
        self.sigmas = (1 - self.alpha_bars).sqrt()
        """The factors ``s_t``, (T,)."""
        self.snr = self.alpha_bars / (1 - self.alpha_bars)
        """Signal-to-noise ratios ``a_t^2 / s_t^2``, (T,)."""
        self._tables: dict[tuple[str, str], Tensor] = {}

    @classmethod
    def named(cls, name: str, num_steps: int = 1000, **options: float) -> Self:
        """Return the schedule "linear", "cosine" or "sigmoid".

        Args:
            name: Which one.
            num_steps: Number of steps.
            options: Arguments of the schedule's function, such as ``beta_end`` or ``offset``.

        Raises:
            ArgumentError: If ``name`` is unknown or a number out of range.
        """
        return cls(_NAMED[check_choice("name", name, SCHEDULE_NAMES)](num_steps, **options))

    @property
    def num_steps(self) -> int:
        """Number T of steps."""
        return len(self.betas)

    def add_noise(self, x0: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
        """Return ``x_t = a_t x_0 + s_t e`` of images (N, ...), noise of the same shape and steps (N,)."""
        return self.at("signals", steps, x0) * x0 + self.at("sigmas", steps, x0) * noise

    def target(self, prediction: Prediction, x0: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
        """Return the training target of a network with this kind of prediction.

        "epsilon" is the noise e, "x0" the image, "v" is ``a_t e - s_t x_0`` (arXiv 2202.00512).

        Raises:
            ArgumentError: If ``prediction`` is another word.
        """
        check_choice("prediction", prediction, PREDICTIONS)
        if prediction == "epsilon":
            return noise
        if prediction == "x0":
            return x0
        return self.at("signals", steps, x0) * noise - self.at("sigmas", steps, x0) * x0

    def x0_from(self, prediction: Prediction, output: Tensor, x_t: Tensor, steps: Tensor) -> Tensor:
        """Return the clean images that a network's ``output`` implies for noisy images ``x_t`` (N, ...).

        Raises:
            ArgumentError: If ``prediction`` is another word.
        """
        check_choice("prediction", prediction, PREDICTIONS)
        if prediction == "x0":
            return output
        signal, sigma = self.at("signals", steps, x_t), self.at("sigmas", steps, x_t)
        if prediction == "epsilon":
            return (x_t - sigma * output) / signal
        return signal * x_t - sigma * output

    def epsilon_from(self, x0: Tensor, x_t: Tensor, steps: Tensor) -> Tensor:
        """Return the noise in ``x_t`` if the clean images are ``x0``: ``e = (x_t - a_t x_0) / s_t``."""
        return (x_t - self.at("signals", steps, x_t) * x0) / self.at("sigmas", steps, x_t)

    def at(self, name: str, steps: Tensor, like: Tensor) -> Tensor:
        """Return the numbers called ``name`` at ``steps`` (N,), shaped to multiply ``like`` (N, ...)."""
        values = self._table(name, like.device)[steps.to(like.device)]
        return values.to(like.dtype).view(-1, *[1] * (like.dim() - 1))

    def _table(self, name: str, device: torch.device) -> Tensor:
        """Return the numbers called ``name`` on ``device``, moved there once."""
        key = (name, str(device))
        if key not in self._tables:
            self._tables[key] = getattr(self, name).to(device)
        return self._tables[key]


def min_snr_weights(schedule: NoiseSchedule, prediction: Prediction, *, gamma: float = 5.0) -> Tensor:
    """Return the weights of the squared error at each step, min-SNR-gamma of arXiv 2303.09556.

    With the signal-to-noise ratio r: ``min(r, gamma)`` for "x0", ``min(r, gamma) / r`` for "epsilon" and
    ``min(r, gamma) / (r + 1)`` for "v". All three weight the error of the clean image equally.

    Args:
        schedule: The schedule.
        prediction: What the network predicts.
        gamma: The largest weight of the clean image's error, positive.

    Returns:
        (T,), float64.

    Raises:
        ArgumentError: If ``gamma`` or ``prediction`` is out of range.
    """
    check_choice("prediction", prediction, PREDICTIONS)
    check_float("gamma", gamma, minimum=0, open_minimum=True)
    clipped = schedule.snr.clamp(max=gamma)
    if prediction == "x0":
        return clipped
    return clipped / (schedule.snr if prediction == "epsilon" else schedule.snr + 1)
