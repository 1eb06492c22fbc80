"""Intervals against scipy and against how often they hold the truth."""

import numpy as np
import pytest
import torch
from scipy import stats

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import kernel_distance_interval
from qiskit_qgen.metrics.functional.intervals import mean_interval, proportion_interval, rank_interval


@pytest.mark.parametrize(("hits", "count"), [(0, 20), (1, 7), (13, 40), (20, 20), (5000, 10_000)])
def test_proportions_have_wilsons_interval(hits, count):
    values = torch.arange(count) < hits
    expected = stats.binomtest(hits, count).proportion_ci(method="wilson")
    assert proportion_interval(values) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert proportion_interval(values)[0] <= hits / count <= proportion_interval(values)[1]


def test_means_have_the_normal_interval():
    values = np.random.default_rng(0).normal(3, 2, 50)
    expected = stats.norm.interval(0.95, values.mean(), stats.sem(values))
    assert mean_interval(torch.from_numpy(values)) == pytest.approx(expected)
    assert mean_interval(torch.tensor([4.0])) == (4.0, 4.0)


def test_rank_intervals_hold_the_truth_as_often_as_they_say():
    """Of normal samples a unit apart, P(x < y) = Phi(1 / sqrt 2)."""
    rng, truth, held = np.random.default_rng(1), stats.norm.cdf(1 / 2**0.5), 0
    for _ in range(400):
        x, y = rng.normal(size=60), rng.normal(1, 1, 45)
        wins = torch.from_numpy(x[:, None] < y[None, :]).double()
        low, high = rank_interval(wins.mean(1), wins.mean(0))
        held += low <= truth <= high
    assert 0.91 < held / 400 < 0.985


def by_definition(x, y, rows_x, rows_y, degree, gamma, coef):
    """The unbiased estimator of a draw, pair by pair, without those of a sample with itself."""

    def mean(a, b, rows_a, rows_b, same):
        pairs = [(i, j) for i in rows_a for j in rows_b if not (same and i == j)]
        return np.mean([(gamma * float(a[i] @ b[j]) + coef) ** degree for i, j in pairs])

    return mean(x, x, rows_x, rows_x, True) + mean(y, y, rows_y, rows_y, True) - 2 * mean(x, y, rows_x, rows_y, False)


def test_the_kernel_interval_is_that_of_its_draws(monkeypatch):
    from qiskit_qgen.metrics.functional import kernel

    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(9, 4)), rng.normal(0.5, 1, (7, 4))
    draws = [rng.integers(count, size=(11, count)) for count in (9, 7)]
    given = iter(draws)

    def counted(count, resamples, _):
        rows = next(given)
        assert rows.shape == (resamples, count)
        return torch.from_numpy(np.stack([np.bincount(row, minlength=count) for row in rows])).double()

    # The draws alone are replaced, so that what is made of them can be computed otherwise.
    monkeypatch.setattr(kernel, "_draws", counted)
    monkeypatch.setattr(kernel, "_ROWS", 4)
    found = kernel_distance_interval(x, y, resamples=11, degree=2, gamma=0.7, coef=0.5)
    values = [by_definition(x, y, a, b, 2, 0.7, 0.5) for a, b in zip(*draws, strict=True)]
    assert found == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))


def test_draws_are_with_replacement_and_from_the_seed():
    from qiskit_qgen._random import torch_generator
    from qiskit_qgen.metrics.functional.kernel import _draws

    found = _draws(50, 2000, torch_generator(0))
    assert torch.equal(found.sum(1), torch.full((2000,), 50.0, dtype=torch.float64))
    assert float(found.mean()) == pytest.approx(1)
    assert float(found.var()) == pytest.approx(1 - 1 / 50, rel=0.02)  # binomial


def test_kernel_intervals_hold_the_truth_as_often_as_they_say():
    """With the linear kernel, MMD^2 = gamma |mean difference|^2; of equal distributions it is 0."""
    rng = np.random.default_rng(3)
    held = {0.0: 0, 0.4: 0}
    for shift in held:
        for trial in range(150):
            x, y = rng.normal(size=(60, 5)), rng.normal(shift, 1, (50, 5))
            low, high = kernel_distance_interval(x, y, resamples=200, degree=1, gamma=1.0, seed=trial)
            held[shift] += low <= 5 * shift**2 <= high
    assert 0.88 < held[0.4] / 150 <= 0.99
    assert held[0.0] / 150 > 0.9


def test_more_samples_make_the_kernel_interval_narrower_and_the_seed_decides():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(400, 6)), rng.normal(0.5, 1, (400, 6))
    wide, narrow = (np.ptp(kernel_distance_interval(x[:n], y[:n])) for n in (50, 400))
    assert narrow < 0.6 * wide
    assert kernel_distance_interval(x, y, seed=1) == kernel_distance_interval(x, y, seed=1)
    assert kernel_distance_interval(x, y, seed=1) != kernel_distance_interval(x, y, seed=2)
    with pytest.raises(ArgumentError, match="`resamples` must be"):
        kernel_distance_interval(x, y, resamples=1)
    with pytest.raises(ArgumentError, match="`gamma` must be"):
        kernel_distance_interval(x, y, gamma=0.0)
