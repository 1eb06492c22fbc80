"""The classical rivals of a quantum source of noise: what its pool looks like without what ties a circuit's qubits."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen._checks import check_array, check_int, check_shape, check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.noise.base import AbstractNoise

_MOST_CONCENTRATION = 1e6  # above, Dirichlet-multinomial counts are multinomial ones
_LEAST_CONCENTRATION = 1e-6
_MOST_SEEDS = 2**63 - 1


class ShuffledNoise(AbstractNoise):
    """The components of a pool, each drawn by itself: the same marginal distributions, and independent.

    Args:
        pool: Vectors (N, dim), N at least 2.

    Raises:
        ArgumentError: If ``pool`` has another shape or holds numbers that are not finite.
    """

    def __init__(self, pool: TensorLike) -> None:
        rows = _checked_pool(pool)
        super().__init__(rows.shape[1])
        self._rows = torch.from_numpy(rows).float()

    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(self._rows), (num_samples, self.dim), generator=generator)
        return self._rows.gather(0, chosen)


class GaussianCopulaNoise(AbstractNoise):
    """The marginal distributions of a pool, tied by a normal distribution of the correlations of its normal scores.

    Args:
        pool: Vectors (N, dim), N at least 2.

    Attributes:
        correlation: Correlations of the normal scores, (dim, dim).

    Raises:
        ArgumentError: If ``pool`` has another shape, holds numbers that are not finite, or has a component that is
            constant.
    """

    def __init__(self, pool: TensorLike) -> None:
        from scipy.special import ndtri  # slow to import
        from scipy.stats import rankdata

        rows = _checked_pool(pool)
        super().__init__(rows.shape[1])
        if (rows == rows[:1]).all(0).any():
            raise ArgumentError("Argument `pool` must vary in each component, but one is constant.")
        scores = ndtri(rankdata(rows, axis=0) / (len(rows) + 1))
        self.correlation = np.corrcoef(scores, rowvar=False).reshape(self.dim, self.dim)
        values, vectors = np.linalg.eigh(self.correlation)
        self._root = torch.from_numpy(vectors * np.sqrt(values.clip(min=0))).T.contiguous()
        self._sorted = torch.from_numpy(np.sort(rows, axis=0)).float()

    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        normal = torch.randn(num_samples, self.dim, generator=generator, dtype=torch.float64) @ self._root
        places = (torch.special.ndtr(normal) * len(self._sorted)).long().clamp_(max=len(self._sorted) - 1)
        return self._sorted.gather(0, places)


class DirichletMultinomialNoise(AbstractNoise):
    """Counts of ``num_trials`` draws from random probabilities p ~ Dirichlet(concentration), each scaled to 0 and 1.

    A classical source in two lines that matches a boson sampler's counts in a public reproduction of arXiv 2508.19857.
    With A the sum of the concentrations, component i has the mean ``n a_i / A``, the variance
    ``n (a_i / A) (1 - a_i / A) (n + A) / (1 + A)`` and negative correlations; mean and variance are set to 0 and 1
    exactly.

    Args:
        concentration: The concentration a_i of each category, (number of categories,), positive.
        num_trials: The number n of draws.
        dim: How many of the categories, from the first on, are components; None for all.

    Raises:
        ArgumentError: If a number is out of range, or there are fewer than 2 categories.
    """

    def __init__(self, concentration: TensorLike, num_trials: int, *, dim: int | None = None) -> None:
        given = check_array("concentration", concentration)
        check_shape("concentration", given.shape, "(number of categories,)", given.ndim == 1)
        if len(given) < 2 or not (given > 0).all():
            raise ArgumentError("Argument `concentration` must hold at least 2 numbers, all positive.")
        super().__init__(check_int("dim", len(given) if dim is None else dim, minimum=1, maximum=len(given)))
        self.concentration = given
        self.num_trials = check_int("num_trials", num_trials, minimum=1)

    @classmethod
    def fit(cls, pool: TensorLike, *, levels: int = 16) -> Self:
        """Return the source whose counts have the means, and on average the variances, of a pool.

        Args:
            pool: Vectors (N, dim), N at least 2. If they are counts, of the same sum in each vector, they are taken as
                they are. Others, such as the normal numbers of
                :class:`~qiskit_qgen.noise.QuantumCircuitNoise`, are first cut into ``levels + 1`` classes 0 ...
                ``levels`` of equal probability for a normal number; what is missing to ``dim * levels`` is a category
                that is not a component.
            levels: As said.

        Raises:
            ArgumentError: If an argument has another shape or is out of range, or counts are all zero in a component.
        """
        rows = _checked_pool(pool)
        check_int("levels", levels, minimum=1)
        dim, sums = rows.shape[1], rows.sum(1)
        is_counted = dim > 1 and (rows == rows.round()).all() and rows.min() >= 0 and (sums == sums[0]).all()
        counts = rows if is_counted else _classes(rows, levels)
        total = int(counts[0].sum())
        shares = counts.mean(0) / max(total, 1)
        if not shares.all():
            raise ArgumentError("Argument `pool` must hold counts above zero in each component, but one has none.")
        # Var_i = n p_i (1 - p_i) (n + A) / (1 + A), solved for A with the variances of all categories together
        excess = counts.var(0).sum() / (total * shares * (1 - shares)).sum()
        weight = (total - excess) / (excess - 1) if excess > 1 else np.inf
        return cls(shares * np.clip(weight, _LEAST_CONCENTRATION, _MOST_CONCENTRATION), total, dim=dim)

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean of each category's counts, before they are scaled."""
        return np.asarray(self.num_trials * self.concentration / self.concentration.sum())

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance of the counts, before they are scaled."""
        shares, total = self.concentration / self.concentration.sum(), self.concentration.sum()
        spread = self.num_trials * (self.num_trials + total) / (1 + total)
        return np.asarray(spread * (np.diag(shares) - np.outer(shares, shares)))

    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        rng = np.random.default_rng(int(torch.randint(_MOST_SEEDS, (), generator=generator)))
        counts = rng.multinomial(self.num_trials, rng.dirichlet(self.concentration, num_samples))
        scaled = (counts - self.mean) / np.sqrt(self.covariance.diagonal())
        return torch.from_numpy(scaled[:, : self.dim]).float().contiguous()


def noise_rivals(source: AbstractNoise, num_vectors: int = 100_000, *, seed: int = 0) -> dict[str, AbstractNoise]:
    """Return the classical rivals of a source, fitted to vectors drawn from it.

    Args:
        source: The source, such as a ``QuantumCircuitNoise`` or a ``NoisePool`` of one.
        num_vectors: How many are drawn, at least 2.
        seed: Seed of the draw.

    Returns:
        "shuffled", "gaussian-copula" and "dirichlet-multinomial", which stand wherever the source does.

    Raises:
        ArgumentError: If ``num_vectors`` is less than 2.
        ArgumentTypeError: If ``source`` is not a source of noise.
    """
    check_type("source", source, AbstractNoise, "a source of noise such as QuantumCircuitNoise")
    check_int("num_vectors", num_vectors, minimum=2)
    pool = source.sample(num_vectors, torch_generator(seed))
    return {
        "shuffled": ShuffledNoise(pool),
        "gaussian-copula": GaussianCopulaNoise(pool),
        "dirichlet-multinomial": DirichletMultinomialNoise.fit(pool),
    }


def _checked_pool(pool: TensorLike) -> NDArray[np.float64]:
    rows = check_array("pool", pool)
    check_shape("pool", rows.shape, "(N of at least 2, dim)", rows.ndim == 2 and len(rows) > 1 and rows.shape[1] > 0)
    return rows


def _classes(rows: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """Return each number's class, 0 to ``levels``, and as a last column what is missing to all highest classes."""
    from scipy.special import ndtr  # slow to import

    counts = np.floor(ndtr(rows) * (levels + 1)).clip(max=levels)
    return np.column_stack([counts, rows.shape[1] * levels - counts.sum(1)])
