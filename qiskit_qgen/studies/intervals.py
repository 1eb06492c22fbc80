"""Means with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict


class Interval(TypedDict):
    """A mean over repetitions, and where the true mean lies with 95 % confidence."""

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
    from scipy.stats import t  # slow to import

    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(t.ppf((1 + confidence) / 2, count - 1)) * deviation / math.sqrt(count)
    return {"mean": mean, "low": mean - half, "high": mean + half}
