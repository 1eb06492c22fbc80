"""The Jensen-Shannon divergence between histograms of two sets of samples, dimension by dimension."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_features

DEFAULT_BINS = 32
PIXEL_LIMITS = (0.0, 1.0)
_ROUNDING = 1e-5  # share of a dimension's magnitude below which its range is float32 rounding
_COLUMNS = 256  # dimensions that are binned at once, which bounds the memory


def jensen_shannon_divergence(
    x: TensorLike, y: TensorLike, *, bins: int = DEFAULT_BINS, limits: tuple[float, float] | None = None
) -> Tensor:
    r"""Compute the Jensen-Shannon divergence of one-dimensional histograms, averaged over the dimensions, in bits.

    .. math::
        \mathrm{JSD} = \frac{1}{D} \sum_{d=1}^{D} \Bigl[ H\bigl(\tfrac{p_d + q_d}{2}\bigr)
                       - \tfrac12 H(p_d) - \tfrac12 H(q_d) \Bigr], \qquad H(p) = -\sum_b p_b \log_2 p_b

    where :math:`p_d` and :math:`q_d` are the histograms of dimension d of ``x`` and ``y``. It is 0 for equal and 1
    for disjoint histograms. It sees the marginal distributions only, no correlation between dimensions. Two finite
    samples of one distribution give about (B - 1) (1/N + 1/M) / (8 ln 2) with B occupied bins, not 0: compare it with
    the value of real against real samples.

    The bins of a dimension are ``bins`` equal ones over ``limits``, or over the range of the real samples ``y``, and
    one more on each side that holds everything beyond, so that no sample is dropped. A dimension in which ``y`` is
    constant up to rounding (range below 1e-5 of its largest magnitude, or of 1 if that is 0) gets a range of that
    width, with its value in the middle of a bin.

    Args:
        x: Samples of shape (N, D), for example generated ones.
        y: Real samples of shape (M, D); they set the bins.
        bins: Number of bins between the limits, at least 2.
        limits: Lower and upper limit of every dimension, or None to take them from ``y``.

    Returns:
        The divergence in [0, 1], a float64 scalar.

    Raises:
        ArgumentError: If shapes do not fit, a set holds fewer than 2 samples, a value is not finite, or the limits
            are not increasing.

    Example:
        >>> import torch
        >>> x, y = torch.tensor([[0.1], [0.2]]), torch.tensor([[0.8], [0.9]])
        >>> float(jensen_shannon_divergence(x, y)), float(jensen_shannon_divergence(y, y))
        (1.0, 0.0)
    """
    y = check_features("y", y)
    x = check_features("x", x, num_features=y.shape[1])
    check_int("bins", bins, minimum=2)
    lower, upper = _limits(y, bins, limits)
    total = torch.zeros((), dtype=torch.float64, device=y.device)
    for start in range(0, y.shape[1], _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        p = _histograms(x[:, columns], lower[columns], upper[columns], bins)
        q = _histograms(y[:, columns], lower[columns], upper[columns], bins)
        total += (_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2).sum()
    divergence: Tensor = total / y.shape[1]
    return divergence.clamp(0, 1)


def _limits(real: Tensor, bins: int, limits: tuple[float, float] | None) -> tuple[Tensor, Tensor]:
    if limits is not None:
        low, high = check_float("limits[0]", limits[0]), check_float("limits[1]", limits[1])
        if low >= high:
            raise ArgumentError(f"Argument `limits` must be increasing, but is {tuple(limits)}.")
        return torch.full_like(real[0], low), torch.full_like(real[0], high)
    lower, upper = real.amin(dim=0), real.amax(dim=0)
    magnitude = torch.maximum(lower.abs(), upper.abs())
    narrowest = _ROUNDING * torch.where(magnitude > 0, magnitude, 1.0)
    constant = upper - lower < narrowest
    below = (lower + upper) / 2 - narrowest * (bins // 2 + 0.5) / bins
    return torch.where(constant, below, lower), torch.where(constant, below + narrowest, upper)


def _histograms(samples: Tensor, lower: Tensor, upper: Tensor, bins: int) -> Tensor:
    """Return the histogram of each column, of shape (D, bins + 2), each row summing to 1."""
    num_samples, num_columns = samples.shape
    position = ((samples - lower) / (upper - lower) * bins).floor().clamp(-1, bins)
    position = torch.where(samples == upper, bins - 1, position)  # the last bin is closed, as numpy.histogram's
    rows = torch.arange(num_columns, device=samples.device) * (bins + 2)
    counts = torch.bincount((position.long() + 1 + rows).flatten(), minlength=num_columns * (bins + 2))
    return counts.reshape(num_columns, bins + 2).double() / num_samples


def _entropy(probabilities: Tensor) -> Tensor:
    nats: Tensor = torch.special.entr(probabilities).sum(dim=1)
    return nats / math.log(2)
