"""Which size is optimal: the written rule of the capacity study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen._typing import FloatArray
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.studies.intervals import mean_interval

SCORE_NAMES = {
    "latent_frechet_distance": "latent Fréchet distance",
    "latent_jensen_shannon_divergence": "latent Jensen-Shannon divergence",
    "frechet_distance": "Fréchet distance of images",
}
"""What the scores are called in texts and figures."""
_FEWEST_LATE = 3


class OptimalityRule(Settings):
    """When a training counts as stable, and which size counts as optimal.

    A training is *stable* if, over the last ``late_part`` of its steps, the spread and the slope of its score and the
    drift of its critic's loss stay within their bounds. A critic's size is *stable* for a generator if enough of its
    seeds are; its score is the mean of those seeds' late scores. The *best* size has the lowest score among the stable
    ones, and the *optimal* one is the smallest whose score is within the interval of the best.

    A law of growth is *told apart* from the others, and growth is *shown*, if more than one fit says so: by a lead in
    AIC and over draws of the seeds.
    """

    score: str = setting("Name of the score; lower is better", default="latent_frechet_distance")
    late_part: float = setting("Part of the training, from its end, that is looked at", default=0.3, above=0, maximum=1)
    max_spread: float = setting(
        "Largest standard deviation of the late scores about their line, in parts of their mean",
        default=0.15,
        minimum=0,
    )
    max_slope: float = setting(
        "Largest change of that line over the late part, up or down, in parts of the mean", default=0.25, minimum=0
    )
    max_critic_drift: float = setting(
        "Largest change of the critic's mean loss from the first half of the late part to the second, in parts of the "
        "largest loss of the training (by absolute value, means over blocks of steps)",
        default=0.15,
        minimum=0,
    )
    min_stable: float = setting("Least part of a size's seeds that must be stable", default=0.5, above=0, maximum=1)
    confidence: float = setting("Confidence of the best size's interval over seeds", default=0.95, above=0, below=1)
    min_aic_lead: float = setting(
        "Least difference in AIC by which a law counts as better than another", default=2.0, minimum=0
    )
    min_draw_share: float = setting(
        "Least part of the draws of seeds in which the best law must be the best, and in which there must be optima "
        "enough for a law",
        default=0.8,
        above=0,
        maximum=1,
    )


@dataclass(frozen=True)
class Judgement:
    """How a training ended, by a rule; without numbers if it diverged or failed."""

    score: float | None = None
    spread: float | None = None
    slope: float | None = None
    critic_drift: float | None = None
    stable: bool = False


@dataclass(frozen=True)
class JudgedTrial:
    """A trial as the choice of sizes sees it."""

    generator: str
    """Name of the generator's size."""
    critic: int
    """Trainable parameters of the critic."""
    judgement: Judgement


@dataclass(frozen=True)
class Optimum:
    """What is optimal for one generator."""

    critic: int
    """Trainable parameters of the smallest critic whose score is within the interval of the best."""
    score: float
    """Its score."""
    best_critic: int
    """Trainable parameters of the best critic."""
    best: float
    """Its score."""
    low: float | None
    high: float | None
    """The interval of the best score."""
    at_edge: bool
    """Whether the optimal critic is the smallest or the largest of all that were tried, so that the true optimum may
    lie beyond."""


def judge(result: Mapping[str, Any], rule: OptimalityRule) -> Judgement:
    """Judge a training by its ``scores``, curves by name, and the curve ``critic_loss``.

    A curve is a dictionary of ``steps`` and ``values``.

    Raises:
        ArgumentError: If there is no such score, or fewer than three values of it in the late part.
    """
    if rule.score not in result["scores"]:
        raise ArgumentError(f"The rule's `score` must be one of {', '.join(result['scores'])}, but is {rule.score!r}.")
    curve = result["scores"][rule.score]
    steps, values = _late(curve, rule.late_part)
    check_late_part(rule, curve["steps"])
    mean = float(values.mean())
    slope, height = np.polyfit(steps - steps.mean(), values, 1)
    spread = float(np.std(values - height - slope * (steps - steps.mean()))) / mean
    change = float(slope * (steps[-1] - steps[0])) / mean
    drift = _drift(result["critic_loss"], rule.late_part)
    stable = spread <= rule.max_spread and abs(change) <= rule.max_slope and drift <= rule.max_critic_drift
    return Judgement(mean, spread, change, drift, stable)


def check_late_part(rule: OptimalityRule, steps: Sequence[int]) -> None:
    """Raise :class:`ArgumentError` if too few of the ``steps`` at which the score is taken are late."""
    late = sum(step > steps[-1] * (1 - rule.late_part) for step in steps)
    if late < _FEWEST_LATE:
        raise ArgumentError(
            f"Of the score {rule.score!r}, the last {rule.late_part:.0%} of the training must hold at least "
            f"{_FEWEST_LATE} values, but hold {late}: score more often, or raise `late_part`."
        )


def judge_record(record: Mapping[str, Any], rule: OptimalityRule) -> Judgement:
    """Judge a trial by its record; one that is not done is not stable and has no numbers.

    Raises:
        ArgumentError: As :func:`judge`.
        CheckpointError: If the record of a trial that is done holds no curves.
    """
    if record["status"] != "done":
        return Judgement()
    try:
        return judge(record["result"], rule)
    except ArgumentError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"The record of trial {record['digest']} is damaged, since it holds no curves ({error}). Delete its "
            "trial.json, and the trial runs again."
        ) from error


def choose_optima(trials: Sequence[JudgedTrial], rule: OptimalityRule) -> dict[str, Optimum]:
    """Return the optimum of each generator that has a stable size; the order is that of the trials."""
    critics = sorted({trial.critic for trial in trials})
    judged: dict[str, dict[int, list[Judgement]]] = {}
    for trial in trials:
        judged.setdefault(trial.generator, {}).setdefault(trial.critic, []).append(trial.judgement)
    optima = {}
    for generator, sizes in judged.items():
        cells = {}
        for critic, judgements in sizes.items():
            scores = [each.score for each in judgements if each.stable and each.score is not None]
            if scores and len(scores) >= rule.min_stable * len(judgements):
                cells[critic] = mean_interval(scores, rule.confidence)
        if not cells:
            continue
        best = min(cells, key=lambda critic: cells[critic]["mean"])
        top = cells[best]
        high = top["mean"] if top["high"] is None else top["high"]
        critic = min(critic for critic, interval in cells.items() if interval["mean"] <= high)
        edge = len(critics) > 1 and critic in (critics[0], critics[-1])
        optima[generator] = Optimum(critic, cells[critic]["mean"], best, top["mean"], top["low"], top["high"], edge)
    return optima


def match_generators(
    optima: Mapping[str, Optimum], quantum: Sequence[str], classical: Mapping[str, int]
) -> dict[str, str | None]:
    """Return for each quantum generator the smallest classical one that is as good.

    As good is one whose optimal score is within the interval of the quantum generator's best score, or below. It is
    None where none is as good; quantum generators without an optimum are left out.
    """
    found: dict[str, str | None] = {}
    for name in quantum:
        if name not in optima:
            continue
        high = optima[name].high
        limit = optima[name].best if high is None else high
        good = [other for other in classical if other in optima and optima[other].score <= limit]
        found[name] = min(good, key=lambda other: classical[other]) if good else None
    return found


def _late(curve: Mapping[str, Any], part: float) -> tuple[FloatArray, FloatArray]:
    """Return the steps and values of the last ``part`` of a curve's steps."""
    steps, values = np.array(curve["steps"], float), np.array(curve["values"], float)
    late = steps > steps[-1] * (1 - part)
    return steps[late], values[late]


def _drift(curve: Mapping[str, Any], part: float) -> float:
    """Return the change between the halves of the late part, in parts of the largest value by amount."""
    _, late = _late(curve, part)
    largest = max(map(abs, curve["values"]))
    if len(late) < 2 or largest == 0:
        return 0.0
    middle = len(late) // 2
    change = float(late[middle:].mean() - late[:middle].mean())
    return abs(change) / float(largest)
