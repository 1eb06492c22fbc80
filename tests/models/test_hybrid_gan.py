import copy
import json

import pytest
import torch
from small_hybrid import PLACES, SHORT, pictures, same, small, weights
from torch import nn

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    CheckpointError,
    DatasetError,
    GradientError,
    NotFittedError,
)
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models import HybridGAN
from qiskit_qgen.networks import ModuleBackbone
from qiskit_qgen.noise import GaussianNoise, QuantumCircuitNoise, UniformNoise
from qiskit_qgen.training import AbstractCallback


@pytest.fixture(scope="module")
def fitted():
    model = small()
    model.fit(pictures(), seed=0, **SHORT)
    return model


@pytest.mark.parametrize("quantum_in", PLACES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 9), (4, 16, 16)])
def test_each_configuration_learns_and_samples_pictures_of_any_kind(quantum_in, shape):
    model = small(quantum_in, shape)
    history = model.fit(pictures(shape=shape), seed=0, **SHORT)
    assert history.steps("adversarial", "generator_loss") == [1, 2, 3]
    images = model.sample(5, seed=1)
    assert images.shape == (5, *shape)
    assert images.dtype == torch.float32
    assert 0 <= images.min() < images.max() <= 1
    places = {"none": (), "both": ("generator", "discriminator")}.get(quantum_in, (quantum_in,))
    for part, network in model.networks.items():
        assert any(isinstance(module, QuantumLayer) for module in network.modules()) == (part in places)


def test_all_configurations_have_blocks_of_fifteen_parameters_and_all_else_equal():
    models = {place: HybridGAN((3, 32, 32), place, backbone="conv") for place in PLACES}
    rest = {}
    for place, model in models.items():
        for part, network in model.networks.items():
            assert sum(p.numel() for p in network.block.parameters()) == 15, (place, part)
            rest[place, part] = {k: v for k, v in network.state_dict().items() if not k.startswith("block.")}
    for place in PLACES:
        for part in ("generator", "discriminator"):
            assert same(rest[place, part], rest["none", part])
    assert models["none"].circuit is None
    assert models["both"].circuit.num_weights == 15


def test_training_changes_every_weight_but_not_the_global_generator():
    state = torch.get_rng_state()
    model = small()
    model.fit(
        pictures(),
        seed=0,
        **{**SHORT, "steps": 1},
    )
    before = weights(model)
    model.fit(pictures(), seed=0, **SHORT)
    after = weights(model)
    unchanged = {name for name in before if torch.equal(before[name], after[name])}
    assert unchanged <= {"discriminator.head.bias"}  # which real and generated scores have in common
    for part in ("generator", "discriminator"):
        name = f"{part}.block.layer.weight"
        assert (before[name] != after[name]).all()
    model.sample(3)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("quantum_in", PLACES)
def test_the_same_seed_gives_the_same_bits_and_fit_starts_anew(quantum_in):
    first, second = small(quantum_in), small(quantum_in)
    history = first.fit(pictures(), seed=3, **SHORT)
    second.fit(pictures(seed=9), seed=5, **SHORT)
    assert not same(weights(first), weights(second))
    assert second.fit(pictures(), seed=3, **SHORT) == history
    assert same(weights(first), weights(second))
    assert torch.equal(first.sample(7, seed=2), second.sample(7, seed=2))
    assert not torch.equal(first.sample(7, seed=2), first.sample(7, seed=3))


class Stop(AbstractCallback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, state):
        if state.step == self.step:
            raise ZeroDivisionError


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "loss": "hinge",
            "spectral_normalization": True,
            "n_critic": 2,
            "augmentations": ("color", "translation", "cutout"),
        },
    ],
)
def test_a_stopped_training_is_resumed_to_the_bit(tmp_path, options):
    run = {"seed": 4, "steps": 7, "batch_size": 6}
    whole = small(**options)
    history = whole.fit(pictures(), callbacks=[], **run)
    place = {"checkpoint_dir": tmp_path, "checkpoint_every": 2}
    with pytest.raises(ZeroDivisionError):
        small(**options).fit(pictures(), callbacks=[Stop(5)], **run, **place)
    model = small(**options)
    assert model.fit(pictures(), callbacks=[], resume=True, **run, **place) == history
    assert same(weights(model), weights(whole))
    with pytest.raises(CheckpointError, match="`quantum_in` was 'both', but is now 'none'"):
        small("none", **options).fit(pictures(), callbacks=[], resume=True, **run, **place)
    with pytest.raises(CheckpointError, match="`data` was"):
        small(**options).fit(pictures(), callbacks=[], resume=True, num_images=10, **run, **place)


@pytest.mark.parametrize("quantum_in", PLACES)
def test_a_saved_model_samples_the_same_pictures(tmp_path, quantum_in):
    model = small(quantum_in)
    model.fit(pictures(), seed=0, **SHORT)
    model.save_pretrained(tmp_path / "m")
    assert (tmp_path / "m" / "circuit.qpy").exists() == (quantum_in != "none")
    loaded = HybridGAN.from_pretrained(tmp_path / "m")
    assert same(weights(loaded), weights(model))
    assert torch.equal(loaded.sample(5, seed=1), model.sample(5, seed=1))
    assert loaded.history == model.history
    assert loaded.arguments == model.arguments


def test_own_parts_are_asked_for_when_loading(tmp_path):
    backbone = ModuleBackbone(nn.Sequential(nn.Flatten(), nn.Linear(64, 6)), 6, name="own", trainable=True)
    model = small(backbone=backbone, noise=UniformNoise(5))
    model.fit(pictures(), seed=0, **SHORT)
    model.save_pretrained(tmp_path / "m")
    assert json.loads((tmp_path / "m" / "config.json").read_text())["arguments"]["backbone"] == "custom"
    with pytest.raises(ArgumentError, match="`backbone` must be what the model was made with, but is NoneType"):
        HybridGAN.from_pretrained(tmp_path / "m")
    loaded = HybridGAN.from_pretrained(tmp_path / "m", backbone=backbone, noise=UniformNoise(5))
    assert torch.equal(loaded.sample(3, seed=0), model.sample(3, seed=0))
    small().fit(pictures(), seed=0, **SHORT)
    with pytest.raises(ArgumentError, match="`noise` must give vectors of `latent_dim=5` numbers"):
        small(noise=GaussianNoise(4))


def test_a_saved_model_of_absurd_size_is_refused_before_it_is_built(tmp_path, fitted):
    fitted.save_pretrained(tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    config = json.loads(path.read_text())
    for name, value in (("generator_width", 80_000), ("discriminator_width", 10**9), ("num_layers", 10**7)):
        changed = copy.deepcopy(config)
        changed["arguments"][name] = value
        path.write_text(json.dumps(changed))
        with pytest.raises(CheckpointError, match="were saved"):
            HybridGAN.from_pretrained(tmp_path / "m")


def test_latents_are_the_expectation_values_of_the_block(fitted):
    latents = fitted.sample_latents(4, seed=2)
    assert latents.shape == (4, 5)
    assert latents.abs().max() <= 1
    assert torch.allclose(fitted.decode_latents(latents), fitted.sample(4, seed=2), atol=1e-6)
    layer = fitted.networks["generator"].block.layer
    assert list(layer.observables) == pauli_observables(5, "Z")


def test_subsets_depend_on_their_seed_alone_and_are_nested():
    data = pictures(20)
    digests = {}
    for place in ("none", "generator"):
        model = small(place)
        model.fit(data, seed=0, num_images=7, subset_seed=3, **SHORT)
        digests[place] = weights(model)
    from qiskit_qgen.datasets.subsets import subset

    few, many = subset(data, 7, 3), subset(data, 12, 3)
    assert torch.equal(many[:7], few)
    assert not torch.equal(subset(data, 7, 4), few)
    again = small("none")
    again.fit(few, seed=0, **SHORT)
    assert same(weights(again), digests["none"])
    for options, message in [
        ({"num_images": 21}, "`num_images` must be an integer from 1 to 20"),
        ({"subset_seed": 1}, "`subset_seed` has no effect without `num_images`"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            small().fit(data, **SHORT, **options)


def test_noise_may_come_from_any_source():
    for noise in ("uniform", QuantumCircuitNoise(5)):
        model = small("none", noise=noise)
        model.fit(pictures(), seed=0, **SHORT)
        assert model.sample(2, seed=0).shape == (2, 1, 8, 8)
    assert small(latent_dim=9).networks["generator"].entry.weight.shape == (5, 9)


@pytest.mark.parametrize(
    ("ansatz", "layers"), [("hardware_efficient", 3), ("strongly_entangling", 1), ("data_reuploading", 3)]
)
def test_each_ansatz_has_fifteen_weights_of_which_none_is_inert(ansatz, layers):
    model = small(ansatz=ansatz)
    assert model.circuit.num_weights == 15
    assert small(ansatz=ansatz, num_layers=layers).circuit.num_weights == 15
    layer = model.networks["generator"].block.layer
    values = layer(torch.randn(8, 5))
    values.square().sum().backward()
    assert (layer.weight.grad.abs() > 1e-5).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_shape": (2, 8, 8)}, r"`image_shape\[0\]` must be 1, 3 or 4 channels"),
        ({"quantum_in": "critic"}, "`quantum_in` must be one of"),
        ({"num_qubits": 0}, "`num_qubits` must be an integer from 1"),
        ({"latent_dim": 0}, "`latent_dim` must be a positive integer"),
        ({"backbone": "vgg"}, "`backbone` must be one of"),
        ({"backbone_options": {"depth": 3}}, "`backbone_options` does not fit the backbone 'conv'"),
        ({"noise": "salt"}, "`noise` must be one of"),
        ({"ansatz": "qaoa"}, "`ansatz` must be one of"),
        ({"encoding": "rz"}, "`encoding` must turn the qubits"),
        ({"encoding": None}, "`encoding` must name gates"),
        ({"ansatz": "strongly_entangling", "entanglement": "ring"}, "`entanglement` must be None"),
        ({"observables": "W"}, "`observables` must name each of X, Y, Z"),
        ({"block_activation": "gelu"}, "`block_activation` must be one of"),
        ({"loss": "hinge", "gradient_penalty": 1.0}, "`gradient_penalty` must be None unless"),
        ({"generator_width": 20}, "`generator_width` must be a multiple of 8"),
        ({"augmentations": ("flip",)}, "`augmentations` must be one of"),
        ({"betas": (0.5,)}, "`betas` must have shape"),
    ],
)
def test_bad_arguments_are_refused_by_name(options, message):
    with pytest.raises(ArgumentError, match=message):
        _ = small(**options).networks


def test_bad_data_and_untrained_models_are_refused():
    with pytest.raises(DatasetError, match="must hold pictures of shape"):
        small().fit(pictures(shape=(3, 8, 8)), **SHORT)
    with pytest.raises(NotFittedError, match="`sample`"):
        small().sample(3)
    with pytest.raises(ArgumentTypeError, match="`spectral_normalization` must be True or False"):
        small(spectral_normalization=1)


def test_a_backbone_without_gradient_is_refused():
    cut = ModuleBackbone(lambda images: images.detach().flatten(1), 64, name="cut")
    model = HybridGAN((1, 8, 8), backbone=cut, generator_width=16, discriminator_width=8)
    with pytest.raises(GradientError, match="no gradient with respect to the pictures"):
        model.fit(pictures(), seed=0, **SHORT)


def test_pictures_that_the_backbone_does_not_take_are_refused_at_once():
    pytest.importorskip("efficientnet_lite_pytorch")
    with pytest.raises(ArgumentError, match="`image_shape` must have 1 or 3 channels for the backbone"):
        HybridGAN((4, 32, 32))


def test_transfer_learning_with_a_pretrained_network():
    pytest.importorskip("efficientnet_lite_pytorch")
    options = {"input_size": 32, "last_stage": 4, "frozen_stages": 3, "grid": 2}
    model = small(backbone="efficientnet-lite0")
    assert not any("network" in name for name in weights(model))
    model = HybridGAN((3, 8, 8), backbone_options=options, generator_width=16, discriminator_width=8)
    frozen = [p.clone() for p in model.backbone.network.parameters()]
    before = weights(model)
    model.fit(pictures(8, (3, 8, 8)), seed=0, **SHORT)
    assert all(torch.equal(a, b) for a, b in zip(frozen, model.backbone.network.parameters(), strict=True))
    trained = [name for name, tensor in weights(model).items() if not torch.equal(tensor, before[name])]
    assert any(name.startswith("discriminator.tail.") for name in trained)


def test_summary_and_evaluation_say_what_there_is(fitted):
    text = fitted.summary()
    assert "quantum block of 15 parameters" in text
    assert "on conv" in text
    scores = fitted.evaluate(pictures(12, seed=5), extractor="pixel")
    assert scores["extractor"] == "pixel"
    assert scores["floor_real"]["num_samples"] == 6


def test_the_default_configuration_has_blocks_of_fifteen_parameters_and_a_frozen_network():
    pytest.importorskip("efficientnet_lite_pytorch")
    for place in PLACES:
        model = HybridGAN((1, 32, 32), place)
        assert [sum(p.numel() for p in part.block.parameters()) for part in model.networks.values()] == [15, 15]
        frozen = {parameter.data_ptr() for parameter in model.backbone.network.parameters()}
        trained = {parameter.data_ptr() for part in model.networks.values() for parameter in part.parameters()}
        assert frozen
        assert not frozen & trained


def test_the_pretrained_network_sees_pictures_at_their_own_size():
    pytest.importorskip("efficientnet_lite_pytorch")
    for side, expected in ((8, 32), (28, 32), (48, 48)):
        assert HybridGAN((1, side, side - 2 * (side > 8))).backbone.input_size == expected
    assert HybridGAN((1, 8, 8), backbone_options={"input_size": 40}).backbone.input_size == 40
