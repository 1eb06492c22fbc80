"""From the trials of a capacity study to optimal sizes, laws of growth and a reading."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.studies.capacity.grid import generator_name
from qiskit_qgen.studies.capacity.laws import FORMULAE
from qiskit_qgen.studies.capacity.optimality import (
    SCORE_NAMES,
    JudgedTrial,
    OptimalityRule,
    Optimum,
    choose_optima,
    judge_record,
    match_generators,
)
from qiskit_qgen.studies.capacity.scaling import ScalingResult, fit_points, fit_scaling

CRITIC, GENERATOR = "critic", "classical generator"
_VARIATIONS: dict[str, tuple[float, ...]] = {
    "late_part": (0.2, 0.3, 0.5),
    "max_spread": (0.5, 2.0),  # factors, as the next two
    "max_slope": (0.5, 2.0),
    "max_critic_drift": (0.5, 2.0),
    "min_stable": (0.34, 1.0),
    "confidence": (0.5, 0.8),
}
_FACTORS = ("max_spread", "max_slope", "max_critic_drift")
_DRAWS = 300
_FAR = 100  # times the floor


@dataclass(frozen=True, eq=False)
class CapacityAnalysis:
    """Optimal sizes, laws of growth, and how both move with the rule."""

    optima: dict[str, Optimum]
    """What is optimal for each generator, by its name."""
    scaling: dict[str, ScalingResult]
    """The growth of the optimal "critic" and of the matching "classical generator"."""
    sensitivity: list[dict[str, Any]]
    """The same by other scores and under other thresholds: `change`, and for each target its sizes and best law."""
    num_trials: dict[str, int]
    """Numbers of trials: `planned`, `stable`, `unstable`, `diverged`, `failed`."""
    score: str
    """The score that the rule looks at."""
    floor: float | None
    """What real pictures score in the generated ones' place, or None; see :attr:`CapacityStudy.floor`."""

    @property
    def reading(self) -> str:
        """The conclusion in words, with its limits."""
        count = self.num_trials
        return " ".join(
            [
                f"Of {count['planned']} trials {count['stable']} are stable, {count['unstable']} are not, "
                f"{count['diverged']} diverged and {count['failed']} failed; the score is the "
                f"{SCORE_NAMES[self.score]}{self._best_and_floor()}.",
                *(result.reading for result in self.scaling.values()),
                *self._sensitivity_reading(),
                *self._untrained_reading(),
                "All of this holds for this data set, this latent, this step budget and these families of networks; it "
                "says nothing about other ones.",
            ]
        )

    def _best_and_floor(self) -> str:
        """Return the best mean of a generator's stable trials, and the floor, as far as they are known."""
        best = min((optimum.best for optimum in self.optima.values()), default=None)
        parts = [] if best is None else [f"{best:.3g} at best"]
        real = "reconstructed training pictures" if self.score == "frechet_distance" else "latents of training pictures"
        parts += [] if self.floor is None else [f"{self.floor:.3g} for {real} in the generated ones' place"]
        below = best is not None and self.floor is not None and best < self.floor
        warning = ", so that the best scores no longer tell good from better" * below
        return f", {' and '.join(parts)}{warning}" if parts else ""

    def _untrained_reading(self) -> list[str]:
        """Return which generators are so far from the floor at best that nothing was learned."""
        limit = math.inf if not self.floor else _FAR * self.floor
        names = [name for name, optimum in self.optima.items() if optimum.best > limit]
        text = f"The best score is over {_FAR} times the floor, so nothing was learned, for {'; '.join(names)}."
        return [text] if names else []

    def _sensitivity_reading(self) -> list[str]:
        """Return how the best laws move with the rule, if there are laws."""
        if all(result.best is None for result in self.scaling.values()):
            return []
        moved = [row["change"] for row in self.sensitivity if any(row[target]["changed"] for target in self.scaling)]
        changes = f": {'; '.join(moved)}." if moved else "."
        count = f"{len(moved)} of {len(self.sensitivity)}"
        return [f"The best law changes under {count} other choices of score and thresholds{changes}"]

    def table(self) -> str:
        """Return the optimal sizes and the laws as Markdown."""
        lines = [
            "*Optimal sizes*, in trainable parameters, with the middle 95 % over draws of the seeds; (edge): at the "
            "edge of the grid.",
            "",
            "| quantum generator | parameters | optimal critic | classical generator as good |",
            "|---|---|---|---|",
        ]
        columns = [self.scaling[target].points for target in (CRITIC, GENERATOR)]
        for critic, generator in zip(*columns, strict=True):
            lines.append(f"| {critic['name']} | {critic['x']} | {_point(critic)} | {_point(generator)} |")
        if any(result.fits for result in self.scaling.values()):
            lines += [
                "",
                "*Laws of growth* with the quantum generator's parameters x; the last column is the share of draws of "
                "the seeds in which a law has the lowest AIC.",
                "",
                "| target | law | coefficients | AIC | left out, RMS of log | best in draws |",
                "|---" * 6 + "|",
            ]
        for target, result in self.scaling.items():
            for law, fit in result.fits.items():
                lines.append(
                    f"| {target} | {law} {FORMULAE[law]} | {result.coefficients(law)} | {fit.aic:.2f} | "
                    f"{fit.left_out:.2f} | {result.shares[law]:.0%} |"
                )
        lines += [
            "",
            "*Other choices*: the optimal sizes of all quantum generators in order, and the law of the lowest AIC, if "
            "one thing is changed in the rule.",
            "",
            "| changed | critic | law | classical generator | law |",
            "|---" * 5 + "|",
        ]
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
    records: Sequence[Mapping[str, Any]],
    sizes: Mapping[str, Mapping[str, int]],
    rule: OptimalityRule,
    *,
    floor: float | None = None,
    seed: int = 0,
) -> CapacityAnalysis:
    """Find the optimal sizes of a capacity study and how they grow.

    Args:
        records: The trials' records.
        sizes: Trainable parameters: ``generators`` by name, ``critics`` by width as text.
        rule: When a training is stable, and which size optimal.
        floor: What training pictures in the generated ones' place score.
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
    seeds = Counter((trial.generator, trial.critic) for trial in trials).values()
    resolution = _resolution(trials, names, sizes)
    scaling = {
        target: fit_scaling(
            target,
            points[target],
            [draw[target] for draw in draws],
            resolution=resolution[target],
            rule=rule,
            num_seeds=(min(seeds), max(seeds)),
        )
        for target in (CRITIC, GENERATOR)
    }
    sensitivity = []
    for change, other in _variations(rule, records):
        try:
            judged = _judged(records, sizes, other)
        except ArgumentError:  # its late part holds too few scores to be judged
            continue
        moved = _points(choose_optima(judged, other), names, sizes)
        entry: dict[str, Any] = {"change": change}
        for target, result in scaling.items():
            fits = fit_points(moved[target], resolution[target])
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
    return CapacityAnalysis(optima, scaling, sensitivity, counts, rule.score, floor)


def _judged(
    records: Sequence[Mapping[str, Any]], sizes: Mapping[str, Mapping[str, int]], rule: OptimalityRule
) -> list[JudgedTrial]:
    return [
        JudgedTrial(
            generator_name(record["configuration"]),
            sizes["critics"][str(record["configuration"]["critic_width"])],
            judge_record(record, rule),
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


def _resolution(
    trials: Sequence[JudgedTrial], names: Sequence[str], sizes: Mapping[str, Mapping[str, int]]
) -> dict[str, float]:
    """Return for both targets the mean distance of neighbouring sizes that a generator met, in their logarithm."""
    critics = [_spacing({trial.critic for trial in trials if trial.generator == name}) for name in names]
    classical = _spacing({size for name, size in sizes["generators"].items() if name not in names})
    return {CRITIC: math.fsum(critics) / max(1, len(critics)), GENERATOR: classical}


def _spacing(sizes: Collection[int]) -> float:
    return math.log(max(sizes) / min(sizes)) / (len(sizes) - 1) if len(sizes) > 1 else 0.0


def _variations(rule: OptimalityRule, records: Sequence[Mapping[str, Any]]) -> list[tuple[str, OptimalityRule]]:
    """Return rules with one threshold changed each, or looking at another score, and what was changed."""
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


def _point(point: Mapping[str, Any]) -> str:
    if point["y"] is None:
        return "none"
    interval = "" if point["low"] is None else f" [{point['low']:.0f}, {point['high']:.0f}]"
    return f"{point['y']}{interval}{' (edge)' * point['at_edge']}"


def _number(size: int | None) -> str:
    return "none" if size is None else str(size)
