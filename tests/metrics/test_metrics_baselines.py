"""The baselines have the moments, parts and rows that they are made of."""

import numpy as np
import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import BASELINES, fitted_baselines, standard_normal

NUMBER = 20_000


@pytest.fixture(scope="module")
def train():
    """Two classes far apart, 300 and 100 samples, each with a correlation of its own."""
    rng = np.random.default_rng(3)
    first = rng.multivariate_normal([-5, 0], [[1, 0.9], [0.9, 1]], size=300)
    second = rng.multivariate_normal([5, 4], [[0.5, -0.3], [-0.3, 0.4]], size=100)
    return torch.as_tensor(np.concatenate([first, second])), torch.tensor([0] * 300 + [1] * 100)


@pytest.fixture(scope="module")
def found(train):
    return fitted_baselines(train[0], NUMBER, labels=train[1])


def test_all_have_a_title_and_a_kind(found):
    assert {*found, "untrained", "standard_normal"} == set(BASELINES)
    assert {each.kind for each in BASELINES.values()} == {"trivial", "fitted", "bound"}
    assert all(samples.shape == (NUMBER, 2) and samples.dtype == torch.float32 for samples in found.values())


def test_standard_normal_is_one():
    samples = standard_normal(NUMBER, 3)
    assert samples.dtype == torch.float32
    assert torch.allclose(samples.mean(0), torch.zeros(3), atol=5 / NUMBER**0.5)
    assert torch.allclose(samples.T.cov(), torch.eye(3), atol=8 / NUMBER**0.5)


def test_the_gaussian_has_numpys_mean_and_covariance(train, found):
    expected_mean, expected = train[0].numpy().mean(0), np.cov(train[0].numpy().T)
    assert np.allclose(found["gaussian"].numpy().mean(0), expected_mean, atol=5 * (expected.max() / NUMBER) ** 0.5)
    assert np.allclose(np.cov(found["gaussian"].numpy().T), expected, rtol=0.05, atol=0.05)


def test_the_mixture_has_each_classs_part_mean_and_covariance(train, found):
    data, labels = train
    right = found["mixture"][:, 0] > 0
    assert float(right.double().mean()) == pytest.approx(0.25, abs=0.02)
    for label, members in ((0, found["mixture"][~right]), (1, found["mixture"][right])):
        own = data[labels == label].numpy()
        assert np.allclose(members.numpy().mean(0), own.mean(0), atol=0.06)
        assert np.allclose(np.cov(members.numpy().T), np.cov(own.T), atol=0.06)


def test_without_labels_the_mixture_finds_clusters(train):
    samples = fitted_baselines(train[0][:, :], NUMBER)["mixture"]
    assert float((samples[:, 0] > 0).double().mean()) == pytest.approx(0.25, abs=0.02)
    between = (samples[:, 0].abs() < 1.5).double().mean()  # where the single Gaussian has a fifth of its samples
    assert float(between) < 0.01


def test_marginals_keep_columns_and_lose_correlation(train, found):
    column = found["marginals"][:, 0]
    assert set(column.tolist()) <= set(train[0][:, 0].float().tolist())
    assert abs(float(found["marginals"].T.corrcoef()[0, 1])) < 0.03
    assert float(train[0].T.corrcoef()[0, 1]) > 0.5


@pytest.mark.parametrize("number", [7, 40, 90])
def test_the_training_samples_are_repeated_evenly(number):
    train = torch.arange(40.0)[:, None]
    rows, counts = fitted_baselines(train, number)["training"].flatten().unique(return_counts=True)
    assert set(rows.tolist()) <= set(range(40))
    assert int(counts.max()) - (int(counts.min()) if len(rows) == 40 else 0) <= 1
    assert int(counts.sum()) == number


def test_images_keep_their_shape_and_few_samples_are_enough():
    images = torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = fitted_baselines(images, 9, labels=torch.tensor([0, 0, 1, 1, 2]))
    assert {tuple(samples.shape) for samples in found.values()} == {(9, 1, 4, 4)}
    spread = torch.linalg.matrix_rank((found["gaussian"] - images.mean(0)).flatten(1).double(), rtol=1e-4)
    assert int(spread) == 4, "five images span four directions about their mean"


def test_a_seed_fixes_all(train):
    first, second, other = (fitted_baselines(train[0], 50, seed=seed) for seed in (1, 1, 2))
    for name in first:
        assert torch.equal(first[name], second[name])
        assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": torch.zeros(1, 3), "num_samples": 2}, "at least 2"),
        ({"train": torch.zeros(3), "num_samples": 2}, "must have shape"),
        ({"train": torch.full((3, 2), float("nan")), "num_samples": 2}, "finite"),
        ({"train": torch.zeros(3, 2), "num_samples": 0}, "num_samples"),
        ({"train": torch.zeros(3, 2), "num_samples": 2, "labels": torch.zeros(2)}, "labels"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        fitted_baselines(**arguments)
