"""Training of an autoencoder."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from qiskit_qgen._checks import check_int
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import VariationalAutoencoder
from qiskit_qgen.training.distributed import check_divisible, gather_rows
from qiskit_qgen.training.phases.base import AbstractPhase
from qiskit_qgen.training.schedules import Schedule
from qiskit_qgen.training.synchronized import synchronized

_PROJECTIONS = 64


class AutoencoderTraining(Settings):
    """How to train an autoencoder: squared error plus terms that shape its latent space."""

    steps: int = setting("Training steps; 0 keeps your own module unchanged", default=1500, minimum=0)
    batch_size: int | None = setting("Images per batch; None takes the critic's batch size", default=None, minimum=2)
    learning_rate: float = setting("Peak learning rate of AdamW", default=2e-3, above=0)
    betas: tuple[float, float] = setting("Decay rates of AdamW's moments", default=(0.9, 0.99), minimum=0, below=1)
    weight_decay: float = setting("AdamW's weight decay", default=1e-3, minimum=0)
    lr_schedule: Schedule = setting("Schedule of the learning rate", default="cosine")
    warmup: float = setting(
        "Fraction of the steps over which the learning rate warms up", default=0.15, minimum=0, below=1
    )
    absolute_error: float = setting(
        "Weight of the mean absolute error, which keeps edges sharper than the squared error alone",
        default=0.2,
        minimum=0,
    )
    latent_noise: float = setting(
        "Standard deviation of the normal noise added to each latent before decoding, so that nearby "
        "latents decode to similar images",
        default=0.2,
        minimum=0,
    )
    kl_weight: float = setting(
        "Weight of a variational autoencoder's Kullback-Leibler divergence, divided by the number of "
        "values in an image; half of it is the pixel variance that the evidence lower bound assumes",
        default=0.03,
        minimum=0,
    )
    latent_shape: float = setting(
        "Weight of the sliced Wasserstein distance between a batch of latents and the normal distribution",
        default=0.02,
        minimum=0,
    )


class ReconstructionPhase(AbstractPhase):
    """Trains an autoencoder on images.

    The loss of a batch ``x`` with latents ``v`` is

    ``mean((x - y)^2) + absolute_error mean(|x - y|) + latent_shape SW(v, N(0, I))^2``

    where ``y = decode(v + latent_noise e)``, ``e ~ N(0, I)``, and SW is the sliced Wasserstein-2 distance over 64
    random directions. For a variational autoencoder with means ``m`` and standard deviations ``s``, it is

    ``mean((x - y)^2) + absolute_error mean(|x - y|) + kl_weight mean(KL(N(m, s^2) || N(0, I))) / (C H W)``

    with ``y = decode(m + s e)``. With ``absolute_error = 0`` this is the evidence lower bound of arXiv 1312.6114 for
    pixels of variance ``kl_weight / 2``, up to a factor and a constant.

    Args:
        autoencoder: A module with ``encode``: (N, C, H, W) -> (N, latent_dim), and its counterpart ``decode``.
        images: Training images (N, C, H, W) in [0, 1].
        options: Weights of the loss and settings of the optimizer.
        num_steps: Number of steps; None takes the number in ``options``.
        batch_size: Images per batch, if not set in ``options``.
        seed: Seed of the run.

    Raises:
        ArgumentError: If there are steps to do but no weight can be trained, or ``batch_size`` is less than 2, the
            minimum for batch normalisation, or not divisible by the number of processes that train together.
    """

    def __init__(
        self,
        autoencoder: Any,
        images: Tensor,
        *,
        options: AutoencoderTraining,
        num_steps: int | None = None,
        batch_size: int,
        seed: int,
    ) -> None:
        batch_size = options.batch_size or batch_size
        check_int("batch_size", check_divisible("batch_size", batch_size), minimum=2)
        weights = [parameter for parameter in autoencoder.parameters() if parameter.requires_grad]
        steps = options.steps if num_steps is None else num_steps
        if steps and not weights:
            raise ArgumentError(
                f"Argument `steps` must be 0 if no weight of the autoencoder can be trained, but is {steps}."
            )
        optimizers: dict[str, torch.optim.Optimizer] = {}
        if weights:
            optimizers["autoencoder"] = torch.optim.AdamW(
                weights, lr=options.learning_rate, betas=options.betas, weight_decay=options.weight_decay
            )
        super().__init__(
            "autoencoder",
            num_steps=steps,
            seed=seed,
            modules={"autoencoder": autoencoder},
            optimizers=optimizers,
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self._autoencoder = autoencoder
        self._is_variational = isinstance(autoencoder, VariationalAutoencoder)
        self._images = images
        self._options = options
        self._order = self.batch_order(len(images), batch_size)

    def begin(self) -> None:
        """Move the images to the autoencoder's device."""
        self._images = self._images.to(self.device)

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do one AdamW step and return `loss`, `squared_error` and the term that shapes the latent.

        This term is `latent_shape`, if it has a weight, or for a variational autoencoder `kl_divergence`, in nats.
        """
        options, generator = self._options, self.step_generator(step)
        self._autoencoder.train()
        rows = self._order.batch(step)
        images = self._images[self.own_rows(rows)]
        spread: float | Tensor = options.latent_noise
        with synchronized(self._autoencoder):
            if self._is_variational:
                latents, spread = self._autoencoder.posterior(images)
            else:
                latents = self._autoencoder.encode(images)
            noise = self.own_rows(torch.randn(len(rows), *latents.shape[1:], generator=generator))
            difference = self._autoencoder.decode(latents + spread * noise) - images
        squared_error = difference.square().mean()
        losses = {"squared_error": squared_error.detach()}
        loss = squared_error
        if options.absolute_error > 0:
            loss = loss + options.absolute_error * difference.abs().mean()
        if isinstance(spread, Tensor):
            divergence = _kl_divergence(latents, spread).mean()
            loss = loss + options.kl_weight * divergence / images[0].numel()
            losses["kl_divergence"] = divergence.detach()
        elif options.latent_shape > 0:
            distance = _sliced_distance(gather_rows(latents), generator)
            loss = loss + options.latent_shape * distance
            losses["latent_shape"] = distance.detach()
        self.descend("autoencoder", loss, self._autoencoder.parameters())
        return {"loss": loss.detach(), **losses}

    def preview(self, num_images: int, seed: int) -> Tensor:  # noqa: ARG002
        """Return images, each followed by its reconstruction: the first ``num_images // 2`` of the training set."""
        return reconstruction_pairs(self._autoencoder, self._images[: max(num_images // 2, 1)].to(self.device))


@torch.no_grad()
def reconstruction_pairs(autoencoder: Any, images: Tensor) -> Tensor:
    """Return images (2 N, C, H, W), each followed by its reconstruction; the autoencoder's mode is left alone."""
    training = autoencoder.training
    autoencoder.eval()
    pairs = torch.stack([images, autoencoder.decode(autoencoder.encode(images))], dim=1)
    autoencoder.train(training)
    return pairs.flatten(0, 1)


def _kl_divergence(means: Tensor, spreads: Tensor) -> Tensor:
    """Divergence (N,), in nats, from normal distributions with independent components to N(0, I)."""
    return (means.square() + spreads.square() - 1).sum(dim=1) / 2 - spreads.log().sum(dim=1)


def _sliced_distance(latents: Tensor, generator: torch.Generator) -> Tensor:
    """Squared sliced Wasserstein-2 distance between a batch (N, D) and as many normal draws."""
    shape = (latents.shape[1], _PROJECTIONS)
    directions = F.normalize(torch.randn(shape, generator=generator).to(latents), dim=0)
    normal = torch.randn(latents.shape, generator=generator).to(latents)
    return ((latents @ directions).sort(dim=0).values - (normal @ directions).sort(dim=0).values).square().mean()
