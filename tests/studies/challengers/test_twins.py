from dataclasses import replace

import pytest
import torch
from torch import nn

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.networks import ChannelGate, ClassicalBlock, DenseLayer, ModuleBackbone
from qiskit_qgen.networks.bottleneck_gates import SqueezeExcitation
from qiskit_qgen.noise import UniformNoise
from qiskit_qgen.studies import classical_twin
from qiskit_qgen.studies.challengers.operations import forward_operations


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
    assert (
        str(twin).splitlines()[0] == f"{parts[0]}: 15 quantum, 15 classical parameters, ratio 1.000; operations 0.002"
    )


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


@pytest.mark.parametrize(("layers", "width"), [(2, 3), (40, 7)])
def test_a_diffusion_models_gate_becomes_the_nearest_classical_one(layers, width):
    model = QuantumDiffusion(image_shape=(1, 8, 8), num_qubits=3, num_layers=layers, architecture_width=8)
    result = classical_twin(model)
    assert circuits(model)
    assert not circuits(result.model)
    channels = 32
    wanted = 2 * channels * 3 + 3 + channels + 6 * layers  # down, up and the circuit
    assert result.quantum_parameters == {"bottleneck": wanted}
    assert result.model.config.bottleneck.width == width
    counts = {each: 2 * channels * each + each + channels for each in (width - 1, width, width + 1)}
    assert result.classical_parameters == {"bottleneck": counts[width]}
    assert min(counts, key=lambda each: abs(counts[each] - wanted)) == width
    with pytest.raises(ArgumentError, match="`bottleneck` is 'se'"):
        classical_twin(result.model)


MODELS = {
    "style": lambda: StyleQGAN(image_shape=(1, 8, 8), num_qubits=4, num_layers=3),
    "hybrid": lambda: HybridGAN(image_shape=(1, 8, 8), quantum_in="generator", backbone="conv", generator_width=16),
    "diffusion": lambda: QuantumDiffusion(image_shape=(1, 8, 8), num_qubits=3, num_layers=2, architecture_width=8),
}


def test_equal_width_is_that_of_the_circuit():
    style = classical_twin(MODELS["style"](), "width").model
    assert (style.config.generator.width, style.config.generator.depth) == (8, 2)
    hybrid = classical_twin(MODELS["hybrid"](), "width").model
    assert isinstance(hybrid.networks["generator"].block.layer, DenseLayer)
    assert hybrid.config.quantum_in == "generator"
    assert classical_twin(MODELS["diffusion"](), "width").model.config.bottleneck.width == 3


@pytest.mark.parametrize("kind", MODELS)
def test_an_equal_budget_is_the_widest_that_takes_no_more_operations(kind):
    result = classical_twin(MODELS[kind](), "budget")
    (part,) = result.quantum_operations
    assert result.classical_operations[part] <= result.quantum_operations[part]
    if kind == "style":
        config = result.model.config
        wider = replace(config, generator=replace(config.generator, width=config.generator.width + 1))
        more = StyleQGAN.from_config(wider).networks["generator"]
    elif kind == "hybrid":
        block = result.model.networks["generator"].block
        hidden = block.layers[0].out_features
        more = ClassicalBlock(block.num_inputs, block.num_outputs, (hidden + 1) * 10 + 5)
        assert more.layers[0].out_features == hidden + 1
    else:
        config = result.model.config
        wider = replace(config, bottleneck=SqueezeExcitation(width=config.bottleneck.width + 1))
        more = nn.ModuleList(
            each for each in QuantumDiffusion.from_config(wider).modules() if type(each) is ChannelGate
        )
    assert forward_operations(more) > result.quantum_operations[part]


@pytest.mark.parametrize("level", ["unentangled", "frozen", "fourier"])
@pytest.mark.parametrize("kind", MODELS)
def test_controls_keep_the_model_and_change_its_circuit(kind, level):
    model = MODELS[kind]()
    result = classical_twin(model, level, **({"num_frequencies": 7} if level == "fourier" else {}))
    part = {"style": "generator", "hybrid": "block", "diffusion": "bottleneck"}[kind]
    changed = {"control": level} | ({"num_frequencies": 7} if level == "fourier" else {})
    own = getattr(result.model.config, part)
    assert own == replace(getattr(model.config, part), **changed)
    assert bool(circuits(result.model)) == (level != "fourier")
    ((name, number),) = result.classical_parameters.items()
    trained = {"unentangled": 1.0, "frozen": 0.99, "fourier": 50}[level]
    assert number <= trained * result.quantum_parameters[name]
    if level == "unentangled":
        assert number == result.quantum_parameters[name]
    with pytest.raises(ArgumentError, match=f"must have its circuit, but has the control '{level}'"):
        classical_twin(result.model)


def test_options_without_effect_are_refused():
    model = MODELS["hybrid"]()
    for options, sentence in (
        ({"num_trials": 3}, "`num_trials` has no effect with level='weights'"),
        ({"level": "frozen", "depth": 1}, "`depth` has no effect with level='frozen'"),
        ({"num_frequencies": 3}, "`num_frequencies` has no effect with level='weights'"),
        ({"data": torch.rand(8, 1, 8, 8)}, "`data` has no effect with level='weights'"),
        ({"level": "search"}, "`data` must be given with level='search', but is None"),
        ({"level": "equal"}, "`level` must be one of 'weights', 'width', 'budget', 'search', 'unentangled', "),
        ({"level": "search", "widths": (3, 3)}, "`widths` must hold distinct values"),
    ):
        with pytest.raises(ArgumentError, match=sentence):
            classical_twin(model, **options)


def test_models_without_a_quantum_part_and_other_things_are_refused():
    with pytest.raises(ArgumentError, match="`quantum_in` is 'none'"):
        classical_twin(HybridGAN(image_shape=(1, 8, 8), quantum_in="none", backbone="conv"))
    with pytest.raises(ArgumentError, match="`generator` is 'classical'"):
        classical_twin(StyleQGAN(image_shape=(1, 8, 8), generator="classical"))
    with pytest.raises(
        ArgumentTypeError, match="must be a StyleQGAN, a HybridGAN or a QuantumDiffusion, but is of type Lin"
    ):
        classical_twin(nn.Linear(1, 1))
