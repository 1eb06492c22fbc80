"""Schedules against their formulae in other words."""

import numpy as np
import pytest
import torch
from scipy.special import expit

from qiskit_qgen.diffusion import (
    NoiseSchedule,
    betas_from_alpha_bars,
    cosine_beta_schedule,
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
def test_weighted_errors_of_all_predictions_are_the_same_error_of_the_clean_picture(kind):
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
        (lambda: NoiseSchedule(torch.tensor([0.5, 1.0])), "betas"),
        (lambda: NoiseSchedule.named("cosinus"), "name"),
        (lambda: min_snr_weights(NoiseSchedule.named("linear"), "epsilon", gamma=0), "gamma"),
        (lambda: min_snr_weights(NoiseSchedule.named("linear"), "noise"), "prediction"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ArgumentError, match=f"`{name}`"):
        call()
