"""The rule of the capacity study, on curves whose verdict is known."""

import numpy as np
import pytest

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.studies.capacity.optimality import OptimalityRule, judge

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
        ({"flat": 1.0}, r"`flat` must be a number"),
        ({"min_seeds": 2}, r"`min_seeds` must be an integer of at least 3"),
    ],
)
def test_thresholds_are_checked(changed, message):
    with pytest.raises(ArgumentError, match=message):
        OptimalityRule(**changed)
