"""The capacity study's rule for the optimal size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen._typing import FloatArray
from qiskit_qgen.exceptions import ArgumentError, CheckpointError

_FEWEST_LATE = 3


class OptimalityRule(Settings):
    """When a training counts as stable, and which size counts as optimal.

    A training is *stable* if, over the last ``late_part`` of its steps, the spread and the slope of its score and the
    drift of its critic's loss stay within their bounds. A critic's size is *judged* for a generator if enough of its
    seeds are stable. Its score is the geometric mean of these seeds' late scores, and critics are compared seed by
    seed. The *optimal* size is the smallest whose score, smoothed over neighbouring sizes, is at most ``tolerance``
    above the lowest score and below the score of every trivial baseline. Between two sizes of the grid it is
    interpolated.

    A lead in AIC and the interval of growth distinguish a law of growth from the others and show growth. The same
    interval shows that there is no growth.
    """

    score: str = setting("Name of the score; lower is better", default="latent_sliced_wasserstein")
    late_part: float = setting("Final fraction of the training that is judged", default=0.3, above=0, maximum=1)
    max_spread: float = setting(
        "Largest standard deviation of the late scores about their fitted line, relative to their mean",
        default=0.15,
        minimum=0,
    )
    max_slope: float = setting(
        "Largest change of that line over the late part, up or down, relative to the mean", default=0.25, minimum=0
    )
    max_critic_drift: float = setting(
        "Largest change of the critic's mean loss from the first half of the late part to the second, relative to the "
        "largest loss of the training (by absolute value, means over blocks of steps)",
        default=0.15,
        minimum=0,
    )
    min_stable: float = setting(
        "Smallest fraction of a size's seeds that must be stable", default=0.5, above=0, maximum=1
    )
    min_seeds: int = setting("Smallest number of a size's seeds that must be stable", default=3, minimum=3)
    tolerance: float = setting(
        "Relative excess over the best score up to which a score counts as equally good", default=0.2, minimum=0
    )
    flat: float = setting(
        "Growth factor between the smallest and the largest generator up to which the size counts as constant",
        default=2.0,
        above=1,
    )
    min_aic_lead: float = setting(
        "Smallest difference in AIC for which one law counts as better than another", default=2.0, minimum=0
    )
    min_edge_share: float = setting(
        "Fraction of the leave-one-seed-out data sets in which an optimum must be at the edge of the grid to be "
        "excluded from the fits of laws",
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
    """A trial in the form needed to choose sizes."""

    generator: str
    """Name of the generator's size."""
    critic: int
    """Trainable parameters of the critic."""
    seed: int
    judgement: Judgement


def judge(result: Mapping[str, Any], rule: OptimalityRule) -> Judgement:
    """Judge a training by its ``scores``, curves by name, and the curve ``critic_loss``.

    A curve is a dictionary of ``steps`` and ``values``.

    Raises:
        ArgumentError: If there is no such score, or it has fewer than three values in the late part.
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
    """Judge a trial by its record; an unfinished trial is not stable and has no numbers.

    Raises:
        ArgumentError: As :func:`judge`.
        CheckpointError: If the record of a finished trial holds no curves.
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


def _late(curve: Mapping[str, Any], part: float) -> tuple[FloatArray, FloatArray]:
    """Return the steps and values of the last ``part`` of a curve's steps."""
    steps, values = np.array(curve["steps"], float), np.array(curve["values"], float)
    late = steps > steps[-1] * (1 - part)
    return steps[late], values[late]


def _drift(curve: Mapping[str, Any], part: float) -> float:
    """Return the change between the halves of the late part, relative to the largest absolute value."""
    _, late = _late(curve, part)
    largest = max(map(abs, curve["values"]))
    if len(late) < 2 or largest == 0:
        return 0.0
    middle = len(late) // 2
    change = float(late[middle:].mean() - late[:middle].mean())
    return abs(change) / float(largest)
