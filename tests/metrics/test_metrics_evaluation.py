"""All scores in one dictionary: contents, floors, sharing of features, real images, refusals."""

import json

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional as F

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.metrics import (
    EfficientNetLite0Extractor,
    FeatureCache,
    FeatureStatistics,
    ModuleFeatureExtractor,
    classifier_accuracy,
    density_coverage,
    evaluate_features,
    evaluate_images,
    inception_score,
    jensen_shannon_divergence,
    judge_score,
    kernel_distance,
    kernel_distance_interval,
    maximum_mean_discrepancy,
    maximum_mean_discrepancy_interval,
    memorization,
    precision_recall,
    sliced_wasserstein_distance,
)

SCORES = {"frechet_distance", "kernel_distance", "kernel_distance_std", "jensen_shannon_divergence"}
SUPPORT = ("precision", "recall", "density", "coverage")
SCORES |= {"kernel_distance_interval", *SUPPORT, *(f"{name}_interval" for name in SUPPORT)}
SIZES = {"num_samples", "num_real", "subset_size"}
FACTS = {"extractor", "num_features", "subsets", "bins", "seed", "warnings", "floor_real", "floor_reconstruction"}
FACTS |= {"memorization", "baselines", "unfit"}
PIXELS = {
    "jensen_shannon_divergence_pixel",
    "maximum_mean_discrepancy_pixel",
    "maximum_mean_discrepancy_pixel_interval",
}
VECTORS = {"maximum_mean_discrepancy", "maximum_mean_discrepancy_interval", "sliced_wasserstein_distance"}
VECTORS |= {"classifier_accuracy", "classifier_accuracy_interval"}
QUICK = {"subsets": 5, "bins": 8}


class _Counting(nn.Module):
    """Eight fixed random projections of 6 x 6 images, which count the images they have seen."""

    def __init__(self):
        super().__init__()
        weight = np.random.default_rng(61).normal(size=(8, 36))
        self.weight = nn.Parameter(torch.as_tensor(weight, dtype=torch.float32))
        self.samples = 0

    def forward(self, x):
        self.samples += x.shape[0]
        return x.flatten(1) @ self.weight.T


@pytest.fixture
def extractor():
    return ModuleFeatureExtractor(_Counting(), 8, name="projections")


@pytest.fixture
def sample_images():
    rng = np.random.default_rng(62)
    draw = lambda n, b: torch.as_tensor(rng.beta(2, b, size=(n, 1, 6, 6)), dtype=torch.float32)  # noqa: E731
    return {"generated": draw(30, 3), "real": draw(40, 2), "reconstructions": draw(25, 2.2), "reference": draw(20, 2)}


def test_every_score_is_the_functions_and_every_set_is_seen_once(extractor, sample_images):
    result = evaluate_images(**sample_images, extractor=extractor, **QUICK, seed=4)
    assert extractor.module.samples == 30 + 40 + 25 + 20
    assert set(result) == SCORES | SIZES | FACTS | PIXELS | {"extractor_accuracy"}
    assert result["extractor_accuracy"] is None
    assert set(result["floor_real"]) == SCORES | SIZES | PIXELS | {"source"}
    assert set(result["floor_reconstruction"]) == SCORES | SIZES | PIXELS
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert (result["extractor"], result["num_features"], result["seed"]) == ("projections", 8, 4)
    assert result["floor_real"]["source"] == "reference"
    real = sample_images["real"]
    groups = {"generated": result, "reconstructions": result["floor_reconstruction"], "reference": result["floor_real"]}
    for name, scores in groups.items():
        images = sample_images[name]
        x, y = extractor(images), extractor(real)
        frechet = FeatureStatistics.from_features(x).frechet_distance(FeatureStatistics.from_features(y))
        mean, std = kernel_distance(x, y, subsets=5, seed=4)
        pixel = jensen_shannon_divergence(images.flatten(1), real.flatten(1), bins=8, limits=(0, 1))
        assert scores["frechet_distance"] == pytest.approx(float(frechet))
        assert (scores["kernel_distance"], scores["kernel_distance_std"]) == pytest.approx((float(mean), float(std)))
        assert scores["jensen_shannon_divergence"] == pytest.approx(float(jensen_shannon_divergence(x, y, bins=8)))
        assert scores["jensen_shannon_divergence_pixel"] == pytest.approx(float(pixel))
        sets = images.flatten(1), real.flatten(1)
        assert scores["maximum_mean_discrepancy_pixel"] == pytest.approx(float(maximum_mean_discrepancy(*sets)))
        assert scores["kernel_distance_interval"] == pytest.approx(kernel_distance_interval(x, y, seed=4))
        support = [*precision_recall(x, y), *density_coverage(x, y)]
        assert [scores[name] for name in SUPPORT] == pytest.approx([float(value) for value in support])
        assert (scores["num_samples"], scores["num_real"]) == (len(images), 40)
        assert scores["subset_size"] == len(images) // 2


def test_intervals_are_those_of_the_samples(extractor, sample_images):
    result = evaluate_images(**sample_images, extractor=extractor, **QUICK)
    for name, count in (("precision", 30), ("recall", 40), ("coverage", 40)):
        hits = round(result[name] * count)
        expected = stats.binomtest(hits, count).proportion_ci(method="wilson")
        assert result[f"{name}_interval"] == pytest.approx([expected.low, expected.high], abs=1e-9)
    low, high = result["density_interval"]
    assert low < result["density"] < high


def test_the_inception_score_is_reported_of_extractors_with_classes(extractor, sample_images):
    assert "inception_score" not in evaluate_images(**sample_images, extractor=extractor, **QUICK)
    weights = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    extractor.logits = lambda features: features @ weights
    many = {**sample_images, "generated": sample_images["generated"].repeat(5, 1, 1, 1)}
    result = evaluate_images(**many, extractor=extractor, **QUICK, seed=2)
    for name, group, splits in (
        ("generated", result, 3),
        ("reference", result["floor_real"], 1),
        ("reconstructions", result["floor_reconstruction"], 1),
    ):
        mean, std = inception_score(extractor(many[name]) @ weights, splits=splits, seed=2)
        assert (group["inception_score"], group["inception_score_std"]) == pytest.approx((float(mean), float(std)))
        assert group["inception_score_splits"] == splits


def test_memorisation_is_reported_of_what_was_trained_on(extractor, sample_images):
    train = torch.rand(50, 1, 6, 6, generator=torch.Generator().manual_seed(3))
    given = {**sample_images, "generated": torch.cat([train[:10], sample_images["generated"][:20]])}
    assert evaluate_images(**given, extractor=extractor, **QUICK)["memorization"] is None
    found = evaluate_images(**given, train=train, extractor=extractor, **QUICK)["memorization"]
    expected = memorization(extractor(given["generated"]), extractor(train), extractor(given["real"]))
    for name, value in expected._asdict().items():
        assert found[name] == pytest.approx(float(value))
        assert found[f"{name}_interval"][0] <= found[name] <= found[f"{name}_interval"][1]
    assert (found["num_train"], found["copy_rate"] >= 1 / 3) == (50, True)


def test_the_real_floor_splits_the_real_set(extractor, sample_images):
    del sample_images["reference"], sample_images["reconstructions"]
    result = evaluate_images(**sample_images, extractor=extractor, **QUICK)
    floor = result["floor_real"]
    assert (floor["num_samples"], floor["num_real"], floor["source"]) == (20, 20, "halves of real")
    assert floor["frechet_distance"] > 0
    assert floor["kernel_distance"] < result["kernel_distance"]
    assert result["floor_reconstruction"] is None
    assert extractor.module.samples == 70


@pytest.mark.parametrize("seed", range(4))
def test_the_halves_are_disjoint_and_complete(seed):
    """Four numbers split into two pairs in three ways: d^2 = (difference of means)^2 + (difference of spreads)^2."""
    real = np.array([0.0, 1.0, 10.0, 100.0])
    expected = []
    for partner in (1, 2, 3):
        pair, rest = real[[0, partner]], np.delete(real, [0, partner])
        expected.append((pair.mean() - rest.mean()) ** 2 + (pair.std(ddof=1) - rest.std(ddof=1)) ** 2)
    value = evaluate_features(real[:, None], real[:, None], subsets=1, seed=seed)["floor_real"]["frechet_distance"]
    assert min(abs(value - e) for e in expected) < 1e-9 * value


def test_the_same_seed_gives_the_same_result(extractor, sample_images):
    del sample_images["reference"]
    first = evaluate_images(**sample_images, extractor=extractor, **QUICK, seed=1)
    assert evaluate_images(**sample_images, extractor=extractor, **QUICK, seed=1) == first
    other = evaluate_images(**sample_images, extractor=extractor, **QUICK, seed=2)
    assert other["frechet_distance"] == first["frechet_distance"]
    assert other["kernel_distance"] != first["kernel_distance"]
    assert other["floor_real"]["frechet_distance"] != first["floor_real"]["frechet_distance"]
    drawn = evaluate_images(**sample_images, extractor=extractor, **QUICK, seed=None)
    again = evaluate_images(**sample_images, extractor=extractor, **QUICK, seed=drawn["seed"])
    assert again == drawn


def test_too_few_samples_for_the_features_are_pointed_out(sample_images):
    flat = {name: images.flatten(1) for name, images in sample_images.items()}
    warnings = evaluate_features(**flat, **QUICK)["warnings"]
    assert len(warnings) == 3
    assert "of generated samples compares 30 with 40 samples in 36 dimensions" in warnings[0]
    assert "biased upwards" in warnings[0]
    enough = {name: images[:, :9] for name, images in flat.items()}
    assert evaluate_features(**enough, **QUICK)["warnings"] == []


def test_only_real_sets_are_cached(tmp_path, extractor, sample_images):
    cache = FeatureCache(tmp_path)
    given = {**sample_images, "train": 1 - sample_images["real"]}
    first = evaluate_images(**given, extractor=extractor, **QUICK, cache=cache)
    assert len(list(tmp_path.iterdir())) == 3
    extractor.module.samples = 0
    assert evaluate_images(**given, extractor=extractor, **QUICK, cache=cache) == first
    assert extractor.module.samples == 30 + 25


def test_baselines_are_scored_as_the_samples_and_judged(extractor, sample_images):
    given = {name: sample_images[name] for name in ("generated", "real")}
    rivals = {"gaussian": sample_images["reference"], "standard_normal": sample_images["reference"]}
    rivals |= {"mixture": 1 - given["real"], "training": given["real"]}
    extractor.module.samples = 0
    result = evaluate_images(**given, extractor=extractor, **QUICK, baselines=rivals)
    assert extractor.module.samples == 30 + 40 + 20 + 40 + 40, "a set of two names is seen once"
    alone = evaluate_images(generated=rivals["mixture"], real=given["real"], extractor=extractor, **QUICK)
    assert result["baselines"]["mixture"] == {name: alone[name] for name in result["baselines"]["mixture"]}
    assert result["baselines"]["gaussian"] == result["baselines"]["standard_normal"]
    for name in SCORES - {"kernel_distance_std"}:
        if name.endswith("_interval"):
            continue
        estimates = {
            place: (scores[name], *scores.get(f"{name}_interval", (None, None)))
            for place, scores in ({"model": result} | result["baselines"]).items()
        }
        verdict = judge_score(name, {"model": estimates.pop("model")}, estimates)
        assert (name in result["unfit"]) == verdict.is_unfit
        if verdict.is_unfit:
            assert result["unfit"][name]["sentence"] == verdict.sentence
    assert "frechet_distance" in result["unfit"], "the reference is nearer than what was generated"
    assert result["unfit"]["frechet_distance"]["beaten_by"][:2] == ["standard_normal", "gaussian"]
    with pytest.raises(ArgumentError, match="`baselines` must be"):
        evaluate_images(**given, extractor=extractor, baselines={"noise": given["real"]})


def test_vectors_are_scored_without_a_network():
    rng = np.random.default_rng(63)
    real, noise = rng.normal(size=(2, 300, 24))
    result = evaluate_features(real + 0.5, real, extractor_name="latent", reconstructions=real + 0.1, subsets=10)
    assert result["frechet_distance"] == pytest.approx(24 * 0.25)
    assert result["floor_reconstruction"]["frechet_distance"] == pytest.approx(24 * 0.01)
    assert set(result) == SCORES | SIZES | FACTS | VECTORS
    assert result["extractor"] == "latent"
    x, y = real + 0.5, real
    assert result["maximum_mean_discrepancy"] == pytest.approx(float(maximum_mean_discrepancy(x, y)))
    assert result["maximum_mean_discrepancy_interval"] == pytest.approx(maximum_mean_discrepancy_interval(x, y))
    assert result["sliced_wasserstein_distance"] == pytest.approx(float(sliced_wasserstein_distance(x, y)))
    assert result["classifier_accuracy"] == pytest.approx(float(classifier_accuracy(x, y)))
    assert result["classifier_accuracy_interval"][0] < result["classifier_accuracy"]
    near, far = (evaluate_features(real + s * noise, real, subsets=10) for s in (0.3, 1.5))
    for score in ("frechet_distance", "kernel_distance", "jensen_shannon_divergence"):
        assert near[score] < far[score]


def test_real_images_score_worse_with_noise_and_with_blur():
    """EfficientNet features of Fashion-MNIST: clean < slightly < strongly damaged, and clean stays near its floor."""
    images = load_dataset("fashion-mnist-mini", split="test").images[:200]
    real, clean = images[:100], images[100:]
    noise = torch.as_tensor(np.random.default_rng(64).normal(size=clean.shape), dtype=torch.float32)
    series = {
        "noise": [clean] + [(clean + s * noise).clamp(0, 1) for s in (0.1, 0.3)],
        "blur": [clean] + [F.avg_pool2d(clean, k, stride=1, padding=k // 2) for k in (3, 7)],
    }
    network = EfficientNetLite0Extractor(48)
    rows = [r for damage in series.values() for r in damage]
    features = network(torch.cat([real, *rows])).split(100)
    for start, name in ((1, "noise"), (4, "blur")):
        results = [
            evaluate_features(x, features[0], extractor_name=network.name, subsets=20)
            for x in features[start : start + 3]
        ]
        for score in ("frechet_distance", "kernel_distance", "jensen_shannon_divergence"):
            values = [result[score] for result in results]
            assert values == sorted(values), f"{score} under {name}: {values}"
            assert values[2] > 1.3 * abs(values[0]), f"{score} under {name}: {values}"
        assert abs(results[0]["kernel_distance"]) < 3 * results[0]["kernel_distance_std"] + 0.01


def test_the_named_extractor_is_used_and_named():
    images = load_dataset("fashion-mnist-mini", split="test").images[:24]
    result = evaluate_images(images[:8], images[8:], extractor="efficientnet-lite0-32px", subsets=2)
    assert (result["extractor"], result["num_features"]) == ("efficientnet-lite0-32px", 1280)
    assert all(np.isfinite(result[score]).all() for score in SCORES)
    # Of 1000 classes of ImageNet, at most one for each image.
    assert 1 < result["inception_score"] <= 8
    assert len(result["warnings"]) == 2


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"generated": torch.zeros(0, 1, 6, 6)}, DatasetError, "Argument `generated` must hold at least one image"),
        ({"real": torch.full((9, 1, 6, 6), torch.nan)}, DatasetError, "Argument `real` must hold finite numbers"),
        (
            {"reference": torch.full((9, 1, 6, 6), 2.0)},
            DatasetError,
            "Argument `reference` must hold numbers from 0 to 1",
        ),
        (
            {"reconstructions": "x.png"},
            ArgumentTypeError,
            "Argument `reconstructions` must be a tensor or a numpy array",
        ),
        ({"generated": torch.rand(9, 1, 8, 8)}, ArgumentError, r"`generated` must have shape \(N, 1, 6, 6\) as `real`"),
        ({"generated": torch.rand(1, 1, 6, 6)}, ArgumentError, "`generated` must hold at least 2 samples, but holds 1"),
        ({"real": torch.rand(3, 1, 6, 6), "reference": None}, ArgumentError, "`real` must hold at least 4 samples"),
        ({"subset_size": 41}, ArgumentError, "`subset_size` must be at most the smaller number of samples, 30"),
        ({"subsets": 0}, ArgumentError, "Argument `subsets` must be a positive integer, but is 0"),
        ({"bins": 1}, ArgumentError, "Argument `bins` must be an integer of at least 2, but is 1"),
        ({"seed": -1}, ArgumentError, "Argument `seed` must be"),
        (
            {"extractor": "vgg"},
            ArgumentError,
            "Argument `extractor` must be 'pixel', 'fid-inception-v3', a name such as 'efficientnet-lite0-96px'",
        ),
    ],
)
def test_bad_input_is_refused_with_a_sentence(extractor, sample_images, change, error, message):
    with pytest.raises(error, match=message):
        evaluate_images(**({"extractor": extractor, **sample_images, **QUICK} | change))


def test_bad_vectors_are_refused_with_a_sentence():
    real = torch.rand(9, 3)
    with pytest.raises(ArgumentError, match=r"Argument `generated` must have shape \(N, 3\), but has shape \(9, 2\)"):
        evaluate_features(real[:, :2], real)
    with pytest.raises(ArgumentError, match="Argument `reference` must be finite"):
        evaluate_features(real, real, reference=real / 0)


def test_no_unit_of_a_column_decides_the_scores_of_a_table():
    rng = np.random.default_rng(65)
    sets = {name: rng.normal(size=(60, 3)) @ rng.normal(size=(3, 3)) for name in ("real", "reference", "train")}
    sets["generated"] = sets["real"] + rng.normal(0, 0.1, (60, 3))
    plain = evaluate_features(**sets, **QUICK, standardize=True)
    mean, spread = sets["real"].mean(0), sets["real"].std(0, ddof=1)
    by_hand = evaluate_features(**{name: (each - mean) / spread for name, each in sets.items()}, **QUICK)
    units = {name: each * [3, 200, 0.015] + [0, 1e4, -1] for name, each in sets.items()}
    in_units = evaluate_features(**units, **QUICK, standardize=True)
    assert (plain["extractor"], by_hand["extractor"]) == ("identity, standardized", "identity")
    for found, expected in ((plain, by_hand), (in_units, by_hand), (in_units["floor_real"], by_hand["floor_real"])):
        for name in SCORES:
            assert found[name] == pytest.approx(expected[name], rel=1e-6, abs=1e-9), name
    assert in_units["memorization"]["closer"] == by_hand["memorization"]["closer"]
    assert abs(in_units["kernel_distance"]) < 1


def test_columns_that_are_constant_in_the_real_table_are_compared_by_their_size():
    rng = np.random.default_rng(66)
    real = np.stack([rng.normal(size=40), np.full(40, 2000.1), np.zeros(40), rng.uniform(-1e300, 1e300, 40)], 1)
    same = evaluate_features(real, real, **QUICK, standardize=True)
    assert same["frechet_distance"] == pytest.approx(0, abs=1e-9)
    other = evaluate_features(real + np.float64([0, 200.01, 0.5, 0]), real, **QUICK, standardize=True)
    assert other["frechet_distance"] == pytest.approx(0.1**2 + 0.5**2, rel=1e-6)


def test_that_the_real_samples_were_trained_on_is_said_first(extractor, sample_images):
    found = evaluate_images(**sample_images, train=sample_images["real"], extractor=extractor, **QUICK)
    assert "100% count as copies of the training samples" in found["warnings"][0]


@pytest.mark.parametrize("count", [2, 3])
def test_few_samples_have_intervals_too(count):
    rng = np.random.default_rng(67)
    result = evaluate_features(rng.normal(size=(count, 2)), rng.normal(size=(4, 2)), **QUICK)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
