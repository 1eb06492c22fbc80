"""Fixed noise, interpolation, traversals and truncation, of all three models."""

import math

import pytest
import torch

from qiskit_qgen import AerExecution
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from tests.models.small import KINDS, diffusion, hybrid, style


@pytest.fixture(scope="module")
def models():
    return {name: make() for name, make in KINDS.items()}


def ends(model, number=1, seed=3):
    drawn = torch.randn(2 * number, model.noise_dim, generator=torch.Generator().manual_seed(seed))
    return (drawn[0], drawn[1]) if number == 1 else (drawn[:number], drawn[number:])


@pytest.mark.parametrize("kind", list(KINDS))
def test_drawn_noise_is_that_of_samples(models, kind, monkeypatch):
    monkeypatch.setattr(type(models[kind]), "_sample_batch", 3)
    noise = models[kind].draw_noise(7, seed=5)
    torch.testing.assert_close(models[kind].sample(noise=noise), models[kind].sample(7, seed=5), atol=1e-6, rtol=0)
    assert not torch.equal(models[kind].draw_noise(1), models[kind].draw_noise(1))


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_interpolation_begins_and_ends_with_the_samples_of_its_ends(models, kind):
    model = models[kind]
    start, end = ends(model)
    samples = model.interpolate(start, end, 5)
    assert samples.shape == (5, 1, 8, 8)
    expected = model.sample(noise=torch.stack([start, end]))
    torch.testing.assert_close(samples[[0, -1]], expected, atol=1e-6, rtol=0)
    # The middle of a great circle between two vectors is their sum, brought to its length.
    middle = start / start.norm() + end / end.norm()
    middle = middle / middle.norm() * (start.norm() + end.norm()) / 2
    torch.testing.assert_close(samples[2:3], model.sample(noise=middle[None]), atol=1e-5, rtol=0)


def test_several_ways_are_gone_at_once_and_on_other_executions(models):
    model = models["style"]
    start, end = ends(model, 2)
    ways = model.interpolate(start, end, 3)
    assert ways.shape == (2, 3, 1, 8, 8)
    torch.testing.assert_close(ways[1], model.interpolate(start[1], end[1], 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(model.interpolate(start, end, 3, execution=AerExecution()), ways, atol=1e-5, rtol=0)


def test_a_category_goes_over_straight_or_is_fixed_by_a_label():
    model = style(num_classes=2, noise_dim=2)
    start, end = torch.tensor([1.0, 0, 1, 0]), torch.tensor([0.0, 1, 0, 1])
    root = math.sqrt(0.5)
    free, fixed = model.interpolate(start, end, 3), model.interpolate(start, end, 3, labels=1)
    torch.testing.assert_close(free[1], model.sample(noise=torch.tensor([[root, root, 0.5, 0.5]]))[0])
    torch.testing.assert_close(fixed[1], model.sample(noise=torch.tensor([[root, root, 0.0, 1.0]]))[0])


def test_a_diffusion_model_with_classes_wants_a_label():
    model = diffusion(num_classes=2)
    start, end = ends(model)
    with pytest.raises(ArgumentError, match=r"Argument `labels` must be given, one label for all, but is None\."):
        model.interpolate(start, end, 3)
    samples = model.interpolate(start, end, 3, labels=1, sampling_steps=2)
    torch.testing.assert_close(
        samples[:1], model.sample(noise=start[None], labels=1, sampling_steps=2), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(
    ("make", "case"),
    [
        (lambda: diffusion(sampler="ddpm"), "with sampler='ddpm' draws noise on the way"),
        (lambda: diffusion(process="depolarizing"), "with a process that is not Gaussian draws noise on the way"),
    ],
)
def test_what_draws_noise_on_the_way_is_not_interpolated(make, case):
    model = make()
    with pytest.raises(ArgumentError, match=case):
        model.interpolate(*ends(model), 3)


def test_a_traversal_sets_one_component_at_a_time(models):
    model = models["hybrid"]
    (noise, _) = ends(model)
    images = model.traverse(noise, (4, 0), (-1.5, 0, 2))
    assert images.shape == (2, 3, 1, 8, 8)
    changed = noise.clone()
    changed[4] = 2
    torch.testing.assert_close(images[0, 2], model.sample(noise=changed[None])[0], atol=1e-6, rtol=0)
    assert model.traverse(noise).shape == (5, 5, 1, 8, 8)
    classes = hybrid(num_classes=3)
    assert classes.traverse(torch.zeros(8), values=(0, 1)).shape[:2] == (5, 2)  # all but the category
    with pytest.raises(ArgumentError, match="has no components of the noise to traverse"):
        models["diffusion"].traverse(torch.zeros(64))


@pytest.mark.parametrize("make", [lambda: style(num_clusters=2, noise_dim=4), lambda: hybrid(noise="uniform")])
def test_truncation_shortens_noise_and_leaves_the_category(make):
    model = make()
    noise, count = model.draw_noise(6, seed=2), model.noise.num_categories
    noise[:, : model.noise_dim - count] *= 0.4
    torch.testing.assert_close(model.sample(6, seed=2, truncation=0.4), model.sample(noise=noise), atol=1e-6, rtol=0)
    assert not torch.equal(model.sample(6, seed=2, truncation=0.4), model.sample(6, seed=2))
    assert model.sample(2, seed=2, truncation=0.4, oversample=3).shape == (2, 1, 8, 8)


@pytest.mark.parametrize(
    ("kind", "call", "error", "sentence"),
    [
        (
            "style",
            lambda model: model.sample(2, truncation=0.0),
            ArgumentError,
            r"must be a number in \(0, 1\], but is 0",
        ),
        (
            "style",
            lambda model: model.sample(noise=torch.zeros(2, 4), truncation=0.5),
            ArgumentError,
            "`truncation` must be 1 beside `noise`: shorten it",
        ),
        (
            "diffusion",
            lambda model: model.sample(2, truncation=0.5),
            ArgumentError,
            "`truncation` must be 1 for a QuantumDiffusion: leave it out",
        ),
        ("style", lambda model: model.interpolate(torch.zeros(4), torch.zeros(4), 1), ArgumentError, "`steps` must be"),
        (
            "style",
            lambda model: model.interpolate(torch.ones(4), torch.zeros(1, 4)),
            ArgumentError,
            r"`end` must have shape \(4,\), that of `start`, but has shape \(1, 4\)",
        ),
        (
            "style",
            lambda model: model.interpolate(torch.zeros(3), torch.zeros(3)),
            ArgumentError,
            r"`start` must have shape \(4,\) or \(N, 4\), but has shape \(3,\)",
        ),
        ("style", lambda model: model.interpolate(1, 2), ArgumentTypeError, "`start` must be a tensor"),
        (
            "style",
            lambda model: model.interpolate(torch.ones(4), -torch.ones(4)),
            ArgumentError,
            "must not point in opposite directions: go over a third one",
        ),
        (
            "style",
            lambda model: model.traverse(torch.zeros(4), [4]),
            ArgumentError,
            r"`components\[0\]` must be an int",
        ),
        (
            "style",
            lambda model: model.traverse(torch.zeros(4), values=[]),
            ArgumentError,
            "`values` must hold distinct",
        ),
        (
            "style",
            lambda model: model.traverse(torch.zeros(2, 4)),
            ArgumentError,
            r"`noise` must have shape \(4,\), but",
        ),
        ("style", lambda model: model.draw_noise(0), ArgumentError, "`num_samples` must be a positive integer"),
    ],
)
def test_what_is_refused(models, kind, call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(models[kind])
