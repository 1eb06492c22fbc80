"""Training of an autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_float, check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.training.distributed import average_gradients, check_divisible, gather_rows, part_of
from qiskit_qgen.training.phase import AbstractPhase
from qiskit_qgen.training.schedules import SCHEDULES, Schedule
from qiskit_qgen.training.synchronized import synchronized

_PROJECTIONS = 64


@dataclass(frozen=True, kw_only=True)
class ReconstructionOptions:
    """How an autoencoder is trained: squared error plus what shapes its latent. All defaults are our own choice."""

    learning_rate: float = 2e-3
    """Learning rate of AdamW at its highest."""

    betas: tuple[float, float] = (0.9, 0.99)
    """Decay rates of AdamW's moments, each in [0, 1)."""

    weight_decay: float = 1e-3
    """Weight decay of AdamW."""

    lr_schedule: Schedule = "cosine"
    """Schedule of the learning rate: "constant", "linear" or "cosine"."""

    warmup: float = 0.15
    """Part of the steps over which the learning rate rises from 0, in [0, 1)."""

    absolute_error: float = 0.2
    """Weight of the mean absolute error, which keeps edges sharper than the squared error alone."""

    latent_noise: float = 0.2
    """Standard deviation of the normal noise added to each latent before decoding: near latents then decode alike, so
    that a generator's small errors stay small in the picture."""

    latent_shape: float = 0.02
    """Weight of the sliced Wasserstein distance between the latents of a batch and the normal distribution."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ArgumentError: If one is out of its range.
        """
        check_float("learning_rate", self.learning_rate, minimum=0, open_minimum=True)
        for index, beta in enumerate(self.betas):
            check_float(f"betas[{index}]", beta, minimum=0, maximum=1, open_maximum=True)
        check_choice("lr_schedule", self.lr_schedule, SCHEDULES)
        check_float("warmup", self.warmup, minimum=0, maximum=1, open_maximum=True)
        for name in ("weight_decay", "absolute_error", "latent_noise", "latent_shape"):
            check_float(name, getattr(self, name), minimum=0)


class ReconstructionPhase(AbstractPhase):
    """Trains an autoencoder on pictures.

    The loss of a batch ``x`` with latents ``v`` is

    ``mean((x - y)^2) + absolute_error mean(|x - y|) + latent_shape SW(v, N(0, I))^2``

    where ``y = decode(v + latent_noise e)``, ``e ~ N(0, I)``, and SW is the sliced Wasserstein-2 distance over 64
    random directions.

    Args:
        autoencoder: A module with ``encode``: (N, C, H, W) -> (N, latent_dim), and its counterpart ``decode``.
        images: Training pictures (N, C, H, W) in [0, 1].
        options: Weights of the loss and settings of the optimiser.
        num_steps: Number of steps.
        batch_size: Pictures in a batch.
        seed: Seed of the run.

    Raises:
        ArgumentError: If ``num_steps`` is negative, or positive though no weight can be trained, or ``batch_size`` is
            less than 2, which batch normalisation needs, or not divisible by the number of processes that train
            together.
    """

    def __init__(
        self,
        autoencoder: Any,
        images: Tensor,
        *,
        options: ReconstructionOptions,
        num_steps: int,
        batch_size: int,
        seed: int,
    ) -> None:
        check_int("batch_size", check_divisible("batch_size", batch_size), minimum=2)
        weights = [parameter for parameter in autoencoder.parameters() if parameter.requires_grad]
        if num_steps and not weights:
            raise ArgumentError(
                f"Argument `num_steps` must be 0 if no weight of `autoencoder` can be trained, but is {num_steps}."
            )
        rate, betas, decay = options.learning_rate, options.betas, options.weight_decay
        optimizers = (
            {"autoencoder": torch.optim.AdamW(weights, lr=rate, betas=betas, weight_decay=decay)} if weights else {}
        )
        super().__init__(
            "autoencoder",
            num_steps=num_steps,
            seed=seed,
            modules={"autoencoder": autoencoder},
            optimizers=optimizers,
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self._autoencoder = autoencoder
        self._images = images
        self._options = options
        self._order = self.batch_order(len(images), batch_size)

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do one step of AdamW and return `loss`, `squared_error` and, where it has a weight, `latent_shape`."""
        options, generator = self._options, self.step_generator(step)
        self._autoencoder.train()
        rows = self._order.batch(step)
        images = self._images[part_of(rows)]
        with synchronized(self._autoencoder):
            latents = self._autoencoder.encode(images)
            noise = part_of(torch.randn(len(rows), *latents.shape[1:], generator=generator)).to(latents)
            difference = self._autoencoder.decode(latents + options.latent_noise * noise) - images
        squared_error = difference.square().mean()
        losses = {"squared_error": squared_error.detach()}
        loss = squared_error
        if options.absolute_error > 0:
            loss = loss + options.absolute_error * difference.abs().mean()
        if options.latent_shape > 0:
            distance = _sliced_distance(gather_rows(latents), generator)
            loss = loss + options.latent_shape * distance
            losses["latent_shape"] = distance.detach()
        optimizer = self.optimizers["autoencoder"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self._autoencoder.parameters())
        optimizer.step()
        return {"loss": loss.detach(), **losses}

    @torch.no_grad()
    def preview(self, num_images: int, seed: int) -> Tensor:  # noqa: ARG002
        """Return pictures, each followed by its reconstruction: the first ``num_images // 2`` of the training set."""
        training = self._autoencoder.training
        self._autoencoder.eval()
        images = self._images[: max(num_images // 2, 1)]
        pairs = torch.stack([images, self._autoencoder.decode(self._autoencoder.encode(images))], dim=1)
        self._autoencoder.train(training)
        return pairs.flatten(0, 1)


def _sliced_distance(latents: Tensor, generator: torch.Generator) -> Tensor:
    """Squared sliced Wasserstein-2 distance of a batch (N, D) to as many draws of the normal distribution."""
    shape = (latents.shape[1], _PROJECTIONS)
    directions = F.normalize(torch.randn(shape, generator=generator), dim=0).to(latents)
    normal = torch.randn(latents.shape, generator=generator).to(latents)
    return ((latents @ directions).sort(dim=0).values - (normal @ directions).sort(dim=0).values).square().mean()
