"""Adversarial training of a generator against a critic: Wasserstein GAN with gradient penalty (arXiv 1704.00028)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.losses import gradient_penalty, wasserstein_critic_loss, wasserstein_generator_loss
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training.distributed import check_divisible, gather_rows, part
from qiskit_qgen.training.phases.base import AbstractGeneratorPhase, adam
from qiskit_qgen.training.rank_sources import draw_noise
from qiskit_qgen.training.schedules import Schedule


class WassersteinTraining(Settings):
    """How a generator is trained against a critic by the Wasserstein loss with gradient penalty."""

    steps: int = setting("Steps of the generator", default=1500, minimum=1)
    batch_size: int = setting("Samples in a batch of the critic", default=128, minimum=2)
    n_critic: int = setting("Critic steps for each generator step", default=3, minimum=1)
    gradient_penalty: float = setting("Weight of the gradient penalty", default=0.1, minimum=0)
    replay: int = setting(
        "Number of the generator's last batches from which the critic's generated samples are drawn, so that the "
        "generator runs once a step; 0 draws fresh ones",
        default=16,
        minimum=0,
    )
    generator_batch_size: int | None = setting(
        "Samples in a batch of the generator's own step; None takes half of the data's batch", default=None, minimum=1
    )
    generator_learning_rate: float = setting("Adam's highest learning rate of the generator", default=1e-3, above=0)
    critic_learning_rate: float = setting("Adam's highest learning rate of the critic", default=1e-3, above=0)
    betas: tuple[float, float] = setting(
        "Decay rates of Adam's moments, for both networks", default=(0.0, 0.9), minimum=0, below=1
    )
    clip_norm: float | None = setting(
        "Largest norm of each network's gradient; None for no limit (arXiv 2601.05036 clips)", default=None, above=0
    )
    ema_decay: float = setting(
        "Decay of the moving average of the generator's weights, which is what samples",
        default=0.999,
        minimum=0,
        below=1,
    )
    lr_schedule: Schedule = setting("Course of both learning rates", default="cosine")
    warmup: float = setting("Part of the steps over which the learning rates rise", default=0.03, minimum=0, below=1)

    def generator_passes(self) -> list[tuple[int, int, bool]]:
        """Return how a training calls the generator: (number of calls, samples in each, whether for a gradient)."""
        fresh = min(self.steps, self.replay) if self.replay else self.steps
        return [(fresh, self.n_critic * self.batch_size, False), (self.steps, self.own_batch_size, True)]

    @property
    def own_batch_size(self) -> int:
        """Samples in a batch of the generator's own step."""
        return self.generator_batch_size or max(self.batch_size // 2, 1)


class WassersteinPhase(AbstractGeneratorPhase):
    """Trains a generator against a critic.

    One step does ``n_critic`` updates of the critic, each with its own batch of data, and then one of the generator.
    The critic's generated samples come from the generator's last batches (``replay``), once there are enough of them.

    Args:
        generator: Maps noise (N, dim) to samples.
        critic: Gives one value (N,) per sample.
        noise: The source of noise.
        data: Returns the real samples (N, ...), in the generator's space; called when the phase begins, so that they
            may depend on what earlier phases have trained.
        options: Settings of the losses and optimizers.
        sample_shape: Shape of one sample.
        seed: Seed of the run.
        modules: Further networks that a checkpoint must hold, by name.
        to_images: Turns samples into images (N, C, H, W) in [0, 1] for previews; None if they are no images.

    Raises:
        ArgumentError: If a batch's size is not divisible by the number of processes that train together.
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
        to_images: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        check_divisible("batch_size", options.batch_size)
        check_divisible("generator_batch_size", options.own_batch_size)
        device = next(generator.parameters()).device
        self._replay = torch.zeros(options.replay, options.own_batch_size, *sample_shape, device=device)
        super().__init__(
            generator,
            noise,
            ema_decay=options.ema_decay,
            num_steps=options.steps,
            seed=seed,
            modules={**(modules or {}), "generator": generator, "critic": critic},
            optimizers={
                "generator": adam(generator.parameters(), options.generator_learning_rate, options.betas),
                "critic": adam(critic.parameters(), options.critic_learning_rate, options.betas),
            },
            tensors={"replay": self._replay},
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self.critic = critic
        self._data, self._options, self._to_images = data, options, to_images

    def begin(self) -> None:
        """Fetch the real samples, (N, ...) in the generator's space, which are then the attribute ``real``."""
        self.real = self._data()
        self._order = self.batch_order(len(self.real), self._options.batch_size)

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do the critic's updates and the generator's; return their losses, averaged over the critic's updates.

        `critic_loss` includes its penalty, `gradient_penalty` is without its weight, `wasserstein_distance` is the
        critic's estimate of the distance in units of its own slope.
        """
        options, randomness = self._options, self.step_generator(step)
        self.generator.train()
        totals: dict[str, Tensor] = {}
        for index, fake in enumerate(self._fakes(step, randomness)):
            real = self.real[self.own_rows(self._order.batch(step * options.n_critic + index))]
            for name, value in self._update_critic(real, fake, randomness).items():
                totals[name] = totals[name] + value / options.n_critic if index else value / options.n_critic
        samples = self.generator(self.draw(options.own_batch_size, randomness))
        generator_loss = wasserstein_generator_loss(self.critic(samples))
        self.descend("generator", generator_loss, self.generator.parameters(), options.clip_norm)
        if options.replay:
            self._replay[step % options.replay] = gather_rows(samples.detach())
        self.average.update(step)
        return {**totals, "generator_loss": generator_loss.detach()}

    @torch.no_grad()
    def _fakes(self, step: int, randomness: torch.Generator) -> tuple[Tensor, ...]:
        """The generated samples of all critic updates of a step: replayed ones if there are enough, or else fresh."""
        count = self._options.n_critic * self._options.batch_size
        if 0 < self._options.replay <= step:
            kept = self._replay.flatten(0, 1)
            chosen = self._each_update(torch.randint(len(kept), (count,), generator=randomness))
            return tuple(kept[rows] for rows in chosen)
        noise = self._each_update(draw_noise(self.noise, count, randomness))
        # One call for all updates, as the generator does not change between them.
        fakes: Tensor = self.generator(torch.cat(noise))
        return tuple(fakes.chunk(len(noise)))

    def _each_update(self, drawn: Tensor) -> list[Tensor]:
        """This process's rows of what was drawn for all updates of a step, update by update."""
        return [self.own_rows(each) for each in drawn.split(self._options.batch_size)]

    def _update_critic(self, real: Tensor, fake: Tensor, randomness: torch.Generator) -> dict[str, Tensor]:
        loss = wasserstein_critic_loss(self.critic(real), self.critic(fake))
        penalty = gradient_penalty(self.critic, real, fake, generator=randomness, part=part())
        total = loss + self._options.gradient_penalty * penalty
        self.descend("critic", total, self.critic.parameters(), self._options.clip_norm)
        return {
            "critic_loss": total.detach(),
            "wasserstein_distance": -loss.detach(),
            "gradient_penalty": penalty.detach(),
        }

    @torch.no_grad()
    def preview(self, num_images: int, seed: int) -> Tensor | None:
        """Return images of the averaged generator, or None if its samples are no images."""
        return None if self._to_images is None else self._to_images(self.sample(num_images, seed))
