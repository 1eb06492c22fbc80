"""Means with confidence intervals."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

_DRAWS = 2000


class Interval(TypedDict):
    """An estimate from repetitions, usually their mean, with its 95 % confidence interval."""

    mean: float
    low: float | None
    high: float | None


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the mean and its confidence interval by Student's t distribution; a single value has no interval.

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
    """Return the mean of ``values`` and its 95 % percentile bootstrap interval; a single value has no interval.

    The values are drawn with replacement, with a fixed seed; the interval contains the central 95 % of the means of the
    draws. For few values it is too narrow: with n values, the spread is too small by the factor ``sqrt((n - 1) / n)``.
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
    """Return the half width of the confidence interval in standard errors, by Student's t distribution."""
    from scipy.stats import t  # slow to import

    return float(t.ppf((1 + confidence) / 2, degrees))
