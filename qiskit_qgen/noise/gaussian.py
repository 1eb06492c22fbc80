"""Independent normal noise."""

from __future__ import annotations

import torch
from torch import Tensor

from qiskit_qgen.noise.base import AbstractNoise


class GaussianNoise(AbstractNoise):
    """Standard normal vectors, ``z ~ N(0, I)``.

    Args:
        dim: Length of each vector.

    Raises:
        ArgumentError: If ``dim`` is not a positive integer.
    """

    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        return torch.randn(num_samples, self.dim, generator=generator)

    def __repr__(self) -> str:
        return f"GaussianNoise(dim={self.dim})"
