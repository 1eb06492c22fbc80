"""Build the networks and other parts of a QuantumDiffusion from its settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from qiskit_qgen.diffusion import (
    AbstractForwardProcess,
    DepolarizingProcess,
    NoiseSchedule,
    StochasticWalkProcess,
    data_spectrum,
    information_beta_schedule,
)
from qiskit_qgen.diffusion.noise_schedule import SCHEDULE_NAMES
from qiskit_qgen.models.quantum_diffusion.config import (
    Depolarizing,
    GaussianDiffusion,
    QuantumDiffusionConfig,
    StochasticWalk,
)
from qiskit_qgen.networks import AbstractDenoiser, PublishedUNet, UNet
from qiskit_qgen.networks.published_unet import PublishedUNetConfig
from qiskit_qgen.noise import AbstractNoise, GaussianNoise, QuantumCircuitNoise


class Schedule(nn.Module):
    """The variances of a schedule as part of a model, so that they are saved with it.

    Args:
        process: The Gaussian process. For any other process, whose steps have no variances, and before a schedule is
            fitted to data, the schedule is the cosine schedule.
        num_steps: Number of steps.
    """

    betas: Tensor

    def __init__(self, process: object, num_steps: int) -> None:
        super().__init__()
        with torch.device("cpu"):
            chosen = _schedule(process, num_steps)
        self.register_buffer("betas", chosen.betas)
        self._known = (self.betas, self.betas._version, chosen)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        former = self.betas
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.betas.dtype != former.dtype:  # other precisions lose variances near 0 and 1
            self.betas = former.to(self.betas.device)
        tensor, version, schedule = self._known
        if tensor is former and version == former._version:  # moved, with the same values
            self._known = (self.betas, self.betas._version, schedule)
        return self

    @torch.no_grad()
    def fit(self, images: Tensor) -> None:
        """Fit the schedule to images (N, C, H, W) in [-1, 1]."""
        self.betas.copy_(information_beta_schedule(data_spectrum(images), len(self.betas)))

    def schedule(self) -> NoiseSchedule:
        """Return the schedule."""
        tensor, version, schedule = self._known
        if tensor is not self.betas or version != self.betas._version:  # known without reading from the device
            schedule = NoiseSchedule(self.betas.detach().clone())
            self._known = (self.betas, self.betas._version, schedule)
        return schedule


def _schedule(process: object, num_steps: int) -> NoiseSchedule:
    if not isinstance(process, GaussianDiffusion) or process.schedule not in SCHEDULE_NAMES:
        return NoiseSchedule.named("cosine", num_steps)
    bound = {"min_beta": process.min_beta} if process.schedule == "cosine" else {}
    return NoiseSchedule.named(process.schedule, num_steps, **bound)


def build_noise(config: QuantumDiffusionConfig) -> AbstractNoise:
    """Return the source of noise."""
    if isinstance(config.noise, AbstractNoise):
        return config.noise
    return (QuantumCircuitNoise if config.noise == "quantum" else GaussianNoise)(math.prod(config.image_shape))


def build_process(config: QuantumDiffusionConfig) -> AbstractForwardProcess | None:
    """Return the forward process, or None for the Gaussian one."""
    process = config.process
    if isinstance(process, Depolarizing):
        return DepolarizingProcess(process.num_steps, shots=process.shots)
    if isinstance(process, StochasticWalk):
        return StochasticWalkProcess(process.num_steps, levels=process.levels, mixing=process.mixing)
    return None if isinstance(process, GaussianDiffusion) else process


def build_networks(config: QuantumDiffusionConfig, process: AbstractForwardProcess | None) -> dict[str, nn.Module]:
    """Return schedule and denoiser."""
    channels = config.image_shape[0]
    num_outputs = 1 if process is None else process.num_outputs
    gate, classes = config.bottleneck, config.num_classes
    denoiser: AbstractDenoiser
    if isinstance(config.architecture, PublishedUNetConfig):
        denoiser = PublishedUNet(channels, bottleneck=gate, num_classes=classes, num_outputs=num_outputs)
    else:
        unet = config.architecture
        denoiser = UNet(channels, unet, bottleneck=gate, num_classes=classes, num_outputs=num_outputs)
    return {"schedule": Schedule(config.process, config.process.num_steps), "denoiser": denoiser}
