"""The base class of noise sources."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int, check_shape
from qiskit_qgen.exceptions import ArgumentError

_OPPOSITE = -1 + 1e-6  # cosine
_PARALLEL = 1e-3  # sine, below which a straight line is as good


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
        """Whether the same generator state gives the same vectors; True unless they come from elsewhere."""
        return True

    @property
    def num_categories(self) -> int:
        """Number of components at the end of a vector that hold a category as a one-hot vector: 0 by default."""
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

    def between(self, start: Tensor, end: Tensor, places: Tensor) -> Tensor:
        """Return vectors along the path from ``start`` (at 0) to ``end`` (at 1).

        Directions go along the great circle, lengths evenly, so that vectors on the way are of a length that the
        source's vectors have (arXiv 1609.04468). With u and v the two directions and w the angle between them:

        ``z(t) = ((1 - t) |start| + t |end|) (u sin((1 - t) w) + v sin(t w)) / sin(w)``

        Args:
            start: Vectors (N, dim).
            end: Vectors (N, dim).
            places: Positions along the path, (N,), in [0, 1].

        Raises:
            ArgumentError: If the shapes differ, or two vectors point in opposite directions, of which no way is the
                shortest.
        """
        fits = start.dim() == 2 and start.shape[1] == self.dim and end.shape == start.shape
        check_shape("end", end.shape, f"(N, {self.dim}), as `start` has", fits)
        check_shape("places", places.shape, f"({len(start)},)", tuple(places.shape) == (len(start),))
        return self._between(start, end, places[:, None])

    def _between(self, start: Tensor, end: Tensor, t: Tensor) -> Tensor:
        """Return the vectors at ``t`` (N, 1)."""
        return straight(start, end, t) if self.dim == 1 else spherical(start, end, t)

    @abstractmethod
    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        """Draw ``num_samples`` vectors; ``num_samples`` is checked."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dim={self.dim})"


def straight(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Return the vectors at ``t`` (N, 1) of straight lines."""
    return (1 - t) * start + t * end


def spherical(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Return the vectors at ``t`` (N, 1) of great circles, of lengths that change evenly.

    Raises:
        ArgumentError: If two vectors point in opposite directions.
    """
    first, last = start.norm(dim=1, keepdim=True), end.norm(dim=1, keepdim=True)
    tiny = torch.finfo(start.dtype).tiny
    u, v = start / first.clamp(min=tiny), end / last.clamp(min=tiny)
    cosine = (u * v).sum(1, keepdim=True).clamp(-1, 1)
    if bool((cosine < _OPPOSITE).any()):
        raise ArgumentError("Vectors to go between must not point in opposite directions: go over a third one.")
    angle = cosine.acos()
    sine = angle.sin()
    parallel = sine < _PARALLEL
    sine = torch.where(parallel, 1, sine)
    direction = torch.where(parallel, straight(u, v, t), (((1 - t) * angle).sin() * u + (t * angle).sin() * v) / sine)
    way = straight(first, last, t) * direction
    return torch.where(t == 0, start, torch.where(t == 1, end, way))  # the ends without rounding
