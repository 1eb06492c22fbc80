from dataclasses import replace

import pytest
import torch
from torch import nn

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.networks import ModuleBackbone
from qiskit_qgen.noise import UniformNoise
from qiskit_qgen.studies import classical_twin


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def circuits(model):
    return [
        module for network in model.networks.values() for module in network.modules() if type(module) is QuantumLayer
    ]


@pytest.mark.parametrize("place", ["generator", "discriminator", "both"])
def test_a_hybrid_gans_circuits_become_layers_of_as_many_parameters(place):
    model = HybridGAN(image_shape=(1, 16, 16), quantum_in=place, backbone="conv", generator_width=32)
    twin = classical_twin(model)
    parts = ("generator", "discriminator") if place == "both" else (place,)
    assert circuits(model)
    assert not circuits(twin.model)
    assert twin.quantum_parameters == twin.classical_parameters == dict.fromkeys(parts, 15)
    for part in parts:
        assert count(twin.model.networks[part].block) == count(model.networks[part].block) == 15
    assert twin.model.config == replace(model.config, quantum_in="none")
    assert str(twin).splitlines()[0] == f"{parts[0]}: 15 quantum, 15 classical parameters, ratio 1.000"


def test_own_parts_and_trained_models_are_taken_over():
    backbone = ModuleBackbone(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), 3, name="own")
    model = HybridGAN(
        image_shape=(1, 8, 8), quantum_in="both", backbone=backbone, noise=UniformNoise(5), generator_width=16
    )
    model.fit(torch.rand(8, 1, 8, 8), steps=1, batch_size=4, callbacks=[])
    twin = classical_twin(model).model
    assert twin.config.backbone is backbone
    assert isinstance(twin.noise, UniformNoise)
    twin.fit(torch.rand(8, 1, 8, 8), steps=1, batch_size=4, callbacks=[])


@pytest.mark.parametrize(
    "options",
    [
        {"image_shape": (1, 8, 8), "num_qubits": 4, "num_layers": 3},
        {
            "image_shape": (1, 8, 8),
            "num_qubits": 3,
            "num_layers": 2,
            "noise_dim": 5,
            "latent_dim": 4,
            "init_scale": 0.2,
        },
        {"image_shape": None, "num_features": 2, "num_qubits": 2, "num_layers": 2, "observables": "Z"},
    ],
)
def test_a_style_qgans_generator_becomes_the_nearest_perceptron(options):
    model = StyleQGAN(**options)
    result = classical_twin(model)
    twin = result.model
    assert not circuits(twin)
    wanted, found = count(model.networks["generator"]), count(twin.networks["generator"])
    assert (result.quantum_parameters, result.classical_parameters) == ({"generator": wanted}, {"generator": found})
    width = twin.config.generator.width
    for other in (width - 1, width + 1):
        if other:
            rival = StyleQGAN.from_config(replace(twin.config, generator=replace(twin.config.generator, width=other)))
            assert abs(count(rival.networks["generator"]) - wanted) >= abs(found - wanted)
    z = torch.randn(3, model.networks["generator"].style.noise_dim)
    assert twin.networks["generator"](z).shape == model.networks["generator"](z).shape


def test_a_diffusion_models_gate_loses_its_circuit_alone():
    model = QuantumDiffusion(image_shape=(1, 8, 8), num_qubits=3, num_layers=2, architecture_width=8)
    result = classical_twin(model)
    assert circuits(model)
    assert not circuits(result.model)
    (layer,) = circuits(model)
    total, fewer = (sum(map(count, each.networks.values())) for each in (model, result.model))
    assert total - fewer == count(layer)
    assert result.quantum_parameters["bottleneck"] - result.classical_parameters["bottleneck"] == count(layer)
    with pytest.raises(ArgumentError, match="`bottleneck` is 'se'"):
        classical_twin(result.model)


def test_models_without_a_quantum_part_and_other_things_are_refused():
    with pytest.raises(ArgumentError, match="`quantum_in` is 'none'"):
        classical_twin(HybridGAN(image_shape=(1, 8, 8), quantum_in="none", backbone="conv"))
    with pytest.raises(ArgumentError, match="`generator` is 'classical'"):
        classical_twin(StyleQGAN(image_shape=(1, 8, 8), generator="classical"))
    with pytest.raises(
        ArgumentTypeError, match="must be a StyleQGAN, a HybridGAN or a QuantumDiffusion, but is of type Lin"
    ):
        classical_twin(nn.Linear(1, 1))
