"""The baselines of every kind of model: where they are fitted, what they become, and that the model is left alone."""

import pytest
import torch
from small import KINDS, diffusion, hybrid, images, style, table, trained

from qiskit_qgen.datasets import ImageDataset
from qiskit_qgen.metrics import BASELINES, fitted_baselines, standard_normal
from qiskit_qgen.models.base.baselines import baselines_of

TRAIN = images(40)
ALL_IMAGES = {"untrained", "gaussian", "mixture", "training"}


@pytest.fixture(scope="module")
def model():
    return trained(style(), TRAIN)


def test_of_a_model_with_a_latent_they_are_fitted_there_and_decoded(model):
    found = baselines_of(model, 12, TRAIN, None, seed=3)
    assert set(found.latents) == set(BASELINES)
    assert set(found.samples) == ALL_IMAGES | {"standard_normal"}
    expected = fitted_baselines(model.encoded(TRAIN), 12, seed=3)
    for name, latents in expected.items():
        assert torch.equal(found.latents[name], latents)
    assert torch.equal(found.latents["standard_normal"], standard_normal(12, 4, seed=3))
    assert torch.equal(found.samples["mixture"], model.decode_latents(expected["mixture"]))
    assert torch.equal(found.samples["standard_normal"], model.decode_latents(found.latents["standard_normal"]))
    assert all(samples.shape == (12, 1, 8, 8) for samples in found.samples.values())


def test_in_a_whitened_latent_the_gaussian_is_the_standard_one(model):
    encoded = model.encoded(TRAIN).double()
    assert torch.allclose(encoded.T.cov(), torch.eye(4, dtype=torch.float64), atol=1e-4)
    found = baselines_of(model, 12, TRAIN, None, seed=3)
    assert found.samples["gaussian"] is found.samples["standard_normal"]
    other = trained(style(latent_transform="none"), TRAIN)
    found = baselines_of(other, 12, TRAIN, None, seed=3)
    assert not torch.equal(found.samples["gaussian"], found.samples["standard_normal"])


def test_repeated_images_are_training_images(model):
    samples = baselines_of(model, 12, TRAIN, None, seed=3).samples["training"]
    known = {tuple(image.flatten().tolist()) for image in TRAIN}
    assert len({tuple(image.flatten().tolist()) for image in samples} & known) == 12


@pytest.mark.parametrize("make", [hybrid, diffusion])
def test_of_other_models_they_are_fitted_to_pixels(make):
    found = baselines_of(trained(make(), TRAIN), 6, TRAIN, None, seed=0)
    assert found.latents == {}
    assert set(found.samples) == ALL_IMAGES
    assert torch.equal(found.samples["gaussian"], fitted_baselines(TRAIN, 6, seed=0)["gaussian"].clamp(0, 1))


def test_of_tables_they_have_shuffled_columns():
    rows = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
    found = baselines_of(trained(table(), rows), 9, rows, None, seed=0)
    assert set(found.samples) == ALL_IMAGES | {"marginals"}
    assert all(samples.shape == (9, 2) for samples in found.samples.values())


def test_without_training_data_there_are_those_that_need_none(model):
    assert set(baselines_of(model, 5, None, None, seed=0).samples) == {"untrained", "standard_normal"}
    scores = model.evaluate(images(9, seed=1), extractor="pixel")
    assert set(scores["baselines"]) == set(scores["latent"]["baselines"]) == {"untrained", "standard_normal"}
    assert any("pass it as `train`" in sentence for sentence in scores["warnings"])
    assert model.evaluate(images(9, seed=1), extractor="pixel", baselines=False)["baselines"] == {}


def test_classes_of_the_training_images_make_the_mixture(model):
    data = ImageDataset(TRAIN, torch.arange(40) % 2, "two", "train")
    scores = [
        model.evaluate(images(9, seed=1), train=train, extractor="pixel", memorization=False) for train in (data, TRAIN)
    ]
    assert scores[0]["memorization"] is None
    assert scores[0]["baselines"]["gaussian"] == scores[1]["baselines"]["gaussian"]
    assert scores[0]["baselines"]["mixture"] != scores[1]["baselines"]["mixture"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_untrained_copy_leaves_the_model_alone(kind):
    model = trained(KINDS[kind]())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fresh = model.untrained(5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    again, other = model.untrained(5), model.untrained(6)
    assert torch.equal(fresh.sample(3, seed=0), again.sample(3, seed=0))
    assert not torch.equal(fresh.sample(3, seed=0), other.sample(3, seed=0))
    assert not torch.equal(fresh.sample(3, seed=0), model.sample(3, seed=0))
    assert fresh.history is None


@pytest.mark.parametrize("scaling", ["range", "quantile", "power"])
def test_an_untrained_model_of_a_table_has_the_datas_units(scaling):
    rows = torch.rand(60, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 400.0]) + 1000
    model = trained(table(scaling=scaling), rows)
    fresh = baselines_of(model, 200, rows, None, seed=0).samples["untrained"]
    spread = rows.amax(0) - rows.amin(0)
    assert ((fresh - rows.mean(0)).abs().mean(0) < spread).all()
    assert not torch.equal(fresh, model.sample(200, seed=0))
