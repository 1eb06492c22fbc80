"""The Kullback-Leibler divergence of marginals against scipy and numpy histograms."""

import numpy as np
import pytest
import torch
from scipy import stats

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import marginal_kl_divergence


def by_scipy(x, y, edges):
    values = []
    for a, b, limits in zip(x.T, y.T, edges, strict=True):
        q, p = (np.histogram(each, limits)[0].astype(float) for each in (a, b))
        q, p = q / q.sum(), p / p.sum()
        q[q == 0] = p[p == 0] = 1e-100
        values.append(stats.entropy(p, q))
    return values


@pytest.mark.parametrize("bins", [2, 100])
def test_agrees_with_scipy(bins):
    rng = np.random.default_rng(41)
    x, y = rng.normal(0.3, 1.2, size=(5000, 3)), rng.normal(size=(4000, 3))
    expected = by_scipy(x, y, [np.linspace(column.min(), column.max(), bins + 1) for column in y.T])
    assert marginal_kl_divergence(x, y, bins=bins).tolist() == pytest.approx(expected, rel=1e-9)


def test_agrees_with_scipy_on_logarithmic_bins():
    rng = np.random.default_rng(42)
    x, y = rng.lognormal(0.1, 1.1, size=(3000, 2)), rng.lognormal(size=(3000, 2))
    edges = [np.geomspace(column.min(), column.max(), 101) for column in y.T]
    assert marginal_kl_divergence(x, y, edges=edges).tolist() == pytest.approx(by_scipy(x, y, edges), rel=1e-9)


def test_two_normal_distributions_have_their_closed_form():
    rng = np.random.default_rng(43)
    x, y = rng.normal(0.5, 2.0, size=(400_000, 1)), rng.normal(size=(400_000, 1))
    closed = np.log(2.0) + (1 + 0.25) / 8 - 0.5  # ln(s_x / s_y) + (s_y^2 + m^2) / (2 s_x^2) - 1/2
    inside = np.diff(stats.norm(0.5, 2.0).cdf([y.min(), y.max()]))[0]  # of x, which is scaled to 1 within the bins
    assert float(marginal_kl_divergence(x, y)) == pytest.approx(closed + np.log(inside), rel=0.02)


def test_equal_samples_and_constants_diverge_by_nothing():
    y = torch.cat([torch.randn(50, 1), torch.full((50, 1), 3e38)], 1)
    assert marginal_kl_divergence(y, y).tolist() == [0.0, 0.0]
    assert marginal_kl_divergence(torch.zeros(50, 2), y)[1] > 100  # no sample in the constant's bin


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 9, "edges": [[0, 1, 2]] * 2}, "At most one of the arguments `bins` and `edges` can be given"),
        ({"bins": 1}, r"`bins` must be an integer of at least 2, but is 1"),
        ({"edges": [[0, 1, 2]]}, r"`edges` must have shape \(2,\), but has shape \(1,\)"),
        ({"edges": [[0, 1, 2], [0, 2, 1]]}, "`edges` must increase, but those of column 1 do not"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        marginal_kl_divergence(torch.randn(5, 2), torch.randn(5, 2), **options)
