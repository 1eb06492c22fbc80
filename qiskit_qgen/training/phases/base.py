"""A phase of a training: what one step does, and all that must be saved to continue it."""

from __future__ import annotations

import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from qiskit_qgen._random import torch_generator
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.simulator.cpu.threads import torch_on_one_thread
from qiskit_qgen.training.averaging import ExponentialMovingAverage
from qiskit_qgen.training.batches import BatchOrder
from qiskit_qgen.training.distributed import average_gradients, part_of
from qiskit_qgen.training.rank_sources import draw_noise
from qiskit_qgen.training.schedules import Schedule, learning_rate_factor

_STEP_STREAM, _ORDER_STREAM, _SAMPLE_STREAM = 0, 1, 2
_SAMPLE_BATCH = 512
_SMALL_LAYER = 2**16  # weights of a layer whose product with a batch takes less time than synchronising threads


class AbstractPhase(ABC):
    """One part of a training, such as the autoencoder phase or the adversarial phase.

    A step may depend on its number, the seed, the data and the tensors of ``modules``, ``optimizers``, ``averages`` and
    ``tensors``, and on nothing else: this makes a resumed run equal to an uninterrupted one, bit for bit.
    Randomness comes from :meth:`step_generator`, the order of the data from :meth:`batch_order`. All tensors are on the
    networks' device; random numbers are drawn on the CPU and moved, so that a seed means the same on every device.

    Args:
        name: Name of the phase in the history and in messages.
        num_steps: Number of steps.
        seed: Seed of the whole run.
        modules: Networks that the phase changes, by name; a name means the same network in every phase of a run.
        optimizers: Optimizers of the phase, by name.
        averages: Moving averages of networks, by name.
        tensors: All other tensors that a step depends on, by name; changed in place.
        lr_schedule: Schedule of all learning rates over the phase.
        warmup: Fraction of the steps over which the learning rates warm up, in [0, 1).
    """

    def __init__(
        self,
        name: str,
        *,
        num_steps: int,
        seed: int,
        modules: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        averages: Mapping[str, ExponentialMovingAverage] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        lr_schedule: Schedule = "constant",
        warmup: float = 0.0,
    ) -> None:
        self.name = name
        self.num_steps = num_steps
        self.seed = seed
        self.modules = dict(modules)
        self.optimizers = dict(optimizers)
        self.averages = dict(averages or {})
        self.tensors = dict(tensors or {})
        self._lr_schedule: Schedule = lr_schedule
        self._warmup = warmup
        self._base_rates = {name: [group["lr"] for group in opt.param_groups] for name, opt in self.optimizers.items()}
        self._stream = zlib.crc32(name.encode())

    @property
    def device(self) -> torch.device:
        """The device of the networks."""
        weights = (weight for module in self.modules.values() for weight in module.parameters())
        first = next(weights, None)
        return torch.device("cpu") if first is None else first.device

    def begin(self) -> None:  # noqa: B027 - a hook that most phases leave empty
        """Compute what the phase needs that is not in a checkpoint; called before its first step and after a resume."""

    def threads(self) -> AbstractContextManager[None]:
        """Return the context of a step: a single torch thread if the networks are too small to gain from more.

        Circuits keep their threads, and so does torch if the environment variable ``OMP_NUM_THREADS`` sets a number.
        """
        weights = [
            w for optimizer in self.optimizers.values() for group in optimizer.param_groups for w in group["params"]
        ]
        small = all(weight.ndim <= 2 and weight.numel() <= _SMALL_LAYER for weight in weights)
        return torch_on_one_thread() if small and "OMP_NUM_THREADS" not in os.environ else nullcontext()

    @abstractmethod
    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do step number ``step``, counted from 0, and return its losses as scalar tensors by name."""

    def preview(self, num_images: int, seed: int) -> Tensor | None:  # noqa: ARG002
        """Return images (N, C, H, W) in [0, 1] that show the progress of the phase, or None if it has none."""
        return None

    def step_generator(self, step: int) -> torch.Generator:
        """Return the random generator of step ``step``."""
        return torch_generator(self.seed, self._stream, _STEP_STREAM, step)

    def batch_order(self, num_samples: int, batch_size: int) -> BatchOrder:
        """Return the order of the phase's data."""
        return BatchOrder(num_samples, batch_size, seed=self.seed, stream=(self._stream, _ORDER_STREAM))

    def own_rows(self, drawn: Tensor) -> Tensor:
        """Return this process's rows of a whole batch, on the networks' device."""
        return part_of(drawn).to(self.device)

    def descend(self, name: str, loss: Tensor, weights: Iterable[nn.Parameter], clip_norm: float | None = None) -> None:
        """Do one step of the optimizer ``name`` along the gradient of ``loss`` with respect to ``weights`` only."""
        chosen = [weight for weight in weights if weight.requires_grad]
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward(inputs=chosen)
        average_gradients(chosen)
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(chosen, clip_norm)
        self.optimizers[name].step()

    def set_learning_rates(self, step: int) -> None:
        """Set the learning rates of all optimizers to their values at ``step``."""
        factor = learning_rate_factor(self._lr_schedule, step, self.num_steps, warmup=self._warmup)
        for name, optimizer in self.optimizers.items():
            for group, rate in zip(optimizer.param_groups, self._base_rates[name], strict=True):
                group["lr"] = rate * factor


class AbstractGeneratorPhase(AbstractPhase):
    """A phase that trains a generator from noise to samples; the moving average of its weights is used for sampling.

    Args:
        generator: Maps noise (N, dim) to samples.
        noise: The source of noise.
        ema_decay: Decay of the moving average, in [0, 1).
        **options: As for :class:`AbstractPhase`.
    """

    real: Tensor
    """The real samples (N, ...) in the generator's own space, once the phase has begun."""

    def __init__(self, generator: nn.Module, noise: AbstractNoise, *, ema_decay: float, **options: Any) -> None:
        self.generator, self.noise = generator, noise
        self.average = ExponentialMovingAverage(generator, ema_decay)
        super().__init__("adversarial", averages={"generator": self.average}, **options)

    def draw(self, num_samples: int, randomness: torch.Generator) -> Tensor:
        """Draw this process's part of ``num_samples`` noise vectors, on the networks' device."""
        return self.own_rows(draw_noise(self.noise, num_samples, randomness))

    @torch.no_grad()
    def sample(self, num_samples: int, seed: int) -> Tensor:
        """Return samples (num_samples, ...) from the averaged generator, in its own space; a seed fixes their noise."""
        noise = self.noise.sample(num_samples, torch_generator(seed, self._stream, _SAMPLE_STREAM)).to(self.device)
        with self.average.applied() as generator:
            training = generator.training
            generator.eval()
            samples = torch.cat([generator(rows) for rows in noise.split(_SAMPLE_BATCH)])
            generator.train(training)
        return samples


def adam(weights: Iterable[nn.Parameter], rate: float, betas: tuple[float, float]) -> Optimizer:
    """Return Adam for the trainable ``weights``.

    Raises:
        ArgumentError: If none can be.
    """
    return torch.optim.Adam(_trained(weights), lr=rate, betas=betas)


def adadelta(weights: Iterable[nn.Parameter], rate: float) -> Optimizer:
    """Return Adadelta (arXiv 1212.5701), with the constants of Keras, for the trainable ``weights``.

    Raises:
        ArgumentError: If none can be.
    """
    return torch.optim.Adadelta(_trained(weights), lr=rate, rho=0.95, eps=1e-7)


def _trained(weights: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    trained = [weight for weight in weights if weight.requires_grad]
    if not trained:
        raise ArgumentError(
            "Each network must have a weight that requires a gradient to be trained, but one has none: call "
            "`requires_grad_(True)` on it."
        )
    return trained
