"""Adversarial training of a generator against a critic: Wasserstein GAN with gradient penalty (arXiv 1704.00028)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_choice, check_float, check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen.losses import gradient_penalty, wasserstein_critic_loss, wasserstein_generator_loss
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training.averaging import ExponentialMovingAverage
from qiskit_qgen.training.distributed import average_gradients, check_divisible, gather_rows, part, part_of
from qiskit_qgen.training.phase import AbstractPhase
from qiskit_qgen.training.rank_sources import draw_noise
from qiskit_qgen.training.schedules import SCHEDULES, Schedule

_SAMPLE_BATCH = 512


@dataclass(frozen=True, kw_only=True)
class WassersteinOptions:
    """How generator and critic are trained; all defaults are our own choice unless the field says otherwise."""

    n_critic: int = 3
    """Critic steps for each generator step."""

    gradient_penalty: float = 0.1
    """Weight of the gradient penalty."""

    replay: int = 16
    """Number of the generator's last batches from which the critic's generated samples are drawn, so that the generator
    runs once per step; 0 draws fresh samples for each critic step."""

    generator_batch_size: int | None = None
    """Samples in a batch of the generator's own step; None takes half of the data's batch."""

    generator_learning_rate: float = 1e-3
    """Adam's learning rate of the generator at its highest."""

    critic_learning_rate: float = 1e-3
    """Adam's learning rate of the critic at its highest."""

    betas: tuple[float, float] = (0.0, 0.9)
    """Decay rates of Adam's moments, each in [0, 1), for both networks."""

    clip_norm: float | None = None
    """Largest norm of the gradient of each network; longer ones are shortened. None leaves them as they are."""

    ema_decay: float = 0.999
    """Decay of the moving average of the generator's weights, in [0, 1); 0 follows the weights exactly."""

    lr_schedule: Schedule = "cosine"
    """Schedule of both learning rates: "constant", "linear" or "cosine"."""

    warmup: float = 0.03
    """Part of the steps over which the learning rates rise from 0, in [0, 1)."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ArgumentError: If one is out of its range.
        """
        check_int("n_critic", self.n_critic, minimum=1)
        check_int("replay", self.replay, minimum=0)
        if self.generator_batch_size is not None:
            check_int("generator_batch_size", self.generator_batch_size, minimum=1)
        check_float("gradient_penalty", self.gradient_penalty, minimum=0)
        for name in ("generator_learning_rate", "critic_learning_rate"):
            check_float(name, getattr(self, name), minimum=0, open_minimum=True)
        for index, beta in enumerate(self.betas):
            check_float(f"betas[{index}]", beta, minimum=0, maximum=1, open_maximum=True)
        if self.clip_norm is not None:
            check_float("clip_norm", self.clip_norm, minimum=0, open_minimum=True)
        check_float("ema_decay", self.ema_decay, minimum=0, maximum=1, open_maximum=True)
        check_choice("lr_schedule", self.lr_schedule, SCHEDULES)
        check_float("warmup", self.warmup, minimum=0, maximum=1, open_maximum=True)

    def generator_passes(self, num_steps: int, batch_size: int) -> list[tuple[int, int, bool]]:
        """Return how often a training calls the generator: (number of calls, samples in each, whether for a gradient).

        Args:
            num_steps: Steps of the training.
            batch_size: Samples in a batch of the critic.
        """
        fresh = min(num_steps, self.replay) if self.replay else num_steps
        own = self.generator_batch_size or max(batch_size // 2, 1)
        return [(fresh, self.n_critic * batch_size, False), (num_steps, own, True)]


class WassersteinPhase(AbstractPhase):
    """Trains a generator against a critic.

    One step does ``n_critic`` updates of the critic, each with its own batch of data, and then one of the generator.
    The critic's generated samples come from the generator's last batches (``replay``), once there are enough of them.

    Args:
        generator: Maps noise (N, dim) to samples.
        critic: Gives one value (N,) per sample.
        noise: The source of noise.
        data: Returns the real samples (N, ...), in the generator's space; called when the phase begins, so that they
            may depend on what earlier phases have trained.
        options: Settings of the losses and optimisers.
        sample_shape: Shape of one sample.
        num_steps: Number of steps.
        batch_size: Samples in a batch of the critic.
        seed: Seed of the run.
        modules: Further networks that a checkpoint must hold, by name.
        to_images: Turns samples into pictures (N, C, H, W) in [0, 1] for previews; None if they are no pictures.

    Raises:
        ArgumentError: If ``num_steps`` is negative, or a batch's size is not positive or not divisible by the number of
            processes that train together.
    """

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        noise: AbstractNoise,
        data: Callable[[], Tensor],
        *,
        options: WassersteinOptions,
        sample_shape: tuple[int, ...],
        num_steps: int,
        batch_size: int,
        seed: int,
        modules: dict[str, nn.Module] | None = None,
        to_images: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self._batch_size = check_divisible("batch_size", batch_size)
        _, (_, own_batch_size, _) = options.generator_passes(num_steps, self._batch_size)
        self._own_batch_size = check_divisible("generator_batch_size", own_batch_size)
        self._replay = torch.zeros(options.replay, self._own_batch_size, *sample_shape)
        rates = {"generator": options.generator_learning_rate, "critic": options.critic_learning_rate}
        networks = {"generator": generator, "critic": critic}
        super().__init__(
            "adversarial",
            num_steps=num_steps,
            seed=seed,
            modules={**(modules or {}), **networks},
            optimizers={
                name: torch.optim.Adam(
                    network.parameters(), lr=rates[name], betas=(float(options.betas[0]), float(options.betas[1]))
                )
                for name, network in networks.items()
            },
            averages={"generator": ExponentialMovingAverage(generator, options.ema_decay)},
            tensors={"replay": self._replay},
            lr_schedule=options.lr_schedule,
            warmup=options.warmup,
        )
        self.generator = generator
        self.critic = critic
        self.average = self.averages["generator"]
        self._noise = noise
        self._data = data
        self._options = options
        self._to_images = to_images

    def begin(self) -> None:
        """Fetch the real samples, (N, ...) in the generator's space, which are then the attribute ``real``."""
        self.real = self._data()
        self._order = self.batch_order(len(self.real), self._batch_size)

    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do the critic's updates and the generator's; return their losses, averaged over the critic's updates.

        `critic_loss` includes its penalty, `gradient_penalty` is without its weight, `wasserstein_distance` is the
        critic's estimate of the distance in units of its own slope.
        """
        options, randomness = self._options, self.step_generator(step)
        self.generator.train()
        totals: dict[str, Tensor] = {}
        for index, fake in enumerate(self._fakes(step, randomness)):
            real = self.real[part_of(self._order.batch(step * options.n_critic + index))]
            for name, value in self._update_critic(real, fake, randomness).items():
                totals[name] = totals.get(name, torch.zeros(())) + value / options.n_critic
        samples = self.generator(part_of(draw_noise(self._noise, self._own_batch_size, randomness)))
        generator_loss = wasserstein_generator_loss(self.critic(samples))
        self._update("generator", self.generator, generator_loss)
        if options.replay:
            self._replay[step % options.replay] = gather_rows(samples.detach())
        self.average.update(step)
        return {**totals, "generator_loss": generator_loss.detach()}

    @torch.no_grad()
    def _fakes(self, step: int, randomness: torch.Generator) -> tuple[Tensor, ...]:
        """The generated samples of all critic updates of a step: replayed ones if there are enough, or else fresh."""
        count = self._options.n_critic * self._batch_size
        if 0 < self._options.replay <= step:
            kept = self._replay.flatten(0, 1)
            chosen = self._own(torch.randint(len(kept), (count,), generator=randomness))
            return tuple(kept[rows] for rows in chosen)
        noise = self._own(draw_noise(self._noise, count, randomness))
        # One call for all updates, as the generator does not change between them.
        fakes: Tensor = self.generator(torch.cat(noise))
        return fakes.split(len(noise[0]))

    def _own(self, drawn: Tensor) -> list[Tensor]:
        """This rank's rows of what was drawn for all updates of a step."""
        return [part_of(each) for each in drawn.split(self._batch_size)]

    def _update_critic(self, real: Tensor, fake: Tensor, randomness: torch.Generator) -> dict[str, Tensor]:
        loss = wasserstein_critic_loss(self.critic(real), self.critic(fake))
        penalty = gradient_penalty(self.critic, real, fake, generator=randomness, part=part())
        total = loss + self._options.gradient_penalty * penalty
        self._update("critic", self.critic, total)
        return {
            "critic_loss": total.detach(),
            "wasserstein_distance": -loss.detach(),
            "gradient_penalty": penalty.detach(),
        }

    def _update(self, name: str, network: nn.Module, loss: Tensor) -> None:
        weights = list(network.parameters())
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        # Gradients are summed up in this network's weights alone, although the loss depends on both networks'.
        loss.backward(inputs=weights)
        average_gradients(weights)
        if self._options.clip_norm is not None:
            nn.utils.clip_grad_norm_(weights, self._options.clip_norm)
        optimizer.step()

    @torch.no_grad()
    def sample(self, num_samples: int, seed: int) -> Tensor:
        """Return samples (num_samples, ...) of the averaged generator, in its own space; a seed fixes their noise."""
        noise = self._noise.sample(num_samples, torch_generator(seed, self._stream, 2))
        with self.average.applied() as generator:
            training = generator.training
            generator.eval()
            samples = torch.cat([generator(part) for part in noise.split(_SAMPLE_BATCH)])
            generator.train(training)
        return samples

    @torch.no_grad()
    def preview(self, num_images: int, seed: int) -> Tensor | None:
        """Return pictures of the averaged generator, or None if its samples are no pictures."""
        return None if self._to_images is None else self._to_images(self.sample(num_images, seed))
