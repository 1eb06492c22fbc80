"""Images whose pixels walk over the grey levels, partly quantum, partly classical."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen.diffusion.processes.base import AbstractForwardProcess

_LEAST_SHARE = 1e-3


class StochasticWalkProcess(AbstractForwardProcess):
    """Each pixel a walker on a ring of grey levels, partly quantum, partly classical, as in arXiv 2505.22193.

    ``d rho / dt = -i (1 - w) [H, rho] + w sum_jk (L rho L* - {L* L, rho} / 2)``, with H the ring's adjacency matrix and
    ``L = |j><k|`` for neighbours j, k. A pixel starts at one of the two levels next to it, the nearer one more often,
    so that its mean is kept; where its walker is found after the time t is ``x_t``. For w > 0 all levels end equally
    likely. A quantum walk has no states between its measurements: backwards, the walker is drawn so that it is where
    it was found as often as the distributions at the two times allow. A network says a score for each level, whose
    softmax is the probability that the walker started there. This and the step times are our choice.

    Args:
        num_steps: Number T of steps; step k ends at the time ``duration (k / T)^2``.
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

    @property
    def num_outputs(self) -> int:
        """One for each level."""
        return self.levels

    def error(self, output: Tensor, x0: Tensor) -> Tensor:
        """Return the cross-entropy (N,) of the levels' scores (N, C * levels, H, W)."""
        return -(self._shares(x0) * self._scores(output).log_softmax(2)).sum(2).mean((1, 2, 3))

    def constant_output(self, images: Tensor) -> Tensor:
        """Return the logarithm of each level's share in all images, (C * levels,)."""
        shares = self._shares(images).mean((0, 3, 4))
        return shares.clamp(min=_LEAST_SHARE).log().flatten()

    def clean(self, output: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return the levels as numbers in [0, 1]: drawn, or their mean without generator."""
        probabilities = self._scores(output).softmax(2).movedim(2, -1)
        if generator is None:
            return probabilities @ torch.linspace(0, 1, self.levels, device=output.device, dtype=output.dtype)
        return self._found(probabilities.double(), generator).to(output)

    def add_noise(self, x0: Tensor, steps: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the walkers' levels as numbers in [0, 1], of the shape of ``x0``."""
        start = self._start(x0, generator)
        index = steps.view(-1, *[1] * (x0.dim() - 1)).expand_as(start)
        return self._found(self.table("transitions", x0.device)[index, start], generator).to(x0)

    def go_back(self, x_t: Tensor, x0: Tensor, step: int, earlier: int, generator: torch.Generator) -> Tensor:
        """Draw the walkers' earlier levels as numbers in [0, 1]."""
        transitions = self.table("transitions", x0.device)
        starts = self._shares(x0, -1).to(transitions)
        before, now = (starts @ transitions[index] for index in (earlier, step))
        common = torch.minimum(before, now)
        level = (x_t * (self.levels - 1)).round().long().clamp(0, self.levels - 1).unsqueeze(-1)
        kept = torch.rand(x0.shape, generator=generator, dtype=torch.float64).to(x0.device)
        stays = kept * now.gather(-1, level)[..., 0] < common.gather(-1, level)[..., 0]
        rest = before - common
        moved = self._found(rest / rest.sum(-1, keepdim=True).clamp(min=1e-300), generator)
        return torch.where(stays, level[..., 0] / (self.levels - 1), moved).to(x0)

    def prior(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw levels that are all equally likely."""
        return torch.randint(self.levels, shape, generator=generator) / (self.levels - 1)

    def _shares(self, x0: Tensor, dim: int = 2) -> Tensor:
        """Probability that a walker starts at each level, (N, C, levels, H, W) or with the levels along ``dim``."""
        places = x0.clamp(0, 1).unsqueeze(-1) * (self.levels - 1)
        return (1 - (places - torch.arange(self.levels, device=x0.device)).abs()).clamp(min=0).movedim(-1, dim)

    def _scores(self, output: Tensor) -> Tensor:
        """The scores by level, (N, C, levels, H, W)."""
        scores: Tensor = output.unflatten(1, (-1, self.levels))
        return scores

    def _start(self, x0: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the level at which each walker starts."""
        places = x0.clamp(0, 1) * (self.levels - 1)
        return (places + torch.rand(x0.shape, generator=generator).to(x0)).floor().long().clamp(max=self.levels - 1)

    def _found(self, probabilities: Tensor, generator: torch.Generator) -> Tensor:
        points = torch.rand(probabilities.shape[:-1], generator=generator, dtype=torch.float64).to(probabilities.device)
        below = probabilities.cumsum(-1)[..., :-1] <= points.unsqueeze(-1)
        return below.sum(-1) / (self.levels - 1)

    def __repr__(self) -> str:
        return (
            f"StochasticWalkProcess(num_steps={self.num_steps}, levels={self.levels}, mixing={self.mixing:g}, "
            f"duration={self.duration:g})"
        )


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

    # After k of T steps the time is duration (k / T)^2: so many of these least times, k^2, of which 2k + 1 come next.
    least = expm(generator * duration / num_steps**2)
    twice, further = least @ least, least
    diagonal = np.arange(levels) * (levels + 1)
    columns = np.eye(levels**2, dtype=np.complex128)[:, diagonal]
    found = []
    for _ in range(num_steps):
        columns, further = further @ columns, further @ twice
        found.append(columns[diagonal].real.T.clip(0))
    table = np.array(found)
    return np.asarray(table / table.sum(-1, keepdims=True))
