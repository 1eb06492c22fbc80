"""Samplers on normal data, where the best denoiser and the way it leads are known in closed form."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.diffusion import (
    NoiseSchedule,
    data_spectrum,
    ddim_sample,
    ddpm_sample,
    dpm_solver_sample,
    information_beta_schedule,
    spaced_steps,
)
from qiskit_qgen.exceptions import ArgumentError

MEAN, DEVIATION = 0.3, 0.5


def exact_denoiser(schedule, kind="epsilon"):
    """E[target | x_t] of data N(MEAN, DEVIATION^2)."""

    def denoise(x, steps):
        power = schedule.alpha_bars[steps].view(-1, 1)
        gain = power.sqrt() * DEVIATION**2 / (power * DEVIATION**2 + 1 - power)
        x0 = MEAN + gain * (x - power.sqrt() * MEAN)
        epsilon = (x - power.sqrt() * x0) / (1 - power).sqrt()
        return {"x0": x0, "epsilon": epsilon, "v": power.sqrt() * epsilon - (1 - power).sqrt() * x0}[kind]

    return denoise


def exact_flow(schedule, x):
    """Where the probability flow takes x from the noisiest step to the data."""
    power = float(schedule.alpha_bars[-1])
    return MEAN + DEVIATION * (x - power**0.5 * MEAN) / (power * DEVIATION**2 + 1 - power) ** 0.5


def noise_of(seed):
    generator = torch.Generator().manual_seed(seed)
    return lambda shape: torch.randn(tuple(shape), generator=generator, dtype=torch.float64)


def start(count=64):
    return torch.linspace(-2.5, 2.5, count, dtype=torch.float64).view(-1, 1)


def errors(sampler, numbers):
    schedule = NoiseSchedule.named("linear", 4000, beta_start=2.5e-5, beta_end=0.005)
    model = exact_denoiser(schedule)
    # The last call goes from the last step to the data, whatever the number: it is measured against the flow as well.
    return [
        float((sampler(model, start(), schedule, num_steps=n, clip=None) - exact_flow(schedule, start())).abs().max())
        for n in numbers
    ]


def test_ddim_converges_to_the_flow_with_first_order():
    coarse, fine = errors(ddim_sample, (40, 80))
    assert 1.7 < coarse / fine < 2.4
    assert fine < 0.06


def test_the_solver_converges_faster_than_first_order_and_beats_ddim():
    coarse, fine = errors(dpm_solver_sample, (20, 40))
    assert coarse / fine > 2.8
    (reference,) = errors(ddim_sample, (40,))
    assert fine < reference / 4


@pytest.mark.parametrize("name", ["linear", "cosine", "sigmoid", "information"])
def test_few_steps_keep_the_variances_of_real_images(name):
    images = load_dataset("fashion-mnist-mini").images[:500] * 2 - 1
    variances = torch.from_numpy(dctn(images.numpy(), axes=(2, 3), norm="ortho").var(0)).flatten().double()
    if name == "information":
        schedule = NoiseSchedule(information_beta_schedule(data_spectrum(images), 1000))
    else:
        schedule = NoiseSchedule.named(name, 1000)

    def denoise(x, steps):  # the best one of normal vectors with these variances
        signal, sigma = schedule.at("signals", steps, x), schedule.at("sigmas", steps, x)
        return signal * variances / (signal**2 * variances + sigma**2) * x

    def error(sampler, num_steps):
        unit = torch.ones(1, len(variances), dtype=torch.float64)
        found = sampler(denoise, unit, schedule, num_steps=num_steps, prediction="x0", clip=None)[0].abs()
        return float((found - variances.sqrt()).square().sum() / variances.sum())

    assert error(ddim_sample, 50) < 0.02
    for num_steps in (20, 50):
        assert error(dpm_solver_sample, num_steps) < error(ddim_sample, num_steps)


@pytest.mark.parametrize("sampler", [ddim_sample, dpm_solver_sample])
@pytest.mark.parametrize("kind", ["x0", "v"])
def test_all_predictions_lead_to_the_same_place(sampler, kind):
    schedule = NoiseSchedule.named("linear", 100)
    expected = sampler(exact_denoiser(schedule), start(), schedule, num_steps=10, clip=None)
    found = sampler(exact_denoiser(schedule, kind), start(), schedule, num_steps=10, prediction=kind, clip=None)
    torch.testing.assert_close(found, expected)


def conditioned(schedule, step, x_t, x0):
    """Mean and variance of x_{t-1} given x_t and x_0, from their joint normal distribution."""
    before = float(schedule.alpha_bars[step - 1])
    keep = 1 - float(schedule.betas[step])
    variance = 1 - before  # of x_{t-1} given x_0
    of_x_t = keep * variance + 1 - keep
    gain = keep**0.5 * variance / of_x_t
    mean = before**0.5 * x0 + gain * (x_t - (keep * before) ** 0.5 * x0)
    return mean, variance - gain * keep**0.5 * variance


def test_ancestral_steps_follow_the_posterior():
    schedule = NoiseSchedule.named("cosine", 6)
    draws = [torch.tensor([[value]], dtype=torch.float64) for value in (0.4, -1.2, 0.9, 0.1, -0.7)]
    recorded = iter(draws)
    x0 = torch.tensor([[0.25]], dtype=torch.float64)
    found = []

    def model(x, steps):
        found.append((x.clone(), int(steps)))
        return x0

    first = torch.tensor([[1.3]], dtype=torch.float64)
    last = ddpm_sample(model, first, schedule, noise=lambda _: next(recorded), prediction="x0")
    assert [step for _, step in found] == [5, 4, 3, 2, 1, 0]
    torch.testing.assert_close(last, x0)  # the last step returns what the network says
    for (x_t, step), (after, _), draw in zip(found[:-1], found[1:], draws, strict=True):
        mean, variance = conditioned(schedule, step, x_t, x0)
        torch.testing.assert_close(after, mean + variance**0.5 * draw)


def test_ancestral_sampling_of_normal_data_has_the_moments_of_its_linear_recursion():
    schedule = NoiseSchedule.named("linear", 1000)
    model = exact_denoiser(schedule)
    x = noise_of(0)((20000, 1))
    found = ddpm_sample(model, x, schedule, noise=noise_of(1), clip=None)
    assert float(found.mean()) == pytest.approx(MEAN, abs=4 * DEVIATION / 20000**0.5)
    assert float(found.std()) == pytest.approx(DEVIATION, rel=0.03)


def test_ddim_with_eta_1_and_all_steps_is_ancestral_sampling():
    schedule = NoiseSchedule.named("cosine", 20)
    model = exact_denoiser(schedule)
    options = {"clip": 1.0}
    expected = ddpm_sample(model, start(), schedule, noise=noise_of(3), **options)
    found = ddim_sample(model, start(), schedule, num_steps=20, eta=1.0, noise=noise_of(3), **options)
    # With clipping the two differ in what they take for the noise; without, they are the same.
    assert found.shape == expected.shape
    expected = ddpm_sample(model, start(), schedule, noise=noise_of(3), clip=None)
    found = ddim_sample(model, start(), schedule, num_steps=20, eta=1.0, noise=noise_of(3), clip=None)
    torch.testing.assert_close(found, expected)


def test_clean_images_are_clipped():
    schedule = NoiseSchedule.named("cosine", 20)
    for sampler in (ddim_sample, dpm_solver_sample):
        found = sampler(lambda x, _: 3 * torch.ones_like(x), start(), schedule, num_steps=5, prediction="x0")
        torch.testing.assert_close(found, torch.ones_like(found))


def test_steps_are_spaced_from_the_noisiest_down():
    assert spaced_steps(1000, 4) == [999, 749, 499, 249]
    assert spaced_steps(7, 7) == [6, 5, 4, 3, 2, 1, 0]
    for number in (1, 3, 17, 50, 999):
        steps = np.array(spaced_steps(1000, number))
        assert len(steps) == number
        assert (np.diff(steps) < 0).all()
        assert steps[0] == 999


def test_bad_arguments_are_named():
    schedule = NoiseSchedule.named("cosine", 20)
    with pytest.raises(ArgumentError, match="`num_steps`"):
        ddim_sample(exact_denoiser(schedule), start(), schedule, num_steps=21)
    with pytest.raises(ArgumentError, match="`noise`"):
        ddim_sample(exact_denoiser(schedule), start(), schedule, num_steps=5, eta=0.5)
    with pytest.raises(ArgumentError, match="`eta`"):
        ddim_sample(exact_denoiser(schedule), start(), schedule, num_steps=5, eta=1.5, noise=noise_of(0))
