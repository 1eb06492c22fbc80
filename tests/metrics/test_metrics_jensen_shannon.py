"""The Jensen-Shannon divergence against scipy and numpy histograms."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import jensen_shannon_divergence


def by_scipy(x, y, bins, limits=None):
    values = []
    for a, b in zip(x.T, y.T, strict=True):
        low, high = (b.min(), b.max()) if limits is None else limits
        edges = np.concatenate([[-np.inf], np.linspace(low, high, bins + 1), [np.inf]])
        # The outer bins hold what lies beyond; numpy closes the last inner bin only when it is the last of all.
        edges[-2] = np.nextafter(edges[-2], np.inf)
        p, q = np.histogram(a, edges)[0], np.histogram(b, edges)[0]
        values.append(jensenshannon(p, q, base=2) ** 2)
    return float(np.mean(values))


@pytest.mark.parametrize("bins", [2, 7, 32, 100])
@pytest.mark.parametrize("dim", [1, 5, 300])
def test_agrees_with_scipy(bins, dim):
    rng = np.random.default_rng(31)
    x, y = rng.normal(0.3, 1.2, size=(80, dim)), rng.normal(size=(120, dim))
    assert float(jensen_shannon_divergence(x, y, bins=bins)) == pytest.approx(by_scipy(x, y, bins), rel=1e-9)


def test_agrees_with_scipy_on_given_limits():
    rng = np.random.default_rng(32)
    x, y = rng.uniform(size=(200, 10)), rng.beta(2, 3, size=(300, 10))
    value = float(jensen_shannon_divergence(x, y, bins=16, limits=(0.0, 1.0)))
    assert value == pytest.approx(by_scipy(x, y, 16, (0.0, 1.0)), rel=1e-9)


def test_known_values():
    zeros, ones = torch.zeros(6, 3), torch.ones(6, 3)
    assert float(jensen_shannon_divergence(zeros, ones, limits=(0.0, 1.0))) == pytest.approx(1.0)
    assert float(jensen_shannon_divergence(ones, ones, limits=(0.0, 1.0))) == 0.0
    # Half of x in y's bin: p = (1/2, 1/2), q = (0, 1) gives H(1/4, 3/4) - 1/2 bits.
    half = torch.cat([zeros, ones])
    expected = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75)) - 0.5
    assert float(jensen_shannon_divergence(half, ones, limits=(0.0, 1.0))) == pytest.approx(expected)


def test_samples_beyond_the_real_range_count():
    y = torch.linspace(0, 1, 50)[:, None]
    assert float(jensen_shannon_divergence(y + 5, y)) == pytest.approx(1.0)
    assert float(jensen_shannon_divergence(y - 5, y)) == pytest.approx(1.0)


def test_a_constant_real_dimension_compares_by_value():
    rng = np.random.default_rng(33)
    y = torch.as_tensor(np.column_stack([np.full(40, 7.0), rng.normal(size=40)]))
    assert float(jensen_shannon_divergence(y, y)) == 0.0
    x = y.clone()
    x[:, 0] = 8.0
    assert float(jensen_shannon_divergence(x, y)) == pytest.approx(0.5)
    for rounding in (-1e-7, 1e-7):
        x[:, 0] = 7.0 * (1 + rounding)
        for bins in (2, 3, 32):
            assert float(jensen_shannon_divergence(x, y, bins=bins)) == 0.0
    scaled = y * torch.tensor([1e6, 1e-6])  # the units of one dimension do not blur another
    assert float(jensen_shannon_divergence(scaled + torch.tensor([0.0, 1e-6]), scaled)) > 0.05
    constant = torch.full((5, 2), 3.0)
    assert float(jensen_shannon_divergence(constant, constant)) == 0.0


def test_two_samples_of_one_distribution_have_the_documented_floor():
    rng = np.random.default_rng(34)
    x, y = rng.uniform(size=(1000, 200)), rng.uniform(size=(2000, 200))
    expected = 31 * (1 / 1000 + 1 / 2000) / (8 * np.log(2))
    assert float(jensen_shannon_divergence(x, y, bins=32, limits=(0, 1))) == pytest.approx(expected, rel=0.1)


def test_bad_input_is_refused_with_a_sentence():
    x = torch.zeros(5, 3)
    with pytest.raises(ArgumentError, match="Argument `bins` must be an integer of at least 2, but is 1"):
        jensen_shannon_divergence(x, x, bins=1)
    with pytest.raises(ArgumentError, match=r"Argument `limits` must be increasing, but is \(1, 0\)"):
        jensen_shannon_divergence(x, x, limits=(1, 0))
    with pytest.raises(ArgumentError, match=r"Argument `x` must have shape \(N, 3\)"):
        jensen_shannon_divergence(torch.zeros(5, 2), x)
    with pytest.raises(ArgumentError, match="Argument `y` must hold at least 2 samples"):
        jensen_shannon_divergence(x, x[:1])
