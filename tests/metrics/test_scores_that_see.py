"""Which scores put a trained StyleQGAN before N(0, I) in its latent, on real images, and what the rule makes of each.

`files/trained_style_qgan.npz` holds what `python -m benchmarks.scores_that_see --out` writes: latents and decoded
images of the default model after 2,500 steps on 6,000 of the bundled images of Fashion-MNIST, the same of N(0, I),
which in this whitened latent is the Gaussian that fits the training images, and those of 400 images that were not
trained on.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from qiskit_qgen.metrics import (
    FeatureStatistics,
    classifier_accuracy,
    evaluate_features,
    judge_score,
    kernel_two_sample_test,
    maximum_mean_discrepancy,
    sliced_wasserstein_distance,
)

FILE = Path(__file__).parent / "files" / "trained_style_qgan.npz"


@pytest.fixture(scope="module")
def sets():
    with np.load(FILE) as arrays:
        found = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    images = {name: each.float().flatten(1) / 255 for name, each in found.items() if name.endswith("images")}
    return {name: each.float() for name, each in found.items()} | images


def frechet(x, y):
    return FeatureStatistics.from_features(x).frechet_distance(FeatureStatistics.from_features(y))


SEEING = {
    "classifier_accuracy of latents": (classifier_accuracy, "latents"),
    "maximum_mean_discrepancy of pixels": (maximum_mean_discrepancy, "images"),
    "sliced_wasserstein_distance of pixels": (sliced_wasserstein_distance, "images"),
}
BLIND = {
    "frechet_distance of latents": (frechet, "latents"),
    "maximum_mean_discrepancy of latents": (maximum_mean_discrepancy, "latents"),
    "sliced_wasserstein_distance of latents": (sliced_wasserstein_distance, "latents"),
}


def values(sets, function, kind):
    real = sets[f"real_{kind}"]
    return [float(function(sets[f"{name}_{kind}"], real)) for name in ("trained", "normal")]


@pytest.mark.parametrize("name", SEEING)
def test_scores_that_see_put_the_trained_model_first(sets, name):
    trained, normal = values(sets, *SEEING[name])
    assert trained < normal
    verdict = judge_score(name, {"model": trained}, {"standard_normal": normal})
    assert verdict.can_rank
    assert not verdict.is_unfit


@pytest.mark.parametrize("name", BLIND)
def test_scores_that_do_not_are_marked_unfit(sets, name):
    trained, normal = values(sets, *BLIND[name])
    verdict = judge_score(name, {"model": trained}, {"standard_normal": normal})
    assert not verdict.can_rank
    assert "nothing is concluded from it" in verdict.sentence


def test_the_kernel_test_tells_both_from_real_images(sets):
    for name in ("trained", "normal"):
        assert kernel_two_sample_test(sets[f"{name}_images"], sets["real_images"], permutations=99)[1] <= 0.02
    first, second = sets["real_images"].tensor_split(2)
    assert kernel_two_sample_test(first, second, permutations=99)[1] > 0.05


def test_evaluations_mark_what_is_blind(sets):
    """Of the latents' Fréchet distance nothing may be concluded, and the result itself reports it."""
    latents = evaluate_features(
        sets["trained_latents"], sets["real_latents"], baselines={"standard_normal": sets["normal_latents"]}, subsets=3
    )
    assert not latents["unfit"]["frechet_distance"]["can_rank"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_model_that_is_trained_here_is_put_first():
    from benchmarks.scores_that_see import scores, trained

    model, _, validation, samples = trained(steps=2000, autoencoder_steps=1500)
    found = {name: scores(model, validation, latents, None) for name, latents in samples.items()}
    for name in ("classifier", "pixel sliced W", "pixel MMD"):
        values = [found[rival][name] for rival in ("standard_normal", "gaussian", "marginals")]
        assert found["step 2000"][name] < min(values), name
        assert found["step 2000"][name] < found["step 40"][name], name
