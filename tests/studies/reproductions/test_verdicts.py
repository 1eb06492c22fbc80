"""Verdicts of reproductions on synthetic truth: a claim that holds, its inverse, and one that nothing tells."""

import numpy as np
import pytest
import torch
from scipy import stats

from qiskit_qgen.studies.reproductions.collisions import Events
from qiskit_qgen.studies.reproductions.latent_gans import _verdict as latent_verdict
from qiskit_qgen.studies.reproductions.of_studies import scene_tiles
from qiskit_qgen.studies.reproductions.outcome import below, joint

TWIN = "twin, equal weights"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 0.2, "reproduced"),
        (0.1, 0.4, "cannot be told"),
        (0.31, 0.4, "not reproduced"),
        (None, None, "cannot be told"),
    ],
)
def test_an_interval_below_a_bound_reproduces(low, high, verdict):
    assert below({"mean": 0.2, "low": low, "high": high}, 0.3) == verdict


def test_parts_that_differ_tell_nothing_together():
    assert joint(["reproduced", "reproduced"]) == "reproduced"
    assert joint(["reproduced", "not reproduced"]) == "cannot be told"


def seeds(center, spread=1.0):
    return {seed: {"frechet_distance": center + spread * (seed - 2)} for seed in range(5)}


@pytest.mark.parametrize(
    ("circuit", "twin", "normal", "verdict"),
    [
        (50.0, 60.0, 200.0, "reproduced"),
        (60.0, 50.0, 200.0, "not reproduced"),
        (50.0, 60.0, 40.0, "cannot be told"),  # a score that N(0, I) wins
    ],
)
def test_a_circuit_is_judged_against_its_twin_and_trivial_baselines(circuit, twin, normal, verdict):
    scored = {"circuit": seeds(circuit), TWIN: seeds(twin, 1.1)}
    scored |= {"standard_normal": seeds(normal), "gaussian": seeds(normal), "mixture": seeds(90.0)}
    found = latent_verdict({"pixel": scored}, ["circuit", TWIN])
    assert found["verdict"] == verdict
    assert "farther" in found["reason"]


def test_a_difference_within_the_spread_of_seeds_tells_nothing():
    scored = {"circuit": seeds(50.0), TWIN: seeds(50.5, -3.0)}
    scored |= {name: seeds(300.0) for name in ("standard_normal", "gaussian", "mixture")}
    assert latent_verdict({"pixel": scored}, ["circuit", TWIN])["verdict"] == "cannot be told"


def events(count, seed):
    """Synthetic events with long tails, correlated as those of collisions."""
    normal = np.random.default_rng(seed).multivariate_normal([0, 0, 0], [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]], count)
    return np.column_stack([np.exp(12 + 0.5 * normal[:, 0]), -np.exp(11 + 0.5 * normal[:, 1]), normal[:, 2]])


def test_scores_of_events_tell_a_law_from_noise_and_from_shuffled_columns():
    real = events(60_000, 0)
    held = Events(real, events(20_000, 1), 10_000, 10_000)
    same, wide = held.scores(events(40_000, 2)), held.scores(events(40_000, 2) * [1.0, 1.0, 3.0])
    assert same["mean_kl"] < 0.5 * wide["mean_kl"]
    randomness = np.random.default_rng(3)
    shuffled = np.column_stack([randomness.permutation(column) for column in real.T])
    assert held.scores(shuffled)["mean_kl"] == pytest.approx(held.scores(real)["mean_kl"])
    assert abs(held.scores(shuffled)["correlation"]) < 0.02
    assert same["correlation"] == pytest.approx(stats.spearmanr(real[:, 0], real[:, 1]).statistic, abs=0.03)


def test_the_three_parts_of_events_share_none():
    real = events(300, 0)
    held = Events(real, real, 100, 50)
    assert np.array_equal(np.vstack([held.train, held.validation, held.held_out]), real)
    assert [len(each) for each in (held.train, held.validation, held.held_out)] == [100, 50, 150]


def test_tiles_of_a_scene_share_no_pixel_between_sets_and_come_from_all_over_it(tmp_path):
    numbers = np.arange(80 * 60)
    scene = np.stack([numbers // 256, numbers % 256, 0 * numbers], -1).reshape(80, 60, 3).astype(np.uint8)
    np.savez(tmp_path / "scene.npz", scene=scene)
    sets = scene_tiles(str(tmp_path / "scene.npz"), key="scene", block=10, size=8, stride=2)
    pixels = [(each[:, 0] * 255 * 256 + each[:, 1] * 255).round().int().unique() for each in sets]
    assert sum(len(each) for each in pixels) == len(torch.cat(pixels).unique()) == 80 * 60
    assert [each.shape[1:] for each in sets] == [(3, 8, 8)] * 3
    for each in pixels:
        assert each.min() < 0.2 * 80 * 60
        assert each.max() > 0.8 * 80 * 60
