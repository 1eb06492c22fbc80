"""The kernel distance against its formula written out, torchmetrics, and a closed form."""

import numpy as np
import pytest
import torch
import torchmetrics.image.kid

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import kernel_distance


def by_formula(x, y, degree, gamma, coef):
    """The unbiased estimator as three sums over pairs, in plain Python."""

    def kernel(a, b):
        return (gamma * float(a @ b) + coef) ** degree

    m, n = len(x), len(y)
    xx = sum(kernel(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    yy = sum(kernel(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    xy = sum(kernel(a, b) for a in x for b in y) / (m * n)
    return xx + yy - 2 * xy


@pytest.mark.parametrize(("degree", "gamma", "coef"), [(3, None, 1.0), (1, 0.5, 0.25), (2, 2.0, 1.5)])
def test_agrees_with_the_formula(degree, gamma, coef):
    rng = np.random.default_rng(21)
    x, y = rng.normal(size=(12, 5)), rng.normal(0.5, 1.0, size=(12, 5))
    mean, std = kernel_distance(x, y, subsets=3, subset_size=12, degree=degree, gamma=gamma, coef=coef)
    expected = by_formula(x, y, degree, 1 / 5 if gamma is None else gamma, coef)
    assert float(mean) == pytest.approx(expected, rel=1e-11)
    assert float(std) == pytest.approx(0.0, abs=1e-12)


def test_agrees_with_torchmetrics_when_the_subset_is_the_set():
    rng = np.random.default_rng(22)
    x, y = torch.as_tensor(rng.normal(size=(40, 16))), torch.as_tensor(rng.normal(0.2, 1.0, size=(40, 16)))
    expected = torchmetrics.image.kid.poly_mmd(y, x)
    mean, _ = kernel_distance(x, y, subsets=2, subset_size=40)
    assert float(mean) == pytest.approx(float(expected), rel=1e-11)


def test_the_mean_over_subsets_estimates_the_value_of_all_samples():
    """Of Gaussians with means 0 and mu, degree 1: MMD^2 = gamma |mu|^2, whatever the number of samples."""
    rng = np.random.default_rng(23)
    x, y = rng.normal(size=(2000, 8)), rng.normal(1.0, 1.0, size=(2000, 8))
    mean, std = kernel_distance(x, y, subsets=50, subset_size=100, degree=1, gamma=0.5)
    assert float(std) > 0
    # |mean difference|^2 of all samples, 8 +- 4 sqrt(8 * 2 / 2000), and the subsets' error std / sqrt(50)
    assert float(mean) == pytest.approx(0.5 * 8, abs=5 * (0.18 + float(std) / 50**0.5))


def test_equal_distributions_are_near_zero_and_noise_raises_it():
    rng = np.random.default_rng(24)
    real, other = rng.normal(size=(2, 400, 24))
    values = []
    for strength in (0.0, 0.5, 1.0):
        mean, std = kernel_distance(other + strength, real, subsets=20)
        values.append(float(mean))
    assert abs(float(values[0])) < 0.02
    assert values == sorted(values)
    assert values[2] > 20 * abs(values[0])
    assert float(std) > 0


def test_the_seed_decides_and_the_global_generator_is_left_alone():
    rng = np.random.default_rng(25)
    x, y = rng.normal(size=(60, 6)), rng.normal(size=(50, 6))
    state = torch.get_rng_state()
    first = kernel_distance(x, y, subsets=4, seed=3)
    assert kernel_distance(x, y, subsets=4, seed=3) == first
    assert kernel_distance(x, y, subsets=4, seed=4) != first
    assert kernel_distance(x, y, subsets=4, seed=None) != kernel_distance(x, y, subsets=4, seed=None)
    assert torch.equal(torch.get_rng_state(), state)


def test_two_samples_suffice():
    x, y = torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [4.0]])
    mean, _ = kernel_distance(x, y, subsets=1, degree=1)
    assert float(mean) == pytest.approx(2.0 + 0.0 - 2 * 3.0 - 0.0 + (1 + 1 - 2), abs=1e-12)


def test_bad_input_is_refused_with_a_sentence():
    x = torch.zeros(5, 3)
    with pytest.raises(ArgumentError, match="`subset_size` must be at most the smaller number of samples, 5, but is 6"):
        kernel_distance(x, torch.zeros(9, 3), subset_size=6)
    with pytest.raises(ArgumentError, match=r"Argument `y_features` must have shape \(N, 3\)"):
        kernel_distance(x, torch.zeros(5, 4))
    with pytest.raises(ArgumentError, match="Argument `x_features` must hold at least 2 samples, but holds 1"):
        kernel_distance(x[:1], x)
    with pytest.raises(ArgumentError, match="Argument `subsets` must be a positive integer, but is 0"):
        kernel_distance(x, x, subsets=0)
    with pytest.raises(ArgumentError, match="Argument `gamma` must be a number in"):
        kernel_distance(x, x, gamma=0.0)
    with pytest.raises(ArgumentError, match="Argument `x_features` must be finite"):
        kernel_distance(x + torch.inf, x)
