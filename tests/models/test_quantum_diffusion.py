"""QuantumDiffusion: what it learns, labels, processes, samplers; what it shares with others is in test_base_*.py."""

import pytest
import torch
from small import diffusion, hybrid, images, same, style, train, trained, weights

from qiskit_qgen.datasets import ImageDataset
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.diffusion import (
    DepolarizingProcess,
    NoiseSchedule,
    StochasticWalkProcess,
    data_spectrum,
    information_beta_schedule,
)
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.layers.gradient_audit import audit_gradients
from qiskit_qgen.noise import QuantumCircuitNoise


@pytest.fixture
def one_thread():
    """Sums in one order, whatever the machine, its load and other tests set: the same bits in each run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("bottleneck", ["plain", "se", "se_frozen", "quantum"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_model_is_trained_and_sampled(bottleneck, channels):
    model = diffusion(bottleneck, image_shape=(channels, 8, 12))
    assert len(train(model, images(12, (channels, 8, 12))).values("denoising", "loss")) == 3
    assert model.sample(5, seed=3).shape == (5, channels, 8, 12)


def test_the_schedule_is_the_one_named():
    for options in ({}, {"schedule": "linear"}, {"schedule": "cosine", "min_beta": 0.01}):
        name = {"schedule": "cosine"} | options
        expected = NoiseSchedule.named(name.pop("schedule"), 20, **name)
        assert torch.equal(diffusion(**options).noise_schedule.betas, expected.betas)


def test_a_schedule_is_fitted_to_the_images():
    model = trained(diffusion(schedule="information"))
    expected = information_beta_schedule(data_spectrum(images() * 2 - 1), 20)
    torch.testing.assert_close(model.noise_schedule.betas, expected)
    before = weights(model, "schedule")
    train(model, images(seed=1) ** 3, warm_start=True)
    assert same(weights(model, "schedule"), before)
    for other in (diffusion(schedule="information"), trained(diffusion())):
        torch.testing.assert_close(other.noise_schedule.betas, NoiseSchedule.named("cosine", 20).betas)


@pytest.mark.usefixtures("one_thread")
def test_labels_decide_and_guidance_strengthens():
    model = diffusion("se", num_classes=2, architecture_width=16)
    labels = torch.arange(12) % 2
    data = labels.float().view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous()
    options = {"steps": 200, "batch_size": 12, "learning_rate": 0.003}
    train(model, ImageDataset(data, labels, "two", "train"), **options)
    dark, light = (model.sample(4, seed=0, labels=label, sampling_steps=10).mean() for label in (0, 1))
    assert dark < 0.3
    assert light > 0.7
    both = model.sample(4, seed=0, labels=[0, 1, 0, 1], sampling_steps=10).mean((1, 2, 3))
    assert [bool(value > 0.5) for value in both] == [False, True, False, True]
    assert not torch.equal(model.sample(4, seed=0, labels=1, guidance=3.0), model.sample(4, seed=0, labels=1))


@pytest.mark.usefixtures("one_thread")
def test_constant_images_are_learned():
    data = torch.full((8, 1, 8, 8), 0.8)
    data[:, :, :4] = 0.2
    model = trained(diffusion(), data, steps=150, batch_size=8, learning_rate=0.01)
    for sampler in ("ddim", "dpm-solver", "ddpm"):
        found = model.sample(4, seed=1, sampler=sampler)
        assert float((found - data[:4]).abs().mean()) < 0.1, sampler


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("process", ["depolarizing", "stochastic_walk"])
def test_another_process_is_trained_and_sampled(process):
    model = diffusion("se", process=process, architecture_width=16, sampling_steps=10)
    assert model.process.num_steps == 20
    dark, light = torch.full((6, 1, 8, 8), 0.1), torch.full((6, 1, 8, 8), 0.6)
    train(model, torch.cat([dark, light]), steps=150, batch_size=12, learning_rate=0.005)
    means = model.sample(16, seed=1).mean((1, 2, 3))
    # Each image is one of the two kinds, and both kinds are drawn.
    near = torch.stack([(means - 0.1).abs() < 0.1, (means - 0.6).abs() < 0.1])
    assert bool(near.any(0).all()), means
    assert near.sum(1).min() >= 2, means


def test_processes_and_noise_of_ones_own_have_an_effect():
    own = trained(diffusion(process=StochasticWalkProcess(20, levels=4)))
    assert not torch.equal(own.sample(2, seed=0), trained(diffusion(process="stochastic_walk")).sample(2, seed=0))
    quantum = trained(diffusion(noise="quantum"))
    assert not torch.equal(quantum.sample(2, seed=0), trained(diffusion()).sample(2, seed=0))
    with pytest.raises(ArgumentError, match="`noise` must have as many components as an image, 64, but has 63"):
        diffusion(noise=QuantumCircuitNoise(63, num_qubits=3))
    with pytest.raises(ArgumentError, match="`num_steps` has no effect where `process` is not one of the package's"):
        diffusion(process=DepolarizingProcess(30), num_steps=20)


@pytest.mark.parametrize("make", [style, hybrid, diffusion])
def test_a_part_of_the_images_is_drawn_before_the_training(make):
    data = images()
    few, many = subset(data, 7, 3), subset(data, 12, 3)
    assert torch.equal(many[:7], few)
    assert not torch.equal(subset(data, 7, 4), few)
    assert same(weights(trained(make(), few)), weights(trained(make(), subset(data, 7, 3))))


@pytest.mark.parametrize("control", ["unentangled", "frozen", "fourier"])
def test_controls_of_the_circuit_are_trained_saved_and_told(control, tmp_path):
    model = diffusion(control=control)
    train(model, images(12))
    assert (model.circuit is None) == (control == "fourier")
    assert f"bottleneck quantum ({control})" in str(model.summary())
    model.save_pretrained(tmp_path / "model")
    assert torch.equal(type(model).from_pretrained(tmp_path / "model").sample(3, seed=0), model.sample(3, seed=0))


def test_the_circuit_is_trained_and_none_of_its_weights_is_inert():
    start, model = (trained(diffusion(), steps=steps, learning_rate=0.05, ema_decay=0.0) for steps in (1, 8))
    before, after = (each.networks["denoiser"].gate.core.weight.detach() for each in (start, model))
    assert after.shape == (6,)
    assert float((after - before).abs().min()) > 1e-4
    assert audit_gradients(diffusion(), num_draws=8).inert == []


@pytest.mark.parametrize(("num_steps", "calls"), [(5, 5), (20, 20), (1000, 50)])
def test_the_calls_of_a_draw_are_50_or_all_steps(num_steps, calls):
    model, seen = diffusion(num_steps=num_steps, sampling_steps=None), []
    model.networks["denoiser"].register_forward_hook(lambda *_: seen.append(1))
    assert model.sample(2, seed=0).shape == (2, 1, 8, 8)
    assert len(seen) == calls
    model.sample(1, sampler="ddim", sampling_steps=3)
    assert len(seen) == calls + 3
    if num_steps < 1000:
        model.sample(1, sampler="ddpm")
        assert len(seen) == calls + 3 + num_steps


@pytest.mark.parametrize(
    ("settings", "options", "sentence"),
    [
        ({}, {"guidance": 2.0}, "`guidance` has no effect on a model without classes"),
        ({}, {"sampling_steps": 21}, "`sampling_steps` must be an integer from 1 to 20, but is 21"),
        ({}, {"sampling_steps": 0}, "`sampling_steps` must be a positive integer, but is 0"),
        ({}, {"sampler": "ddpm", "sampling_steps": 3}, "`sampling_steps` has no effect with sampler='ddpm'"),
        ({}, {"sampler": "euler"}, "`sampler` must be one of 'ddim', 'dpm-solver', 'ddpm', but is 'euler'"),
        ({"process": "depolarizing"}, {"sampler": "ddpm"}, "`sampler` has no effect unless the process is Gaussian"),
        ({"num_classes": 2}, {"guidance": -1.0}, "`guidance` must be a number in"),
    ],
)
def test_ways_of_sampling_without_effect_are_refused(settings, options, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        diffusion(**settings).sample(1, **options)
