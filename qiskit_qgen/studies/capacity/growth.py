"""From scores to optimal sizes and their growth, for a study's trials and for a plan's simulated trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qiskit_qgen._typing import FloatArray
from qiskit_qgen.studies.capacity.optima import Located, ScoreTable, jackknife_variance, locate, match
from qiskit_qgen.studies.capacity.optimality import OptimalityRule
from qiskit_qgen.studies.capacity.scaling import Point, ScalingResult, fit_scaling
from qiskit_qgen.studies.intervals import Interval

CRITIC, GENERATOR = "critic", "classical generator"


@dataclass(frozen=True)
class Optimum:
    """The optimum of one generator."""

    critic: int
    """Trainable parameters of the smallest critic that is as good as the best, interpolated on the grid."""
    best_critic: int
    """Trainable parameters of the critic with the lowest mean score."""
    best: float
    """Its score, the geometric mean over seeds."""
    next_critic: int
    """The smallest critic of the grid that is not below the optimal size."""
    excess: Interval
    """Relative excess of its score over the best critic's: mean and 95 % interval of paired differences over seeds."""
    at_edge: bool
    """Whether the best or optimal critic is the smallest or largest stable one: the true optimum may lie beyond."""


@dataclass(frozen=True, eq=False)
class Growth:
    """Optimal sizes by generator, and how they grow with the quantum generators."""

    optima: dict[str, Optimum]
    scaling: dict[str, ScalingResult]


def find_growth(
    tables: Mapping[str, ScoreTable],
    quantum: Mapping[str, int],
    classical: Mapping[str, int],
    rule: OptimalityRule,
    limit: float = math.inf,
) -> Growth:
    """Find the optimal critic of each generator, the equally good classical generator, and how both grow.

    Args:
        tables: Scores by generator name, all with the same number of seeds; generators without stable critics are
            absent.
        quantum: Trainable parameters of the quantum generators.
        classical: Trainable parameters of the classical generators.
        rule: What is optimal, and when a law counts.
        limit: Logarithm of the score of a generator that has learnt nothing; higher scores are never good enough.
    """
    located = {name: locate(table.critics, table.means(), rule.tolerance, limit) for name, table in tables.items()}
    optima = {name: _optimum(tables[name], found) for name, found in located.items()}
    rivals = sorted((size, name) for name, size in classical.items() if name in located)
    points: dict[str, list[Point]] = {CRITIC: [], GENERATOR: []}
    for name, x in sorted(quantum.items(), key=lambda each: each[1]):
        found = located.get(name)
        if found is None:
            points[CRITIC].append(Point(name, x))
        else:
            points[CRITIC].append(_point(name, x, found.sizes, found.at_edge, rule))
        if found is None or not rivals:
            points[GENERATOR].append(Point(name, x))
        else:
            sizes = np.array([float(size) for size, _ in rivals])
            reached = np.stack([located[rival].levels for _, rival in rivals], axis=1)
            points[GENERATOR].append(_point(name, x, *match(found.levels, sizes, reached, rule.tolerance, limit), rule))
    resolution = {
        CRITIC: _mean([_spacing(tables[name].critics) for name in quantum if name in tables]),
        GENERATOR: _spacing(np.array([float(size) for size, _ in rivals])),
    }
    seeds = next((len(table.logs) for table in tables.values()), 0)
    scaling = {
        target: fit_scaling(target, points[target], resolution=resolution[target], rule=rule, num_seeds=seeds)
        for target in points
    }
    return Growth(optima, scaling)


def _optimum(table: ScoreTable, found: Located) -> Optimum:
    chosen, best = int(found.chosen[0]), int(found.best[0])
    means = table.effects[1]
    return Optimum(
        round(math.exp(found.sizes[0])),
        round(table.critics[best]),
        math.exp(means[best]),
        round(table.critics[chosen]),
        table.excess(chosen, best),
        bool(found.at_edge[0]),
    )


def _point(name: str, x: int, logs: FloatArray, at_edge: FloatArray, rule: OptimalityRule) -> Point:
    """Return the point of one generator, given its optimal sizes from all seeds and with each seed left out."""
    if not np.isfinite(logs).all():
        return Point(name, x)
    left_out = bool(np.mean(at_edge[1:]) >= rule.min_edge_share)
    return Point(name, x, float(logs[0]), float(jackknife_variance(logs[1:])), bool(at_edge[0]), left_out)


def _spacing(sizes: FloatArray) -> float:
    """Return the mean distance of neighbouring sizes, in their logarithm."""
    return math.log(sizes[-1] / sizes[0]) / (len(sizes) - 1) if len(sizes) > 1 else 0.0


def _mean(values: list[float]) -> float:
    return math.fsum(values) / max(1, len(values))
