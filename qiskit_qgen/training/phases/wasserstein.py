"""Adversarial training of a generator against a critic: Wasserstein GAN with gradient penalty (arXiv 1704.00028).

Alternatively, binary cross-entropy with the critic's values as logits (arXiv 1406.2661, arXiv 2110.06933).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.losses import (
    bce_discriminator_loss,
    bce_generator_loss,
    gradient_penalty,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)
from qiskit_qgen.networks.critic import dropout_from
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.noise.categorical import unit_vectors
from qiskit_qgen.training.distributed import check_divisible, gather_rows, part
from qiskit_qgen.training.phases.base import AbstractGeneratorPhase, adadelta, adam
from qiskit_qgen.training.rank_sources import draw_noise
from qiskit_qgen.training.schedules import Schedule


class WassersteinTraining(Settings):
    """How to train a generator against a critic."""

    steps: int = setting("Generator steps", default=1500, minimum=1)
    batch_size: int = setting("Samples per critic batch", default=128, minimum=2)
    loss: Literal["wgan-gp", "bce"] = setting(
        "Wasserstein loss with gradient penalty, or non-saturating binary cross-entropy (arXiv 2110.06933)",
        default="wgan-gp",
    )
    separate_updates: bool = setting(
        "Whether a critic update with 'bce' is one step on real samples followed by one on generated "
        "samples, as in the code of arXiv 2110.06933, instead of one step on both",
        default=False,
    )
    n_critic: int = setting("Critic steps for each generator step", default=3, minimum=1)
    gradient_penalty: float = setting("Weight of the gradient penalty for 'wgan-gp'", default=0.1, minimum=0)
    replay: int = setting(
        "Number of recent generator batches to draw the critic's generated samples from, so that the "
        "generator runs once per step; 0 draws fresh ones",
        default=16,
        minimum=0,
    )
    generator_batch_size: int | None = setting(
        "Samples per batch in the generator's own step; None takes half of the critic's batch size",
        default=None,
        minimum=1,
    )
    optimizer: Literal["adam", "adadelta"] = setting(
        "The optimizer of both networks: Adam, or Adadelta (arXiv 2110.06933)", default="adam"
    )
    generator_learning_rate: float = setting("Peak learning rate of the generator", default=1e-3, above=0)
    critic_learning_rate: float = setting("Peak learning rate of the critic", default=1e-3, above=0)
    betas: tuple[float, float] = setting(
        "Decay rates of Adam's moments, for both networks", default=(0.0, 0.9), minimum=0, below=1
    )
    clip_norm: float | None = setting(
        "Maximum norm of each network's gradient; None for no limit (arXiv 2601.05036 clips)", default=None, above=0
    )
    ema_decay: float = setting(
        "Decay of the moving average of the generator's weights, which is used for sampling",
        default=0.999,
        minimum=0,
        below=1,
    )
    lr_schedule: Schedule = setting("Schedule of both learning rates", default="cosine")
    warmup: float = setting(
        "Fraction of the steps over which the learning rates warm up", default=0.03, minimum=0, below=1
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` if an option has no effect with the loss or the optimizer."""
        if self.loss == "bce":
            self.refuse(("gradient_penalty",), "with loss='bce'")
        else:
            self.refuse(("separate_updates",), f"with loss={self.loss!r}")
        if self.optimizer != "adam":
            self.refuse(("betas",), f"with optimizer={self.optimizer!r}")

    def generator_passes(self) -> list[tuple[int, int, bool]]:
        """Return how training calls the generator: (number of calls, samples per call, whether for a gradient)."""
        fresh = min(self.steps, self.replay) if self.replay else self.steps
        return [(fresh, self.n_critic * self.batch_size, False), (self.steps, self.own_batch_size, True)]

    @property
    def own_batch_size(self) -> int:
        """Samples per batch in the generator's own step."""
        return self.generator_batch_size or max(self.batch_size // 2, 1)


class WassersteinPhase(AbstractGeneratorPhase):
    """Trains a generator against a critic.

    One step does ``n_critic`` updates of the critic, each with a new batch of data, and then one update of the
    generator. The critic's generated samples come from the generator's recent batches (``replay``), once there are
    enough of them.

    If the noise has categories (:class:`~qiskit_qgen.noise.CategoricalNoise`), the critic sees ``[sample, e_k]`` with
    the one-hot vector of category k. For the penalty, both batches are sorted by category, so that most pairs of a real
    and a generated sample have the same category.

    Args:
        generator: Maps noise (N, dim) to samples.
        critic: Gives one value (N,) per sample.
        noise: The source of noise.
        data: Returns the real samples (N, ...), in the generator's space; called when the phase begins, so that they
            may depend on the results of earlier phases.
        options: Settings of the losses and optimizers.
        sample_shape: Shape of one sample.
        seed: Seed of the run.
        modules: Further networks that a checkpoint must hold, by name.
        categories: Returns the categories (N,) of the real samples, if the noise has categories; called after ``data``.
        to_images: Turns samples into images (N, C, H, W) in [0, 1] for previews; None if they are not images.

    Raises:
        ArgumentError: If a batch size is not divisible by the number of processes that train together.
    """

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        noise: AbstractNoise,
        data: Callable[[], Tensor],
        *,
        options: WassersteinTraining,
        sample_shape: tuple[int, ...],
        seed: int,
        modules: dict[str, nn.Module] | None = None,
        categories: Callable[[Tensor], Tensor] | None = None,
        to_images: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        check_divisible("batch_size", options.batch_size)
        check_divisible("generator_batch_size", options.own_batch_size)
        device = next(generator.parameters()).device
        seen_shape = (*sample_shape[:-1], sample_shape[-1] + noise.num_categories)
        self._replay = torch.zeros(options.replay, options.own_batch_size, *seen_shape, device=device)
        super().__init__(
            generator,
            noise,
            ema_decay=options.ema_decay,
            num_steps=options.steps,
            seed=seed,
            modules={**(modules or {}), "generator": generator, "critic": critic},
            optimizers={
                "generator": _optimizer(generator, options.generator_learning_rate, options),
                "critic": _optimizer(critic, options.critic_learning_rate, options),
            },
            tensors={"replay": self._replay},
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self.critic = critic
        self._data, self._categories, self._options, self._to_images = data, categories, options, to_images

    def begin(self) -> None:
        """Fetch the real samples, (N, ...) in the generator's space, and store them in the attribute ``real``."""
        self.real = self._seen = self._data()
        if self._categories is not None:
            kinds = unit_vectors(self._categories(self.real), self.noise.num_categories, self.real)
            self._seen = torch.cat([self.real, kinds], 1)
        self._order = self.batch_order(len(self.real), self._options.batch_size)

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Update the critic and the generator; return their losses, averaged over the critic's updates.

        `critic_loss` includes its penalty. With 'wgan-gp' there are also `gradient_penalty`, without its weight, and
        `wasserstein_distance`, the critic's estimate of the distance in units of its own slope.
        """
        options, randomness = self._options, self.step_generator(step)
        self.generator.train()
        self.critic.train()
        totals: dict[str, Tensor] = {}
        with dropout_from(self.critic, randomness, part()):
            for index, fake in enumerate(self._fakes(step, randomness)):
                rows = self._order.batch(step * options.n_critic + index).to(self.device)
                real = self._own_part(self._seen[rows])
                for name, value in self._update_critic(real, fake, randomness).items():
                    totals[name] = totals[name] + value / options.n_critic if index else value / options.n_critic
        self.critic.eval()  # the generator sees the critic without dropout, as in the code of arXiv 2110.06933
        samples = self._generated(self.draw(options.own_batch_size, randomness))
        scores = self.critic(samples)
        generator_loss = (bce_generator_loss if options.loss == "bce" else wasserstein_generator_loss)(scores)
        self.descend("generator", generator_loss, self.generator.parameters(), options.clip_norm)
        if options.replay:
            self._replay[step % options.replay] = gather_rows(samples.detach())
        self.average.update(step)
        return {**totals, "generator_loss": generator_loss.detach()}

    @torch.no_grad()
    def _fakes(self, step: int, randomness: torch.Generator) -> tuple[Tensor, ...]:
        """The generated samples of all critic updates of a step: replayed ones if there are enough, or else fresh."""
        size, count = self._options.batch_size, self._options.n_critic * self._options.batch_size
        if 0 < self._options.replay <= step:
            kept = self._replay.flatten(0, 1)
            chosen = torch.randint(len(kept), (count,), generator=randomness).split(size)
            return tuple(self._own_part(kept[rows.to(self.device)]) for rows in chosen)
        noise = [self._own_part(rows) for rows in draw_noise(self.noise, count, randomness).split(size)]
        # One call for all updates, as the generator does not change between them.
        return tuple(self._generated(torch.cat(noise)).chunk(len(noise)))

    def _generated(self, noise: Tensor) -> Tensor:
        """The critic's input for the generator's samples."""
        samples: Tensor = self.generator(noise)
        count = self.noise.num_categories
        return torch.cat([samples, noise[:, -count:]], 1) if count else samples

    def _own_part(self, batch: Tensor) -> Tensor:
        """This process's rows of a whole batch, which is sorted by category before it is divided."""
        count = self.noise.num_categories
        return self.own_rows(batch[batch[:, -count:].argmax(1).argsort(stable=True)] if count else batch)

    def _update_critic(self, real: Tensor, fake: Tensor, randomness: torch.Generator) -> dict[str, Tensor]:
        if self._options.loss == "bce":
            return {"critic_loss": self._descend_cross_entropy(real, fake)}
        loss = wasserstein_critic_loss(self.critic(real), self.critic(fake))
        penalty = gradient_penalty(self.critic, real, fake, generator=randomness, part=part())
        total = loss + self._options.gradient_penalty * penalty
        self.descend("critic", total, self.critic.parameters(), self._options.clip_norm)
        return {
            "critic_loss": total.detach(),
            "wasserstein_distance": -loss.detach(),
            "gradient_penalty": penalty.detach(),
        }

    def _descend_cross_entropy(self, real: Tensor, fake: Tensor) -> Tensor:
        """Do the critic's step on real and generated samples, or one on each, and return the sum of their losses."""
        options, weights = self._options, list(self.critic.parameters())
        if not options.separate_updates:
            loss = bce_discriminator_loss(self.critic(real), self.critic(fake))
            self.descend("critic", loss, weights, options.clip_norm)
            return loss.detach()
        total = torch.zeros((), device=self.device)
        for samples, sign in ((real, -1), (fake, 1)):
            loss = F.softplus(sign * self.critic(samples)).mean()
            self.descend("critic", loss, weights, options.clip_norm)
            total = total + loss.detach()
        return total

    @torch.no_grad()
    def preview(self, num_images: int, seed: int) -> Tensor | None:
        """Return images from the averaged generator, or None if its samples are not images."""
        return None if self._to_images is None else self._to_images(self.sample(num_images, seed))


def _optimizer(network: nn.Module, rate: float, options: WassersteinTraining) -> Optimizer:
    if options.optimizer == "adadelta":
        return adadelta(network.parameters(), rate)
    return adam(network.parameters(), rate, options.betas)
