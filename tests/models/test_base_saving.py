"""Saved models: the same bits back, custom parts, and folders that are old, damaged or hostile."""

import json
import re
import time
import tracemalloc

import pytest
import torch
from small import KINDS, PLACES, diffusion, hybrid, images, same, style, table, train, trained, weights
from torch import nn

from qiskit_qgen.diffusion import StochasticWalkProcess
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.networks import ModuleBackbone
from qiskit_qgen.noise import NoisePool, QuantumCircuitNoise, UniformNoise
from qiskit_qgen.persistence import FORMAT_VERSION


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(64, 4), nn.Linear(4, 64)

    def encode(self, images):
        return torch.tanh(self.down(images.flatten(1)))

    def decode(self, latents):
        return torch.sigmoid(self.up(latents)).unflatten(1, (1, 8, 8))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of trained models, one of each kind; no test changes them."""
    folders = {}
    for kind, make in KINDS.items():
        folders[kind] = tmp_path_factory.mktemp(kind) / "m"
        trained(make()).save_pretrained(folders[kind])
    return folders


@pytest.fixture
def rewritten(saved, tmp_path):
    """Return a function that copies a saved model with another config.json, and returns its class and the folder."""

    def rewrite(kind, change):
        folder = tmp_path / "changed"
        folder.mkdir()
        for path in saved[kind].iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        config = json.loads((folder / "config.json").read_text())
        change(config)
        (folder / "config.json").write_text(json.dumps(config))
        return {"style": StyleQGAN, "hybrid": HybridGAN, "diffusion": QuantumDiffusion}[kind], folder

    return rewrite


MODELS = [
    style,
    lambda: style(rotations=("ry", "rz", "ry"), entanglement=[[0, 1], [1, 0]]),
    lambda: style("classical", latent_transform="none"),
    table,
    *(lambda place=place: hybrid(place) for place in PLACES),
    diffusion,
    lambda: style(num_clusters=3, noise="quantum"),
    lambda: style(num_classes=2),
    lambda: hybrid(num_classes=2),
    lambda: diffusion("plain", schedule="information"),
    lambda: diffusion(architecture="published"),
    lambda: diffusion("quantum_published", process="stochastic_walk", levels=4),
    lambda: diffusion("se", sampler="ddpm", num_classes=2),
]


@pytest.mark.parametrize("make", MODELS)
def test_a_saved_model_samples_the_same_bits_and_is_trained_alike(make, tmp_path):
    model = make()
    data = torch.rand(20, 2) if model.image_shape is None else images()
    options = {"labels": None if model.num_classes is None else torch.arange(20) % 2}
    train(model, data, **options)
    model.save_pretrained(tmp_path / "m")
    files = {"config.json", "model.safetensors", "README.md"} | (set() if model.circuit is None else {"circuit.qpy"})
    assert {path.name for path in (tmp_path / "m").iterdir()} == files
    loaded = type(model).from_pretrained(tmp_path / "m")
    assert loaded.config == model.config
    assert loaded.history == model.history
    assert loaded.summary() == model.summary()
    assert same(weights(loaded), weights(model))
    assert torch.equal(loaded.sample(5, seed=1), model.sample(5, seed=1))
    if model.num_classes:
        assert torch.equal(loaded.sample(5, seed=1, labels=1), model.sample(5, seed=1, labels=1))
    loaded.save_pretrained(tmp_path / "m")
    assert torch.equal(type(model).from_pretrained(tmp_path / "m").sample(5, seed=1), model.sample(5, seed=1))
    assert train(loaded, data, **options) == model.history
    assert same(weights(loaded), weights(model))


def test_an_untrained_model_is_saved_too(tmp_path):
    style().save_pretrained(tmp_path / "m")
    assert StyleQGAN.from_pretrained(tmp_path / "m").history.phases == ()


OWN = [
    ("autoencoder", lambda own: style("classical", autoencoder=own), lambda _: Own()),
    (
        "backbone",
        lambda own: hybrid(backbone=own),
        lambda _: ModuleBackbone(nn.Sequential(nn.Flatten(), nn.Linear(64, 6)), 6, name="own", trainable=True),
    ),
    ("noise", lambda own: hybrid(noise=own), lambda _: UniformNoise(5)),
    ("noise", lambda own: style(noise=own, num_clusters=2), lambda _: UniformNoise(4)),
    (
        "noise",
        lambda own: diffusion(noise=own),
        lambda folder: NoisePool.draw(folder / "pool.npy", QuantumCircuitNoise(64, num_qubits=4), 500),
    ),
    (
        "process",
        lambda own: diffusion(process=own),
        lambda _: StochasticWalkProcess(20, levels=4),
    ),
]


@pytest.mark.parametrize(("name", "make", "part"), OWN)
def test_parts_of_ones_own_are_copied_and_asked_for_when_loading(name, make, part, tmp_path):
    own = part(tmp_path)
    module = own if isinstance(own, nn.Module) else getattr(own, "module", None)
    before = None if module is None else {key: each.clone() for key, each in module.state_dict().items()}
    model = trained(make(own))
    if before is not None:
        assert same(before, module.state_dict())
    model.save_pretrained(tmp_path / "m")
    assert json.loads((tmp_path / "m" / "config.json").read_text())["config"][name] == "custom"
    with pytest.raises(ArgumentError, match=f"`{name}` must be what the model was made with, but is missing"):
        type(model).from_pretrained(tmp_path / "m")
    again = own if isinstance(own, NoisePool) else part(tmp_path)
    loaded = type(model).from_pretrained(tmp_path / "m", **{name: again})
    assert torch.equal(loaded.sample(3, seed=0), model.sample(3, seed=0))


def test_what_is_not_ones_own_is_not_asked_for(saved):
    with pytest.raises(ArgumentError, match="`autoencoder` must be left out: the model has none of its own"):
        StyleQGAN.from_pretrained(saved["style"], autoencoder=Own())
    with pytest.raises(ArgumentError, match="`process` must be left out"):
        QuantumDiffusion.from_pretrained(saved["diffusion"], process=StochasticWalkProcess(20))
    for call in (StyleQGAN.from_pretrained, style().save_pretrained):
        with pytest.raises(ArgumentTypeError, match="`folder` must be a path, but is of type int"):
            call(3)


def test_zero_steps_keep_a_trained_autoencoder():
    own = Own().requires_grad_(False)
    model = style("classical", autoencoder=own)
    with pytest.raises(ArgumentError, match="`autoencoder_steps` must be 0 if no weight of the autoencoder can be tr"):
        train(model)
    train(model, autoencoder_steps=0)
    data = images(4)
    assert torch.allclose(model.reconstruct(data), own.decode(own.encode(data)))


def test_an_autoencoder_of_ones_own_decides_what_is_resumed(tmp_path):
    torch.manual_seed(0)
    own, other = Own(), Own()
    train(style("classical", autoencoder=own), checkpoint_dir=tmp_path)
    train(style("classical", autoencoder=own), checkpoint_dir=tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="`autoencoder` was"):
        train(style("classical", autoencoder=other), checkpoint_dir=tmp_path, resume=True)


def test_a_model_of_another_class_or_nowhere_is_refused(rewritten, tmp_path):
    cls, folder = rewritten("style", lambda config: config.update(class_name="HybridGAN"))
    with pytest.raises(CheckpointError, match=r"holds a HybridGAN: load it with `HybridGAN\.from_pretrained`"):
        cls.from_pretrained(folder)
    with pytest.raises(CheckpointError, match="does not exist"):
        cls.from_pretrained(tmp_path / "none")


def in_config(**changes):
    """A change of settings: ``part__option`` is an option of a part."""

    def change(config):
        for name, value in changes.items():
            *parts, option = name.split("__")
            place = config["config"]
            for part in parts:
                place = place[part]
            place[option] = value

    return change


def former(config):
    """Make of a configuration what the first version wrote."""
    config["format_version"] = 1
    config["arguments"] = config.pop("config")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            former,
            f"config.json has the older format version 1, but .* reads version {FORMAT_VERSION}: train and save the",
        ),
        (lambda config: config.update(history=None), "config.json in .* is damaged: save the model again"),
        (lambda config: config.pop("config"), "config.json must hold `config`, a dict of settings"),
        (in_config(foo=1), "holds settings that .* does not take: .* has no option `foo`"),
        (in_config(image_shape="big"), "does not take: Argument `image_shape` must be a list of numbers"),
    ],
)
def test_old_and_damaged_configurations_are_refused_in_a_sentence(rewritten, kind, change, sentence):
    cls, folder = rewritten(kind, change)
    with pytest.raises(CheckpointError, match=sentence):
        cls.from_pretrained(folder)


HUGE = [
    ("style", {"generator__num_layers": 10**9}),
    ("style", {"generator__num_layers": 10_000, "generator__num_qubits": 24}),
    ("style", {"generator__num_qubits": 24, "latent_dim": 4}),
    ("style", {"generator__rotations": ["ry"] * 25_000}),
    ("style", {"generator__rotations": [], "generator__num_layers": 10_000, "generator__init": "uniform"}),
    ("style", {"generator__final_rotations": ["ry"] * 25_000}),
    ("style", {"generator__entanglement": [[0, 1], [1, 0]] * 2_000, "generator__entangler": ["cx"] * 11}),
    ("style", {"generator__entangler": ["cx", "cz"] * 25_000}),
    ("style", {"noise_dim": 10**9}),
    ("style", {"autoencoder__width": 10**9}),
    ("style", {"autoencoder__width": 10**30}),
    ("style", {"autoencoder__hidden": 10**9}),
    ("style", {"image_shape": [10**9, 8, 8]}),
    ("style", {"critic__width": 10**9}),
    ("style", {"critic__width": 2**62}),
    ("style", {"critic__depth": 10**9}),
    ("style", {"generator": {"kind": "classical", "width": 10**9}}),
    ("style", {"generator": {"kind": "classical", "depth": 10**9}}),
    ("style", {"generator": {"kind": "classical"}, "latent_dim": 10**9}),
    ("style", {"image_shape": None, "num_features": 10**9, "generator": {"kind": "classical"}}),
    ("hybrid", {"generator__width": 80_000}),
    ("hybrid", {"discriminator__width": 10**9}),
    ("hybrid", {"block__num_layers": 10**7}),
    ("hybrid", {"block__num_layers": 10_000, "block__num_qubits": 24}),
    ("hybrid", {"block__rotations": ["ry"] * 25_000}),
    ("hybrid", {"latent_dim": 10**9}),
    ("hybrid", {"backbone__width": 10**9}),
    ("diffusion", {"process__num_steps": 10**9}),
    ("diffusion", {"process__num_steps": 100_000}),
    ("diffusion", {"architecture__width": 4096}),
    ("diffusion", {"architecture__width": 10**9}),
    ("diffusion", {"bottleneck__num_qubits": 16}),
    ("diffusion", {"bottleneck__num_layers": 9999}),
    ("diffusion", {"num_classes": 10**9}),
    ("diffusion", {"process": {"kind": "stochastic_walk", "num_steps": 100_000, "levels": 16}}),
    ("diffusion", {"process": {"kind": "depolarizing", "shots": 10**9}}),
]


@pytest.mark.parametrize(("kind", "changes"), HUGE, ids=lambda each: each if isinstance(each, str) else "-".join(each))
def test_sizes_beyond_the_saved_tensors_are_refused_fast_and_in_little_memory(rewritten, kind, changes):
    cls, folder = rewritten(kind, in_config(**changes))
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(CheckpointError) as caught:
            cls.from_pretrained(folder)
        assert tracemalloc.get_traced_memory()[1] < 2**27
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 10
    assert re.match(
        r"^(The file config\.json in .* holds settings that|Folder .* does not fit|The circuit in)", str(caught.value)
    )
    assert len(str(caught.value)) < 1000
