"""Adversarial training of an image generator against a discriminator on frozen features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.datasets.streamed import whole
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
from qiskit_qgen.noise.categorical import unit_vectors
from qiskit_qgen.training.augmentation import augment
from qiskit_qgen.training.distributed import check_divisible, part
from qiskit_qgen.training.phases.base import AbstractGeneratorPhase, adam
from qiskit_qgen.training.schedules import Schedule

_LOSSES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "wgan-gp": (wasserstein_critic_loss, wasserstein_generator_loss),
    "hinge": (hinge_discriminator_loss, hinge_generator_loss),
    "bce": (bce_discriminator_loss, bce_generator_loss),
}


class FrozenFeatures(Protocol):
    """The features of images that a discriminator gets as input."""

    def features(self, images: Tensor) -> Tensor:
        """Return features of ``images``, differentiable with respect to them."""

    def features_of(self, images: Tensor) -> Tensor:
        """Return features of many ``images``, without gradient."""


class AdversarialTraining(Settings):
    """How to train an image generator and a discriminator."""

    steps: int = setting("Generator steps", default=1000, minimum=1)
    batch_size: int = setting("Images per batch", default=32, minimum=2)
    loss: Literal["wgan-gp", "hinge", "bce"] = setting(
        "Wasserstein loss with gradient penalty, hinge loss, or binary cross-entropy", default="wgan-gp"
    )
    n_critic: int = setting("Discriminator steps for each generator step", default=1, minimum=1)
    gradient_penalty: float | None = setting(
        "Weight of the gradient penalty on the frozen features, for 'wgan-gp' only; None takes a value "
        "that suits the backbone's features: 1 where they differ by about 1, 10 for raw pixels",
        default=None,
        minimum=0,
    )
    augmentations: tuple[Literal["color", "translation", "cutout"], ...] = setting(
        "Differentiable augmentations of all images that the discriminator sees, for small data sets "
        "(arXiv 2006.10738)",
        default=(),
    )
    generator_learning_rate: float = setting("Peak learning rate of Adam for the generator", default=1e-3, above=0)
    discriminator_learning_rate: float = setting(
        "Peak learning rate of Adam for the discriminator", default=1e-3, above=0
    )
    betas: tuple[float, float] = setting(
        "Decay rates of Adam's moments, for both networks", default=(0.5, 0.9), minimum=0, below=1
    )
    clip_norm: float | None = setting(
        "Maximum norm of each network's gradient; None for no limit", default=None, above=0
    )
    ema_decay: float = setting(
        "Decay of the moving average of the generator's weights, which is used for sampling",
        default=0.99,
        minimum=0,
        below=1,
    )
    lr_schedule: Schedule = setting("Schedule of both learning rates", default="cosine")
    warmup: float = setting(
        "Fraction of the steps over which the learning rates warm up", default=0.03, minimum=0, below=1
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` if there is a penalty weight but the loss has no penalty."""
        if self.loss != "wgan-gp":
            self.refuse(("gradient_penalty",), f"with loss={self.loss!r}")


class AdversarialPhase(AbstractGeneratorPhase):
    """Trains an image generator against a discriminator that sees frozen features of the images.

    One step does ``n_critic`` updates of the discriminator, each with a new batch of real and generated images, and
    then one update of the generator, on the images of the last batch. The features of real images are computed once,
    unless images are augmented. The gradient penalty is evaluated at mixtures of features, the input of the
    discriminator's own weights.

    If the noise has categories (:class:`~qiskit_qgen.noise.CategoricalNoise`), each generated image has the category of
    a real one in the same batch, and the discriminator sees the categories of both in addition to their features.

    Args:
        generator: Maps noise (N, dim) to images (N, C, H, W) in [0, 1].
        discriminator: Gives one score (N,) per row of features.
        backbone: Computes the features.
        noise: The source of noise.
        images: Real images (N, C, H, W) in [0, 1].
        options: Settings of the losses and optimizers.
        gradient_penalty: Weight of the gradient penalty, if not set in ``options``.
        seed: Seed of the run.
        modules: Further networks that a checkpoint must hold, by name.
        categories: Returns the categories (N,) of the real images, given as vectors (N, C H W), if the noise has
            categories; called when the phase begins.

    Raises:
        ArgumentError: If the batch size is not divisible by the number of processes that train together.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        backbone: FrozenFeatures,
        noise: AbstractNoise,
        images: Tensor,
        *,
        options: AdversarialTraining,
        gradient_penalty: float,
        seed: int,
        modules: dict[str, nn.Module] | None = None,
        categories: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        check_divisible("batch_size", options.batch_size)
        super().__init__(
            generator,
            noise,
            ema_decay=options.ema_decay,
            num_steps=options.steps,
            seed=seed,
            modules={**(modules or {}), "generator": generator, "discriminator": discriminator},
            optimizers={
                "generator": adam(generator.parameters(), options.generator_learning_rate, options.betas),
                "discriminator": adam(discriminator.parameters(), options.discriminator_learning_rate, options.betas),
            },
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self.discriminator, self._categories = discriminator, categories
        self._kinds: Tensor | None = None
        self._backbone, self.real, self._options = backbone, images, options
        self._penalty = gradient_penalty if options.gradient_penalty is None else options.gradient_penalty
        self._discriminator_loss, self._generator_loss = _LOSSES[options.loss]

    def begin(self) -> None:
        """Compute the features of all real images, unless they change from step to step."""
        self.real = self.real.to(self.device)
        self._real = None if self._options.augmentations else self._backbone.features_of(self.real)
        self._order = self.batch_order(len(self.real), self._options.batch_size)
        if self._categories is not None:
            kinds = self._categories(whole(self.real).flatten(1))
            self._kinds = unit_vectors(kinds, self.noise.num_categories, self.real)

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Update the discriminator and the generator; return their losses.

        `discriminator_loss` includes its penalty; `gradient_penalty` (only with "wgan-gp") is without its weight. Both
        are means over the discriminator's updates.
        """
        count, randomness = self._options.n_critic, self.step_generator(step)
        self.generator.train()
        self.discriminator.train()
        totals: dict[str, Tensor] = {}
        for index in range(count):
            last = index == count - 1
            rows = self.own_rows(self._order.batch(step * count + index))
            kinds = () if self._kinds is None else (self._kinds[rows],)
            noise = self.draw(self._options.batch_size, randomness)
            if kinds:
                noise = torch.cat([noise[:, : -self.noise.num_categories], *kinds], 1)
            with torch.set_grad_enabled(last):
                fake = self._see(self.generator(noise), randomness)
            real = self._real_features(rows, randomness)
            for name, value in self._update_discriminator(real, fake.detach(), kinds, randomness).items():
                totals[name] = totals[name] + value / count if index else value / count
        if not fake.requires_grad:
            raise GradientError(
                "The features of the backbone have no gradient with respect to the images, so that no generator can "
                "learn from them: take a function that torch can differentiate."
            )
        # The generator has not changed since, and frozen features do not change with the discriminator.
        loss = self._generator_loss(self.discriminator(fake, *kinds))
        self.descend("generator", loss, self.generator.parameters(), self._options.clip_norm)
        self.average.update(step)
        return {**totals, "generator_loss": loss.detach()}

    def _see(self, images: Tensor, randomness: torch.Generator) -> Tensor:
        return self._backbone.features(augment(images, self._options.augmentations, randomness, part=part()))

    def _real_features(self, rows: Tensor, randomness: torch.Generator) -> Tensor:
        if self._real is not None:
            return self._real[rows]
        with torch.no_grad():
            return self._see(self.real[rows], randomness)

    def _update_discriminator(
        self, real: Tensor, fake: Tensor, kinds: tuple[Tensor, ...], randomness: torch.Generator
    ) -> dict[str, Tensor]:
        def score(features: Tensor) -> Tensor:
            scores: Tensor = self.discriminator(features, *kinds)
            return scores

        loss = self._discriminator_loss(score(real), score(fake))
        found: dict[str, Tensor] = {}
        if self._options.loss == "wgan-gp":
            penalty = gradient_penalty(score, real, fake, generator=randomness, part=part())
            loss = loss + self._penalty * penalty
            found["gradient_penalty"] = penalty.detach()
        self.descend("discriminator", loss, self.discriminator.parameters(), self._options.clip_norm)
        return {"discriminator_loss": loss.detach(), **found}

    def preview(self, num_images: int, seed: int) -> Tensor:
        """Return images from the averaged generator."""
        return self.sample(num_images, seed)
