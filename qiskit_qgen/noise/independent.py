"""Vectors of independent components, normal or uniform."""

from __future__ import annotations

import torch
from torch import Tensor

from qiskit_qgen.noise.base import AbstractNoise, straight


class GaussianNoise(AbstractNoise):
    """Standard normal vectors, ``z ~ N(0, I)``.

    Args:
        dim: Length of each vector.

    Raises:
        ArgumentError: If ``dim`` is not a positive integer.
    """

    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        return torch.randn(num_samples, self.dim, generator=generator)


class UniformNoise(AbstractNoise):
    """Vectors with independent components, uniform in [-1, 1).

    Args:
        dim: Length of each vector.

    Raises:
        ArgumentError: If ``dim`` is not a positive integer.
    """

    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        return 2 * torch.rand(num_samples, self.dim, generator=generator) - 1

    def _between(self, start: Tensor, end: Tensor, t: Tensor) -> Tensor:
        return straight(start, end, t)  # a great circle can leave the cube
