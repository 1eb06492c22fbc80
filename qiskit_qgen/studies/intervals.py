"""Means with confidence intervals."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

_DRAWS = 2000


class Interval(TypedDict):
    """An estimate from repetitions, mostly their mean, and where the true value lies with 95 % confidence."""

    mean: float
    low: float | None
    high: float | None


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the mean and its confidence interval by Student's t distribution; of one value, no interval.

    Args:
        values: Independent repetitions.
        confidence: The interval's confidence, in (0, 1).
    """
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return {"mean": mean, "low": None, "high": None}
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = _quantile(confidence, count - 1) * deviation / math.sqrt(count)
    return {"mean": mean, "low": mean - half, "high": mean + half}


def bootstrap_interval(values: Sequence[float]) -> Interval:
    """Return the mean of ``values`` and its percentile bootstrap interval of 95 %; of one value, no interval.

    The values are drawn with replacement, always alike; the interval holds the middle of the means of the draws. Of few
    values it is too narrow: of n values a draw's spread is too small by the factor ``sqrt((n - 1) / n)``.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"mean": mean, "low": None, "high": None}
    draws = np.random.default_rng(0).choice(values, size=(_DRAWS, len(values)))
    low, high = np.quantile(draws.mean(axis=1), [0.025, 0.975])
    return {"mean": mean, "low": float(low), "high": float(high)}


def interval_text(interval: Interval) -> str:
    """Return an interval as "mean [low, high]" with four digits."""
    if interval["low"] is None:
        return f"{interval['mean']:.4g}"
    return f"{interval['mean']:.4g} [{interval['low']:.4g}, {interval['high']:.4g}]"


@functools.cache
def _quantile(confidence: float, degrees: int) -> float:
    """Return how many standard errors Student's t distribution reaches to either side of the mean."""
    from scipy.stats import t  # slow to import

    return float(t.ppf((1 + confidence) / 2, degrees))
