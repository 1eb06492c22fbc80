"""From scores to growth, on generators whose optimal sizes are known."""

import numpy as np
import pytest

from qiskit_qgen.studies.capacity.growth import CRITIC, GENERATOR, find_growth
from qiskit_qgen.studies.capacity.optima import ScoreTable
from qiskit_qgen.studies.capacity.optimality import OptimalityRule

RULE = OptimalityRule()
CRITICS = 2.0 ** np.arange(4, 16)
QUANTUM = {f"{layers} layers": 100 * layers for layers in (1, 2, 4, 6, 8, 10)}
CLASSICAL = {f"width {size}": size for size in (50, 100, 200, 400, 800)}


def table(middle, level=0.0, *, noise=0.02, seed=0, seeds=5):
    """Scores of a generator in a valley about ``middle``, the logarithm of the optimal critic's size."""
    generator = np.random.default_rng(seed)
    logs = level + 0.3 * np.abs(np.log(CRITICS) - middle)
    return ScoreTable(CRITICS, logs + generator.normal(0, 0.1, (seeds, 1)) + generator.normal(0, noise, (seeds, 12)))


def tables(critic, equal=lambda _: 200, **options):
    """All tables, of quantum generators whose optimal critic and matching classical generator are functions of x."""
    found = {}
    for index, (name, x) in enumerate(QUANTUM.items()):
        found[name] = table(np.log(critic(x)), -0.5 * np.log(equal(x)), seed=index, **options)
    for index, (name, size) in enumerate(CLASSICAL.items()):
        found[name] = table(np.log(900.0), -0.5 * np.log(size), seed=100 + index, **options)
    return found


def test_an_exponential_law_is_named_and_its_growth_lies_in_the_interval():
    found = find_growth(tables(lambda x: 100 * np.exp(x / 300)), QUANTUM, CLASSICAL, RULE)
    critic = found.scaling[CRITIC]
    assert (critic.law, critic.growth_shown, critic.misfit) == ("exponential", True, False)
    middle, low, high = critic.growth["exponential"]
    assert low < np.exp(3) < high
    assert low < middle < high < 2 * middle
    assert critic.points[0]["low"] < critic.points[0]["y"] < critic.points[0]["high"]
    assert critic.constant_behind == pytest.approx(critic.fits["constant"].aic - critic.fits["exponential"].aic)


def test_a_constant_size_is_named_only_if_growth_is_excluded():
    scores = tables(lambda _: 900.0)
    critic = find_growth(scores, QUANTUM, CLASSICAL, RULE).scaling[CRITIC]
    assert (critic.law, critic.growth_shown) == ("constant", False)
    ends = np.array([critic.growth[law][1:] for law in critic.growth])
    assert (ends > 1 / RULE.flat).all()
    assert (ends < RULE.flat).all()
    strict = OptimalityRule(flat=float(1.01 * ends.min()) if ends.min() > 1 else 1.01)
    assert find_growth(scores, QUANTUM, CLASSICAL, strict).scaling[CRITIC].law is None


def test_what_falls_does_not_grow_but_has_a_law():
    critic = find_growth(tables(lambda x: 5000 * np.exp(-x / 300)), QUANTUM, CLASSICAL, RULE).scaling[CRITIC]
    assert (critic.law, critic.growth_shown, critic.decline_shown) == ("exponential", False, True)
    constant = find_growth(tables(lambda _: 900.0), QUANTUM, CLASSICAL, RULE).scaling[CRITIC]
    growing = find_growth(tables(lambda x: 100 * np.exp(x / 300)), QUANTUM, CLASSICAL, RULE).scaling[CRITIC]
    assert (constant.decline_shown, growing.growth_shown, growing.decline_shown) == (False, True, False)


def test_a_step_is_no_law():
    """Of 20-fold growth between two neighbours and none elsewhere, no law leaves noise alone."""
    critic = find_growth(tables(lambda x: 150 if x < 500 else 3000, noise=0.005), QUANTUM, {}, RULE).scaling[CRITIC]
    assert (critic.misfit, critic.law, critic.growth_shown) == (True, None, True)


def test_noise_takes_laws_away_before_growth():
    quiet, loud = (
        find_growth(tables(lambda x: 100 * np.exp(x / 300), noise=noise), QUANTUM, {}, RULE).scaling[CRITIC]
        for noise in (0.02, 0.6)
    )
    assert loud.noise > 1.5 * quiet.noise
    assert (quiet.law, loud.law) == ("exponential", None)


def test_matching_generators_follow_the_level_of_the_scores():
    found = find_growth(tables(lambda _: 900.0, lambda x: 50 * np.exp(x / 450)), QUANTUM, CLASSICAL, RULE)
    sizes = [point["y"] for point in found.scaling[GENERATOR].points]
    # A fifth worse counts as as good: a factor of 1.2 in the score is one of 1.44 in the size.
    expected = [50 * np.exp(x / 450) / 1.2**2 for x in QUANTUM.values()]
    assert sizes[1:] == pytest.approx(expected[1:], rel=0.35)
    assert found.scaling[GENERATOR].points[0]["at_edge"]  # below the smallest
    assert not found.scaling[GENERATOR].points[0]["used"]


def test_optima_at_the_edge_are_marked_and_left_out():
    """The largest generators would need larger critics than there are."""
    critic = find_growth(tables(lambda x: 100 * np.exp(x / 120)), QUANTUM, {}, RULE).scaling[CRITIC]
    assert [point["at_edge"] for point in critic.points] == [False, False, False, False, True, True]
    assert [point["used"] for point in critic.points] == [True, True, True, True, False, False]


def test_three_optima_are_too_few_for_a_law():
    scores = tables(lambda x: 100 * np.exp(x / 300))
    few = {name: each for name, each in scores.items() if name in list(QUANTUM)[:3]}
    found = find_growth(few, QUANTUM, {}, RULE)
    critic = found.scaling[CRITIC]
    assert (critic.fits, critic.law, critic.growth_shown, critic.constant_behind) == ({}, None, False, None)
    assert [point["y"] is None for point in critic.points] == [False] * 3 + [True] * 3
    assert list(found.optima) == list(few)
    assert critic.to_dict()["law"] is None
