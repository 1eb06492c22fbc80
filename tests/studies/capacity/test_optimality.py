"""The rule of the capacity study, on curves whose verdict is known."""

import numpy as np
import pytest
import scipy.stats

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.studies.capacity.optimality import (
    JudgedTrial,
    Judgement,
    OptimalityRule,
    choose_optima,
    judge,
    match_generators,
)

STEPS = list(range(50, 1001, 50))
RULE = OptimalityRule(score="s")


def result(values, critic=None):
    critic = [-1.0 / (1 + index) for index in range(20)] if critic is None else critic
    return {
        "scores": {"s": {"steps": STEPS, "values": list(values)}},
        "critic_loss": {"steps": STEPS, "values": list(critic)},
    }


def test_a_flat_end_is_stable_and_its_mean_the_score():
    found = judge(result([9.0] * 14 + [2.0] * 6), RULE)
    assert found.score == pytest.approx(2.0)
    assert found.spread == pytest.approx(0, abs=1e-12)
    assert found.slope == pytest.approx(0, abs=1e-12)
    assert found.stable


def test_a_falling_end_is_unstable_by_its_slope_alone():
    late = np.linspace(3, 1, 6)  # changes by 2 about a mean of 2
    found = judge(result([9.0] * 14 + late.tolist()), RULE)
    assert found.slope == pytest.approx(-1)
    assert found.spread == pytest.approx(0, abs=1e-12)
    assert not found.stable
    assert judge(result([9.0] * 14 + late.tolist()), OptimalityRule(score="s", max_slope=1.001)).stable


def test_a_wavering_end_is_unstable_by_its_spread_alone():
    late = np.array([1.0, 3.0, 2.0, 2.0, 3.0, 1.0])
    found = judge(result([9.0] * 14 + late.tolist()), RULE)
    assert found.slope == pytest.approx(0, abs=1e-12)
    assert found.spread == pytest.approx(np.std(late) / 2)
    assert not found.stable
    assert judge(result([9.0] * 14 + late.tolist()), OptimalityRule(score="s", max_spread=0.5)).stable


def test_a_critic_that_has_not_settled_makes_a_training_unstable():
    critic = [-4.0] * 17 + [-2.0] * 3
    found = judge(result([2.0] * 20, critic), RULE)
    assert found.critic_drift == pytest.approx(0.5)
    assert not found.stable
    assert judge(result([2.0] * 20, critic), OptimalityRule(score="s", max_critic_drift=0.5)).stable


def test_a_longer_late_part_sees_more():
    values = [8.0] * 10 + [2.0] * 10
    assert judge(result(values), OptimalityRule(score="s", late_part=0.5)).score == pytest.approx(2)
    assert judge(result(values), OptimalityRule(score="s", late_part=1.0)).score == pytest.approx(5)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (OptimalityRule(score="other"), "`score` must be one of s, but is 'other'"),
        (OptimalityRule(score="s", late_part=0.1), "must hold at least 3 values, but hold 2: score more often"),
    ],
)
def test_scores_that_are_missing_are_told(rule, message):
    with pytest.raises(ArgumentError, match=message):
        judge(result([1.0] * 20), rule)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"late_part": 0.0}, r"`late_part` must be a number in \(0, 1\]"),
        ({"max_spread": -0.1}, r"`max_spread` must be a number in \[0"),
        ({"confidence": 1.0}, r"`confidence` must be a number in \(0, 1\)"),
    ],
)
def test_thresholds_are_checked(changed, message):
    with pytest.raises(ArgumentError, match=message):
        OptimalityRule(**changed)


def trials(generator, cells):
    """Trials of one generator: critics with the scores of their seeds; None is an unstable one."""
    return [
        JudgedTrial(generator, critic, Judgement(9.0 if score is None else score, 0.0, 0.0, 0.0, score is not None))
        for critic, scores in cells.items()
        for score in scores
    ]


def test_the_optimum_is_the_smallest_critic_within_the_interval_of_the_best():
    best = [1.0, 1.1, 1.2]
    high = scipy.stats.t.interval(0.95, 2, np.mean(best), scipy.stats.sem(best))[1]
    cells = {10: [5.0, 5.0, 5.0], 20: [high - 0.01] * 3, 40: best, 80: [1.15, 1.2, 1.25]}
    (optimum,) = choose_optima(trials("g", cells), RULE).values()
    assert (optimum.critic, optimum.best_critic, optimum.best) == (20, 40, pytest.approx(1.1))
    assert optimum.high == pytest.approx(high)
    assert not optimum.at_edge
    cells[20] = [high + 0.01] * 3
    assert choose_optima(trials("g", cells), RULE)["g"].critic == 40


def test_a_narrower_interval_moves_the_optimum_to_larger_critics():
    cells = {20: [1.3, 1.3, 1.3], 40: [1.0, 1.1, 1.2]}
    assert choose_optima(trials("g", cells), RULE)["g"].critic == 20
    assert choose_optima(trials("g", cells), OptimalityRule(score="s", confidence=0.5))["g"].critic == 40


def test_unstable_critics_are_passed_over_however_good():
    cells = {10: [None, None, 0.1], 20: [2.0, 2.0, None], 40: [2.0, 2.0, 2.0]}
    assert choose_optima(trials("g", cells), RULE)["g"].critic == 20
    assert choose_optima(trials("g", cells), OptimalityRule(score="s", min_stable=1.0))["g"].critic == 40
    assert choose_optima(trials("g", {10: [None, None]}), RULE) == {}


def test_an_optimum_at_the_edge_of_the_grid_is_marked():
    falling = {10: [3.0] * 3, 20: [2.0] * 3, 40: [1.0] * 3}
    assert choose_optima(trials("g", falling), RULE)["g"].at_edge
    assert not choose_optima(trials("g", {**falling, 80: [4.0] * 3}), RULE)["g"].at_edge
    assert choose_optima(trials("g", {10: [1.0] * 3, 20: [1.0] * 3}), RULE)["g"].at_edge


def test_the_matching_generator_is_the_smallest_that_is_as_good():
    found = choose_optima(
        [
            *trials("q1", {10: [3.0, 3.0]}),
            *trials("q2", {10: [2.0, 2.0]}),
            *trials("q3", {10: [0.1, 0.1]}),
            *trials("q4", {10: [None, None]}),
            *trials("c1", {10: [2.9, 2.9]}),
            *trials("c2", {10: [1.5, 1.5]}),
            *trials("c3", {10: [1.0, 1.0]}),
        ],
        RULE,
    )
    assert match_generators(found, ["q1", "q2", "q3", "q4"], {"c3": 300, "c2": 200, "c1": 100}) == {
        "q1": "c1", "q2": "c2", "q3": None,
    }  # fmt: skip
