"""Adversarial training of a generator of pictures against a discriminator on frozen features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_choice, check_float, check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen.exceptions import GradientError
from qiskit_qgen.losses import (
    bce_discriminator_loss,
    bce_generator_loss,
    gradient_penalty,
    hinge_discriminator_loss,
    hinge_generator_loss,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training.augmentation import augment, check_augmentations
from qiskit_qgen.training.averaging import ExponentialMovingAverage
from qiskit_qgen.training.distributed import average_gradients, check_divisible, part, part_of
from qiskit_qgen.training.phase import AbstractPhase
from qiskit_qgen.training.rank_sources import draw_noise
from qiskit_qgen.training.schedules import SCHEDULES, Schedule

_SAMPLE_BATCH = 256
_LOSSES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "wgan-gp": (wasserstein_critic_loss, wasserstein_generator_loss),
    "hinge": (hinge_discriminator_loss, hinge_generator_loss),
    "bce": (bce_discriminator_loss, bce_generator_loss),
}


class FrozenFeatures(Protocol):
    """What a discriminator sees of pictures before its own weights."""

    def features(self, images: Tensor) -> Tensor:
        """Return features of ``images``, differentiable with respect to them."""

    def features_of(self, images: Tensor) -> Tensor:
        """Return features of many ``images``, without gradient."""


@dataclass(frozen=True, kw_only=True)
class AdversarialOptions:
    """How generator and discriminator are trained; all defaults are our own choice."""

    loss: Literal["wgan-gp", "hinge", "bce"] = "wgan-gp"
    """Wasserstein loss with gradient penalty, hinge loss, or binary cross-entropy."""

    n_critic: int = 1
    """Discriminator steps for each generator step."""

    gradient_penalty: float = 1.0
    """Weight of the gradient penalty on the frozen features; only with "wgan-gp"."""

    generator_learning_rate: float = 1e-3
    """Adam's learning rate of the generator at its highest."""

    discriminator_learning_rate: float = 1e-3
    """Adam's learning rate of the discriminator at its highest."""

    betas: tuple[float, float] = (0.0, 0.9)
    """Decay rates of Adam's moments, each in [0, 1), for both networks."""

    clip_norm: float | None = None
    """Largest norm of the gradient of each network; longer ones are shortened. None leaves them as they are."""

    ema_decay: float = 0.99
    """Decay of the moving average of the generator's weights, in [0, 1); 0 follows the weights exactly."""

    augmentations: tuple[str, ...] = ()
    """Differentiable changes of all pictures that the discriminator sees; see :func:`augment`."""

    lr_schedule: Schedule = "cosine"
    """Schedule of both learning rates: "constant", "linear" or "cosine"."""

    warmup: float = 0.03
    """Part of the steps over which the learning rates rise from 0, in [0, 1)."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ArgumentError: If one is out of its range.
            ArgumentTypeError: If ``augmentations`` is no list.
        """
        check_choice("loss", self.loss, tuple(_LOSSES))
        check_int("n_critic", self.n_critic, minimum=1)
        check_float("gradient_penalty", self.gradient_penalty, minimum=0)
        for name in ("generator_learning_rate", "discriminator_learning_rate"):
            check_float(name, getattr(self, name), minimum=0, open_minimum=True)
        for index, beta in enumerate(self.betas):
            check_float(f"betas[{index}]", beta, minimum=0, maximum=1, open_maximum=True)
        if self.clip_norm is not None:
            check_float("clip_norm", self.clip_norm, minimum=0, open_minimum=True)
        check_float("ema_decay", self.ema_decay, minimum=0, maximum=1, open_maximum=True)
        check_augmentations(self.augmentations)
        check_choice("lr_schedule", self.lr_schedule, SCHEDULES)
        check_float("warmup", self.warmup, minimum=0, maximum=1, open_maximum=True)


class AdversarialPhase(AbstractPhase):
    """Trains a generator of pictures against a discriminator that sees frozen features of them.

    One step does ``n_critic`` updates of the discriminator, each with its own batch of real and of generated pictures,
    and then one of the generator, on the pictures of the last of them. The features of real pictures are computed once,
    unless pictures are augmented. The gradient penalty is taken at mixtures of features, which is where the
    discriminator's own weights begin.

    Args:
        generator: Maps noise (N, dim) to pictures (N, C, H, W) in [0, 1].
        discriminator: Gives one score (N,) per row of features.
        backbone: Makes the features.
        noise: The source of noise.
        images: Real pictures (N, C, H, W) in [0, 1].
        options: Settings of the losses and optimisers.
        num_steps: Number of steps.
        batch_size: Pictures in a batch.
        seed: Seed of the run.

    Raises:
        ArgumentError: If ``num_steps`` is negative, or ``batch_size`` is not positive or not divisible by the number of
            processes that train together.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        backbone: FrozenFeatures,
        noise: AbstractNoise,
        images: Tensor,
        *,
        options: AdversarialOptions,
        num_steps: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self._batch_size = check_divisible("batch_size", batch_size)
        networks = {"generator": generator, "discriminator": discriminator}
        rates = {
            "generator": options.generator_learning_rate,
            "discriminator": options.discriminator_learning_rate,
        }
        betas = (float(options.betas[0]), float(options.betas[1]))
        super().__init__(
            "adversarial",
            num_steps=num_steps,
            seed=seed,
            modules=networks,
            optimizers={
                name: torch.optim.Adam(network.parameters(), lr=rates[name], betas=betas)
                for name, network in networks.items()
            },
            averages={"generator": ExponentialMovingAverage(generator, options.ema_decay)},
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self.generator = generator
        self.discriminator = discriminator
        self.average = self.averages["generator"]
        self._backbone, self._noise, self._images, self._options = backbone, noise, images, options
        self._discriminator_loss, self._generator_loss = _LOSSES[options.loss]

    def begin(self) -> None:
        """Compute the features of all real pictures, unless they change from step to step."""
        self._real = None if self._options.augmentations else self._backbone.features_of(self._images)
        self._order = self.batch_order(len(self._images), self._batch_size)

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do the discriminator's updates and the generator's; return their losses.

        `discriminator_loss` includes its penalty; `gradient_penalty` (only with "wgan-gp") is without its weight. Both
        are means over the discriminator's updates.
        """
        count, randomness = self._options.n_critic, self.step_generator(step)
        self.generator.train()
        self.discriminator.train()
        totals: dict[str, Tensor] = {}
        for index in range(count):
            last = index == count - 1
            with torch.set_grad_enabled(last):
                noise = part_of(draw_noise(self._noise, self._batch_size, randomness))
                fake = self._see(self.generator(noise), randomness)
            real = self._real_features(step * count + index, randomness)
            for name, value in self._update_discriminator(real, fake.detach(), randomness).items():
                totals[name] = totals.get(name, torch.zeros(())) + value / count
        if not fake.requires_grad:
            raise GradientError(
                "The features of the backbone have no gradient with respect to the pictures, so that no generator can "
                "learn from them: take a function that torch can differentiate."
            )
        # The generator has not changed since, and frozen features do not change with the discriminator.
        loss = self._generator_loss(self.discriminator(fake))
        self._update("generator", self.generator, loss)
        self.average.update(step)
        return {**totals, "generator_loss": loss.detach()}

    def _see(self, images: Tensor, randomness: torch.Generator) -> Tensor:
        return self._backbone.features(augment(images, self._options.augmentations, randomness, part=part()))

    def _real_features(self, batch: int, randomness: torch.Generator) -> Tensor:
        rows = part_of(self._order.batch(batch))
        if self._real is not None:
            return self._real[rows]
        with torch.no_grad():
            return self._see(self._images[rows], randomness)

    def _update_discriminator(self, real: Tensor, fake: Tensor, randomness: torch.Generator) -> dict[str, Tensor]:
        loss = self._discriminator_loss(self.discriminator(real), self.discriminator(fake))
        found: dict[str, Tensor] = {}
        if self._options.loss == "wgan-gp":
            penalty = gradient_penalty(self.discriminator, real, fake, generator=randomness, part=part())
            loss = loss + self._options.gradient_penalty * penalty
            found["gradient_penalty"] = penalty.detach()
        self._update("discriminator", self.discriminator, loss)
        return {"discriminator_loss": loss.detach(), **found}

    def _update(self, name: str, network: nn.Module, loss: Tensor) -> None:
        weights = list(network.parameters())
        self.optimizers[name].zero_grad(set_to_none=True)
        # Gradients are summed up in this network's weights alone, although the loss depends on both networks'.
        loss.backward(inputs=weights)
        average_gradients(weights)
        if self._options.clip_norm is not None:
            nn.utils.clip_grad_norm_(weights, self._options.clip_norm)
        self.optimizers[name].step()

    @torch.no_grad()
    def sample(self, num_samples: int, seed: int) -> Tensor:
        """Return pictures (num_samples, C, H, W) of the averaged generator; a seed fixes their noise."""
        noise = self._noise.sample(num_samples, torch_generator(seed, self._stream, 2))
        with self.average.applied() as generator:
            training = generator.training
            generator.eval()
            samples = torch.cat([generator(part) for part in noise.split(_SAMPLE_BATCH)])
            generator.train(training)
        return samples

    def preview(self, num_images: int, seed: int) -> Tensor:
        """Return pictures of the averaged generator."""
        return self.sample(num_images, seed)
