"""Means with confidence intervals."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._checks import check_array, check_float, check_int
from qiskit_qgen.exceptions import ArgumentError


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


def paired_difference(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the mean of ``first - second`` over pairs and its confidence interval by Student's t distribution.

    What both members of a pair share, such as a seed or a subset of the data, drops out of the difference.

    Args:
        first: One value of each pair.
        second: The other, in the same order.
        confidence: The interval's confidence, in (0, 1).

    Raises:
        ArgumentError: If the lengths differ, there are no pairs, or a value is not finite.
        ArgumentTypeError: If a value is no number.

    Example:
        >>> paired_difference([1.0, 2.0, 3.0], [0.5, 1.5, 2.5])
        {'mean': 0.5, 'low': 0.5, 'high': 0.5}
    """
    one, other = check_array("first", first), check_array("second", second)
    if one.ndim != 1 or one.shape != other.shape or not one.size:
        raise ArgumentError(
            "Arguments `first` and `second` must hold as many values each, at least one, but have shapes "
            f"{one.shape} and {other.shape}."
        )
    return mean_interval((one - other).tolist(), confidence)


def bootstrap_interval(
    values: Sequence[float],
    statistic: Callable[[NDArray[np.float64]], float] = np.mean,
    seed: int = 0,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """Return a statistic of ``values`` and its percentile bootstrap interval; of one value, no interval.

    The values are drawn with replacement ``resamples`` times; the interval holds the middle of the statistics of the
    draws. Of few values it is too narrow: of n values a draw's spread is too small by the factor ``sqrt((n - 1) / n)``.

    Args:
        values: Independent repetitions.
        statistic: Takes an array of as many values, and returns a number.
        seed: Seed of the draws.
        confidence: The interval's confidence, in (0, 1).
        resamples: Number of draws.

    Raises:
        ArgumentError: If there are no values, one is not finite, or a number is out of range.
        ArgumentTypeError: If a value is no number.
    """
    array = check_array("values", values)
    if array.ndim != 1 or not array.size:
        raise ArgumentError(f"Argument `values` must hold numbers, at least one, but has shape {array.shape}.")
    check_float("confidence", confidence, minimum=0, maximum=1, open_minimum=True, open_maximum=True)
    check_int("resamples", resamples, minimum=1)
    estimate = float(statistic(array))
    if array.size < 2:
        return {"mean": estimate, "low": None, "high": None}
    generator = np.random.default_rng(check_int("seed", seed, minimum=0))
    draws = generator.choice(array, size=(resamples, array.size))
    low, high = np.quantile([statistic(draw) for draw in draws], [(1 - confidence) / 2, (1 + confidence) / 2])
    return {"mean": estimate, "low": float(low), "high": float(high)}


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
