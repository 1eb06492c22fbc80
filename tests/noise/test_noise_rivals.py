"""The rivals' distributions against scipy, numpy and closed forms; what of a pool each keeps."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.noise import (
    AbstractNoise,
    DirichletMultinomialNoise,
    GaussianCopulaNoise,
    NoisePool,
    QuantumCircuitNoise,
    ShuffledNoise,
    noise_rivals,
)

NUMBER = 40_000


def draw(source, number=NUMBER, seed=0):
    return source.sample(number, torch.Generator().manual_seed(seed)).double().numpy()


def pool(number=20_000, seed=3):
    """Two components tied by their signs, one skewed; and a third by itself."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=number)
    return np.stack([first, np.exp(0.5 * first + 0.5 * rng.normal(size=number)), rng.uniform(size=number)], axis=1)


def test_dirichlet_multinomial_moments_are_scipys():
    concentration, trials = np.array([0.3, 1.2, 2.5, 4.0]), 7
    source, theirs = (
        DirichletMultinomialNoise(concentration, trials),
        stats.dirichlet_multinomial(concentration, trials),
    )
    assert np.allclose(source.mean, theirs.mean())
    assert np.allclose(source.covariance, theirs.cov())


def test_dirichlet_multinomial_vectors_are_scaled_counts_with_scipys_probabilities():
    concentration, trials = np.array([0.5, 1.0, 2.0]), 3
    source = DirichletMultinomialNoise(concentration, trials)
    counts = draw(source) * np.sqrt(source.covariance.diagonal()) + source.mean
    assert np.allclose(counts, counts.round(), atol=1e-5)
    found, often = np.unique(counts.round().astype(int), axis=0, return_counts=True)
    assert (found.sum(1) == trials).all()
    expected = stats.dirichlet_multinomial(concentration, trials).pmf(found) * NUMBER
    assert len(found) == math.comb(5, 2)
    assert stats.chisquare(often, expected).pvalue > 1e-3


def test_dirichlet_multinomial_components_have_mean_zero_and_variance_one():
    rows = draw(DirichletMultinomialNoise(np.full(5, 0.8), 20, dim=3))
    assert rows.shape == (NUMBER, 3)
    assert np.abs(rows.mean(0)).max() < 4 / math.sqrt(NUMBER)
    kurtosis = stats.kurtosis(rows).max()
    assert np.abs(rows.var(0) - 1).max() < 4 * math.sqrt((kurtosis + 2) / NUMBER)
    # of equal shares the correlation is -1 / (categories - 1), whatever the concentration
    assert np.abs(np.corrcoef(rows, rowvar=False)[np.triu_indices(3, 1)] + 1 / 4).max() < 4 / math.sqrt(NUMBER)


def test_the_concentration_of_counts_is_found_again():
    concentration = np.array([0.6, 1.5, 3.0])
    counts = stats.dirichlet_multinomial(concentration, 12)
    rng = np.random.default_rng(0)
    sample = rng.multinomial(12, rng.dirichlet(concentration, NUMBER))
    fitted = DirichletMultinomialNoise.fit(sample)
    assert (fitted.num_trials, fitted.dim) == (12, 3)
    assert np.allclose(fitted.concentration, concentration, rtol=0.05)
    assert np.allclose(fitted.covariance, counts.cov(), rtol=0.05)
    multinomial = rng.multinomial(12, [0.2, 0.8], NUMBER)
    plain = DirichletMultinomialNoise.fit(multinomial)
    assert np.allclose(plain.covariance, stats.multinomial(12, [0.2, 0.8]).cov(), rtol=0.05)


def test_normal_numbers_become_classes_of_equal_probability():
    fitted = DirichletMultinomialNoise.fit(np.random.default_rng(0).normal(size=(NUMBER, 4)), levels=8)
    assert (fitted.num_trials, fitted.dim, len(fitted.concentration)) == (32, 4, 5)
    assert np.allclose(fitted.mean, [4, 4, 4, 4, 16], rtol=0.02)
    # independent uniform classes 0 ... 8 have the variance 80 / 12 each; the last category has four times that
    assert math.isclose(fitted.covariance.trace(), 8 * 80 / 12, rel_tol=0.02)


def test_shuffled_noise_has_the_pools_marginals_and_no_correlation():
    rows, given = draw(ShuffledNoise(pool())), pool().astype(np.float32)
    assert all(set(column) <= set(own) for column, own in zip(rows.T, given.T.astype(np.float64), strict=True))
    assert all(stats.ks_2samp(a, b).pvalue > 1e-3 for a, b in zip(rows.T, given.T, strict=True))
    correlations = stats.spearmanr(rows).statistic[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 4 / math.sqrt(NUMBER)
    assert stats.spearmanr(pool()).statistic[0, 1] > 0.6


def test_the_copula_has_the_pools_marginals_and_rank_correlations():
    source, given = GaussianCopulaNoise(pool()), pool()
    rows = draw(source)
    assert all(stats.ks_2samp(a, b).pvalue > 1e-3 for a, b in zip(rows.T, given.T, strict=True))
    # X and exp(X / 2 + Y / 2) have a normal copula of correlation 1 / sqrt 2; Spearman's is 6 / pi asin(rho / 2)
    assert abs(source.correlation[0, 1] - 1 / math.sqrt(2)) < 0.02
    expected = 6 / math.pi * math.asin(1 / math.sqrt(8))
    assert abs(stats.spearmanr(rows).statistic[0, 1] - expected) < 0.02
    assert np.abs(stats.spearmanr(rows).statistic[2, :2]).max() < 0.03


def test_a_normal_pool_gives_its_own_covariance_back():
    covariance = np.array([[1, 0.6, -0.3], [0.6, 1, 0.1], [-0.3, 0.1, 1]])
    given = np.random.default_rng(1).multivariate_normal(np.zeros(3), covariance, NUMBER)
    assert np.abs(np.cov(draw(GaussianCopulaNoise(given)), rowvar=False) - covariance).max() < 0.04


def test_rivals_of_a_quantum_source_stand_where_it_does(tmp_path):
    source = QuantumCircuitNoise(5, num_qubits=5)
    rivals = noise_rivals(source, 5000)
    assert list(rivals) == ["shuffled", "gaussian-copula", "dirichlet-multinomial"]
    for each in rivals.values():
        assert isinstance(each, AbstractNoise)
        assert each.dim == 5
        assert each.is_repeatable
        assert np.array_equal(draw(each, 10), draw(each, 10))
        assert not np.array_equal(draw(each, 10), draw(each, 10, seed=1))
        rows = draw(each)
        assert np.abs(rows.mean(0)).max() < 0.08
        assert np.abs(rows.var(0) - 1).max() < 0.15
    exact = source.covariance
    assert np.abs(rivals["gaussian-copula"].correlation - exact).max() < 0.06
    kept = NoisePool.draw(tmp_path / "pool.npy", source, 100)
    assert set(noise_rivals(kept, 50)) == set(rivals)


def test_bad_arguments_are_refused():
    with pytest.raises(ArgumentError, match=r"`pool` must have shape \(N of at least 2, dim\)"):
        ShuffledNoise([1.0, 2.0])
    with pytest.raises(ArgumentError, match="`pool` must vary in each component, but one is constant"):
        GaussianCopulaNoise([[1.0, 2.0], [1.0, 3.0]])
    with pytest.raises(ArgumentError, match="`concentration` must hold at least 2 numbers, all positive"):
        DirichletMultinomialNoise([1.0, 0.0], 3)
    with pytest.raises(ArgumentError, match="`num_trials` must be a positive integer"):
        DirichletMultinomialNoise([1.0, 1.0], 0)
    with pytest.raises(ArgumentError, match="`dim` must be an integer from 1 to 2, but is 3"):
        DirichletMultinomialNoise([1.0, 1.0], 1, dim=3)
    with pytest.raises(ArgumentError, match="`levels` must be a positive integer"):
        DirichletMultinomialNoise.fit([[0.1, 0.2], [0.3, 0.4]], levels=0)
    with pytest.raises(ArgumentError, match="counts above zero in each component"):
        DirichletMultinomialNoise.fit([[3, 0], [3, 0]])
    with pytest.raises(ArgumentTypeError, match="`source` must be a source of noise"):
        noise_rivals(3)
