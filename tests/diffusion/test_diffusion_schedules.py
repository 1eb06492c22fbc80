"""Schedules against their formulae in other words, and against the information that noisy images hold."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.special import expit

from qiskit_qgen.diffusion import (
    NoiseSchedule,
    betas_from_alpha_bars,
    cosine_beta_schedule,
    data_spectrum,
    information_beta_schedule,
    linear_beta_schedule,
    log_snr_beta_schedule,
    min_snr_weights,
    sigmoid_beta_schedule,
)
from qiskit_qgen.exceptions import ArgumentError


def alpha_bars(betas):
    return np.cumprod(1 - betas.numpy())


def test_linear_betas_are_evenly_spaced():
    np.testing.assert_allclose(linear_beta_schedule(5, beta_start=0.1, beta_end=0.5), [0.1, 0.2, 0.3, 0.4, 0.5])


def test_cosine_leaves_the_squared_cosine():
    steps = np.arange(1, 101)
    wanted = np.cos((steps / 100 + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(alpha_bars(cosine_beta_schedule(100))[:-1], wanted[:-1], rtol=1e-12)
    assert cosine_beta_schedule(100)[-1] == 0.999


def test_sigmoid_leaves_the_sigmoid():
    steps = np.arange(0, 51) / 50
    values = expit((-3 + 6 * steps) / 0.7)
    wanted = (values[-1] - values) / (values[-1] - values[0])
    np.testing.assert_allclose(alpha_bars(sigmoid_beta_schedule(50, temperature=0.7))[:-1], wanted[1:-1], rtol=1e-10)


def test_a_schedule_runs_through_the_points_given():
    betas = log_snr_beta_schedule([(0, 8), (0.25, 0), (1, -6)], 101)
    ratios = NoiseSchedule(betas).snr.log().numpy()
    np.testing.assert_allclose(ratios[[0, 25, 100]], [8, 0, -6], atol=1e-9)
    np.testing.assert_allclose(np.diff(ratios)[:25], -8 / 25, atol=1e-9)
    np.testing.assert_allclose(np.diff(ratios)[25:], -6 / 75, atol=1e-9)


def test_each_step_of_the_fitted_schedule_removes_the_same_information_by_amplitude():
    spectrum = np.array([9.0, 4.0, 1.0, 0.1, 0.01])
    schedule = NoiseSchedule(information_beta_schedule(spectrum, 40))
    assert schedule.snr.log()[[0, -1]].tolist() == pytest.approx([10, -10])

    # Mutual information of normal vectors x and y = sqrt(s) x + noise, from determinants, over its amplitude sqrt(s).
    def information(ratio):
        return 0.5 * np.linalg.slogdet(np.eye(5) + ratio * np.diag(spectrum))[1]

    ratios = schedule.snr.numpy()[::-1]
    lost = []
    for start, end in itertools.pairwise(ratios):
        fine = np.geomspace(start, end, 2001)
        held = np.array([information(ratio) for ratio in fine])
        lost.append(float((np.diff(held) / np.sqrt(np.sqrt(fine[:-1] * fine[1:]))).sum()))
    np.testing.assert_allclose(lost, np.mean(lost), rtol=1e-3)


def test_components_of_unit_variance_give_equal_angles_as_the_cosine_schedule():
    schedule = NoiseSchedule(information_beta_schedule(np.ones(7), 11))
    angles = torch.atan2(schedule.signals, schedule.sigmas).numpy()
    np.testing.assert_allclose(angles, np.linspace(angles[0], angles[-1], 11), atol=1e-6)


def test_the_spectrum_is_that_of_the_transform():
    generator = torch.Generator().manual_seed(0)
    amplitudes = torch.randn(400, 1, 1, 1, generator=generator)
    x = torch.arange(8)
    wave = torch.cos(math.pi * (x + 0.5) * 3 / 8)
    images = amplitudes * wave[None, None, None, :].expand(1, 1, 8, 8)
    spectrum = data_spectrum(images)
    assert spectrum.shape == (1, 8, 8)
    # The wave's squared norm is 8 * 8 / 2, all of it in the component (0, 3).
    assert float(spectrum[0, 0, 3]) == pytest.approx(32 * float(amplitudes.var(correction=0)), rel=1e-6)
    assert float(spectrum.sum() - spectrum[0, 0, 3]) < 1e-9
    noise = torch.rand(50, 2, 6, 4, generator=generator)
    assert float(data_spectrum(noise).sum()) == pytest.approx(float(noise.double().var(0, correction=0).sum()))


def test_a_bound_from_below_lifts_the_first_variances_only():
    formula, bounded = cosine_beta_schedule(1000), cosine_beta_schedule(1000, min_beta=1e-4)
    assert int((formula < 1e-4).sum()) == 13  # of cos^2(pi/2 (t/T + 0.008) / 1.008), by numpy
    assert torch.equal(bounded, torch.from_numpy(np.clip(formula.numpy(), 1e-4, 0.999)))


def test_conversions_agree_with_the_noise_that_was_added():
    generator = torch.Generator().manual_seed(1)
    schedule = NoiseSchedule.named("cosine", 50)
    x0, noise = (torch.randn(6, 1, 4, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    steps = torch.tensor([0, 3, 17, 30, 40, 48])
    x_t = schedule.add_noise(x0, noise, steps)
    for kind in ("epsilon", "x0", "v"):
        found = schedule.x0_from(kind, schedule.target(kind, x0, noise, steps), x_t, steps)
        torch.testing.assert_close(found, x0, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(schedule.epsilon_from(x0, x_t, steps), noise, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["epsilon", "x0", "v"])
def test_weighted_errors_of_all_predictions_are_the_same_error_of_the_clean_image(kind):
    generator = torch.Generator().manual_seed(2)
    schedule = NoiseSchedule.named("linear", 200)
    steps = torch.arange(0, 200, 10)
    x0, noise = (torch.randn(len(steps), 3, generator=generator, dtype=torch.float64) for _ in range(2))
    x_t = schedule.add_noise(x0, noise, steps)
    output = schedule.target(kind, x0, noise, steps) + 0.01
    error = (output - schedule.target(kind, x0, noise, steps)).square().mean(1)
    of_x0 = (schedule.x0_from(kind, output, x_t, steps) - x0).square().mean(1)
    clipped = (schedule.alpha_bars / (1 - schedule.alpha_bars)).clamp(max=5.0)[steps]
    torch.testing.assert_close(min_snr_weights(schedule, kind)[steps] * error, clipped * of_x0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: linear_beta_schedule(0), "num_steps"),
        (lambda: linear_beta_schedule(10, beta_end=1.0), "beta_end"),
        (lambda: cosine_beta_schedule(10, offset=-0.1), "offset"),
        (lambda: cosine_beta_schedule(10, min_beta=1.0), "min_beta"),
        (lambda: sigmoid_beta_schedule(10, start=3, end=3), "end"),
        (lambda: betas_from_alpha_bars(torch.tensor([1.0, 0.5, 0.5])), "alpha_bars"),
        (lambda: log_snr_beta_schedule([(0, 1), (1, 2)]), "points"),
        (lambda: log_snr_beta_schedule([(0.1, 1), (1, 0)]), "points"),
        (lambda: log_snr_beta_schedule([(0, 1)]), "points"),
        (lambda: information_beta_schedule([0.0, 0.0]), "spectrum"),
        (lambda: information_beta_schedule([1.0], max_log_snr=-20.0), "max_log_snr"),
        (lambda: data_spectrum(torch.zeros(5, 1, 4, 4)), "images"),
        (lambda: data_spectrum(torch.rand(1, 2, 5, 7).expand(6, -1, -1, -1)), "images"),
        (lambda: NoiseSchedule(torch.tensor([0.5, 1.0])), "betas"),
        (lambda: NoiseSchedule.named("cosinus"), "name"),
        (lambda: min_snr_weights(NoiseSchedule.named("linear"), "epsilon", gamma=0), "gamma"),
        (lambda: min_snr_weights(NoiseSchedule.named("linear"), "noise"), "prediction"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ArgumentError, match=f"`{name}`"):
        call()
