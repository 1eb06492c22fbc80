"""All three models as torch modules: made of settings, moved, copied, saved by torch, called and differentiated."""

import copy
import inspect
import pickle

import pytest
import torch
from small import KINDS, diffusion, hybrid, images, same, style, table, train, trained, weights
from torch import nn

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models import CriticConfig, QuantumDiffusion, StyleQGAN
from qiskit_qgen.networks import ModuleBackbone
from qiskit_qgen.noise import UniformNoise

SAMPLER = {"style": "generator", "hybrid": "generator", "diffusion": "denoiser"}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def noise(model, number=4, **options):
    return torch.randn(number, model.noise_dim, generator=torch.Generator().manual_seed(7), **options)


def test_a_model_is_a_module_of_its_networks(kind):
    model = KINDS[kind]()
    assert isinstance(model, nn.Module)
    assert model.to("cpu") is model
    assert model.device == torch.device("cpu")
    assert dict(model.named_children()) == model.networks
    assert not any(module.training for module in model.modules())
    assert all(network.training for network in model.train().networks.values())
    total = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert repr(model) == model.summary()
    assert repr(model).startswith(f"{type(model).__name__}: not trained\n")
    assert repr(model).endswith(f"{total:,}")
    assert repr(trained(model)).startswith(f"{type(model).__name__}: trained\n")


def test_settings_are_given_in_two_ways_and_given_back(kind):
    model = KINDS[kind]()
    cls = type(model)
    for twin in (cls.from_config(model.config), cls(**model.config.to_dict())):
        assert twin.config == model.config
        assert same(weights(twin), weights(model))
    assert list(inspect.signature(cls).parameters) == list(inspect.signature(cls.config_class).parameters)
    with pytest.raises(ArgumentTypeError, match=f"`config` must be a {cls.config_class.__name__}, but is of type Crit"):
        cls.from_config(CriticConfig())
    name = model.training_class.__name__
    with pytest.raises(ArgumentTypeError, match=rf"no option `ema_decay`, .*: pass `training={name}\(ema_decay=...\)`"):
        KINDS[kind](ema_decay=0.5)
    with pytest.raises(ArgumentTypeError, match="has no option `num_qubit`: did you mean `num_qubits`"):
        KINDS[kind](num_qubit=3)
    with pytest.raises(
        ArgumentTypeError, match=rf"{cls.__name__} takes its .* write `{cls.__name__}\(image_shape=...\)`"
    ):
        cls((1, 8, 8))
    with pytest.raises(ArgumentTypeError, match=rf"write `{cls.__name__}.from_config\(config\)`"):
        cls(model.config)
    with pytest.raises(ArgumentTypeError, match=r"`num_qubits` must be an integer from 1 to .*, but is '2'"):
        KINDS[kind](num_qubits="2")


def test_networks_beyond_any_memory_are_refused():
    with pytest.raises(ArgumentError, match="this StyleQGAN ask for more numbers than the memory holds"):
        style(critic_width=2**62)


def test_a_call_takes_labels_of_the_models_classes():
    model = diffusion(num_classes=3)
    z = noise(model, 2)
    assert torch.equal(model(z, 1), model(z, torch.tensor([1, 1])))
    with pytest.raises(DatasetError, match="`labels` must hold integers from 0 to 2"):
        model(z, torch.tensor([0, 3]))
    with pytest.raises(ArgumentError, match=r"`labels` must have shape \(2,\)"):
        model(z, torch.tensor([0]))
    with pytest.raises(ArgumentError, match="`labels` must be None for a model without classes"):
        style()(noise(style()), 1)


def test_a_source_of_ones_own_gives_vectors_of_its_length():
    class Narrow(UniformNoise):
        def _sample(self, num_samples, generator):
            return super()._sample(num_samples, generator)[:, 1:]

    with pytest.raises(ArgumentError, match=r"`noise of Narrow` must have shape \(2, 5\), but has shape \(2, 4\)"):
        hybrid(noise=Narrow(5)).sample(2)


def test_weights_pass_through_torchs_own_files(kind, tmp_path):
    model, other = trained(KINDS[kind]()), KINDS[kind]()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    assert not same(weights(model), weights(other))
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True), strict=True)
    assert same(weights(model), weights(other))
    assert torch.equal(other.sample(3, seed=0), model.sample(3, seed=0))
    assert "not trained" not in repr(other)
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict({})


@pytest.mark.parametrize("make", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])  # noqa: S301
def test_copies_are_models_of_their_own(kind, make):
    model = trained(KINDS[kind]())
    before, twin = weights(model), make(model)
    assert twin.config == model.config
    assert twin.history == model.history
    assert same(weights(twin), before)
    assert torch.equal(twin.sample(3, seed=0), model.sample(3, seed=0))
    train(twin, seed=1, warm_start=True)
    assert not same(weights(twin), before)
    assert same(weights(model), before)


OTHERS = [
    lambda: style("classical"),
    lambda: StyleQGAN(image_shape=(1, 8, 8), autoencoder=None, generator="classical"),
    table,
    lambda: table(scaling="quantile"),
    lambda: hybrid("none"),
    lambda: hybrid("generator", latent_dim=7),
    lambda: diffusion("se"),
    lambda: diffusion(sampler="dpm-solver"),
    lambda: diffusion(sampler="ddpm", num_steps=5),
    lambda: diffusion(num_classes=3),
    lambda: diffusion(process="depolarizing", sampling_steps=3),
]


@pytest.mark.parametrize("make", [*KINDS.values(), *OTHERS])
def test_a_call_and_a_sample_of_the_same_noise_are_the_same_bits(make):
    model = make()
    data = torch.rand(20, 2, generator=torch.Generator().manual_seed(0)) if model.image_shape is None else None
    classes = None if model.num_classes is None else torch.arange(20) % model.num_classes
    train(model, data, labels=classes)
    z, labels = noise(model), None if classes is None else classes[:4]

    def source():
        return torch.Generator().manual_seed(3)  # of the samplers that draw noise on the way

    called = model(z, labels, generator=source())
    assert called.requires_grad
    if isinstance(model, QuantumDiffusion):
        assert torch.equal(called.detach(), model.sample(noise=z, labels=labels, generator=source()))
        assert torch.equal(called.detach(), model.sample(4, noise=z, labels=labels, generator=source()))
    else:
        assert torch.equal(called.detach(), model.sample(noise=z))
        assert torch.equal(called.detach(), model.sample(4, noise=z))
        with pytest.raises(ArgumentError, match="At most one of the arguments `seed`, `generator` and `noise`"):
            model.sample(noise=z, seed=3)
    with pytest.raises(ArgumentError, match=rf"`noise` must have shape \(N, {model.noise_dim}\), but has shape \(4, "):
        model(z[:, 1:])


def test_samples_have_the_gradients_of_finite_differences(kind):
    """Along random directions of the noise and of each weight before the circuit's measurement, in double precision."""
    model, name = trained(KINDS[kind]()).double(), SAMPLER[kind]
    layers = [module for module in model.get_submodule(name).modules() if isinstance(module, QuantumLayer)]
    assert layers
    for layer in layers:
        layer.execution = LocalExecution(dtype=torch.float64)
    chosen = [key for key, each in model.named_parameters() if key.startswith(name) and each.numel()]
    chosen = [key for key in chosen if "style" in key or "layer.weight" in key or "core" in key]
    assert chosen
    z = noise(model, 2, dtype=torch.float64).requires_grad_()
    direction = torch.randn(2, *model.image_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def value(z):
        return (model(z) * direction).sum()

    tensors = [z, *(model.get_parameter(key) for key in chosen)]
    gradients = torch.autograd.grad(value(z), tensors)
    for tensor, gradient in zip(tensors, gradients, strict=True):
        assert gradient.abs().max() > 1e-8
        step = torch.randn(tensor.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 1e-6
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                tensor.add_(sign * step)
                ends.append(float(value(z)))
                tensor.sub_(sign * step)
        assert (ends[0] - ends[1]) / 2 == pytest.approx(float((gradient * step).sum()), rel=1e-4, abs=1e-12)


def test_what_surrounds_the_networks_moves_with_them():
    backbone = ModuleBackbone(nn.Sequential(nn.Flatten(), nn.Linear(64, 6)), 6, name="own")
    model = hybrid(backbone=backbone, noise=UniformNoise(5)).double()
    assert model.backbone.features(images(2).double()).dtype == torch.float64
    assert backbone.features(images(2)).dtype == torch.float32  # the user's own stays as it was


def test_a_new_model_has_the_weights_of_seed_0_and_leaves_the_global_generator_alone(kind):
    torch.manual_seed(11)
    state = torch.get_rng_state()
    first = KINDS[kind]()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(12)
    assert same(weights(first), weights(KINDS[kind]()))


@pytest.mark.parametrize(
    ("model", "texts"),
    [
        (lambda: StyleQGAN(autoencoder_width=4), ["quantum, 12 qubits, 8 layers, 216 angles", f"{216 * 25:,}"]),
        (hybrid, ["quantum block of 15 parameters", "on conv"]),
        (lambda: hybrid("none"), ["classical block of 15 parameters"]),
        (lambda: diffusion("se"), ["cosine, 20 steps", "default U-Net, bottleneck se"]),
        (lambda: diffusion(process="depolarizing"), ["Depolarizing, 20 steps"]),
    ],
)
def test_the_summary_says_what_each_part_is(model, texts):
    assert all(text in model().summary() for text in texts)
