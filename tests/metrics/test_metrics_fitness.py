"""The rule by which a score is fit for a conclusion, case by case."""

import pytest

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import BASELINES, judge_score


def judge(trained, *, score="frechet_distance", **baselines):
    return judge_score(score, {"model": trained}, baselines)


def test_better_than_all_baselines_is_fit():
    verdict = judge(3.0, gaussian=5.0, mixture=4.0, training=1.0)
    assert not verdict.is_unfit
    assert verdict.can_rank
    assert verdict.reaches_bound is False
    assert verdict.sentence == ""


@pytest.mark.parametrize("name", [name for name, each in BASELINES.items() if each.kind == "trivial"])
@pytest.mark.parametrize("value", [2.0, 3.0])
def test_a_trivial_baseline_that_is_as_good_makes_it_unfit(name, value):
    verdict = judge(3.0, **{name: value})
    assert verdict.beaten_by == (name,)
    assert verdict.is_unfit
    assert not verdict.can_rank
    assert verdict.sentence.startswith("Unfit: by frechet distance, the trained model 3 is not shown to be better than")
    assert BASELINES[name].title in verdict.sentence


def test_a_mixture_that_is_as_good_leaves_ranking():
    verdict = judge(3.0, mixture=2.0, gaussian=4.0)
    assert verdict.is_unfit
    assert verdict.can_rank
    assert verdict.sentence.startswith("Unfit to speak for the model")


def test_repeated_training_data_are_a_bound_and_no_rival():
    assert judge(3.0, training=1.0).reaches_bound is False
    reached = judge(1.0, training=1.0)
    assert reached.reaches_bound is True
    assert not reached.is_unfit
    assert "memorisation" in reached.sentence
    assert judge(1.0, gaussian=2.0).reaches_bound is None


def test_intervals_decide():
    """Halves of 0.3 and 0.4 give a difference a half width of 0.5."""
    assert judge((3.0, 2.7, 3.3), gaussian=(3.4, 3.0, 3.8)).is_unfit
    assert not judge((3.0, 2.7, 3.3), gaussian=(3.6, 3.2, 4.0)).is_unfit
    assert judge({"mean": 3.0, "low": 2.0, "high": 4.0}, gaussian=3.9).is_unfit
    assert not judge({"mean": 3.0, "low": None, "high": None}, gaussian=3.1).is_unfit


def test_the_best_of_several_models_counts():
    verdict = judge_score("frechet_distance", {"small": 9.0, "large": 2.0}, {"gaussian": 3.0})
    assert not verdict.is_unfit
    verdict = judge_score("frechet_distance", {"small": 9.0, "large": 4.0}, {"gaussian": 3.0})
    assert "the best trained model 4" in verdict.sentence


def test_more_is_better_of_some_scores():
    assert not judge(0.7, score="recall", gaussian=0.5).is_unfit
    assert judge(0.4, score="recall", gaussian=0.5).is_unfit
    assert judge_score("own", {"model": 0.4}, {"gaussian": 0.5}, higher_is_better=True).is_unfit
    assert not judge_score("own", {"model": 0.4}, {"gaussian": 0.5}, higher_is_better=False).is_unfit


@pytest.mark.parametrize(
    ("trained", "baselines", "message"),
    [
        ({}, {}, "at least one"),
        ({"model": 1.0}, {"noise": 1.0}, "must name some of"),
        ({"model": (1.0, 2.0)}, {}, "must be a number or"),
    ],
)
def test_refusals(trained, baselines, message):
    with pytest.raises(ArgumentError, match=message):
        judge_score("frechet_distance", trained, baselines)
