"""The schedules and samplers against those of the library diffusers, step by step on the same random network."""

import warnings

import numpy as np
import pytest
import torch

from qiskit_qgen.diffusion import (
    NoiseSchedule,
    cosine_beta_schedule,
    ddim_sample,
    ddpm_sample,
    dpm_solver_sample,
    linear_beta_schedule,
    spaced_steps,
)

KINDS = {"epsilon": "epsilon", "x0": "sample", "v": "v_prediction"}


@pytest.fixture(scope="module")
def diffusers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("diffusers")


def network(x, steps):
    """A smooth function of image and step, none that any data would give."""
    return torch.sin(2 * x + steps.view(-1, 1, 1, 1) / 300) * 0.8


def start(seed=0):
    return torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def follow(scheduler, x, **options):
    for step in scheduler.timesteps:
        x = scheduler.step(network(x, step.expand(len(x))), step, x, **options).prev_sample
    return x


def named(diffusers, kind, schedule, **options):
    trained = {"linear": "linear", "cosine": "squaredcos_cap_v2"}[schedule]
    return getattr(diffusers, kind)(num_train_timesteps=1000, beta_schedule=trained, **options)


def test_schedules(diffusers):
    for name, betas in (("linear", linear_beta_schedule()), ("cosine", cosine_beta_schedule())):
        theirs = named(diffusers, "DDPMScheduler", name).betas
        torch.testing.assert_close(betas.float(), theirs, rtol=1e-4, atol=1e-7)


def test_noise_and_velocity(diffusers):
    scheduler = named(diffusers, "DDPMScheduler", "cosine")
    schedule = NoiseSchedule(scheduler.betas)
    x0, noise, steps = start(), start(1), torch.tensor([3, 500, 990])
    torch.testing.assert_close(
        schedule.add_noise(x0, noise, steps), scheduler.add_noise(x0, noise, steps), rtol=1e-4, atol=1e-4
    )
    theirs = scheduler.get_velocity(x0, noise, steps)
    torch.testing.assert_close(schedule.target("v", x0, noise, steps), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("clip", [True, False])
def test_ddim(diffusers, kind, clip):
    scheduler = named(
        diffusers, "DDIMScheduler", "linear", timestep_spacing="trailing", clip_sample=clip, prediction_type=KINDS[kind]
    )
    scheduler.set_timesteps(50)
    assert scheduler.timesteps.tolist() == spaced_steps(1000, 50)
    expected = follow(scheduler, start(), use_clipped_model_output=True)
    schedule = NoiseSchedule(scheduler.betas)
    found = ddim_sample(network, start(), schedule, num_steps=50, prediction=kind, clip=1.0 if clip else None)
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_dpm_solver(diffusers, kind):
    scheduler = named(
        diffusers,
        "DPMSolverMultistepScheduler",
        "linear",
        algorithm_type="dpmsolver++",
        solver_order=2,
        final_sigmas_type="zero",
        timestep_spacing="trailing",
        prediction_type=KINDS[kind],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how the scheduler calls numpy
        scheduler.set_timesteps(20)
    assert scheduler.timesteps.tolist() == spaced_steps(1000, 20)
    expected = follow(scheduler, start())
    schedule = NoiseSchedule(scheduler.betas)
    found = dpm_solver_sample(network, start(), schedule, num_steps=20, prediction=kind, clip=None)
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=2e-3)


def test_ancestral(diffusers, monkeypatch):
    draws = np.random.default_rng(0).normal(size=(1000, 3, 2, 4, 4))
    scheduler = named(diffusers, "DDPMScheduler", "cosine", variance_type="fixed_small", clip_sample=True)
    theirs = iter(draws)
    monkeypatch.setattr(
        "diffusers.schedulers.scheduling_ddpm.randn_tensor", lambda *_, **__: torch.from_numpy(next(theirs))
    )
    expected = follow(scheduler, start())
    ours = iter(draws)
    schedule = NoiseSchedule(scheduler.betas)
    found = ddpm_sample(network, start(), schedule, noise=lambda _: torch.from_numpy(next(ours)))
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=2e-3)
