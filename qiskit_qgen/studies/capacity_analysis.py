"""From the trials of a capacity study to optimal sizes, laws of growth and a reading."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.studies.capacity_grid import generator_name
from qiskit_qgen.studies.optimality import (
    JudgedTrial,
    Judgement,
    OptimalityRule,
    Optimum,
    choose_optima,
    judge,
    match_generators,
)
from qiskit_qgen.studies.scaling_laws import FORMULAE, LAWS, LawFit, fit_laws

CRITIC, GENERATOR = "critic", "classical generator"
_VARIATIONS: dict[str, tuple[float, ...]] = {
    "late_part": (0.2, 0.5),
    "max_spread": (0.5, 2.0),  # factors, as the next two
    "max_slope": (0.5, 2.0),
    "max_critic_drift": (0.5, 2.0),
    "min_stable": (0.34, 1.0),
    "confidence": (0.5, 0.8),
}
_FACTORS = ("max_spread", "max_slope", "max_critic_drift")
_DRAWS = 300
_MARGIN = 2.0  # of AIC
_SHARE = 0.8  # of the draws
_ROUNDING = 1e-9  # growth over the whole range that is none


@dataclass(frozen=True, eq=False)
class ScalingResult:
    """How one optimal classical size grows with the quantum generator's."""

    target: str
    """"critic" or "classical generator"."""
    points: list[dict[str, Any]]
    """For each quantum generator: `name`, `x`, its trainable parameters, `y`, the optimal classical number or None,
    `low` and `high`, the middle 95 % of `y` over draws of the seeds, and `at_edge`."""
    fits: dict[str, LawFit]
    """The laws by name; empty if fewer than three generators have an optimum."""
    intervals: dict[str, dict[str, list[float]]]
    """The middle 95 % of each law's coefficients over draws of the seeds."""
    shares: dict[str, float]
    """In what part of the draws each law has the lowest AIC."""

    @property
    def best(self) -> str | None:
        """The law of the lowest AIC."""
        return min(self.fits, key=lambda law: self.fits[law].aic) if self.fits else None

    @property
    def told_apart(self) -> bool:
        """Whether the data tell the laws apart.

        They do if the best law's AIC is lower than all others' by 2 or more, it predicts points left out best, and it
        is the best in four of five draws of the seeds.
        """
        if self.best is None:
            return False
        best, others = self.fits[self.best], [fit for law, fit in self.fits.items() if law != self.best]
        ahead = all(fit.aic - best.aic >= _MARGIN and fit.left_out > best.left_out for fit in others)
        return ahead and self.shares[self.best] >= _SHARE

    @property
    def reading(self) -> str:
        """What the fits say, in words."""
        known = [point for point in self.points if point["y"] is not None]
        edges = [point["name"] for point in known if point["at_edge"]]
        text = []
        if self.best is None:
            text.append(
                f"Only {len(known)} of {len(self.points)} quantum generators have an optimal {self.target}, too few "
                "for a law."
            )
        elif self.told_apart:
            text.append(
                f"The optimal {self.target} follows the {self.best} law {FORMULAE[self.best]}, with "
                f"{self._coefficients(self.best)}; the other laws are behind in AIC by {_MARGIN:g} or more, in "
                f"predicting points left out, and in {self.shares[self.best]:.0%} of draws of the seeds."
            )
        else:
            close = [law for law in LAWS if self.fits[law].aic - self.fits[self.best].aic < _MARGIN]
            text.append(
                f"The data do not tell the laws apart for the optimal {self.target}: the {self.best} law has the "
                f"lowest AIC, within {_MARGIN:g} of it are {', '.join(close)}; over draws of the seeds the lowest is "
                + ", ".join(f"{law} in {share:.0%}" for law, share in self.shares.items() if share)
                + "."
            )
        if self.fits and (interval := self.intervals.get("exponential", {}).get("b")):
            low, high = (0.0 if abs(end) * self.points[-1]["x"] < _ROUNDING else end for end in interval)
            sign = "is above zero" if low > 0 else "includes zero" if high >= 0 else "is below zero"
            text.append(
                f"If the law is exponential, its rate is {self.fits['exponential'].coefficients['b']:.3g} "
                f"[{low:.3g}, {high:.3g}] per parameter, which {sign}: growth is "
                f"{'shown' if low > 0 else 'not shown'}."
            )
        if edges:
            text.append(f"The optimum lies at the edge of the grid, and may lie beyond, for {'; '.join(edges)}.")
        return " ".join(text)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "target": self.target,
            "points": self.points,
            "fits": {law: fit.to_dict() for law, fit in self.fits.items()},
            "intervals": self.intervals,
            "shares": self.shares,
            "best": self.best,
            "told_apart": self.told_apart,
            "reading": self.reading,
        }

    def _coefficients(self, law: str) -> str:
        parts = []
        for name, value in self.fits[law].coefficients.items():
            low, high = self.intervals[law][name]
            parts.append(f"{name} = {value:.3g} [{low:.3g}, {high:.3g}]")
        return " and ".join(parts)


@dataclass(frozen=True, eq=False)
class CapacityAnalysis:
    """Optimal sizes, laws of growth, and how both move with the rule."""

    optima: dict[str, Optimum]
    """What is optimal for each generator, by its name."""
    scaling: dict[str, ScalingResult]
    """The growth of the optimal "critic" and of the matching "classical generator"."""
    sensitivity: list[dict[str, Any]]
    """The same under other thresholds: `change`, and for each target its sizes and best law."""
    num_trials: dict[str, int]
    """Numbers of trials: `planned`, `stable`, `unstable`, `diverged`, `failed`."""
    score: str
    """The score that the rule looks at."""

    @property
    def reading(self) -> str:
        """The conclusion in words, with its limits."""
        count = self.num_trials
        moved = [row for row in self.sensitivity if any(row[target]["changed"] for target in self.scaling)]
        return " ".join(
            [
                f"Of {count['planned']} trials {count['stable']} are stable, {count['unstable']} are not, "
                f"{count['diverged']} diverged and {count['failed']} failed; the score is "
                f"{self.score.replace('_', ' ')}.",
                *(result.reading for result in self.scaling.values()),
                f"The best law changes under {len(moved)} of {len(self.sensitivity)} other choices of thresholds"
                + (f": {'; '.join(row['change'] for row in moved)}." if moved else "."),
                "All of this holds for this data set, this latent, this step budget and these families of networks; it "
                "says nothing about other ones.",
            ]
        )

    def table(self) -> str:
        """Return the optimal sizes and the laws as Markdown."""
        lines = [
            "| quantum generator | parameters | optimal critic | classical generator as good |",
            "|---|---|---|---|",
        ]
        columns = [self.scaling[target].points for target in (CRITIC, GENERATOR)]
        for critic, generator in zip(*columns, strict=True):
            lines.append(f"| {critic['name']} | {critic['x']} | {_point(critic)} | {_point(generator)} |")
        lines += ["", "| target | law | coefficients | AIC | left out, RMS of log | best in draws |", "|---" * 6 + "|"]
        for target, result in self.scaling.items():
            for law, fit in result.fits.items():
                lines.append(
                    f"| {target} | {law} {FORMULAE[law]} | {result._coefficients(law)} | {fit.aic:.2f} | "
                    f"{fit.left_out:.2f} | {result.shares[law]:.0%} |"
                )
        lines += ["", "| changed threshold | critic | law | classical generator | law |", "|---" * 5 + "|"]
        for row in self.sensitivity:
            cells = [row["change"]]
            for target in self.scaling:
                cells += [", ".join(map(_number, row[target]["sizes"])), row[target]["best"] or "-"]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "optima": {name: asdict(optimum) for name, optimum in self.optima.items()},
            "scaling": {target: result.to_dict() for target, result in self.scaling.items()},
            "sensitivity": self.sensitivity,
            "num_trials": self.num_trials,
            "reading": self.reading,
        }


def analyse_capacity(
    records: Sequence[Mapping[str, Any]], sizes: Mapping[str, Mapping[str, int]], rule: OptimalityRule, *, seed: int = 0
) -> CapacityAnalysis:
    """Find the optimal sizes of a capacity study and how they grow.

    Args:
        records: The trials' records.
        sizes: Trainable parameters: ``generators`` by name, ``critics`` by width as text.
        rule: When a training is stable, and which size optimal.
        seed: Seed of the draws of seeds.
    """
    quantum = dict.fromkeys(
        generator_name(each["configuration"]) for each in records if each["configuration"]["generator"] == "quantum"
    )
    names = sorted(quantum, key=lambda name: sizes["generators"][name])
    trials = _judged(records, sizes, rule)
    optima = choose_optima(trials, rule)
    points = _points(optima, names, sizes)
    draws = [_points(choose_optima(draw, rule), names, sizes) for draw in _redrawn(trials, seed)]
    scaling = {
        target: _scaling(target, points[target], [draw[target] for draw in draws], _resolution(target, names, sizes))
        for target in (CRITIC, GENERATOR)
    }
    sensitivity = []
    for change, other in _variations(rule):
        try:
            judged = _judged(records, sizes, other)
        except ArgumentError:  # a shorter late part holds too few scores to be judged
            continue
        moved = _points(choose_optima(judged, other), names, sizes)
        entry: dict[str, Any] = {"change": change}
        for target, result in scaling.items():
            fits = _fits(moved[target], _resolution(target, names, sizes))
            best = min(fits, key=lambda law: fits[law].aic) if fits else None
            found = [point["y"] for point in moved[target]]
            entry[target] = {"sizes": found, "best": best, "changed": best != result.best}
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
    return CapacityAnalysis(optima, scaling, sensitivity, counts, rule.score)


def _judged(
    records: Sequence[Mapping[str, Any]], sizes: Mapping[str, Mapping[str, int]], rule: OptimalityRule
) -> list[JudgedTrial]:
    return [
        JudgedTrial(
            generator_name(record["configuration"]),
            sizes["critics"][str(record["configuration"]["critic_width"])],
            judge(record["result"], rule) if record["status"] == "done" else Judgement(),
        )
        for record in records
    ]


def _points(
    optima: Mapping[str, Optimum], names: Sequence[str], sizes: Mapping[str, Mapping[str, int]]
) -> dict[str, list[dict[str, Any]]]:
    """Return for both targets the optimal classical size of each quantum generator, or None."""
    classical = {name: size for name, size in sizes["generators"].items() if name not in names}
    matches = match_generators(optima, names, classical)
    smallest, largest = (min(classical.values()), max(classical.values())) if classical else (None, None)
    points: dict[str, list[dict[str, Any]]] = {CRITIC: [], GENERATOR: []}
    for name in names:
        x, optimum = sizes["generators"][name], optima.get(name)
        edge = optimum is not None and optimum.at_edge
        points[CRITIC].append({"name": name, "x": x, "y": optimum and optimum.critic, "at_edge": edge})
        match = matches.get(name)
        size = None if match is None else classical[match]
        edge = size is not None and size in (smallest, largest)
        points[GENERATOR].append({"name": name, "x": x, "y": size, "at_edge": edge})
    return points


def _redrawn(trials: Sequence[JudgedTrial], seed: int) -> list[list[JudgedTrial]]:
    """Return draws in each of which the seeds of every pair of sizes are drawn again, with replacement."""
    cells: dict[tuple[str, int], list[JudgedTrial]] = {}
    for trial in trials:
        cells.setdefault((trial.generator, trial.critic), []).append(trial)
    generator = np.random.default_rng(seed)
    return [
        [cell[index] for cell in cells.values() for index in generator.integers(len(cell), size=len(cell))]
        for _ in range(_DRAWS)
    ]


def _scaling(
    target: str, points: list[dict[str, Any]], draws: Sequence[Sequence[Mapping[str, Any]]], resolution: float
) -> ScalingResult:
    fits = _fits(points, resolution)
    redone = [each for each in (_fits(draw, resolution) for draw in draws) if each] if fits else []
    best = Counter(min(each, key=lambda law: each[law].aic) for each in redone)
    intervals = {
        law: {
            name: [float(end) for end in np.quantile([each[law].coefficients[name] for each in redone], (0.025, 0.975))]
            if redone
            else [value, value]
            for name, value in fit.coefficients.items()
        }
        for law, fit in fits.items()
    }
    shares = {law: best[law] / len(redone) if redone else 0.0 for law in fits}
    known = [[draw[index]["y"] for draw in draws if draw[index]["y"] is not None] for index in range(len(points))]
    marked = [
        point | dict(zip(("low", "high"), map(float, np.quantile(values, (0.025, 0.975))), strict=True))
        if values
        else point | {"low": None, "high": None}
        for point, values in zip(points, known, strict=True)
    ]
    return ScalingResult(target, marked, fits, intervals, shares)


def _fits(points: Sequence[Mapping[str, Any]], resolution: float) -> dict[str, LawFit]:
    """Return the laws' fits to the points that have a size; none if they are fewer than three."""
    known = [(point["x"], point["y"]) for point in points if point["y"] is not None]
    return _fits_of(tuple(known), resolution) if len({x for x, _ in known}) >= 3 else {}


@functools.lru_cache(maxsize=1024)
def _fits_of(points: tuple[tuple[int, int], ...], resolution: float) -> dict[str, LawFit]:
    """Fit the laws; draws of the seeds often come to the same points."""
    return fit_laws([x for x, _ in points], [y for _, y in points], resolution=resolution)


def _resolution(target: str, names: Sequence[str], sizes: Mapping[str, Mapping[str, int]]) -> float:
    """Return the mean distance of neighbouring sizes on the grid, in their logarithm."""
    classical = [size for name, size in sizes["generators"].items() if name not in names]
    values = sorted(set(sizes["critics"].values() if target == CRITIC else classical))
    return math.log(values[-1] / values[0]) / (len(values) - 1) if len(values) > 1 else 0.0


def _variations(rule: OptimalityRule) -> list[tuple[str, OptimalityRule]]:
    """Return rules with one threshold changed each, and what was changed."""
    found = []
    for name, others in _VARIATIONS.items():
        now = getattr(rule, name)
        for other in others:
            value = now * other if name in _FACTORS else other
            if value != now:
                changed: Any = {name: value}
                found.append((f"{name} {value:g}", replace(rule, **changed)))
    return found


def _point(point: Mapping[str, Any]) -> str:
    if point["y"] is None:
        return "none"
    interval = "" if point["low"] is None else f" [{point['low']:.0f}, {point['high']:.0f}]"
    return f"{point['y']}{interval}{' (edge)' * point['at_edge']}"


def _number(size: int | None) -> str:
    return "none" if size is None else str(size)
