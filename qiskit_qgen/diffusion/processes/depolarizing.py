"""Images whose pixels are qubits that depolarise."""

from __future__ import annotations

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int
from qiskit_qgen.diffusion.processes.base import AbstractForwardProcess


class DepolarizingProcess(AbstractForwardProcess):
    """Each pixel a qubit, ``RY(2 arcsin sqrt(x))|0>``, that is depolarised and then measured.

    The channel of arXiv 2308.12013, ``rho -> (1 - p) rho + p I / 2``, acts once in each step; after t steps
    ``1 - p_t = cos^2(pi/2 t/T)`` and a shot gives 1 with probability ``(1 - p_t) x + p_t / 2``. The pixel read is the
    mean of ``shots`` shots. In the end it is a fair coin's. The encoding of one pixel to a qubit and the schedule are
    our choice. Backwards, each shot is a bit that the steps between t and u replaced by a fair coin with
    probability ``1 - (1 - p_t) / (1 - p_u)``; it is drawn by Bayes' rule.

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
        strengths = self.table("strengths", x0.device)[steps].to(x0).view(-1, *[1] * (x0.dim() - 1))
        return self._measured(self._ones(x0, strengths), generator)

    def go_back(self, x_t: Tensor, x0: Tensor, step: int, earlier: int, generator: torch.Generator) -> Tensor:
        """Draw the means of the earlier shots."""
        strengths = self.strengths.tolist()
        before, now = strengths[earlier], strengths[step]
        replaced = 1 - (1 - now) / (1 - before)
        ones = self._ones(x0, before)
        stay, flip = 1 - replaced / 2, replaced / 2
        from_one = stay * ones / (stay * ones + flip * (1 - ones)).clamp(min=1e-12)
        from_zero = flip * ones / (flip * ones + stay * (1 - ones)).clamp(min=1e-12)
        count = (x_t * self.shots).round()
        is_one = torch.arange(self.shots, device=x0.device).view(-1, *[1] * x0.dim()) < count
        ones_before = self._draws(x0, generator) < torch.where(is_one, from_one, from_zero)
        return ones_before.sum(0) / self.shots

    def prior(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw the means of fair coins."""
        return self._measured(torch.full(shape, 0.5), generator)

    def _ones(self, x0: Tensor, strength: Tensor | float) -> Tensor:
        """Probability that a shot gives 1."""
        return (1 - strength) * x0 + strength / 2

    def _measured(self, probabilities: Tensor, generator: torch.Generator) -> Tensor:
        return (self._draws(probabilities, generator) < probabilities).sum(0) / self.shots

    def _draws(self, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a number in [0, 1) for each shot of each pixel, (shots, ...)."""
        return torch.rand(self.shots, *like.shape, generator=generator).to(like)

    def __repr__(self) -> str:
        return f"DepolarizingProcess(num_steps={self.num_steps}, shots={self.shots})"
