"""No step of a training or a sampling leaves the model's device.

The device is `meta`: not the CPU, with the rules of every other device, and everywhere: tensors without values.
"""

import pytest
import torch
from watch import DeviceWatch

from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN

IMAGES = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
ROWS = torch.rand(20, 2, generator=torch.Generator().manual_seed(0))
STYLE = {"image_shape": (1, 8, 8), "num_qubits": 2, "num_layers": 1, "autoencoder_width": 4, "critic_width": 8}
HYBRID = {"image_shape": (1, 8, 8), "backbone": "conv", "backbone_width": 4, "generator_width": 16}
UNET = {"image_shape": (1, 8, 8), "num_qubits": 2, "architecture_width": 8, "sampling_steps": 3}

CASES = {
    "style": (StyleQGAN, STYLE, {}),
    "style, cyclic": (StyleQGAN, STYLE | {"style": "cyclic", "latent_transform": "zca"}, {"replay": 0}),
    "style, variational": (StyleQGAN, {"image_shape": (1, 8, 8), "num_qubits": 2, "autoencoder": "variational"}, {}),
    "style, table": (StyleQGAN, {"image_shape": None, "num_features": 2, "num_qubits": 2, "scaling": "quantile"}, {}),
    "style, cross-entropy": (
        StyleQGAN,
        {"image_shape": None, "num_features": 2, "num_qubits": 2, "critic": "conv"},
        {"loss": "bce", "separate_updates": True, "optimizer": "adadelta", "replay": 0},
    ),
    "style, classical": (StyleQGAN, {"image_shape": (1, 8, 8), "generator": "classical"}, {"clip_norm": 1.0}),
    "style, classes": (StyleQGAN, {"image_shape": (1, 8, 8), "num_qubits": 2, "num_classes": 2}, {}),
    "hybrid": (HybridGAN, HYBRID, {}),
    "hybrid, classes": (HybridGAN, HYBRID | {"num_classes": 2}, {}),
    "hybrid, hinge": (
        HybridGAN,
        HYBRID | {"noise": "uniform", "quantum_in": "none"},
        {"loss": "hinge", "augmentations": ("color", "translation", "cutout")},
    ),
    "diffusion": (QuantumDiffusion, UNET, {}),
    "diffusion, classes": (QuantumDiffusion, UNET | {"num_classes": 3, "guidance": 2.0, "sampler": "dpm-solver"}, {}),
    "diffusion, ddpm": (QuantumDiffusion, UNET | {"sampling_steps": None, "sampler": "ddpm", "num_steps": 4}, {}),
    "diffusion, published": (
        QuantumDiffusion,
        {"image_shape": (1, 8, 8), "architecture": "published", "bottleneck": "se", "sampling_steps": 3},
        {"min_snr_gamma": None},
    ),
    "diffusion, depolarizing": (QuantumDiffusion, UNET | {"process": "depolarizing"}, {}),
    "diffusion, walk": (QuantumDiffusion, UNET | {"process": "stochastic_walk", "num_steps": 10}, {}),
}


def moved(case):
    kind, settings, training = CASES[case]
    model = kind(**settings).to("meta")
    assert model.device.type == "meta"
    data = ROWS if model.image_shape is None else IMAGES
    labels = None if model.num_classes is None else torch.arange(len(data)) % model.num_classes
    return model, model._phases(data, labels, kind.training_class.of(batch_size=4, **training), 0, warm_start=False)


@pytest.mark.parametrize("case", CASES)
def test_a_training_step_stays_on_the_models_device(case):
    _, phases = moved(case)
    for phase in phases:
        phase.begin()
        phase.train_step(0)  # tables of constants are moved once
        for step in (1, 20):
            with DeviceWatch("meta") as watch:
                losses = phase.train_step(step)
            assert not watch.found, (phase.name, watch.found[:3])
            assert all(loss.device.type == "meta" for loss in losses.values())
        tensors = [*phase.tensors.values(), *(each for a in phase.averages.values() for each in a.tensors.values())]
        states = [each for opt in phase.optimizers.values() for s in opt.state.values() for each in s.values()]
        assert all(each.device.type == "meta" for each in tensors + [each for each in states if each.dim()])


@pytest.mark.parametrize("case", CASES)
def test_a_sampling_step_stays_on_the_models_device(case):
    model, _ = moved(case)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(3, model.noise_dim, device="meta")
    labels = None if model.num_classes is None else torch.zeros(3, dtype=torch.int64, device="meta")
    model(noise, labels, generator=generator)
    with DeviceWatch("meta") as watch:
        samples = model(noise, labels, generator=generator)
        samples.sum().backward()
    assert not watch.found, watch.found[:3]
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    assert gradients
    assert {each.device.type for each in [samples, *gradients]} == {"meta"}


def _computes_on_the_cpu(phase):
    phase.real = phase.real + 0 * torch.ones(3).sum().to("meta")
    torch.ones(3) * 2


def _moves_a_constant(_):
    torch.arange(3.0).to("meta")


def _mixes_draws(_):
    torch.rand(3, generator=torch.Generator()) + torch.ones(3)


@pytest.mark.parametrize("fault", [_computes_on_the_cpu, _moves_a_constant, _mixes_draws])
def test_the_watch_sees_what_is_made_elsewhere(fault):
    _, phases = moved("style")
    phase = phases[-1]
    phase.begin()
    with DeviceWatch("meta") as watch:
        fault(phase)
    assert watch.found


def test_the_watch_lets_draws_and_indices_pass():
    with DeviceWatch("meta") as watch:
        drawn = torch.rand(4, 2, generator=torch.Generator()).mul(2).split(2)
        (drawn[0].to("meta") * torch.ones(2, device="meta")).sum()
        torch.zeros(5, device="meta")[torch.randperm(5, generator=torch.Generator()).to("meta")]
    assert not watch.found


def test_the_watch_fails_a_network_that_makes_a_tensor_elsewhere(monkeypatch):
    model, phases = moved("style")
    critic = model.get_submodule("critic")
    forward = critic.forward

    def wrong(samples):
        return forward(samples) + torch.tensor([0.5, 0.5]).mean().to(samples)

    monkeypatch.setattr(critic, "forward", wrong)
    phases[-1].begin()
    with DeviceWatch("meta") as watch:
        phases[-1].train_step(0)
    assert watch.found
