"""The metric classes: one tester for all of them, and agreement with torchmetrics' own classes."""

import pickle
import warnings

import numpy as np
import pytest
import torch
import torchmetrics.image.fid
import torchmetrics.image.kid
from torch import nn

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import (
    FrechetInceptionDistance,
    IdentityFeatureExtractor,
    JensenShannonDivergence,
    KernelInceptionDistance,
    ModuleFeatureExtractor,
    frechet_distance,
)


def toy_extractor():
    with torch.random.fork_rng():
        torch.manual_seed(51)
        return ModuleFeatureExtractor(nn.Sequential(nn.Flatten(), nn.Linear(48, 10), nn.Tanh()), 10, name="toy")


METRICS = {
    "frechet": lambda: FrechetInceptionDistance(toy_extractor()),
    "kernel": lambda: KernelInceptionDistance(toy_extractor(), subsets=7, subset_size=12),
    "jensen-shannon": lambda: JensenShannonDivergence(toy_extractor(), bins=8),
    "jensen-shannon-pixel": lambda: JensenShannonDivergence("pixel", bins=8),
}


@pytest.fixture
def sample_images():
    rng = np.random.default_rng(52)
    real = torch.as_tensor(rng.uniform(size=(40, 3, 4, 4)), dtype=torch.float32)
    return real, torch.as_tensor(rng.beta(1, 5, size=(30, 3, 4, 4)), dtype=torch.float32)


def value_of(metric):
    return torch.stack(list(value)) if isinstance(value := metric.compute(), tuple) else value


def score(metric, real, fake, batch_size=1000):
    for batch in real.split(batch_size):
        metric.update(batch, real=True)
    for batch in fake.split(batch_size):
        metric.update(batch, real=False)
    return value_of(metric)


@pytest.mark.parametrize("make", METRICS.values(), ids=METRICS)
class TestEveryMetric:
    def test_batches_accumulate_to_one_call(self, make, sample_images):
        whole = score(make(), *sample_images)
        assert whole.dtype == torch.float64
        torch.testing.assert_close(score(make(), *sample_images, batch_size=7), whole, rtol=1e-5, atol=1e-7)

    def test_pickling_keeps_samples_and_value(self, make, sample_images):
        metric = make()
        expected = score(metric, *sample_images)
        twin = pickle.loads(pickle.dumps(metric))  # noqa: S301
        assert torch.equal(value_of(twin), expected)
        twin.update(sample_images[1] / 2, real=False)
        assert not torch.equal(value_of(twin), expected)
        assert twin.extractor_name == metric.extractor_name

    def test_reset_forgets_and_repeats(self, make, sample_images):
        metric = make()
        expected = score(metric, *sample_images)
        metric.reset()
        assert torch.equal(score(metric, *sample_images), expected)

    def test_reset_can_keep_the_real_samples(self, make, sample_images):
        metric = make()
        metric.reset_real_features = False
        real, fake = sample_images
        expected = score(metric, real, fake)
        metric.reset()
        metric.update(fake, real=False)
        assert torch.equal(value_of(metric), expected)

    def test_the_same_distribution_scores_lower(self, make, sample_images):
        real, fake = sample_images
        near = score(make(), real, real.flip(3)[:30]).flatten()[0]
        assert float(near) < float(score(make(), real, fake).flatten()[0])

    def test_it_names_its_extractor_and_its_facts(self, make):
        metric = make()
        assert metric.extractor_name in ("toy", "pixel")
        assert metric.higher_is_better is False
        assert metric.is_differentiable is False

    def test_too_few_samples_are_refused_with_a_sentence(self, make, sample_images):
        metric = make()
        metric.update(sample_images[0], real=True)
        metric.update(sample_images[1][:1], real=False)
        with pytest.raises(ArgumentError, match="Argument `fake samples` must hold at least 2 samples, but holds 1"):
            metric.compute()
        empty = make()
        empty.update(sample_images[1], real=False)
        with pytest.raises(ArgumentError, match="Argument `real samples` must hold at least 2 samples, but holds 0"):
            empty.compute()


def test_frechet_is_torchmetrics(sample_images):
    extractor = toy_extractor()
    theirs = torchmetrics.image.fid.FrechetInceptionDistance(feature=extractor, normalize=True)
    ours = FrechetInceptionDistance(extractor)
    assert isinstance(ours, torchmetrics.image.fid.FrechetInceptionDistance)
    assert float(score(ours, *sample_images)) == pytest.approx(float(score(theirs, *sample_images)), rel=1e-5)


def test_kernel_is_torchmetrics(sample_images):
    extractor = toy_extractor()
    options = {"subsets": 2, "subset_size": 30, "degree": 2, "gamma": 0.3, "coef": 0.5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = torchmetrics.image.kid.KernelInceptionDistance(feature=extractor, normalize=True, **options)
    ours = KernelInceptionDistance(extractor, **options)
    assert isinstance(ours, torchmetrics.image.kid.KernelInceptionDistance)
    real, fake = sample_images[0][:30], sample_images[1]
    torch.testing.assert_close(score(ours, real, fake).float(), score(theirs, real, fake), rtol=1e-4, atol=1e-6)


def test_kernel_subsets_come_from_the_seed(sample_images):
    extractor = toy_extractor()
    state = torch.get_rng_state()
    values = [
        score(KernelInceptionDistance(extractor, subsets=3, subset_size=9, seed=seed), *sample_images)
        for seed in (0, 0, 1)
    ]
    assert torch.equal(values[0], values[1])
    assert not torch.equal(values[0], values[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_pixels_are_binned_over_their_whole_range():
    real = torch.full((9, 1, 4, 4), 0.41)
    metric = JensenShannonDivergence("pixel", bins=10)
    assert float(score(metric, real, real + 0.05)) == 0.0
    metric.reset()
    assert float(score(metric, real, real + 0.1)) == pytest.approx(1.0)


def test_vectors_are_scored_with_the_identity():
    rng = np.random.default_rng(53)
    latents = torch.as_tensor(rng.normal(size=(200, 24)), dtype=torch.float32)
    metric = FrechetInceptionDistance(IdentityFeatureExtractor(24, name="latent"))
    assert float(score(metric, latents, latents + 0.5)) == pytest.approx(24 * 0.25, rel=1e-5)
    assert metric.extractor_name == "latent"


def test_bad_options_are_refused():
    with pytest.raises(ArgumentError, match="Argument `bins` must be an integer of at least 2, but is 1"):
        JensenShannonDivergence(bins=1)
    with pytest.raises(ValueError, match="`subset_size`"):
        KernelInceptionDistance(IdentityFeatureExtractor(2), subset_size=0)


@pytest.mark.parametrize("level", [0.0, 0.1, 255.0])
@pytest.mark.parametrize("constant", ["real", "fake", "both"])
def test_constant_sets_have_a_frechet_distance(level, constant):
    """Against a constant set, d^2 = |difference of means|^2 + tr Sigma of the other."""
    rng = np.random.default_rng(53)
    blank, varied = np.full((37, 6), level), rng.normal(level, [3, 1, 1, 0.1, 2, 0], (50, 6))
    sets = {"real": (blank, varied), "fake": (varied, blank), "both": (blank, blank + 2)}[constant]
    metric = FrechetInceptionDistance(IdentityFeatureExtractor(6))
    expected = (
        ((sets[0].mean(0) - sets[1].mean(0)) ** 2).sum() + sets[0].var(0, ddof=1).sum() + sets[1].var(0, ddof=1).sum()
    )
    assert float(score(metric, *map(torch.from_numpy, sets), batch_size=8)) == pytest.approx(expected, rel=1e-9)
    by_function = frechet_distance(*(each for x in sets for each in (x.mean(0), np.cov(x.T))))
    assert float(by_function) == pytest.approx(expected, rel=1e-9)
