"""The kernel two-sample test with a Gaussian kernel, which sees every difference (Gretton et al., arXiv 0805.2368)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.metrics._features import check_features
from qiskit_qgen.metrics.functional.kernel import discrepancy_interval, squared_discrepancy

_PERMUTATION_STREAM = 0x7065726D
_MOST = 1000  # samples whose pairs give the median distance


def median_distance(features: TensorLike) -> float:
    """Return the median distance between two of ``features`` (N, D), of the first 1000; 1 if most of them are equal.

    Raises:
        ArgumentError: If the shape does not fit, N is below 2 or a value is not finite.
    """
    found = float(torch.pdist(check_features("features", features)[:_MOST]).median())
    return found if found > 0 else 1.0


def maximum_mean_discrepancy(x: TensorLike, y: TensorLike, *, bandwidth: float | None = None) -> Tensor:
    r"""Return the squared maximum mean discrepancy with a Gaussian kernel between two sets of samples.

    .. math::
        \mathrm{MMD}^2 = \frac{1}{N(N-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{M(M-1)} \sum_{i \ne j} k(y_i, y_j)
                         - \frac{2}{NM} \sum_{i, j} k(x_i, y_j), \qquad k(a, b) = e^{-|a - b|^2 / 2 \sigma^2}

    In the limit of many samples it is 0 only if both distributions are equal, unlike a distance of means and
    covariances; being unbiased, it can be slightly negative. How much of a difference it sees in how many samples
    depends on the space and the bandwidth, and one as wide as the data sees little of clusters: compare images by their
    pixels, tables by standardised columns. Of whitened latents, all of whose directions weigh alike, it sees about as
    little as a Fréchet distance does.

    Args:
        x: Samples of shape (N, D), for example generated ones.
        y: Real samples of shape (M, D).
        bandwidth: sigma, in the samples' units; None takes :func:`median_distance` of ``y``.

    Returns:
        MMD^2, a float64 scalar.

    Raises:
        ArgumentError: If shapes do not fit, a set holds fewer than 2 samples, a value is not finite or ``bandwidth`` is
            not positive.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0], [0.0]])
        >>> round(float(maximum_mean_discrepancy(x, x + 100, bandwidth=1.0)), 6)
        2.0
    """
    x, y, kernel = _checked(x, y, bandwidth)
    once_x, once_y = (each.new_ones(1, len(each)) for each in (x, y))
    return squared_discrepancy(x, y, once_x, once_y, kernel)[0]


def maximum_mean_discrepancy_interval(
    x: TensorLike, y: TensorLike, *, bandwidth: float | None = None, resamples: int = 500, seed: int | None = 0
) -> tuple[float, float]:
    """Return the bootstrap interval of 95 % of :func:`maximum_mean_discrepancy`, as of the kernel distance.

    Args:
        x: Samples of shape (N, D).
        y: Real samples of shape (M, D).
        bandwidth: sigma, as for :func:`maximum_mean_discrepancy`.
        resamples: How often both sets are drawn with replacement.
        seed: Seed of the draws; None draws a fresh one.

    Raises:
        ArgumentError: As :func:`maximum_mean_discrepancy`, or if ``resamples`` is below 2.
    """
    x, y, kernel = _checked(x, y, bandwidth)
    return discrepancy_interval(x, y, kernel, resamples=check_int("resamples", resamples, minimum=2), seed=seed)


def kernel_two_sample_test(
    x: TensorLike, y: TensorLike, *, bandwidth: float | None = None, permutations: int = 199, seed: int | None = 0
) -> tuple[Tensor, float]:
    """Test whether two sets of samples have one distribution, by permutations of their union.

    Args:
        x: Samples of shape (N, D).
        y: Real samples of shape (M, D).
        bandwidth: sigma, as for :func:`maximum_mean_discrepancy`.
        permutations: P, how often the union is split at random into sets of N and M.
        seed: Seed of the permutations; None draws a fresh one.

    Returns:
        :func:`maximum_mean_discrepancy` and the p-value, ``(1 + #{permuted >= observed}) / (1 + P)``: of equal
        distributions it is at most a with a probability of at most a.

    Raises:
        ArgumentError: As :func:`maximum_mean_discrepancy`, or if ``permutations`` is not positive.
    """
    x, y, kernel = _checked(x, y, bandwidth)
    check_int("permutations", permutations, minimum=1)
    union, generator = torch.cat([x, y]), torch_generator(seed, _PERMUTATION_STREAM)
    belongs = torch.zeros(permutations + 1, len(union), dtype=x.dtype)
    belongs[0, : len(x)] = 1
    for row in belongs[1:]:
        row[torch.randperm(len(union), generator=generator)[: len(x)]] = 1
    belongs = belongs.to(x.device)
    values = squared_discrepancy(union, union, belongs, 1 - belongs, kernel)
    return values[0], (1 + int((values[1:] >= values[0]).sum())) / (1 + permutations)


def _checked(
    x: TensorLike, y: TensorLike, bandwidth: float | None
) -> tuple[Tensor, Tensor, Callable[[Tensor, Tensor], Tensor]]:
    real = check_features("y", y)
    samples = check_features("x", x, num_features=real.shape[1])
    if bandwidth is None:
        sigma = median_distance(real)
    else:
        sigma = check_float("bandwidth", bandwidth, minimum=0.0, open_minimum=True)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(torch.cdist(a, b).square() / (-2 * sigma**2))

    return samples, real, kernel
