"""Derives optimal sizes and laws of growth from a capacity study's trials, and how both depend on the rule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.studies.capacity.grid import generator_name
from qiskit_qgen.studies.capacity.growth import CRITIC, GENERATOR, Growth, Optimum, find_growth
from qiskit_qgen.studies.capacity.optima import ScoreTable, score_tables
from qiskit_qgen.studies.capacity.optimality import JudgedTrial, OptimalityRule, judge_record
from qiskit_qgen.studies.capacity.scaling import ScalingResult
from qiskit_qgen.studies.capacity.scores import SCORE_NAMES, trivial_level
from qiskit_qgen.studies.intervals import Interval

_VARIATIONS: dict[str, tuple[float, ...]] = {
    "late_part": (0.2, 0.3, 0.5),
    "max_spread": (0.5, 2.0),  # factors, as the next two
    "max_slope": (0.5, 2.0),
    "max_critic_drift": (0.5, 2.0),
    "min_stable": (0.34, 1.0),
    "tolerance": (0.1, 0.3),
}
_FACTORS = ("max_spread", "max_slope", "max_critic_drift")


@dataclass(frozen=True, eq=False)
class CapacityAnalysis:
    """Optimal sizes, laws of growth, and how both depend on the rule."""

    optima: dict[str, Optimum]
    """The optimum of each generator, by its name."""
    generators: dict[str, int]
    """Trainable parameters of each generator, by its name."""
    scaling: dict[str, ScalingResult]
    """The growth of the optimal "critic" and of the matching "classical generator"."""
    sensitivity: list[dict[str, Any]]
    """The same for other scores and thresholds: `change`, and for each target its sizes and the named law."""
    num_trials: dict[str, int]
    """Numbers of trials: `planned`, `stable`, `unstable`, `diverged`, `failed`."""
    tables: dict[str, ScoreTable]
    """The scores from which the optima follow, by generator."""
    unlearned: list[str]
    """Generators that do not beat every trivial baseline with their best score: their optima are unknown."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything in a form that JSON can store."""
        return {
            "optima": {name: asdict(optimum) for name, optimum in self.optima.items()},
            "scaling": {target: result.to_dict() for target, result in self.scaling.items()},
            "sensitivity": self.sensitivity,
            "num_trials": self.num_trials,
            "unlearned": self.unlearned,
        }


def analyse_capacity(
    records: Sequence[Mapping[str, Any]],
    sizes: Mapping[str, Mapping[str, int]],
    rule: OptimalityRule,
    references: Mapping[str, Mapping[str, Interval]],
) -> CapacityAnalysis:
    """Find a capacity study's optimal sizes and their growth from its records, ``sizes``, rule and ``references``.

    :class:`~qiskit_qgen.studies.CapacityStudy` describes these arguments. A generator that does not beat the trivial
    baselines with its best critic has learnt nothing, and therefore has no optimum.
    """
    trials = _judged(records, sizes, rule)
    every = score_tables(trials, rule)
    tables = _learned(every, rule, references)
    found = _growth(tables, records, sizes, rule, references)
    sensitivity = []
    for change, other in _variations(rule, records):
        try:
            judged = _judged(records, sizes, other)
        except ArgumentError:  # its late part holds too few scores to be judged
            continue
        moved = _growth(
            _learned(score_tables(judged, other), other, references), records, sizes, other, references
        ).scaling
        entry: dict[str, Any] = {"change": change}
        for target, result in found.scaling.items():
            law = moved[target].law
            points = [point["y"] for point in moved[target].points]
            entry[target] = {"sizes": points, "law": law, "changed": law != result.law}
        sensitivity.append(entry)
    statuses = Counter(record["status"] for record in records)
    stable = sum(trial.judgement.stable for trial in trials)
    counts = {
        "planned": len(records),
        "stable": stable,
        "unstable": statuses["done"] - stable,
        "diverged": statuses["diverged"],
        "failed": statuses["failed"],
    }
    return CapacityAnalysis(
        found.optima,
        dict(sizes["generators"]),
        found.scaling,
        sensitivity,
        counts,
        tables,
        [name for name in every if name not in tables],
    )


def generators_of(
    records: Sequence[Mapping[str, Any]], sizes: Mapping[str, Mapping[str, int]]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the trainable parameters of a study's quantum and of its classical generators, by name."""
    kinds = {generator_name(record["configuration"]): record["configuration"]["generator"] for record in records}
    quantum, classical = (
        {name: sizes["generators"][name] for name, own in kinds.items() if own == kind}
        for kind in ("quantum", "classical")
    )
    return quantum, classical


def _learned(
    tables: Mapping[str, ScoreTable], rule: OptimalityRule, references: Mapping[str, Mapping[str, Interval]]
) -> dict[str, ScoreTable]:
    """Return the tables of the generators that beat the trivial baselines."""
    limit = _limit(rule, references)
    return {name: table for name, table in tables.items() if table.effects[1].min() < limit}


def _growth(
    tables: Mapping[str, ScoreTable],
    records: Sequence[Mapping[str, Any]],
    sizes: Mapping[str, Mapping[str, int]],
    rule: OptimalityRule,
    references: Mapping[str, Mapping[str, Interval]],
) -> Growth:
    return find_growth(tables, *generators_of(records, sizes), rule, _limit(rule, references))


def _limit(rule: OptimalityRule, references: Mapping[str, Mapping[str, Interval]]) -> float:
    """Return the logarithm of the best trivial baseline's score."""
    return math.log(trivial_level(references.get(rule.score)))


def _judged(
    records: Sequence[Mapping[str, Any]], sizes: Mapping[str, Mapping[str, int]], rule: OptimalityRule
) -> list[JudgedTrial]:
    return [
        JudgedTrial(
            generator_name(record["configuration"]),
            sizes["critics"][str(record["configuration"]["critic_width"])],
            record["configuration"]["seed"],
            judge_record(record, rule),
        )
        for record in records
    ]


def _variations(rule: OptimalityRule, records: Sequence[Mapping[str, Any]]) -> list[tuple[str, OptimalityRule]]:
    """Return rules that each change one threshold or the score, and a description of the change."""
    scores = dict.fromkeys(name for record in records for name in record.get("result", {}).get("scores", {}))
    found = [(f"score {SCORE_NAMES[score]}", replace(rule, score=score)) for score in scores if score != rule.score]
    for name, others in _VARIATIONS.items():
        now = getattr(rule, name)
        for other in others:
            value = now * other if name in _FACTORS else other
            if value != now:
                changed: Any = {name: value}
                found.append((f"{name} {value:g}", replace(rule, **changed)))
    return found


__all__ = ["CRITIC", "GENERATOR", "CapacityAnalysis", "analyse_capacity", "generators_of"]
