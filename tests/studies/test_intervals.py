"""Means, paired differences and bootstrap, against scipy."""

import numpy as np
import pytest
import scipy.stats

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.studies.intervals import bootstrap_interval, mean_interval, paired_difference

FIRST = [1.3, 2.9, 2.2, 4.1, 0.7]
SECOND = [1.1, 2.2, 2.4, 3.0, 0.1]


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_the_mean_interval_is_that_of_scipy(confidence):
    found = mean_interval(FIRST, confidence)
    low, high = scipy.stats.t.interval(confidence, len(FIRST) - 1, np.mean(FIRST), scipy.stats.sem(FIRST))
    assert found == pytest.approx({"mean": np.mean(FIRST), "low": low, "high": high})


def test_the_paired_difference_is_that_of_the_paired_t_test():
    found = paired_difference(FIRST, SECOND)
    low, high = scipy.stats.ttest_rel(FIRST, SECOND).confidence_interval(0.95)
    assert found == pytest.approx({"mean": np.mean(FIRST) - np.mean(SECOND), "low": low, "high": high})
    assert paired_difference([3.0], [1.0]) == {"mean": 2.0, "low": None, "high": None}


@pytest.mark.parametrize(
    ("first", "second", "error", "message"),
    [
        ([1.0, 2.0], [1.0], ArgumentError, r"^Arguments `first` and `second` must hold as many values each"),
        ([], [], ArgumentError, r"at least one, but have shapes \(0,\) and \(0,\)\.$"),
        ([[1.0]], [[1.0]], ArgumentError, "must hold as many values each"),
        ([1.0, float("nan")], [1.0, 2.0], ArgumentError, "`first` must hold finite numbers"),
        (["a"], [1.0], ArgumentTypeError, "`first` must hold real numbers"),
    ],
)
def test_unpaired_values_are_refused(first, second, error, message):
    with pytest.raises(error, match=message):
        paired_difference(first, second)


@pytest.mark.parametrize("statistic", [np.mean, np.median])
def test_the_bootstrap_interval_is_that_of_scipy_up_to_its_draws(statistic):
    values = np.random.default_rng(0).normal(5, 2, 40)
    found = bootstrap_interval(values, statistic, seed=1, resamples=5000)
    expected = scipy.stats.bootstrap(
        (values,), statistic, n_resamples=5000, method="percentile", random_state=2
    ).confidence_interval
    assert found["mean"] == statistic(values)
    # The ends are quantiles of 5000 draws: their own spread is some hundredths of the interval.
    assert found["low"] == pytest.approx(expected.low, abs=0.1)
    assert found["high"] == pytest.approx(expected.high, abs=0.1)
    assert found["low"] < found["mean"] < found["high"]


def test_the_bootstrap_covers_the_true_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(7)
    inside = 0
    for trial in range(200):
        found = bootstrap_interval(generator.normal(1, 1, 50), seed=trial, confidence=0.9, resamples=400)
        inside += found["low"] < 1 < found["high"]
    # Binomial with 200 draws of 0.9: standard deviation 4.2; the percentile interval of 50 values is a little narrow.
    assert 163 <= inside <= 193


def test_the_bootstrap_depends_on_its_seed_alone():
    assert bootstrap_interval(FIRST, seed=1) == bootstrap_interval(FIRST, seed=1)
    assert bootstrap_interval(FIRST, seed=1) != bootstrap_interval(FIRST, seed=2)
    assert bootstrap_interval([2.0]) == {"mean": 2.0, "low": None, "high": None}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"values": []}, "`values` must hold numbers, at least one"),
        ({"values": [1.0, float("inf")]}, "`values` must hold finite numbers"),
        ({"confidence": 1.0}, r"`confidence` must be a number in \(0, 1\)"),
        ({"resamples": 0}, "`resamples` must be a positive integer"),
        ({"seed": -1}, "`seed` must be a non-negative integer"),
    ],
)
def test_bootstrap_arguments_are_checked(changed, message):
    with pytest.raises(ArgumentError, match=message):
        bootstrap_interval(**{"values": FIRST, **changed})
