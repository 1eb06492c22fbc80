"""What all three models share: subsets of the data, and the scores of evaluate."""

import functools
import json

import pytest
import torch

from qiskit_qgen import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.exceptions import ArgumentError, DatasetError

MODELS = {
    "style": (
        StyleQGAN,
        {"image_shape": (1, 8, 8), "num_qubits": 2, "num_layers": 1, "autoencoder_width": 4, "autoencoder_hidden": 8},
        {"steps": 2, "autoencoder_steps": 2, "batch_size": 8},
    ),
    "hybrid": (
        HybridGAN,
        {"image_shape": (1, 8, 8), "quantum_in": "both", "num_qubits": 2, "latent_dim": 2, "backbone": "conv"},
        {"steps": 2, "batch_size": 8},
    ),
    "diffusion": (
        QuantumDiffusion,
        {"image_shape": (1, 8, 8), "num_qubits": 2, "width": 8, "num_steps": 10, "sampling_steps": 2},
        {"steps": 2, "batch_size": 8},
    ),
}
DISTANCES = ("frechet_distance", "kernel_distance", "jensen_shannon_divergence", "jensen_shannon_divergence_pixel")
SUPPORT = ("precision", "recall", "density", "coverage")


def pictures(count, seed=0):
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=MODELS)
def kind(request):
    return request.param


def trained(kind, data, **options):
    make, arguments, fit = MODELS[kind]
    model = make(**arguments)
    model.fit(data, seed=0, callbacks=[], **fit, **options)
    return model


@functools.cache
def fitted(kind):
    """A model that no test changes, trained on the pictures of seed 0."""
    return trained(kind, pictures(30))


def weights(model):
    return torch.cat([tensor.double().flatten() for each in model.networks.values() for tensor in each.parameters()])


def test_subsets_are_the_same_for_every_model(kind):
    data = pictures(40)
    drawn = trained(kind, data, num_images=12, subset_seed=3)
    given = trained(kind, subset(data, 12, 3))
    assert torch.equal(weights(drawn), weights(given))
    other = trained(kind, data, num_images=12, subset_seed=4)
    assert not torch.equal(weights(drawn), weights(other))


def test_subsets_out_of_range_are_refused(kind):
    for options, message in (
        ({"num_images": 0}, "`num_images` must be"),
        ({"num_images": 41}, "`num_images` must be"),
        ({"subset_seed": 1}, "`subset_seed` has no effect without `num_images`"),
    ):
        with pytest.raises(ArgumentError, match=message):
            trained(kind, pictures(40), **options)


def test_all_scores_come_with_floors_intervals_and_sizes(kind):
    data, held_out = pictures(30), pictures(24, seed=1)
    scores = fitted(kind).evaluate(
        held_out, num_samples=20, reference=pictures(20, seed=2), train=data, extractor="pixel"
    )
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    groups = [scores, scores["floor_real"]]
    assert (scores["floor_reconstruction"] is not None) == (kind == "style")
    if kind == "style":
        groups.append(scores["floor_reconstruction"])
    for group in groups:
        assert set(DISTANCES) | set(SUPPORT) <= set(group)
        for name in ("kernel_distance", *SUPPORT):
            low, high = group[f"{name}_interval"]
            assert low <= high
        assert all(group[f"{name}_interval"][0] <= group[name] <= group[f"{name}_interval"][1] for name in SUPPORT)
    assert (scores["num_samples"], scores["num_real"], scores["extractor"]) == (20, 24, "pixel")
    assert scores["memorization"]["num_train"] == 30
    assert scores["memorization"]["held_out_copy_rate"] == 0
    assert any("biased upwards" in sentence for sentence in scores["warnings"])
    assert "inception_score" not in scores


def test_a_model_that_repeats_its_training_pictures_is_found_out(kind, monkeypatch):
    data, held_out, model = pictures(30), pictures(24, seed=1), fitted(kind)
    # Not the model but its samples are replaced: a generator that has learned its training pictures by heart.
    monkeypatch.setattr(model, "sample", lambda count, **_: data[:count])
    found = model.evaluate(held_out, num_samples=20, train=data, extractor="pixel")["memorization"]
    assert found["copy_rate"] == 1
    assert found["closer"] == 1
    assert found["held_out_copy_rate"] == 0
    assert found["copy_rate_interval"][0] > found["held_out_copy_rate_interval"][1]
    wrong = model.evaluate(data, num_samples=20, train=data, extractor="pixel")
    assert any("check that they are others" in sentence for sentence in wrong["warnings"])


def test_training_pictures_of_another_shape_are_refused(kind):
    with pytest.raises(DatasetError, match="`train`"):
        fitted(kind).evaluate(pictures(24), train=torch.rand(9, 1, 12, 12), extractor="pixel")
