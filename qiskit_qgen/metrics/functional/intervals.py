"""Intervals of 95 % for means of independent values."""

from __future__ import annotations

from torch import Tensor

_NORMAL = 1.959963984540054  # the normal distribution's quantile of 97.5 %


def proportion_interval(values: Tensor) -> tuple[float, float]:
    """Return Wilson's interval of a proportion; unlike the normal one it does not shrink to a point at 0 and 1.

    Args:
        values: Zeros and ones, or True and False, of shape (N,).
    """
    count, share = len(values), float(values.double().mean())
    spread = _NORMAL**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = _NORMAL * (share * (1 - share) / count + spread / (4 * count)) ** 0.5 / (1 + spread)
    # At 0 and 1 rounding must not move a bound past the proportion itself.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def mean_interval(values: Tensor) -> tuple[float, float]:
    """Return the normal interval of the mean of values (N,); of a single one, which has no spread, that value."""
    mean, values = float(values.double().mean()), values.double()
    half = _NORMAL * float(values.std()) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return mean - half, mean + half


def rank_interval(first: Tensor, second: Tensor) -> tuple[float, float]:
    """Return the interval of the probability that a member of one sample beats one of another (DeLong's variance).

    Args:
        first: Which part of the other sample each member of the first beats, (N,).
        second: By which part of the first sample each member of the other is beaten, (M,).
    """
    variance = sum(float(part.double().var()) / len(part) for part in (first, second) if len(part) > 1)
    mean, half = float(first.double().mean()), _NORMAL * variance**0.5
    return max(0.0, mean - half), min(1.0, mean + half)
