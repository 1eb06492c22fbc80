"""HybridGAN: its four configurations, blocks and backbones; what it shares with the others is in test_base_*.py."""

import pytest
import torch
from small import PLACES, hybrid, images, same, train, trained, weights

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.exceptions import ArgumentError, GradientError
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models import HybridGAN
from qiskit_qgen.networks import ClassicalBlock, ModuleBackbone
from qiskit_qgen.noise import GaussianNoise, QuantumCircuitNoise


@pytest.mark.parametrize("quantum_in", PLACES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 9), (4, 16, 16)])
def test_each_configuration_learns_and_samples_images_of_any_kind(quantum_in, shape):
    model = hybrid(quantum_in, shape)
    assert train(model, images(shape=shape)).steps("adversarial", "generator_loss") == [1, 2, 3]
    assert model.sample(5, seed=1).shape == (5, *shape)
    places = {"none": (), "both": ("generator", "discriminator")}.get(quantum_in, (quantum_in,))
    for part, network in model.networks.items():
        assert any(isinstance(module, QuantumLayer) for module in network.modules()) == (part in places)


def test_all_configurations_have_blocks_of_fifteen_parameters_and_all_else_equal():
    models = {place: HybridGAN(quantum_in=place, backbone="conv") for place in PLACES}
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


@pytest.mark.parametrize("quantum_in", PLACES[1:])
def test_a_dense_control_stands_where_the_circuit_would_and_all_else_is_equal(quantum_in):
    model, control = hybrid(quantum_in), hybrid(quantum_in, control="dense")
    assert control.circuit is None
    for part, network in control.networks.items():
        assert (type(network.block) is ClassicalBlock) == (part not in model.config.quantum_parts)
        assert all(type(module) is not QuantumLayer for module in network.modules())
        states = [
            {name: value for name, value in each.state_dict().items() if not name.startswith("block.")}
            for each in (network, model.networks[part])
        ]
        assert same(*states)
    train(control, images())
    assert control.sample(2, seed=0).shape == (2, 1, 8, 8)
    assert f"dense block of {30} parameters" in str(control.summary())


@pytest.mark.parametrize("control", ["unentangled", "frozen", "fourier"])
def test_controls_of_the_circuit_are_trained_saved_and_told(control, tmp_path):
    model = hybrid(control=control)
    train(model, images())
    assert (model.circuit is None) == (control == "fourier")
    assert f"{control} block of" in str(model.summary())
    model.save_pretrained(tmp_path / "model")
    again = HybridGAN.from_pretrained(tmp_path / "model")
    assert torch.equal(again.sample(3, seed=0), model.sample(3, seed=0))


def test_every_weight_of_the_circuits_is_trained():
    before, after = (weights(trained(hybrid(), steps=steps, ema_decay=0.0)) for steps in (1, 3))
    for part in ("generator", "discriminator"):
        assert (before[f"{part}.block.layer.weight"] != after[f"{part}.block.layer.weight"]).all()


def test_latents_are_the_expectation_values_of_the_block():
    model = hybrid()
    latents = model.sample_latents(4, seed=2)
    assert latents.shape == (4, 5)
    assert latents.abs().max() <= 1
    assert list(model.networks["generator"].block.layer.observables) == pauli_observables(5, "Z")


def test_noise_may_come_from_any_source():
    for noise in ("uniform", QuantumCircuitNoise(5)):
        assert trained(hybrid("none", noise=noise)).sample(2, seed=0).shape == (2, 1, 8, 8)
    assert hybrid(latent_dim=9).networks["generator"].entry.weight.shape == (5, 9)
    with pytest.raises(ArgumentError, match="`noise` must give vectors of `latent_dim=5` numbers"):
        hybrid(noise=GaussianNoise(4))


@pytest.mark.parametrize(
    ("ansatz", "layers"), [("hardware_efficient", 3), ("strongly_entangling", 1), ("data_reuploading", 3)]
)
def test_each_ansatz_has_fifteen_weights_of_which_none_is_inert(ansatz, layers):
    model = hybrid(ansatz=ansatz)
    assert model.circuit.num_weights == 15
    assert hybrid(ansatz=ansatz, num_layers=layers).circuit.num_weights == 15
    layer = model.networks["generator"].block.layer
    values = layer(torch.randn(8, 5))
    values.square().sum().backward()
    assert (layer.weight.grad.abs() > 1e-5).all()


def test_a_backbone_without_gradient_is_refused():
    cut = ModuleBackbone(lambda images: images.detach().flatten(1), 64, name="cut")
    with pytest.raises(GradientError, match="no gradient with respect to the images"):
        train(hybrid(backbone=cut))


def test_images_that_the_backbone_does_not_take_are_refused_at_once():
    pytest.importorskip("efficientnet_lite_pytorch")
    with pytest.raises(ArgumentError, match="`image_shape` must have 1 or 3 channels for the backbone"):
        HybridGAN(image_shape=(4, 32, 32))


def test_transfer_learning_with_a_pretrained_network():
    pytest.importorskip("efficientnet_lite_pytorch")
    cut = {"input_size": 32, "last_stage": 4, "frozen_stages": 3, "grid": 2}
    assert not any("network" in name for name in weights(hybrid(backbone="efficientnet-lite0")))
    model = hybrid(image_shape=(3, 8, 8), backbone="efficientnet-lite0", **cut)
    frozen = [p.clone() for p in model.backbone.frozen.parameters()]
    before = weights(model)
    train(model, images(8, (3, 8, 8)))
    assert all(torch.equal(a, b) for a, b in zip(frozen, model.backbone.frozen.parameters(), strict=True))
    moved = [name for name, tensor in weights(model).items() if not torch.equal(tensor, before[name])]
    assert any(name.startswith("discriminator.tail.") for name in moved)


def test_the_default_configuration_has_blocks_of_fifteen_parameters_and_a_frozen_network():
    pytest.importorskip("efficientnet_lite_pytorch")
    for place in PLACES:
        model = HybridGAN(image_shape=(1, 32, 32), quantum_in=place)
        assert [sum(p.numel() for p in part.block.parameters()) for part in model.networks.values()] == [15, 15]
        frozen = {parameter.data_ptr() for parameter in model.backbone.frozen.parameters()}
        assert frozen
        assert not frozen & {parameter.data_ptr() for parameter in model.parameters()}


def test_the_pretrained_network_sees_images_at_their_own_size():
    pytest.importorskip("efficientnet_lite_pytorch")
    for side, expected in ((8, 32), (28, 32), (48, 48)):
        assert HybridGAN(image_shape=(1, side, side - 2 * (side > 8))).backbone.input_size == expected
    assert HybridGAN(image_shape=(1, 8, 8), backbone_input_size=40).backbone.input_size == 40
