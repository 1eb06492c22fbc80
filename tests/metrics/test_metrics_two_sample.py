"""Kernel, classifier and sliced tests against closed forms, scipy and scikit-learn, and what each of them sees."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance
from sklearn.gaussian_process.kernels import RBF

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import (
    ClassifierTwoSampleAccuracy,
    FeatureStatistics,
    IdentityFeatureExtractor,
    MaximumMeanDiscrepancy,
    SlicedWassersteinDistance,
    classifier_accuracy,
    kernel_two_sample_test,
    maximum_mean_discrepancy,
    maximum_mean_discrepancy_interval,
    median_distance,
    sliced_wasserstein_distance,
)


def normal(seed, count, width, *, shift=0.0):
    return torch.as_tensor(np.random.default_rng(seed).normal(shift, 1.0, size=(count, width)))


def two_clusters(seed, count):
    """Mean 0 and covariance I in two dimensions, as N(0, I) has, but all on two lines."""
    rng = np.random.default_rng(seed)
    first = rng.choice([-1.0, 1.0], size=count) * math.sqrt(0.95) + rng.normal(0, math.sqrt(0.05), size=count)
    return torch.as_tensor(np.stack([first, rng.normal(size=count)], 1))


def test_discrepancy_agrees_with_scikit_learns_kernel():
    x, y = normal(1, 13, 4).numpy(), normal(2, 9, 4, shift=0.5).numpy()
    kernel = RBF(length_scale=1.3)
    xx, yy, xy = kernel(x), kernel(y), kernel(x, y)
    expected = (xx.sum() - 13) / (13 * 12) + (yy.sum() - 9) / (9 * 8) - 2 * xy.mean()
    assert float(maximum_mean_discrepancy(x, y, bandwidth=1.3)) == pytest.approx(expected, rel=1e-10)


def test_discrepancy_of_normals_is_the_closed_form():
    """E k of N(m, s^2) pairs is sqrt(b/(b + 2 s^2)) exp(-m^2 / (2 (b + 2 s^2))), b = sigma^2, in each dimension."""
    width, shift, b = 3, 0.8, 1.5**2
    same = (b / (b + 2)) ** (width / 2)
    expected = 2 * same * (1 - math.exp(-width * shift**2 / (2 * (b + 2))))
    values = [
        float(maximum_mean_discrepancy(normal(k, 1000, width), normal(k + 50, 1000, width, shift=shift), bandwidth=1.5))
        for k in range(5)
    ]
    assert np.mean(values) == pytest.approx(expected, rel=0.05)
    low, high = maximum_mean_discrepancy_interval(
        normal(0, 1000, width), normal(50, 1000, width, shift=shift), bandwidth=1.5
    )
    assert low < expected < high
    assert high - low < 0.5 * expected


def test_the_bandwidth_is_the_median_distance_of_the_real_samples():
    x, y = normal(3, 40, 5), 7 * normal(4, 50, 5)
    distances = np.linalg.norm(y.numpy()[:, None] - y.numpy()[None], axis=2)[np.triu_indices(50, 1)]
    assert median_distance(y) == pytest.approx(np.sort(distances)[(len(distances) - 1) // 2])
    assert torch.equal(maximum_mean_discrepancy(x, y), maximum_mean_discrepancy(x, y, bandwidth=median_distance(y)))
    assert median_distance(torch.zeros(4, 2)) == 1.0


def test_p_values_are_even_under_equality_and_small_under_difference():
    p_values = [kernel_two_sample_test(normal(k, 30, 2), normal(k + 100, 40, 2), permutations=39)[1] for k in range(60)]
    assert 0.35 < np.mean(p_values) < 0.65
    assert np.mean([p <= 0.1 for p in p_values]) < 0.25
    value, p_value = kernel_two_sample_test(normal(0, 60, 2), normal(1, 60, 2, shift=1.0))
    assert p_value == 1 / 200
    assert float(value) == pytest.approx(float(maximum_mean_discrepancy(normal(0, 60, 2), normal(1, 60, 2, shift=1.0))))


@pytest.mark.parametrize(("count_x", "count_y"), [(30, 30), (12, 18), (7, 10)])
def test_sliced_distance_agrees_with_an_assignment(count_x, count_y):
    """In one dimension; unequal sets are repeated to their least common multiple, which changes no distribution."""
    x, y = normal(5, count_x, 1).numpy(), normal(6, count_y, 1, shift=1).numpy()
    common = math.lcm(count_x, count_y)
    cost = (np.repeat(x, common // count_x)[:, None] - np.repeat(y, common // count_y)[None]) ** 2
    expected = math.sqrt(cost[linear_sum_assignment(cost)].mean())
    found = float(sliced_wasserstein_distance(x, y, directions=3))
    assert found == pytest.approx(expected, rel=1e-9)
    assert found >= wasserstein_distance(x[:, 0], y[:, 0])


def test_sliced_distance_of_a_shift():
    """Of a shift m every projection moves by u.m, whose mean square is |m|^2 / D."""
    x, shift = normal(7, 50, 6), torch.tensor([3.0, 0, 0, -4.0, 0, 0])
    found = float(sliced_wasserstein_distance(x, x + shift, directions=20_000))
    assert found == pytest.approx(5 / math.sqrt(6), rel=0.02)


def test_accuracy_is_a_half_of_equal_sets_and_the_bayes_rate_of_shifted_ones():
    """Two unit normals a distance of 2 apart: the best classifier is right with probability Phi(1)."""
    assert float(classifier_accuracy(normal(8, 800, 3), normal(9, 800, 3))) == pytest.approx(0.5, abs=0.05)
    far = torch.tensor([2.0, 0.0])
    accuracy = float(classifier_accuracy(normal(10, 800, 2), normal(11, 800, 2) + far))
    assert accuracy == pytest.approx(0.8413, abs=0.03)


def test_accuracy_counts_as_many_of_either_side():
    x, y = normal(12, 400, 2), normal(13, 40, 2)
    assert float(classifier_accuracy(x, y)) == pytest.approx(0.5, abs=0.2)
    assert float(classifier_accuracy(x * 0, y * 0)) == pytest.approx(0.5, abs=0.2)


def test_they_see_what_a_frechet_distance_does_not():
    """Two clusters with the mean and covariance of the normal distribution, against it and against others alike."""
    real, alike, blind = two_clusters(14, 600), two_clusters(15, 600), normal(16, 600, 2)
    frechet = [
        float(FeatureStatistics.from_features(each).frechet_distance(FeatureStatistics.from_features(real)))
        for each in (alike, blind)
    ]
    assert abs(frechet[1] - frechet[0]) < 0.02
    assert float(classifier_accuracy(blind, real)) > float(classifier_accuracy(alike, real)) + 0.15
    values = [float(maximum_mean_discrepancy(each, real, bandwidth=0.5)) for each in (blind, alike)]
    assert values[0] > values[1] + 0.01
    assert float(sliced_wasserstein_distance(blind, real)) > 1.5 * float(sliced_wasserstein_distance(alike, real))
    assert kernel_two_sample_test(blind, real, bandwidth=0.5)[1] == 1 / 200
    assert kernel_two_sample_test(alike, real, bandwidth=0.5)[1] > 0.01


METRICS = {
    "discrepancy": (MaximumMeanDiscrepancy, maximum_mean_discrepancy),
    "sliced": (SlicedWassersteinDistance, sliced_wasserstein_distance),
    "classifier": (ClassifierTwoSampleAccuracy, classifier_accuracy),
}


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("feature", [None, IdentityFeatureExtractor(4, name="own")])
def test_metrics_gather_batches(name, feature):
    kind, function = METRICS[name]
    x, y = normal(17, 30, 4).float(), normal(18, 40, 4, shift=0.4).float()
    metric = kind(feature)
    for batch in x.split(11):
        metric.update(batch, real=False)
    for batch in y.split(17):
        metric.update(batch, real=True)
    assert torch.equal(metric.compute(), function(x, y))
    assert metric.extractor_name == ("pixel" if feature is None else "own")
    assert metric.higher_is_better is False
    metric.reset()
    metric.update(x, real=False)
    with pytest.raises(ArgumentError, match="real samples"):
        metric.compute()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: maximum_mean_discrepancy(x, x[:, :1]),
        lambda x: maximum_mean_discrepancy(x, x, bandwidth=0.0),
        lambda x: maximum_mean_discrepancy_interval(x, x, resamples=1),
        lambda x: kernel_two_sample_test(x, x, permutations=0),
        lambda x: sliced_wasserstein_distance(x, x, directions=0),
        lambda x: sliced_wasserstein_distance(x[:1], x),
        lambda x: classifier_accuracy(x, x, folds=1),
        lambda x: classifier_accuracy(x[:3], x),
        lambda x: MaximumMeanDiscrepancy(bandwidth=-1.0),  # noqa: ARG005
        lambda x: SlicedWassersteinDistance(directions=0),  # noqa: ARG005
        lambda x: ClassifierTwoSampleAccuracy(folds=1),  # noqa: ARG005
    ],
)
def test_refusals(call):
    with pytest.raises(ArgumentError):
        call(normal(19, 10, 2))
