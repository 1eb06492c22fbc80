"""The Fréchet distance between Gaussians fitted to two sets of features (Heusel et al., arXiv 1706.08500)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from qiskit_qgen._checks import check_shape
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_features, check_numbers

# Rounding makes eigenvalues of a covariance slightly negative; more than this share of the largest is an error.
_NEGATIVE_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """Mean and covariance of a set of features, in float64.

    Attributes:
        mean: Mean of shape (D,).
        factor: A of shape (D, min(N, D)) with A A^T the unbiased covariance, whose sum is divided by N - 1.
        num_samples: N, how many samples it was estimated from.
    """

    mean: Tensor
    factor: Tensor
    num_samples: int

    @classmethod
    def from_features(cls, features: TensorLike) -> FeatureStatistics:
        """Estimate the statistics of ``features``.

        Args:
            features: Features of shape (N, D), N at least 2.

        Returns:
            Their mean, covariance and number.

        Raises:
            ArgumentError: If the shape does not fit, N is below 2 or a value is not finite.
        """
        features = check_features("features", features)
        num_samples, num_features = features.shape
        mean = features.mean(dim=0)
        rows = (features - mean) / (num_samples - 1) ** 0.5
        if num_samples > num_features:
            rows = torch.linalg.qr(rows, mode="r").R
        return cls(mean, rows.T, num_samples)

    @classmethod
    def from_sums(cls, total: Tensor, products: Tensor, num_samples: int) -> FeatureStatistics:
        """Return the statistics of features of which only sums are known; small spreads about large means lose digits.

        Args:
            total: Sum of the features, (D,), float64.
            products: Sum of their outer products, (D, D).
            num_samples: N, at least 2.
        """
        mean = total / num_samples
        covariance = (products - num_samples * mean.outer(mean)) / (num_samples - 1)
        return cls(mean, _factor(mean, covariance), num_samples)

    @cached_property
    def covariance(self) -> Tensor:
        """The unbiased covariance of shape (D, D)."""
        return self.factor @ self.factor.T

    def frechet_distance(self, other: FeatureStatistics) -> Tensor:
        """Return :func:`frechet_distance` to ``other``, from the factors: no covariance is formed or decomposed.

        Args:
            other: Statistics of as many features.

        Returns:
            The distance, a float64 scalar that is never negative.

        Raises:
            ArgumentError: If ``other`` has another number of features.
        """
        check_shape("other", other.mean.shape, f"({self.mean.numel()},)", other.mean.shape == self.mean.shape)
        return _distance(self.mean, self.factor, other.mean, other.factor)


def frechet_distance(mu1: TensorLike, sigma1: TensorLike, mu2: TensorLike, sigma2: TensorLike) -> Tensor:
    r"""Compute the squared Fréchet (2-Wasserstein) distance between two Gaussians.

    .. math::
        d^2 = |\mu_1 - \mu_2|^2 + \mathrm{tr}\,\Sigma_1 + \mathrm{tr}\,\Sigma_2
              - 2\,\mathrm{tr}\,(\Sigma_1 \Sigma_2)^{1/2}

    With :math:`\Sigma_i = A_i A_i^T` the last trace is the sum of the singular values of :math:`A_1^T A_2`. No
    eigenvalue of an asymmetric product is taken, so covariances of deficient rank (fewer samples than dimensions)
    lose no digits.

    Args:
        mu1: Mean of the first Gaussian, of shape (D,).
        sigma1: Its covariance, of shape (D, D).
        mu2: Mean of the second Gaussian, of shape (D,).
        sigma2: Its covariance, of shape (D, D).

    Returns:
        The distance, a float64 scalar that is never negative.

    Raises:
        ArgumentError: If shapes do not fit, a value is not finite, or a covariance is not symmetric positive
            semi-definite.

    Example:
        >>> import torch
        >>> float(frechet_distance(torch.zeros(2), torch.eye(2), torch.tensor([3.0, 4.0]), 4 * torch.eye(2)))
        27.0
    """
    mean1, mean2 = check_numbers("mu1", mu1).double(), check_numbers("mu2", mu2).double()
    check_shape("mu1", mean1.shape, "(D,)", mean1.ndim == 1 and mean1.numel() > 0)
    check_shape("mu2", mean2.shape, f"({mean1.numel()},)", mean2.shape == mean1.shape)
    factor1 = _factor(mean1, check_numbers("sigma1", sigma1).double(), name="sigma1")
    factor2 = _factor(mean2, check_numbers("sigma2", sigma2).double(), name="sigma2")
    return _distance(mean1, factor1, mean2, factor2)


def _factor(mean: Tensor, covariance: Tensor, *, name: str = "") -> Tensor:
    """Return A with A A^T the covariance; with a ``name``, refuse what is none beyond the rounding about ``mean``."""
    size = mean.numel()
    check_shape(name, covariance.shape, f"({size}, {size})", covariance.shape == (size, size))
    rounding = torch.finfo(covariance.dtype).eps * size * float(mean.square().max())
    asymmetry = float((covariance - covariance.T).abs().max())
    if name and asymmetry > _NEGATIVE_TOLERANCE * float(covariance.abs().max()) + rounding:
        raise ArgumentError(f"Argument `{name}` must be symmetric, but differs from its transpose by {asymmetry:.3g}.")
    eigenvalues, eigenvectors = torch.linalg.eigh(covariance)
    largest = float(eigenvalues[-1].clamp(min=0))
    if name and float(eigenvalues[0]) < -_NEGATIVE_TOLERANCE * largest - rounding:
        raise ArgumentError(
            f"Argument `{name}` must be positive semi-definite, but has the eigenvalue {float(eigenvalues[0]):.3g}."
        )
    kept = eigenvalues > torch.finfo(covariance.dtype).eps * size * largest + rounding
    factor: Tensor = eigenvectors[:, kept] * eigenvalues[kept].sqrt()
    return factor


def _distance(mean1: Tensor, factor1: Tensor, mean2: Tensor, factor2: Tensor) -> Tensor:
    overlap: Tensor = torch.linalg.svdvals(factor1.T @ factor2).sum()
    distance = (mean1 - mean2).square().sum() + factor1.square().sum() + factor2.square().sum() - 2 * overlap
    return distance.clamp(min=0)
