import pickle
import warnings

import numpy as np
import pytest
import torch
import torchmetrics.image.inception
from scipy.stats import mannwhitneyu
from sklearn.neighbors import NearestNeighbors
from torch import nn

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import (
    DensityCoverage,
    IdentityFeatureExtractor,
    InceptionScore,
    Memorization,
    ModuleFeatureExtractor,
    PrecisionRecall,
    density_coverage,
    memorization,
    precision_recall,
)
from qiskit_qgen.metrics.functional.neighbors import _distances, support


def clouds(num_fake=60, num_real=80, dim=3, shift=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 1, (num_fake, dim)), rng.normal(0, 1, (num_real, dim))


def radii(points, k):
    return NearestNeighbors(n_neighbors=k + 1).fit(points).kneighbors(points)[0][:, -1]


def within(points, centres, reach):
    """[point][centre]: whether a point lies in the ball around a centre, straight from the definition."""
    return np.array([[np.linalg.norm(p - c) <= r for c, r in zip(centres, reach, strict=True)] for p in points])


@pytest.mark.parametrize("k", [1, 3, 7])
def test_precision_and_recall_are_their_definition(k):
    fake, real = clouds()
    precision, recall = precision_recall(fake, real, neighbors=k)
    assert float(precision) == pytest.approx(within(fake, real, radii(real, k)).any(1).mean())
    assert float(recall) == pytest.approx(within(real, fake, radii(fake, k)).any(1).mean())


@pytest.mark.parametrize("k", [1, 5])
def test_density_and_coverage_are_their_definition(k):
    fake, real = clouds()
    density, coverage = density_coverage(fake, real, neighbors=k)
    inside = within(fake, real, radii(real, k))
    assert float(density) == pytest.approx(inside.sum() / (k * len(fake)))
    assert float(coverage) == pytest.approx(inside.any(0).mean())


def test_equal_distributions_have_the_expected_density_and_coverage():
    values = [density_coverage(*clouds(100, 100, 8, 0.0, seed), neighbors=5) for seed in range(30)]
    density, coverage = np.array([[float(d), float(c)] for d, c in values]).mean(0)
    expected = 1 - np.prod([(100 - i) / (200 - i) for i in range(1, 6)])
    assert density == pytest.approx(1, abs=0.05)
    assert coverage == pytest.approx(expected, abs=0.01)


def test_collapse_lowers_recall_and_coverage_and_blur_lowers_precision():
    _, real = clouds()
    collapsed = np.repeat(real[:1], 60, 0) + np.random.default_rng(1).normal(0, 1e-3, (60, 3))
    precision, recall = precision_recall(collapsed, real)
    assert precision == 1
    assert recall < 0.1
    assert density_coverage(collapsed, real)[1] < 0.2
    assert precision_recall(real + 20, real)[0] == 0


def test_many_samples_are_scored_in_parts_as_in_one():
    fake, real = clouds(1500, 1100)
    precision, _ = precision_recall(fake, real)
    nearest = NearestNeighbors().fit(real)
    inside = [(np.linalg.norm(real - p, axis=1) <= radii(real, 3)).any() for p in fake[:40]]
    assert len(nearest.kneighbors(fake)[0]) == 1500
    assert float(precision_recall(fake[:40], real)[0]) == pytest.approx(np.mean(inside))
    assert 0 < precision < 1


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_distances_lose_no_digits_near_and_far_from_the_origin(offset):
    rng = np.random.default_rng(5)
    points = rng.normal(offset, 1, (40, 300))
    others = np.concatenate(
        [points[:10], points[10:20] + 1e-9 * rng.normal(size=(10, 300)), rng.normal(0, 1, (9, 300))]
    )
    found = torch.cat(list(_distances(torch.from_numpy(points), torch.from_numpy(others)))).numpy()
    expected = np.linalg.norm(points[:, None] - others[None], axis=2)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=0)
    assert (found[range(10), range(10)] == 0).all()


def test_collapsed_and_repeated_samples_have_no_distance():
    one = torch.full((30, 20), 1 / 3)
    precision, recall = precision_recall(one, one)
    assert (precision, recall) == (1, 1)
    assert precision_recall(one + 1e-3, one) == (0, 0)
    assert memorization(one, torch.cat([one[:1], one[:1] + 1]), one + 0.5).copy_rate == 1


def test_samples_on_the_surface_of_a_ball_lie_within_it():
    """On a lattice every distance is one of few numbers, so that ties decide."""
    real = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0)) * 0.1
    fake = real + torch.tensor([0.1, 0.0])
    precision, _ = precision_recall(fake, real, neighbors=1)
    assert precision == 1


def test_support_is_what_the_scores_average():
    fake, real = clouds()
    found = support(fake, real)
    expected = [*precision_recall(fake, real), *density_coverage(fake, real)]
    assert [float(v.double().mean()) for v in found] == pytest.approx([float(value) for value in expected])
    assert [len(value) for value in found] == [60, 80, 60, 80]
    few = support(fake[:4], real[:3])
    expected = [*precision_recall(fake[:4], real[:3], neighbors=2), *density_coverage(fake[:4], real[:3], neighbors=2)]
    assert [float(v.double().mean()) for v in few] == pytest.approx([float(value) for value in expected])


def test_copies_are_seen_and_held_out_samples_give_the_floor():
    rng = np.random.default_rng(0)
    train, held_out, fresh = rng.normal(size=(3, 50, 10))
    copies = train[:30] + rng.normal(0, 1e-3, (30, 10))
    scores = memorization(np.concatenate([copies, fresh[:20]]), train, held_out)
    assert float(scores.copy_rate) == pytest.approx(0.6)
    assert float(scores.held_out_copy_rate) == 0
    assert scores.closer > 0.75
    innocent = memorization(fresh, train, held_out)
    assert innocent.copy_rate == 0
    assert 0.3 < innocent.closer < 0.7


def test_closer_is_mann_whitneys_statistic():
    rng = np.random.default_rng(3)
    fake, train, held_out = rng.normal(0.2, 1, (40, 4)), rng.normal(size=(60, 4)), rng.normal(size=(30, 4))
    nearest = [NearestNeighbors(n_neighbors=1).fit(train).kneighbors(p)[0][:, 0] for p in (held_out, fake)]
    expected = mannwhitneyu(*nearest).statistic / (40 * 30)
    assert float(memorization(fake, train, held_out).closer) == pytest.approx(expected)


def test_too_few_samples_and_bad_options_are_refused():
    fake, real = clouds(3, 3)
    with pytest.raises(ArgumentError, match="`real_features` must hold more than `neighbors=3` samples"):
        precision_recall(fake, real)
    with pytest.raises(ArgumentError, match="`neighbors` must be a positive integer"):
        density_coverage(fake, real, neighbors=0)
    with pytest.raises(ArgumentError, match=r"`fake_features` must have shape \(N, 3\)"):
        precision_recall(fake[:, :2], real, neighbors=1)
    with pytest.raises(ArgumentError, match="`ratio` must be a number in"):
        memorization(fake, real, real, ratio=1.0)


METRICS = {
    "precision": (PrecisionRecall, precision_recall),
    "density": (DensityCoverage, density_coverage),
}


@pytest.mark.parametrize(("kind", "function"), METRICS.values(), ids=METRICS)
def test_the_classes_accumulate_batches_name_their_extractor_and_have_floors(kind, function):
    fake, real = (torch.from_numpy(x) for x in clouds())
    metric = kind(IdentityFeatureExtractor(3, name="latent"), reset_real_features=False)
    for part in real.split(30):
        metric.update(part, real=True)
    metric.update(fake, real=False)
    expected = function(fake, real, neighbors=metric.neighbors)
    assert torch.allclose(torch.stack(metric.compute()), torch.stack(expected))
    assert torch.allclose(torch.stack(pickle.loads(pickle.dumps(metric)).compute()), torch.stack(expected))  # noqa: S301
    assert metric.extractor_name == "latent"
    best = metric.floor(seed=0)
    assert all(torch.equal(a, b) for a, b in zip(best, metric.floor(seed=0), strict=True))
    assert best[0] > 0.6
    assert best[1] > 0.6
    metric.reset()
    assert len(metric.real_features) == 3
    metric.update(fake[:1], real=False)
    with pytest.raises(ArgumentError, match="`fake samples` must hold at least"):
        metric.compute()


def test_memorization_keeps_three_kinds_of_samples_apart():
    rng = np.random.default_rng(0)
    train, held_out, fake = (torch.from_numpy(x) for x in rng.normal(size=(3, 20, 4)))
    metric = Memorization(IdentityFeatureExtractor(4))
    for kind, samples in (("train", train), ("held_out", held_out), ("fake", fake)):
        for part in samples.split(7):
            metric.update(part, kind)
    assert metric.compute() == memorization(fake, train, held_out)
    with pytest.raises(ArgumentError, match="`kind` must be one of"):
        metric.update(fake, "real")
    metric.reset()
    metric.update(train[:1], "train")
    with pytest.raises(ArgumentError, match="`train samples` must hold at least 2"):
        metric.compute()


def classifier():
    return ModuleFeatureExtractor(nn.Sequential(nn.Flatten(), nn.Linear(48, 6)), 6, name="toy-classes")


def test_the_inception_score_is_torchmetrics_of_one_split():
    network, images = classifier(), torch.rand(50, 3, 4, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stock = torchmetrics.image.inception.InceptionScore(network, normalize=True, splits=1)
        stock.features.append(network(images))
        expected = stock.compute()[0]
    ours = InceptionScore(network, splits=1)
    for part in images.split(20):
        ours.update(part)
    assert float(ours.compute()[0]) == pytest.approx(float(expected), rel=1e-4)
    assert ours.extractor_name == "toy-classes"


def test_the_inception_score_of_sure_and_balanced_classes_is_their_number():
    logits = 1000 * torch.eye(6).repeat(20, 1)
    metric = InceptionScore(IdentityFeatureExtractor(6, name="logits"), splits=1)
    metric.update(logits)
    assert float(metric.compute()[0]) == pytest.approx(6)
    metric.reset()
    metric.update(torch.zeros(12, 6))
    assert [float(value) for value in metric.compute()] == pytest.approx([1, 0])
    split = InceptionScore(IdentityFeatureExtractor(6, name="logits"), splits=4)
    split.update(logits)
    assert torch.equal(torch.stack(split.compute()), torch.stack(split.compute()))
    few = InceptionScore(IdentityFeatureExtractor(6))
    few.update(logits[:9])
    with pytest.raises(ArgumentError, match="`samples` must hold at least 10 samples"):
        few.compute()


def test_ties_count_for_density_as_if_they_were_broken_at_random():
    """Moving every sample of a table of few integers by next to nothing breaks all ties: the mean over such moves."""
    rng = np.random.default_rng(4)
    fake, real = rng.integers(0, 3, (40, 2)), rng.integers(0, 2, (30, 2))
    moved = []
    for _ in range(300):
        x, y = (each + rng.normal(0, 1e-6, each.shape) for each in (fake, real))
        reach = radii(y, 4)
        moved.append((np.linalg.norm(x[:, None] - y, axis=2) < reach).sum() / (4 * len(x)))
    spread = np.std(moved) / len(moved) ** 0.5
    assert float(density_coverage(fake, real, neighbors=4)[0]) == pytest.approx(np.mean(moved), abs=4 * spread)


@pytest.mark.parametrize("value", [0.0, 1.0, 1 / 3])
@pytest.mark.parametrize(("num_fake", "num_real"), [(9, 700), (1100, 40)])
def test_equal_constant_sets_have_density_and_coverage_1(value, num_fake, num_real):
    density, coverage = density_coverage(np.full((num_fake, 12), value), np.full((num_real, 12), value))
    assert float(density) == pytest.approx(1)
    assert coverage == 1
    assert density_coverage(np.full((num_fake, 12), value + 1), np.full((num_real, 12), value)) == (0, 0)


@pytest.mark.parametrize("levels", [2, 3, 8])
def test_two_draws_of_one_table_of_few_integers_have_density_1(levels):
    rng = np.random.default_rng(levels)
    found = [density_coverage(*rng.integers(0, levels, (2, 200, 3)))[0] for _ in range(10)]
    assert np.mean(found) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_repeated_training_samples_count_once(times):
    rng = np.random.default_rng(8)
    train, held_out, fresh = rng.normal(size=(3, 40, 6))
    fake = np.concatenate([train[:10], train[10:25] + rng.normal(0, 1e-2, (15, 6)), fresh[:15]])
    repeated = rng.permutation(np.concatenate([train[:30]] * times + [train[30:]]))
    found = memorization(fake, repeated, held_out)
    distances = [NearestNeighbors(n_neighbors=2).fit(train).kneighbors(x)[0] for x in (fake, held_out)]
    expected = [(near < far / 3).mean() for near, far in (each.T for each in distances)]
    assert [float(found.copy_rate), float(found.held_out_copy_rate)] == pytest.approx(expected)
    assert found.copy_rate >= 25 / 40
    # What float32 and the order of sums leave of equality is not a difference.
    again = memorization(np.float32(fake), np.float32(repeated * (1 + 1e-7)), held_out)
    assert float(again.copy_rate) == pytest.approx(expected[0])


def test_copies_of_one_image_alone_are_copies_and_others_are_not():
    train = np.full((7, 5), 0.3)
    found = memorization(np.float64([[0.3] * 5, [0.31] * 5]), train, train + 0.5)
    assert [float(found.copy_rate), float(found.held_out_copy_rate)] == [0.5, 0]
