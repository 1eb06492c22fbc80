import copy
import json

import pytest
import torch
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
from qiskit_qgen.execution import AerExecution, LocalExecution, RuntimeExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.losses import gradient_penalty
from qiskit_qgen.models import HybridGAN
from qiskit_qgen.networks import ModuleBackbone
from qiskit_qgen.noise import GaussianNoise, QuantumCircuitNoise, UniformNoise
from qiskit_qgen.studies import audit_gradients
from qiskit_qgen.training import AbstractCallback

PLACES = ("none", "generator", "discriminator", "both")
SHORT = {"steps": 3, "batch_size": 6, "callbacks": []}


def small(quantum_in="both", image_shape=(1, 8, 8), **options):
    options = {"backbone": "conv", "backbone_options": {"width": 4}, "generator_width": 16, **options}
    if options["backbone"] != "conv":
        options.pop("backbone_options")
    return HybridGAN(image_shape, quantum_in, discriminator_width=8, **options)


def pictures(num=20, shape=(1, 8, 8), seed=0):
    return torch.rand(num, *shape, generator=torch.Generator().manual_seed(seed))


def weights(model):
    return {f"{part}.{k}": v.clone() for part, m in model.networks.items() for k, v in m.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


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


@pytest.mark.parametrize("place", ["generator", "both"])
def test_pictures_on_aer_are_those_of_the_simulator(place):
    model = small(place)
    model.fit(pictures(), seed=0, **SHORT)
    exact = model.sample(4, seed=0, execution=LocalExecution(dtype=torch.float64))
    assert torch.allclose(model.sample(4, seed=0, execution=AerExecution()), exact, atol=1e-4)
    assert not torch.equal(model.sample(4, seed=0, execution=LocalExecution(shots=20, seed=0)), exact)


@pytest.mark.parametrize("place", ["none", "discriminator"])
def test_an_execution_without_a_circuit_to_run_is_refused(place):
    model = small(place)
    model.fit(pictures(), seed=0, **SHORT)
    with pytest.raises(ArgumentError, match="`execution` must be None where no quantum block runs"):
        model.sample(2, execution=LocalExecution())


def test_training_on_first_derivatives_runs_on_aer_and_penalties_are_refused():
    model = small(loss="hinge")
    model.fit(pictures(6), seed=0, steps=1, batch_size=2, callbacks=[], execution=AerExecution())
    with pytest.raises(GradientError):
        small().fit(pictures(6), seed=0, steps=1, batch_size=2, callbacks=[], execution=AerExecution())


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
        ({"observables": "W"}, "`paulis` must name|`observables` must"),
        ({"block_activation": "gelu"}, "`block_activation` must be one of"),
        ({"loss": "hinge", "gradient_penalty": 1.0}, "`gradient_penalty` must be None unless"),
        ({"generator_width": 20}, "`width` must be a multiple of 8"),
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


def test_pictures_that_the_backbone_does_not_take_are_refused_at_once():
    pytest.importorskip("efficientnet_lite_pytorch")
    with pytest.raises(ArgumentError, match="1 or 3 channels for the backbone 'efficientnet-lite0', but has 4"):
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


def test_pictures_through_the_ibm_server_are_those_of_the_simulator(ibm_server, tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path))
    model = small("generator")
    model.fit(pictures(), seed=0, **SHORT)
    execution = RuntimeExecution("ibm_manila", service=ibm_server.service(), shots=4000, mode="job")
    assert model.estimate_cost(3, execution=execution).qpu_seconds > 0
    with execution:
        latents = model.sample_latents(3, seed=0, execution=execution)
    assert len(ibm_server.submissions) == 1
    assert torch.allclose(latents, model.sample_latents(3, seed=0), atol=0.08)


@pytest.mark.parametrize("place", ["discriminator", "both"])
@pytest.mark.parametrize("backbone", ["conv", "efficientnet-lite0"])
def test_penalty_gradients_are_finite_differences(place, backbone):
    if backbone != "conv":
        pytest.importorskip("efficientnet_lite_pytorch")
    model = small(place, backbone=backbone)
    network = model.networks["discriminator"].double()
    layer = network.block.layer
    layer.execution = LocalExecution(dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    real, fake = (network.example_inputs(4, generator)[0].double() for _ in range(2))

    def penalty():
        return gradient_penalty(network, real, fake, generator=torch.Generator().manual_seed(1))

    parameters = [layer.weight, network.neck[3].weight, network.head.weight, *list(network.tail.parameters())[:1]]
    gradients = torch.autograd.grad(penalty(), parameters)
    step = 1e-7  # a wider one crosses kinks of the rectifiers, where slopes jump
    for parameter, gradient in zip(parameters, gradients, strict=True):
        for number in torch.randperm(parameter.numel(), generator=generator)[:15].tolist():
            index = tuple(int(part) for part in torch.unravel_index(torch.tensor(number), parameter.shape))
            value = parameter.data[index].item()
            parameter.data[index] = value + step
            above = float(penalty().detach())
            parameter.data[index] = value - step
            below = float(penalty().detach())
            parameter.data[index] = value
            assert float(gradient[index]) == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-8)
    assert (gradients[0].abs() > 1e-9).all()


def audited(model):
    report = audit_gradients(model, num_draws=8)
    return report.inert + report.detached


@pytest.mark.parametrize("place", ["generator", "discriminator", "both"])
def test_no_quantum_parameter_is_inert_or_detached(place):
    assert audited(small(place)) == []


def test_an_inert_or_detached_parameter_would_be_found(monkeypatch):
    inert = small(rotations=("rz",), encoding="ry", num_layers=3)
    assert len([name for name in audited(inert) if "theta" in name]) == 30
    squashed = torch.atan
    monkeypatch.setattr(torch, "atan", lambda x: squashed(x).detach())
    assert len(audited(small("discriminator"))) == 5
