"""The kernel distance: unbiased squared maximum mean discrepancy with a polynomial kernel (arXiv 1801.01401)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_features

_SUBSET_STREAM = 0x6B64  # keeps these draws apart from every other use of the same seed
_LARGEST_SUBSET = 1000


def default_subset_size(num_x: int, num_y: int) -> int:
    """Return 1000, or half the smaller set if that is less: subsets must differ for their spread to mean anything."""
    return min(_LARGEST_SUBSET, max(2, min(num_x, num_y) // 2))


def kernel_distance(
    x_features: Any,
    y_features: Any,
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
    from torchmetrics.image.kid import poly_mmd

    x = check_features("x_features", x_features)
    y = check_features("y_features", y_features, num_features=x.shape[1])
    check_int("subsets", subsets, minimum=1)
    check_int("degree", degree, minimum=1)
    check_float("coef", coef, minimum=0.0)
    if gamma is not None:
        check_float("gamma", gamma, minimum=0.0, open_minimum=True)
    size = _check_subset_size(subset_size, x.shape[0], y.shape[0])
    generator = torch_generator(seed, _SUBSET_STREAM)
    values = []
    for _ in range(subsets):
        rows_x = torch.randperm(x.shape[0], generator=generator)[:size]
        rows_y = torch.randperm(y.shape[0], generator=generator)[:size]
        values.append(poly_mmd(x[rows_x.to(x.device)], y[rows_y.to(y.device)], degree, gamma, coef))
    stacked = torch.stack(values)
    return stacked.mean(), stacked.std(unbiased=False)


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
