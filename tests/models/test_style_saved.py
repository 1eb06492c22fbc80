"""Saved StyleQGANs, and those with an autoencoder of one's own."""

import json

import pytest
import torch
from small_style import SHORT, pictures, same, small, weights
from torch import nn

from qiskit_qgen.exceptions import (
    ArgumentError,
    CheckpointError,
)
from qiskit_qgen.models import StyleQGAN


@pytest.fixture(scope="module")
def fitted():
    model = small()
    model.fit(pictures(), seed=0, **SHORT)
    return model


class OwnAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(64, 4), nn.Linear(4, 64)

    def encode(self, images):
        return torch.tanh(self.down(images.flatten(1)))

    def decode(self, latents):
        return torch.sigmoid(self.up(latents)).unflatten(1, (1, 8, 8))


def own_small(autoencoder):
    return StyleQGAN((1, 8, 8), 2, generator="classical", autoencoder=autoencoder, critic_width=8)


def test_an_own_autoencoder_is_copied_trained_saved_and_loaded(tmp_path):
    own = OwnAutoencoder()
    before = [tensor.clone() for tensor in own.state_dict().values()]
    model = own_small(autoencoder=own)
    model.fit(pictures(), seed=0, **SHORT)
    assert same(before, list(own.state_dict().values()))
    first = weights(model)
    model.fit(pictures(), seed=0, **SHORT)
    assert same(first, weights(model))
    model.save_pretrained(tmp_path / "m")
    with pytest.raises(ArgumentError, match="`autoencoder` must be the module that the model was made with"):
        StyleQGAN.from_pretrained(tmp_path / "m")
    loaded = StyleQGAN.from_pretrained(tmp_path / "m", autoencoder=OwnAutoencoder())
    assert torch.equal(loaded.sample(3, seed=0), model.sample(3, seed=0))


def test_zero_steps_keep_a_pretrained_autoencoder():
    own = OwnAutoencoder().requires_grad_(False)
    model = own_small(autoencoder=own)
    with pytest.raises(
        ArgumentError, match="`autoencoder_steps` must be 0 if no weight of `autoencoder` can be trained"
    ):
        model.fit(pictures(), seed=0, **SHORT)
    model.fit(pictures(), seed=0, **{**SHORT, "autoencoder_steps": 0})
    images = pictures(4)
    assert torch.allclose(model.reconstruct(images), own.decode(own.encode(images)))


@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_a_saved_model_samples_the_same_bits(generator, tmp_path):
    rotations = {"rotations": ("ry", "rz", "ry")} if generator == "quantum" else {}
    model = small(generator, betas=(0.5, 0.9), **rotations)
    model.fit(pictures(), seed=0, **SHORT)
    model.save_pretrained(tmp_path / "m")
    files = {"config.json", "model.safetensors"} | ({"circuit.qpy"} if generator == "quantum" else set())
    assert {path.name for path in (tmp_path / "m").iterdir()} == files
    loaded = StyleQGAN.from_pretrained(tmp_path / "m")
    assert loaded.arguments == model.arguments
    assert loaded.history == model.history
    assert loaded.summary() == model.summary()
    assert torch.equal(loaded.sample(5, seed=1), model.sample(5, seed=1))
    assert loaded.fit(pictures(), seed=0, **SHORT) == model.history
    assert same(weights(loaded), weights(model))
    loaded.save_pretrained(tmp_path / "m")
    assert torch.equal(StyleQGAN.from_pretrained(tmp_path / "m").sample(5, seed=1), model.sample(5, seed=1))


def test_what_is_no_saved_model_is_refused(tmp_path, fitted):
    fitted.save_pretrained(tmp_path / "m")
    config = tmp_path / "m" / "config.json"
    text = config.read_text()
    config.write_text(text.replace('"StyleQGAN"', '"HybridGAN"'))
    with pytest.raises(CheckpointError, match=r"holds a HybridGAN: load it with `HybridGAN\.from_pretrained`"):
        StyleQGAN.from_pretrained(tmp_path / "m")
    config.write_text(text.replace('"critic_width": 8', '"critic_width": 7'))
    with pytest.raises(CheckpointError, match="does not fit"):
        StyleQGAN.from_pretrained(tmp_path / "m")
    with pytest.raises(CheckpointError, match="does not exist"):
        StyleQGAN.from_pretrained(tmp_path / "none")
    config.write_text(text)
    with pytest.raises(ArgumentError, match="`autoencoder` must be None: the model has no module of its own"):
        StyleQGAN.from_pretrained(tmp_path / "m", autoencoder=OwnAutoencoder())


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("circuit_inputs", 99, "config.json in .* is damaged: save the model again"),
        ("history", None, "config.json in .* is damaged: save the model again"),
        (
            "arguments",
            {"autoencoder": "conv", "foo": 1},
            "config.json in .* holds arguments that StyleQGAN does not take",
        ),
        (
            "arguments",
            {"autoencoder": "conv", "critic_width": 0},
            "`critic_width` must be a positive integer, but is 0",
        ),
    ],
)
def test_a_changed_configuration_is_refused_as_a_damaged_model(fitted, tmp_path, key, value, sentence):
    fitted.save_pretrained(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(CheckpointError, match=sentence):
        StyleQGAN.from_pretrained(tmp_path / "model")
