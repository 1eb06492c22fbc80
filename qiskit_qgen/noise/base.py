"""What every source of noise offers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int, check_shape


class AbstractNoise(ABC):
    """A distribution of random vectors that a generative model draws from.

    A source holds no random state: the same generator state gives the same vectors.

    Args:
        dim: Length of each vector.

    Attributes:
        dim: Length of each vector.

    Raises:
        ArgumentError: If ``dim`` is not a positive integer.
    """

    def __init__(self, dim: int) -> None:
        self.dim = check_int("dim", dim, minimum=1)

    @property
    def is_repeatable(self) -> bool:
        """Whether the same generator state gives the same vectors, as it does unless they come from elsewhere."""
        return True

    @property
    def num_categories(self) -> int:
        """How many of a vector's last components are a category as a unit vector: none unless the source says so."""
        return 0

    def sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        """Draw vectors.

        Args:
            num_samples: Number of vectors.
            generator: Source of randomness, on the CPU.

        Returns:
            float32 tensor of shape (num_samples, dim), on the CPU.

        Raises:
            ArgumentError: If ``num_samples`` is not a positive integer, or a source of your own draws other shapes.
        """
        drawn = self._sample(check_int("num_samples", num_samples, minimum=1), generator)
        fits = tuple(drawn.shape) == (num_samples, self.dim)
        check_shape(f"noise of {type(self).__name__}", drawn.shape, f"({num_samples}, {self.dim})", fits)
        return drawn

    @abstractmethod
    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        """Draw ``num_samples`` vectors; ``num_samples`` is checked."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dim={self.dim})"
