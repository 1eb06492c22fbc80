"""Other ways for pictures to drown than in Gaussian noise: depolarisation, and a quantum stochastic walk.

Both take a pixel for itself and have a known end that no longer depends on the picture. A network that is trained to
see ``x_0`` in ``x_t`` turns each into a generative model: from the end, predict ``x_0``, drown it again for one step
less, and so on (:func:`sample_by_drowning`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int


class AbstractForwardProcess(ABC):
    """A course of ``num_steps`` steps from pictures to noise.

    Args:
        num_steps: Number of steps.

    Raises:
        ArgumentError: If ``num_steps`` is not a positive integer.
    """

    def __init__(self, num_steps: int) -> None:
        self.num_steps = check_int("num_steps", num_steps, minimum=1)

    @abstractmethod
    def add_noise(self, x0: Tensor, steps: Tensor, generator: torch.Generator) -> Tensor:
        """Draw ``x_t`` of pictures (N, ...) in [0, 1] after ``steps`` (N,), counted from 0, are done."""

    @abstractmethod
    def prior(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw from the distribution in which every picture ends."""


class DepolarizingProcess(AbstractForwardProcess):
    """Each pixel a qubit, ``RY(2 arcsin sqrt(x))|0>``, that is depolarised and then measured.

    The channel of arXiv 2308.12013, ``rho -> (1 - p) rho + p I / 2``, acts once in each step; after t steps
    ``1 - p_t = cos^2(pi/2 t/T)`` and a shot gives 1 with probability ``(1 - p_t) x + p_t / 2``. The pixel read is the
    mean of ``shots`` shots. In the end it is a fair coin's. The encoding of one pixel to a qubit and the schedule are
    our own choice.

    Args:
        num_steps: Number T of steps.
        shots: Shots for each pixel.

    Raises:
        ArgumentError: If a number is not positive.
    """

    def __init__(self, num_steps: int = 100, *, shots: int = 16) -> None:
        super().__init__(num_steps)
        self.shots = check_int("shots", shots, minimum=1)
        times = torch.arange(1, num_steps + 1, dtype=torch.float64) / num_steps
        self.strengths = 1 - torch.cos(times * torch.pi / 2).square()
        """p after each step, (T,)."""

    def add_noise(self, x0: Tensor, steps: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the means of the shots, of the shape of ``x0``."""
        strength = self.strengths[steps].to(x0).view(-1, *[1] * (x0.dim() - 1))
        return self._measured((1 - strength) * x0 + strength / 2, generator)

    def prior(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw the means of fair coins."""
        return self._measured(torch.full(shape, 0.5), generator)

    def _measured(self, probabilities: Tensor, generator: torch.Generator) -> Tensor:
        counts = torch.full_like(probabilities, float(self.shots))
        return torch.binomial(counts, probabilities.clamp(0, 1), generator=generator) / self.shots


class StochasticWalkProcess(AbstractForwardProcess):
    """Each pixel a walker on a ring of grey levels, partly quantum, partly classical, as in arXiv 2505.22193.

    ``d rho / dt = -i (1 - w) [H, rho] + w sum_jk (L rho L* - {L* L, rho} / 2)``, with H the ring's adjacency matrix and
    ``L = |j><k|`` for neighbours j, k. A picture is rounded to the levels; where its walker is found after the time t
    is ``x_t``. For w > 0 all levels end equally likely.

    Args:
        num_steps: Number of steps, of equal time.
        levels: Number of grey levels, from 3 to 16.
        mixing: w in (0, 1]: 1 is the classical random walk; near 0 almost all is quantum.
        duration: Time at the last step, positive; None takes the time in which the slowest difference falls to 1 part
            in 1000.

    Raises:
        ArgumentError: If a number is out of range.
    """

    def __init__(
        self, num_steps: int = 100, *, levels: int = 8, mixing: float = 0.3, duration: float | None = None
    ) -> None:
        super().__init__(num_steps)
        self.levels = check_int("levels", levels, minimum=3, maximum=16)
        self.mixing = check_float("mixing", mixing, minimum=0, maximum=1, open_minimum=True)
        generator = _lindblad(self.levels, self.mixing)
        if duration is None:
            slowest = np.sort(np.linalg.eigvals(generator).real)[-2]
            duration = float(np.log(1000.0) / -slowest)
        self.duration = check_float("duration", duration, minimum=0, open_minimum=True)
        self.transitions = torch.from_numpy(_transitions(generator, self.levels, num_steps, self.duration))
        """Probability of each level after each step, [step][level at the start][level], (T, levels, levels)."""

    def add_noise(self, x0: Tensor, steps: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the walkers' levels as numbers in [0, 1], of the shape of ``x0``."""
        start = (x0 * (self.levels - 1)).round().long().clamp(0, self.levels - 1)
        index = steps.view(-1, *[1] * (x0.dim() - 1)).expand_as(start)
        return self._found(self.transitions[index, start], generator).to(x0)

    def prior(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw levels that are all equally likely."""
        return torch.randint(self.levels, shape, generator=generator) / (self.levels - 1)

    def _found(self, probabilities: Tensor, generator: torch.Generator) -> Tensor:
        points = torch.rand(probabilities.shape[:-1], generator=generator, dtype=torch.float64)
        below = probabilities.cumsum(-1)[..., :-1] <= points.unsqueeze(-1)
        return below.sum(-1) / (self.levels - 1)


def sample_by_drowning(
    model: Callable[[Tensor, Tensor], Tensor],
    process: AbstractForwardProcess,
    shape: tuple[int, ...],
    generator: torch.Generator,
) -> Tensor:
    """Sample with a network that predicts ``x_0``: predict it, drown it again for one step less, from the end on.

    Args:
        model: Noisy pictures (N, ...) in [0, 1] and their steps (N,) to clean ones.
        process: The process that the network was trained with.
        shape: (N, ...).
        generator: Source of randomness.

    Returns:
        Pictures in [0, 1].
    """
    x = process.prior(shape, generator)
    for step in range(process.num_steps - 1, -1, -1):
        steps = torch.full(shape[:1], step, dtype=torch.int64)
        x = model(x, steps).clamp(0, 1)
        if step:
            x = process.add_noise(x, steps - 1, generator)
    return x


def _lindblad(levels: int, mixing: float) -> NDArray[np.complex128]:
    """The generator on density matrices, flattened row by row."""
    one = np.eye(levels)
    ring = np.roll(one, 1, axis=0) + np.roll(one, -1, axis=0)
    generator = -1j * (1 - mixing) * (np.kron(ring, one) - np.kron(one, ring.T))
    for j, k in zip(*np.nonzero(ring), strict=True):
        hop = np.outer(one[j], one[k])
        left = hop.T @ hop
        generator += mixing * (np.kron(hop, hop) - (np.kron(left, one) + np.kron(one, left)) / 2)
    return generator


def _transitions(
    generator: NDArray[np.complex128], levels: int, num_steps: int, duration: float
) -> NDArray[np.float64]:
    from scipy.linalg import expm  # slow to import

    step = expm(generator * duration / num_steps)
    diagonal = np.arange(levels) * (levels + 1)
    columns = np.eye(levels**2, dtype=np.complex128)[:, diagonal]
    found = []
    for _ in range(num_steps):
        columns = step @ columns
        found.append(columns[diagonal].real.T.clip(0))
    table = np.array(found)
    return np.asarray(table / table.sum(-1, keepdims=True))
