"""Noise with a continuous part and a category."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from qiskit_qgen._checks import check_type
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.noise.base import AbstractNoise, straight


class CategoricalNoise(AbstractNoise):
    """Vectors ``[z, e_k]``: noise z of another source, and a category k as a unit vector.

    A continuous map of z alone puts mass between the modes of what it makes; with a category it need not. The category
    is a classical choice: in a circuit it changes angles only.

    Args:
        continuous: The source of z.
        probabilities: Probability of each category, (K,), up to a common factor. A tensor is kept, not copied, so that
            it may be filled later.

    Attributes:
        continuous: The source of z.
        probabilities: As given.

    Raises:
        ArgumentError: If there is no category, or a probability is negative or not finite, or all are 0.
        ArgumentTypeError: If ``continuous`` is not a source of noise.
    """

    def __init__(self, continuous: AbstractNoise, probabilities: Tensor) -> None:
        check_type("continuous", continuous, AbstractNoise, "a source of noise")
        weights = torch.as_tensor(probabilities)
        if weights.dim() != 1 or not len(weights) or not _are_probabilities(weights):
            raise ArgumentError(
                "Argument `probabilities` must be a vector of finite numbers, none negative and one of them positive."
            )
        super().__init__(continuous.dim + len(weights))
        self.continuous, self.probabilities = continuous, weights
        self._known: tuple[int, list[float]] | None = None

    @property
    def num_categories(self) -> int:
        """Number K of categories."""
        return len(self.probabilities)

    @property
    def is_repeatable(self) -> bool:
        """Whether the same generator state gives the same vectors, as the source of z says."""
        return self.continuous.is_repeatable

    def sample_of(self, categories: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a vector (N, dim) of each of ``categories`` (N,)."""
        return self.with_categories(self.continuous.sample(len(categories), generator), categories)

    def with_categories(self, vectors: Tensor, categories: Tensor) -> Tensor:
        """Return ``vectors`` (N, dim or length of z) with ``categories`` (N,) in place of their own."""
        return torch.cat([vectors[:, : self.continuous.dim], unit_vectors(categories, self.num_categories, vectors)], 1)

    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        z = self.continuous.sample(num_samples, generator)
        place = torch.rand(num_samples, 1, generator=generator, dtype=torch.float64)
        kinds = [(place >= low) & (place < high) for low, high in itertools.pairwise(self._bounds())]
        return torch.cat([z, *(each.to(z.dtype) for each in kinds)], 1)

    def _between(self, start: Tensor, end: Tensor, t: Tensor) -> Tensor:
        size = self.continuous.dim
        z = self.continuous.between(start[:, :size], end[:, :size], t[:, 0])
        return torch.cat([z, straight(start[:, size:], end[:, size:], t)], 1)

    def _bounds(self) -> list[float]:
        """Return where the part of each category begins in [0, 1), and where the last one ends."""
        version = self.probabilities._version
        if self._known is None or self._known[0] != version:
            parts = self.probabilities.detach().double().cpu()
            ends = (parts.cumsum(0) / parts.sum()).tolist()
            last = int(parts.nonzero().max())  # whose end is 1 except for rounding
            self._known = (version, [0.0, *ends[:last], *[math.inf] * (len(ends) - last)])
        return self._known[1]

    def __repr__(self) -> str:
        return f"CategoricalNoise({self.continuous!r}, {self.num_categories} categories)"


def unit_vectors(categories: Tensor, number: int, like: Tensor) -> Tensor:
    """Return the unit vectors (N, number) of ``categories`` (N,), of the type of ``like`` and where it is."""
    # Unlike torch's one_hot, without a look at the values, for which a device would have to wait.
    return (categories.to(like.device)[:, None] == torch.arange(number, device=like.device)).to(like.dtype)


def _are_probabilities(weights: Tensor) -> bool:
    values = weights.double()
    return bool(values.isfinite().all()) and bool((values >= 0).all()) and bool((values > 0).any())
