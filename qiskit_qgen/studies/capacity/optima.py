"""Finds the optimal size for a generator from its scores, seed by seed, and the uncertainty of that size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qiskit_qgen._typing import FloatArray
from qiskit_qgen.studies.capacity.optimality import JudgedTrial, OptimalityRule
from qiskit_qgen.studies.intervals import Interval, mean_interval

_ROUNDS = 30  # of alternately fitting seeds' and critics' effects, if trainings are missing
_FEWEST_SMOOTHED = 4


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """The late scores of one generator's stable trainings, for critics with enough of them."""

    critics: FloatArray
    """Trainable parameters of the critics, (C,), ascending."""
    logs: FloatArray
    """Logarithms of the scores, (S, C): one row per seed; NaN if the training is not stable."""

    @cached_property
    def effects(self) -> tuple[FloatArray, FloatArray]:
        """The effects of each seed (S,) and each critic (C,) on the logarithm of a score; seed effects sum to zero.

        As in a two-factor analysis of variance, critics are compared seed by seed, even if trainings are missing.
        """
        known = np.isfinite(self.logs)
        own, seeds = np.where(known, self.logs, 0.0), np.zeros(len(self.logs))
        for _ in range(1 if known.all() else _ROUNDS):
            critics = ((own - seeds[:, None]) * known).sum(axis=0) / known.sum(axis=0)
            seeds = ((own - critics) * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
            seeds -= seeds.mean()
        return seeds, critics

    @property
    def noise(self) -> float:
        """Standard deviation of the logarithm of a score, after the effects of its seed and its critic."""
        seeds, critics = self.effects
        known = np.isfinite(self.logs)
        degrees = int(known.sum()) - len(critics) - int(known.any(axis=1).sum()) + 1
        return float(np.sqrt(np.nansum((self.logs - seeds[:, None] - critics) ** 2) / max(1, degrees)))

    def means(self) -> FloatArray:
        """Return each critic's mean over seeds, (1 + S, C): over all seeds, then with each seed left out in turn."""
        seeds, critics = self.effects
        known = np.isfinite(self.logs)
        weights = 1 - np.eye(len(seeds))
        own = np.where(known, self.logs - seeds[:, None], 0.0)
        left = weights @ known
        without = np.where(left > 0, weights @ own / np.maximum(left, 1), critics)
        return np.concatenate([critics[None], without + (weights @ seeds / weights.sum(axis=1))[:, None]])

    def excess(self, critic: int, best: int) -> Interval:
        """Return the relative excess of one critic's score over another's, seed by seed, given their columns."""
        ratios = self.logs[:, critic] - self.logs[:, best]
        found = mean_interval(ratios[np.isfinite(ratios)].tolist() or [float("nan")])
        values = (found["mean"], found["low"], found["high"])
        mean, low, high = (None if each is None else float(np.expm1(each)) for each in values)
        return {"mean": mean or 0.0, "low": low, "high": high}


@dataclass(frozen=True, eq=False)
class Located:
    """The optimal critic for each of D curves of means."""

    sizes: FloatArray
    """Logarithm of its size, (D,)."""
    chosen: Any
    """Column of the smallest critic that is as good as the best, (D,)."""
    best: Any
    """Column of the critic with the lowest mean, (D,)."""
    levels: FloatArray
    """Logarithm of the lowest score, smoothed over neighbours, (D,)."""
    at_edge: Any
    """Whether the best or the chosen critic is the smallest or the largest, (D,)."""


def judged_table(critics: FloatArray, logs: FloatArray, planned: Any, rule: OptimalityRule) -> ScoreTable | None:
    """Return the table of the critics with enough stable seeds; None if there are none.

    Args:
        critics: Trainable parameters of the critics, (C,), ascending.
        logs: Logarithms of the scores, (S, C); NaN if there is no stable training.
        planned: Number of trainings of each critic, (C,).
        rule: Sets how many must be stable.
    """
    kept = np.isfinite(logs).sum(axis=0) >= np.maximum(rule.min_seeds, rule.min_stable * planned)
    return ScoreTable(critics[kept], logs[:, kept]) if kept.any() else None


def score_tables(trials: Sequence[JudgedTrial], rule: OptimalityRule) -> dict[str, ScoreTable]:
    """Return the table of each generator that has a critic with enough stable seeds, in the order of trials.

    Each table has a row for each seed of all trials.
    """
    seeds = sorted({trial.seed for trial in trials})
    judged: dict[str, list[JudgedTrial]] = {}
    for trial in trials:
        judged.setdefault(trial.generator, []).append(trial)
    tables = {}
    for generator, own in judged.items():
        critics = sorted({trial.critic for trial in own})
        logs, planned = np.full((len(seeds), len(critics)), np.nan), np.zeros(len(critics))
        for trial in own:
            column = critics.index(trial.critic)
            planned[column] += 1
            if trial.judgement.stable and trial.judgement.score is not None:
                logs[seeds.index(trial.seed), column] = np.log(trial.judgement.score)
        table = judged_table(np.array(critics, float), logs, planned, rule)
        if table is not None:
            tables[generator] = table
    return tables


def locate(critics: FloatArray, means: FloatArray, tolerance: float, limit: float = np.inf) -> Located:
    """Find the optimal critic for each row of ``means`` (D, C), given the critics' sizes (C,).

    The optimum is the smallest size at which the mean, smoothed over neighbours, exceeds its lowest value by at most a
    fraction ``tolerance`` of the score, and is at most ``limit``, the logarithm of the score without any learning.
    Between two critics the mean is interpolated linearly in the logarithm of size.
    """
    sizes = np.log(critics)
    lowest = means.argmin(axis=1)
    smooth = means @ _smoother(sizes).T
    levels = smooth.min(axis=1)
    found, chosen = _first_below(sizes, smooth, _bounds(levels, tolerance, limit))
    last = len(sizes) - 1
    edge = (last > 0) & ((chosen == 0) | (lowest == 0) | (lowest == last))
    return Located(found, chosen, lowest, levels, edge)


def match(
    levels: FloatArray, classical: FloatArray, reached: FloatArray, tolerance: float, limit: float = np.inf
) -> tuple[FloatArray, Any]:
    """Find the smallest classical generator that is as good as a quantum generator, in each of D cases.

    Args:
        levels: Logarithm of the quantum generator's lowest score, (D,).
        classical: Sizes of the classical generators, (C,), ascending.
        reached: Logarithm of their lowest scores, (D, C).
        tolerance: Relative excess that their score may have over the quantum generator's.
        limit: Logarithm of the score of a generator that has learnt nothing; their scores must be lower.

    Returns:
        The logarithm of the size, (D,), NaN if none is as good; and whether the smallest is already as good.
    """
    bounds = _bounds(levels, tolerance, limit)
    found, chosen = _first_below(np.log(classical), reached, bounds)
    good = (reached <= bounds[:, None]).any(axis=1)
    return np.where(good, found, np.nan), good & (chosen == 0)


def _bounds(levels: FloatArray, tolerance: float, limit: float) -> FloatArray:
    """Return the highest value that still counts as good as the lowest score."""
    bounds: FloatArray = np.maximum(levels, np.minimum(levels + np.log1p(tolerance), limit))
    return bounds


def _first_below(sizes: FloatArray, curves: FloatArray, bounds: FloatArray) -> tuple[FloatArray, Any]:
    """Return where each curve first falls to its bound, by linear interpolation, and the column after that."""
    rows = np.arange(len(curves))
    chosen = (curves <= bounds[:, None]).argmax(axis=1)
    before = np.maximum(chosen - 1, 0)
    above, below = curves[rows, before], curves[rows, chosen]
    between = chosen > 0
    part = np.where(between, (above - bounds) / np.where(between, above - below, 1.0), 1.0)
    return sizes[before] + part * (sizes[chosen] - sizes[before]), chosen


def _smoother(sizes: FloatArray) -> FloatArray:
    """Return the matrix that smooths values over sizes by local linear regression with one spacing's bandwidth."""
    if len(sizes) < _FEWEST_SMOOTHED:
        return np.eye(len(sizes))
    apart = sizes - sizes[:, None]
    weights = np.exp(-0.5 * (apart * (len(sizes) - 1) / (sizes[-1] - sizes[0])) ** 2)
    zeroth, first, second = ((weights * apart**power).sum(axis=1)[:, None] for power in (0, 1, 2))
    smoother: FloatArray = weights * (second - apart * first) / (zeroth * second - first**2)
    return smoother


def jackknife_variance(values: FloatArray) -> FloatArray:
    """Return the jackknife's variance of an estimate, given its values (S, ...) with each of S seeds left out."""
    variance: FloatArray = (len(values) - 1) * values.var(axis=0)
    return variance
