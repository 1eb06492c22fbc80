"""The kernel distance: unbiased squared maximum mean discrepancy with a polynomial kernel (arXiv 1801.01401)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_features

_SUBSET_STREAM = 0x6B64  # keeps these draws apart from every other use of the same seed
_BOOTSTRAP_STREAM = 0x6B62
_LARGEST_SUBSET = 1000
_ROWS = 1024
_MOST_AT_ONCE = 4096  # samples whose kernels of all pairs are held, which saves computing them for each subset


def default_subset_size(num_x: int, num_y: int) -> int:
    """Return 1000, or half the smaller set if that is less: subsets must differ for their spread to mean anything."""
    return min(_LARGEST_SUBSET, max(2, min(num_x, num_y) // 2))


def kernel_distance(
    x_features: TensorLike,
    y_features: TensorLike,
    *,
    subsets: int = 100,
    subset_size: int | None = None,
    degree: int = 3,
    gamma: float | None = None,
    coef: float = 1.0,
    seed: int | None = 0,
) -> tuple[Tensor, Tensor]:
    r"""Compute the kernel distance of Binkowski et al. (arXiv 1801.01401) between two sets of features.

    Over random subsets of m samples from each set, the mean and spread of the unbiased estimator

    .. math::
        \mathrm{MMD}^2 = \frac{1}{m(m-1)} \sum_{i \ne j} \bigl[k(x_i, x_j) + k(y_i, y_j)\bigr]
                         - \frac{2}{m^2} \sum_{i, j} k(x_i, y_j),
        \qquad k(a, b) = (\gamma\, a \cdot b + c)^p

    in float64, by torchmetrics' code. Being unbiased it has no bias of sample size, and can be slightly negative
    for equal distributions.

    Args:
        x_features: Features of shape (N, D).
        y_features: Features of shape (M, D).
        subsets: How many subsets are drawn.
        subset_size: m; at most the smaller of N and M. None takes 1000, or half the smaller set if that is less.
        degree: p, the degree of the kernel.
        gamma: The kernel's scale; None takes 1 / D.
        coef: c, the kernel's constant.
        seed: Seed of the subsets; None draws a fresh one.

    Returns:
        Mean over the subsets, and their standard deviation (the spread of one subset's estimate, not the standard
        error of the mean): two float64 scalars.

    Raises:
        ArgumentError: If shapes do not fit, a set holds fewer than 2 samples, a value is not finite, or
            ``subset_size`` is larger than a set.

    Example:
        >>> import torch
        >>> x = torch.eye(4)
        >>> mean, std = kernel_distance(x, x + 2.0, subsets=2, subset_size=4)
        >>> float(mean) > 0
        True
    """
    from torchmetrics.image.kid import maximum_mean_discrepancy, poly_kernel

    x = check_features("x_features", x_features)
    y = check_features("y_features", y_features, num_features=x.shape[1])
    check_int("subsets", subsets, minimum=1)
    check_int("degree", degree, minimum=1)
    check_float("coef", coef, minimum=0.0)
    if gamma is not None:
        check_float("gamma", gamma, minimum=0.0, open_minimum=True)
    size = _check_subset_size(subset_size, x.shape[0], y.shape[0])
    generator = torch_generator(seed, _SUBSET_STREAM)
    whole = None
    if max(len(x), len(y)) <= _MOST_AT_ONCE:
        whole = [poly_kernel(a, b, degree, gamma, coef) for a, b in ((x, x), (x, y), (y, y))]
    values = []
    for _ in range(subsets):
        rows = [torch.randperm(len(each), generator=generator)[:size].to(each.device) for each in (x, y)]
        pairs = ((rows[0], rows[0]), (rows[0], rows[1]), (rows[1], rows[1]))
        if whole is not None:
            kernels = [kernel[a[:, None], b] for kernel, (a, b) in zip(whole, pairs, strict=True)]
        else:
            part_x, part_y = x[rows[0]], y[rows[1]]
            sets = ((part_x, part_x), (part_x, part_y), (part_y, part_y))
            kernels = [poly_kernel(a, b, degree, gamma, coef) for a, b in sets]
        values.append(maximum_mean_discrepancy(*kernels))
    stacked = torch.stack(values)
    return stacked.mean(), stacked.std(unbiased=False)


def kernel_distance_interval(
    x_features: TensorLike,
    y_features: TensorLike,
    *,
    resamples: int = 500,
    degree: int = 3,
    gamma: float | None = None,
    coef: float = 1.0,
    seed: int | None = 0,
) -> tuple[float, float]:
    """Return the bootstrap interval of 95 % of the kernel distance of all samples.

    Both sets are resampled with replacement. A sample that is drawn twice would meet itself, which the unbiased
    estimator excludes: pairs of a sample with itself are left out. For equal distributions the interval is wider than
    it need be (the estimator is degenerate there), so that it holds 0 more often than 95 times of 100.

    Args:
        x_features: Features of shape (N, D).
        y_features: Features of shape (M, D).
        resamples: How often both sets are resampled.
        degree: Degree of the kernel, as for :func:`kernel_distance`.
        gamma: The kernel's scale; None takes 1 / D.
        coef: The kernel's constant.
        seed: Seed of the draws; None draws a fresh one.

    Returns:
        The bounds, the 2.5th and the 97.5th percentile.

    Raises:
        ArgumentError: If shapes do not fit, a set holds fewer than 2 samples, a value is not finite, or a number is
            out of range.
    """
    x = check_features("x_features", x_features)
    y = check_features("y_features", y_features, num_features=x.shape[1])
    check_int("resamples", resamples, minimum=2)
    scale = 1 / x.shape[1] if gamma is None else check_float("gamma", gamma, minimum=0.0, open_minimum=True)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (scale * a @ b.T + coef) ** degree

    return discrepancy_interval(x, y, kernel, resamples=resamples, seed=seed)


def squared_discrepancy(
    x: Tensor, y: Tensor, weights_x: Tensor, weights_y: Tensor, kernel: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Return the unbiased squared maximum mean discrepancy of weighted samples, without a pair of one with itself.

    Args:
        x: Features of shape (N, D), float64.
        y: Features of shape (M, D).
        weights_x: How often each sample of ``x`` counts in each of R estimates, (R, N), float64.
        weights_y: The same of ``y``, (R, M).
        kernel: Maps (n, D) and (m, D) to (n, m).

    Returns:
        The R estimates; NaN where a set holds one sample alone.
    """
    return (
        _weighted_pairs(x, x, weights_x, weights_x, kernel, same=True)
        + _weighted_pairs(y, y, weights_y, weights_y, kernel, same=True)
        - 2 * _weighted_pairs(x, y, weights_x, weights_y, kernel, same=False)
    )


def discrepancy_interval(
    x: Tensor, y: Tensor, kernel: Callable[[Tensor, Tensor], Tensor], *, resamples: int, seed: int | None
) -> tuple[float, float]:
    """Return the bootstrap interval of 95 % of the squared maximum mean discrepancy of all samples."""
    generator = torch_generator(seed, _BOOTSTRAP_STREAM)
    drawn_x, drawn_y = (_draws(len(each), resamples, generator).to(each.device) for each in (x, y))
    values = squared_discrepancy(x, y, drawn_x, drawn_y, kernel)
    # Of few samples, a draw may hold one alone, which leaves no pair.
    low, high = torch.nanquantile(
        values, torch.tensor([0.025, 0.975], dtype=values.dtype, device=values.device)
    ).tolist()
    return low, high


def _draws(count: int, resamples: int, generator: torch.Generator) -> Tensor:
    """Return how often each of ``count`` samples is drawn, float64 (resamples, count)."""
    rows = torch.randint(count, (resamples, count), generator=generator)
    return torch.zeros(resamples, count, dtype=torch.float64).scatter_add_(1, rows, torch.ones_like(rows).double())


def _weighted_pairs(
    a: Tensor,
    b: Tensor,
    weights_a: Tensor,
    weights_b: Tensor,
    kernel: Callable[[Tensor, Tensor], Tensor],
    *,
    same: bool,
) -> Tensor:
    """Return the mean kernel of the pairs of each draw, (resamples,), without those of a sample with itself."""
    total = torch.zeros(len(weights_a), dtype=torch.float64, device=a.device)
    for rows in torch.arange(len(a), device=a.device).split(_ROWS):
        values = kernel(a[rows], b)
        if same:
            values[torch.arange(len(rows)), rows] = 0
        total += ((weights_a[:, rows] @ values) * weights_b).sum(1)
    pairs = weights_a.sum(1) * weights_b.sum(1)
    return total / (pairs - (weights_a * weights_b).sum(1) if same else pairs)


def _check_subset_size(subset_size: int | None, num_x: int, num_y: int) -> int:
    if subset_size is None:
        return default_subset_size(num_x, num_y)
    check_int("subset_size", subset_size, minimum=2)
    if subset_size > min(num_x, num_y):
        raise ArgumentError(
            f"Argument `subset_size` must be at most the smaller number of samples, {min(num_x, num_y)}, "
            f"but is {subset_size}; give more samples, a smaller size, or None for half the smaller set."
        )
    return subset_size
