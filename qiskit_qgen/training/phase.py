"""A phase of a training: what one step does, and all that must be saved to continue it."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from qiskit_qgen._checks import check_choice, check_float, check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen.training.averaging import ExponentialMovingAverage
from qiskit_qgen.training.batches import BatchOrder
from qiskit_qgen.training.schedules import SCHEDULES, Schedule, learning_rate_factor

_STEP_STREAM, _ORDER_STREAM = 0, 1


class AbstractPhase(ABC):
    """One part of a training, such as the autoencoder's or the adversarial one.

    A step may depend on its number, the seed, the data and the tensors of ``modules``, ``optimizers``, ``averages`` and
    ``tensors``, and on nothing else: this is what makes a resumed run equal an uninterrupted one bit for bit.
    Randomness comes from :meth:`step_generator`, the order of the data from :meth:`batch_order`.

    Args:
        name: Name of the phase in the history and in messages.
        num_steps: Number of steps.
        seed: Seed of the whole run.
        modules: Networks that the phase changes, by name; a name means the same network in every phase of a run.
        optimizers: Optimizers of the phase, by name.
        averages: Moving averages of networks, by name.
        tensors: Whatever else a step depends on, by name; changed in place.
        lr_schedule: Schedule of all learning rates over the phase.
        warmup: Part of the steps over which the learning rates rise, in [0, 1).

    Raises:
        ArgumentError: If ``num_steps`` is negative, ``lr_schedule`` is unknown or ``warmup`` is out of range.
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
        self.num_steps = check_int("num_steps", num_steps, minimum=0)
        self.seed = seed
        self.modules = dict(modules)
        self.optimizers = dict(optimizers)
        self.averages = dict(averages or {})
        self.tensors = dict(tensors or {})
        check_choice("lr_schedule", lr_schedule, SCHEDULES)
        self._lr_schedule: Schedule = lr_schedule
        self._warmup = check_float("warmup", warmup, minimum=0, maximum=1, open_maximum=True)
        self._base_rates = {name: [group["lr"] for group in opt.param_groups] for name, opt in self.optimizers.items()}
        self._stream = zlib.crc32(name.encode())

    def begin(self) -> None:  # noqa: B027 - a hook that most phases leave empty
        """Compute what the phase needs and no checkpoint holds; called before its first step and after a resume."""

    @abstractmethod
    def train_step(self, step: int) -> dict[str, Tensor]:
        """Do step number ``step``, counted from 0, and return its losses as scalar tensors by name."""

    def preview(self, num_images: int, seed: int) -> Tensor | None:  # noqa: ARG002
        """Return pictures (N, C, H, W) in [0, 1] that show how the phase stands, or None if it has none to show."""
        return None

    def step_generator(self, step: int) -> torch.Generator:
        """Return the random generator of step ``step``."""
        return torch_generator(self.seed, self._stream, _STEP_STREAM, step)

    def batch_order(self, num_samples: int, batch_size: int) -> BatchOrder:
        """Return the order of the phase's data."""
        return BatchOrder(num_samples, batch_size, seed=self.seed, stream=(self._stream, _ORDER_STREAM))

    def set_learning_rates(self, step: int) -> None:
        """Set the learning rates of all optimizers to their values at ``step``."""
        factor = learning_rate_factor(self._lr_schedule, step, self.num_steps, warmup=self._warmup)
        for name, optimizer in self.optimizers.items():
            for group, rate in zip(optimizer.param_groups, self._base_rates[name], strict=True):
                group["lr"] = rate * factor
