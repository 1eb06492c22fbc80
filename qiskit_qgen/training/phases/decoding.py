"""Adversarial training of a decoder with a fixed encoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from qiskit_qgen._random import torch_generator
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.losses import hinge_discriminator_loss, hinge_generator_loss
from qiskit_qgen.metrics.baselines import fitted_baselines
from qiskit_qgen.networks import PatchDiscriminator
from qiskit_qgen.training.distributed import check_divisible, total
from qiskit_qgen.training.phases.base import AbstractPhase, adam
from qiskit_qgen.training.phases.reconstruction import reconstruction_pairs
from qiskit_qgen.training.schedules import Schedule
from qiskit_qgen.training.synchronized import synchronized

_WEIGHTS_STREAM = 0x64656364
_TINY = 1e-12


class DecoderTraining(Settings):
    """How to sharpen a decoder after the training of its autoencoder."""

    steps: int = setting("Training steps; 0 skips this phase", default=0, minimum=0)
    batch_size: int | None = setting(
        "Images per batch; None takes a quarter of the critic's batch size", default=None, minimum=2
    )
    adversarial_weight: float = setting(
        "Norm of the adversarial gradient with respect to the decoded images, relative to that of the "
        "reconstruction error",
        default=0.25,
        above=0,
    )
    learning_rate: float = setting("Peak learning rate of Adam for the decoder", default=5e-4, above=0)
    discriminator_learning_rate: float = setting(
        "Peak learning rate of Adam for the discriminator", default=2e-3, above=0
    )
    betas: tuple[float, float] = setting(
        "Decay rates of Adam's moments, for both networks", default=(0.5, 0.9), minimum=0, below=1
    )
    width: int = setting(
        "Channels after the discriminator's first convolution; later convolutions have twice as many",
        default=32,
        minimum=1,
    )
    lr_schedule: Schedule = setting("Schedule of both learning rates", default="cosine")
    warmup: float = setting(
        "Fraction of the steps over which the learning rates warm up", default=0.05, minimum=0, below=1
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` if there are options without steps."""
        if self.steps == 0:
            self.refuse([name for name in self.names() if name != "steps"], "with steps=0 of the decoder")


class DecoderPhase(AbstractPhase):
    """Trains a decoder against a patch discriminator, on the latents of a fixed encoder.

    Reconstructions trained with squared error are blurred: where the latent does not determine a detail, the mean of
    all possible images has the smallest error. Here a :class:`~qiskit_qgen.networks.PatchDiscriminator` D learns with
    the hinge loss to distinguish them from images, and the decoder follows the gradient

    ``g + adversarial_weight |g| / |a| a``, ``g = grad L_AE(y)``, ``a = - grad mean(D(y))``

    with respect to the decoded images ``y``, so that one weight suits all data (after arXiv 2012.09841, which takes the
    norms in the last layer). Half of the latents come from images, with the reconstruction error L_AE. The others have
    no reconstruction error and are drawn from a Gaussian mixture fitted to all latents, because a generator's latents
    do not belong to any image.

    Args:
        autoencoder: A trained module with ``encode`` and ``decode``.
        images: Training images (N, C, H, W) in [0, 1].
        labels: Their labels (N,), each of which gets a mixture component; None takes clusters.
        options: Settings of the losses and optimizers.
        absolute_error: Weight of the mean absolute error in the reconstruction error.
        batch_size: Images per batch, if not set in ``options``.
        seed: Seed of the run.

    Raises:
        ArgumentError: If no weight belongs to the decoder alone, or the batch size is not divisible by the number of
            processes that train together.
    """

    def __init__(
        self,
        autoencoder: Any,
        images: Tensor,
        labels: Tensor | None = None,
        *,
        options: DecoderTraining,
        absolute_error: float,
        batch_size: int,
        seed: int,
    ) -> None:
        batch_size = check_divisible("batch_size", options.batch_size or batch_size)
        self._weights = decoder_weights(autoencoder, images[:2])
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(torch_generator(seed, _WEIGHTS_STREAM).initial_seed())
            self._discriminator = PatchDiscriminator(images.shape[1], options.width).to(self._weights[0].device)
        rates = options.learning_rate, options.discriminator_learning_rate
        super().__init__(
            "decoder",
            num_steps=options.steps,
            seed=seed,
            modules={"autoencoder": autoencoder, "patch_discriminator": self._discriminator},
            optimizers={
                "decoder": adam(self._weights, rates[0], options.betas),
                "discriminator": adam(self._discriminator.parameters(), rates[1], options.betas),
            },
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self._autoencoder, self._images, self._labels = autoencoder, images, labels
        self._weight, self._absolute_error = options.adversarial_weight, absolute_error
        self._order = self.batch_order(len(images), batch_size)

    def begin(self) -> None:
        """Encode the images and draw as many latents from the mixture."""
        self._images = self._images.to(self.device)
        self._autoencoder.eval()
        with torch.no_grad():
            self._latents = torch.cat([self._autoencoder.encode(rows) for rows in self._images.split(512)])
        drawn = fitted_baselines(self._latents, len(self._latents), labels=self._labels, seed=self.seed)["mixture"]
        self._sampled = drawn.to(self._latents)

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do one discriminator step and one decoder step.

        Returns `squared_error`, `discriminator_loss`, and `decoder_loss`, the decoder's own hinge loss.
        """
        drawn = self._order.batch(step)
        images = self._images[self.own_rows(drawn)]
        latents = torch.cat([each[self.own_rows(drawn)] for each in (self._latents, self._sampled)])
        self._autoencoder.train()
        self._discriminator.train()
        with synchronized(self._autoencoder):
            decoded = self._autoencoder.decode(latents)
        found = hinge_discriminator_loss(self._discriminator(images), self._discriminator(decoded.detach()))
        self.descend("discriminator", found, self._discriminator.parameters())
        difference, loss = decoded[: len(images)] - images, hinge_generator_loss(self._discriminator(decoded))
        squared_error = difference.square().mean()
        error = squared_error + self._absolute_error * difference.abs().mean()
        first, second = (torch.autograd.grad(each, decoded, retain_graph=True)[0] for each in (error, loss))
        scale = self._weight * (_length(first) / (_length(second) + _TINY))
        self.descend("decoder", ((first + scale * second) * decoded).sum(), self._weights)
        return {
            "squared_error": squared_error.detach(),
            "discriminator_loss": found.detach(),
            "decoder_loss": loss.detach(),
        }

    def preview(self, num_images: int, seed: int) -> Tensor:  # noqa: ARG002
        """Return images, each followed by its reconstruction: the first ``num_images // 2`` of the training set."""
        return reconstruction_pairs(self._autoencoder, self._images[: max(num_images // 2, 1)].to(self.device))


def decoder_weights(autoencoder: Any, images: Tensor) -> list[nn.Parameter]:
    """Return the weights that affect how an autoencoder decodes but not how it encodes.

    Raises:
        ArgumentError: If none of them can be trained.
    """
    weights = [each for each in autoencoder.parameters() if each.requires_grad]
    if weights:
        autoencoder.eval()
        latents = autoencoder.encode(images.to(weights[0].device))
        uses = [_used(part, weights) for part in (latents, autoencoder.decode(latents.detach()))]
        weights = [weight for weight, first, second in zip(weights, *uses, strict=True) if second and not first]
    if not weights:
        raise ArgumentError(
            "Argument `decoder_steps` must be 0 for an autoencoder of which no weight that can be trained belongs to "
            "the decoder alone."
        )
    return weights


def _used(values: Tensor, weights: list[nn.Parameter]) -> list[bool]:
    if not values.requires_grad:
        return [False] * len(weights)
    return [each is not None for each in torch.autograd.grad(values.sum(), weights, allow_unused=True)]


def _length(gradient: Tensor) -> Tensor:
    """Norm of a gradient over the batches of all processes."""
    return total(gradient.square().sum()).sqrt()
