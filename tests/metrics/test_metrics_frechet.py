"""The Fréchet distance against closed forms, scipy's matrix square root and torchmetrics."""

import json
import warnings

import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.fid import _compute_fid

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.metrics import FeatureStatistics, frechet_distance


def by_scipy(mu1, sigma1, mu2, sigma2):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy warns of singular products, which are the point here
        root = scipy.linalg.sqrtm(sigma1 @ sigma2)
    return float(((mu1 - mu2) ** 2).sum() + np.trace(sigma1 + sigma2 - 2 * np.real(root)))


def random_gaussian(rng, dim, rank):
    root = rng.normal(size=(dim, rank))
    return rng.normal(size=dim), root @ root.T / rank


@pytest.mark.parametrize(("dim", "rank"), [(1, 1), (5, 5), (40, 40), (64, 200)])
def test_agrees_with_scipy_and_torchmetrics(dim, rank):
    rng = np.random.default_rng(11)
    arguments = (*random_gaussian(rng, dim, rank), *random_gaussian(rng, dim, rank))
    distance = float(frechet_distance(*arguments))
    assert distance == pytest.approx(by_scipy(*arguments), rel=1e-9)
    assert distance == pytest.approx(float(_compute_fid(*map(torch.as_tensor, arguments))), rel=1e-9)


@pytest.mark.parametrize(("rank1", "rank2"), [(3, 3), (3, 30), (30, 7), (1, 1)])
def test_rank_deficient_covariances_agree_with_scipy(rank1, rank2):
    rng = np.random.default_rng(12)
    arguments = (*random_gaussian(rng, 30, rank1), *random_gaussian(rng, 30, rank2))
    # scipy itself keeps only half the digits of a singular product.
    assert float(frechet_distance(*arguments)) == pytest.approx(by_scipy(*arguments), rel=1e-5)


def test_diagonal_gaussians_have_the_closed_form():
    """For commuting covariances d^2 = |mu1 - mu2|^2 + sum (sqrt s1 - sqrt s2)^2; zero variances included."""
    mu1, mu2 = np.array([0.0, 1.0, -2.0, 5.0]), np.array([1.0, 1.0, 2.0, 5.5])
    s1, s2 = np.array([4.0, 0.0, 9.0, 0.0]), np.array([1.0, 2.25, 0.25, 0.0])
    expected = ((mu1 - mu2) ** 2).sum() + ((np.sqrt(s1) - np.sqrt(s2)) ** 2).sum()
    assert float(frechet_distance(mu1, np.diag(s1), mu2, np.diag(s2))) == pytest.approx(expected, rel=1e-13)


def test_rotation_invariance_in_a_rank_one_case():
    """Rank-one covariances u u^T and v v^T: the root's trace is |u . v|."""
    rng = np.random.default_rng(13)
    u, v = rng.normal(size=(2, 50))
    zero = np.zeros(50)
    expected = u @ u + v @ v - 2 * abs(u @ v)
    assert float(frechet_distance(zero, np.outer(u, u), zero, np.outer(v, v))) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("num_samples", [2, 20, 300])
def test_identical_sets_have_no_distance(num_samples):
    features = torch.as_tensor(np.random.default_rng(14).normal(size=(num_samples, 48)))
    statistics = FeatureStatistics.from_features(features)
    trace = float(statistics.covariance.trace())
    same = FeatureStatistics.from_features(features.clone())
    assert 0 <= float(statistics.frechet_distance(same)) < 1e-10 * trace
    arguments = (statistics.mean, statistics.covariance)
    assert 0 <= float(frechet_distance(*arguments, *arguments)) < 1e-10 * trace


def test_a_shift_adds_its_square_and_a_scale_its_spread():
    features = torch.as_tensor(np.random.default_rng(15).normal(size=(30, 64)))
    statistics = FeatureStatistics.from_features(features)
    shifted = FeatureStatistics.from_features(features + 0.5)
    assert float(statistics.frechet_distance(shifted)) == pytest.approx(64 * 0.25, rel=1e-10)
    scaled = FeatureStatistics.from_features(3 * features)
    trace, length = float(statistics.covariance.trace()), float(statistics.mean.square().sum())
    assert float(statistics.frechet_distance(scaled)) == pytest.approx(4 * trace + 4 * length, rel=1e-10)


def test_statistics_are_numpys():
    features = np.random.default_rng(16).normal(3.0, 2.0, size=(50, 7)).astype(np.float32)
    statistics = FeatureStatistics.from_features(features)
    assert statistics.num_samples == 50
    assert statistics.factor.shape == (7, 7)
    assert FeatureStatistics.from_features(features[:4]).factor.shape == (7, 4)
    np.testing.assert_allclose(statistics.mean, features.astype(np.float64).mean(0), rtol=1e-12)
    np.testing.assert_allclose(statistics.covariance, np.cov(features.astype(np.float64), rowvar=False), rtol=1e-10)
    assert json.dumps(float(statistics.frechet_distance(statistics)))


def test_statistics_and_function_agree():
    rng = np.random.default_rng(17)
    first = FeatureStatistics.from_features(rng.normal(size=(20, 32)))
    second = FeatureStatistics.from_features(rng.normal(0.3, 2.0, size=(25, 32)))
    by_function = frechet_distance(first.mean, first.covariance, second.mean, second.covariance)
    assert float(first.frechet_distance(second)) == pytest.approx(float(by_function), rel=1e-12)
    assert float(first.frechet_distance(second)) == pytest.approx(float(second.frechet_distance(first)), rel=1e-12)


def test_grows_with_the_noise():
    rng = np.random.default_rng(18)
    real = FeatureStatistics.from_features(rng.normal(size=(400, 24)))
    base = rng.normal(size=(400, 24))
    values = [
        float(FeatureStatistics.from_features(base + s * rng.normal(size=base.shape)).frechet_distance(real))
        for s in (0.0, 0.5, 1.0, 2.0)
    ]
    assert values == sorted(values)
    assert values[-1] > 10 * values[0]


def test_bad_input_is_refused_with_a_sentence():
    mu, sigma = np.zeros(3), np.eye(3)
    with pytest.raises(ArgumentError, match=r"Argument `mu2` must have shape \(3,\), but has shape \(2,\)\."):
        frechet_distance(mu, sigma, np.zeros(2), np.eye(2))
    with pytest.raises(ArgumentError, match=r"Argument `sigma1` must have shape \(3, 3\)"):
        frechet_distance(mu, np.eye(2), mu, sigma)
    with pytest.raises(ArgumentError, match="Argument `sigma2` must be positive semi-definite, but has the eigenvalue"):
        frechet_distance(mu, sigma, mu, np.diag([1.0, 1.0, -0.5]))
    with pytest.raises(ArgumentError, match="Argument `sigma2` must be symmetric"):
        frechet_distance(mu, sigma, mu, np.triu(np.ones((3, 3))))
    with pytest.raises(ArgumentError, match="Argument `mu1` must be finite, but 1 of its 3 values are not"):
        frechet_distance(np.array([0.0, np.nan, 0.0]), sigma, mu, sigma)
    with pytest.raises(ArgumentError, match="Argument `features` must hold at least 2 samples, but holds 1; give more"):
        FeatureStatistics.from_features(torch.zeros(1, 4))
    with pytest.raises(ArgumentError, match=r"Argument `features` must have shape \(N, D\)"):
        FeatureStatistics.from_features(torch.zeros(4))
    with pytest.raises(ArgumentTypeError, match="Argument `features` must be a tensor or an array of numbers"):
        FeatureStatistics.from_features("features")
    with pytest.raises(ArgumentTypeError, match=r"must hold real numbers, but has dtype torch\.complex64"):
        FeatureStatistics.from_features(torch.zeros(4, 4, dtype=torch.complex64))
    other = FeatureStatistics.from_features(torch.eye(4))
    with pytest.raises(ArgumentError, match=r"Argument `other` must have shape \(3,\)"):
        FeatureStatistics.from_features(torch.eye(3)).frechet_distance(other)
