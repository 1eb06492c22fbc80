"""Means and bootstrap, against scipy."""

import numpy as np
import pytest
import scipy.stats

from qiskit_qgen.studies.intervals import bootstrap_interval, mean_interval

FIRST = [1.3, 2.9, 2.2, 4.1, 0.7]


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_the_mean_interval_is_that_of_scipy(confidence):
    found = mean_interval(FIRST, confidence)
    low, high = scipy.stats.t.interval(confidence, len(FIRST) - 1, np.mean(FIRST), scipy.stats.sem(FIRST))
    assert found == pytest.approx({"mean": np.mean(FIRST), "low": low, "high": high})


def test_the_bootstrap_interval_is_that_of_scipy_up_to_its_draws():
    values = np.random.default_rng(0).normal(5, 2, 40)
    found = bootstrap_interval(values)
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=5000, method="percentile", random_state=2
    ).confidence_interval
    assert found["mean"] == np.mean(values)
    # The ends are quantiles of 2000 draws: their own spread is some hundredths of the interval.
    assert found["low"] == pytest.approx(expected.low, abs=0.1)
    assert found["high"] == pytest.approx(expected.high, abs=0.1)
    assert found["low"] < found["mean"] < found["high"]


def test_the_bootstrap_covers_the_true_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(7)
    found = [bootstrap_interval(generator.normal(1, 1, 50)) for _ in range(200)]
    # Binomial with 200 draws of 0.95: standard deviation 3.1; the percentile interval of 50 values is a little narrow.
    assert 178 <= sum(each["low"] < 1 < each["high"] for each in found) <= 198


def test_the_bootstrap_draws_always_alike_and_has_no_interval_of_one_value():
    assert bootstrap_interval(FIRST) == bootstrap_interval(FIRST)
    assert bootstrap_interval([2.0]) == {"mean": 2.0, "low": None, "high": None}
