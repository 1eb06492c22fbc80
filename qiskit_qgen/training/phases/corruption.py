"""How training images of a diffusion model are corrupted, and the target that its network learns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from qiskit_qgen.diffusion import AbstractForwardProcess, NoiseSchedule, min_snr_weights
from qiskit_qgen.diffusion.noise_schedule import Prediction
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training.rank_sources import draw_noise


class Corrupted(NamedTuple):
    """A batch to train a network on."""

    x: Tensor
    """Drowned images (N, C, H, W)."""
    steps: Tensor
    """The step that each has reached, (N,)."""
    target: Tensor
    """What the network is to find, (N, C, H, W)."""
    weights: Tensor
    """Weights of the errors, (N,)."""


class AbstractCorruption(ABC):
    """Corrupts images up to a random step."""

    @abstractmethod
    def __call__(self, x0: Tensor, generator: torch.Generator) -> Corrupted:
        """Drown images (N, C, H, W) in [-1, 1]."""

    @abstractmethod
    def error(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the errors (N,) of a network's output (N, ...)."""


class GaussianCorruption(AbstractCorruption):
    """``x_t = a_t x_0 + s_t e`` with noise e from a source.

    Args:
        schedule: The noise schedule.
        noise: The noise source, with as many components as an image.
        prediction: What the network predicts.
        min_snr_gamma: Maximum weight of the clean image's error; None weights the prediction error equally.

    Raises:
        ArgumentError: If ``prediction`` or ``min_snr_gamma`` is out of range.
    """

    def __init__(
        self, schedule: NoiseSchedule, noise: AbstractNoise, prediction: Prediction, min_snr_gamma: float | None
    ) -> None:
        self._schedule, self._noise, self._prediction = schedule, noise, prediction
        self._weights = torch.ones(schedule.num_steps, dtype=torch.float64)
        if min_snr_gamma is not None:
            self._weights = min_snr_weights(schedule, prediction, gamma=min_snr_gamma)

    def __call__(self, x0: Tensor, generator: torch.Generator) -> Corrupted:
        """Drown images (N, C, H, W) in [-1, 1]."""
        steps = torch.randint(self._schedule.num_steps, (len(x0),), generator=generator).to(x0.device)
        noise = draw_noise(self._noise, len(x0), generator).to(x0.device).view_as(x0)
        self._weights = self._weights.to(x0.device)
        target = self._schedule.target(self._prediction, x0, noise, steps)
        return Corrupted(self._schedule.add_noise(x0, noise, steps), steps, target, self._weights[steps].to(x0))

    def error(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the squared errors (N,)."""
        return (output - target).square().mean((1, 2, 3))


class ProcessCorruption(AbstractCorruption):
    """A forward process other than the Gaussian one.

    Args:
        process: The process.
    """

    def __init__(self, process: AbstractForwardProcess) -> None:
        self._process = process

    def __call__(self, x0: Tensor, generator: torch.Generator) -> Corrupted:
        """Drown images (N, C, H, W) in [-1, 1]."""
        steps = torch.randint(self._process.num_steps, (len(x0),), generator=generator).to(x0.device)
        clean = (x0 + 1) / 2
        x = 2 * self._process.add_noise(clean, steps, generator) - 1
        return Corrupted(x, steps, clean, x0.new_ones(len(x0)))

    def error(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the process's errors (N,)."""
        return self._process.error(output, target)
