"""From the trials of a capacity study to optimal sizes and laws of growth."""

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
from qiskit_qgen.studies.tables import markdown_table

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
_SIZES_CAPTION = (
    "*Optimal sizes* in trainable parameters, with the middle 95 % over draws of the seeds; (edge): at the edge of the "
    "grid, so that the optimum may lie beyond. A floor is what real images score in the generated ones' place: a score "
    "below it no longer tells good from better; at very many floors little was learned."
)
_LAWS_CAPTION = (
    "*Laws of growth* with the quantum generator's parameters x; the last column is the share of draws of the seeds in "
    "which a law has the lowest AIC."
)
_VERDICT_CAPTION = (
    "*Verdict* by the rule, for this data set, latent, step budget and families of networks alone. One seed shows "
    "nothing, and intervals over few seeds are narrower than they should be."
)
_CHANGES_CAPTION = (
    "*Other choices*: the optimal sizes of all quantum generators in order, and the law of the lowest AIC, if one "
    "thing is changed in the rule."
)


@dataclass(frozen=True, eq=False)
class CapacityAnalysis:
    """Optimal sizes, laws of growth, and how both move with the rule."""

    optima: dict[str, Optimum]
    """What is optimal for each generator, by its name."""
    generators: dict[str, int]
    """Trainable parameters of each generator, by its name."""
    scaling: dict[str, ScalingResult]
    """The growth of the optimal "critic" and of the matching "classical generator"."""
    sensitivity: list[dict[str, Any]]
    """The same by other scores and under other thresholds: `change`, and for each target its sizes and best law."""
    num_trials: dict[str, int]
    """Numbers of trials: `planned`, `stable`, `unstable`, `diverged`, `failed`."""
    score: str
    """The score that the rule looks at."""
    floor: float | None
    """What real images score in the generated ones' place, or None; see :attr:`CapacityStudy.floor`."""

    def table(self) -> str:
        """Return trials, optimal sizes, laws and what changes them as Markdown."""
        parts = [self._trials(), _VERDICT_CAPTION, self._verdicts(), _SIZES_CAPTION, self._sizes()]
        if any(result.fits for result in self.scaling.values()):
            parts += [_LAWS_CAPTION, self._laws()]
        return "\n\n".join([*parts, _CHANGES_CAPTION, self._changes()])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "optima": {name: asdict(optimum) for name, optimum in self.optima.items()},
            "scaling": {target: result.to_dict() for target, result in self.scaling.items()},
            "sensitivity": self.sensitivity,
            "num_trials": self.num_trials,
        }

    def _trials(self) -> str:
        best = min((optimum.best for optimum in self.optima.values()), default=None)
        scores = ["-" if score is None else f"{score:.3g}" for score in (best, self.floor)]
        titles = ("trials", *list(self.num_trials)[1:], "score", "lowest", "floor")
        return markdown_table(titles, [(*self.num_trials.values(), SCORE_NAMES[self.score], *scores)])

    def _sizes(self) -> str:
        critics, matches = ({each["name"]: each for each in result.points} for result in self.scaling.values())
        lines = []
        for name in [*critics, *(each for each in self.generators if each not in critics)]:
            optimum = self.optima.get(name)
            score = "-" if optimum is None else f"{optimum.best:.3g}"
            floors = f"{optimum.best / self.floor:.3g}" if optimum is not None and self.floor else "-"
            match = _point(matches[name]) if name in matches else ""
            critic = _point(critics[name]) if name in critics else str(optimum and optimum.critic)
            lines.append((name, self.generators[name], critic, match, score, floors))
        titles = ("generator", "parameters", "optimal critic", "classical generator as good", "best score", "in floors")
        return markdown_table(titles, lines)

    def _laws(self) -> str:
        titles = ("target", "law", "coefficients", "AIC", "left out, RMS of log", "best in draws")
        lines = [
            (target, f"{law} {FORMULAE[law]}", result.coefficients(law), f"{fit.aic:.2f}", f"{fit.left_out:.2f}",
             f"{result.shares[law]:.0%}")
            for target, result in self.scaling.items()
            for law, fit in result.fits.items()
        ]  # fmt: skip
        return markdown_table(titles, lines)

    def _verdicts(self) -> str:
        lines = [
            {
                "target": target,
                "optima": f"{sum(point['y'] is not None for point in result.points)} of {len(result.points)}",
                "seeds": " to ".join(map(str, dict.fromkeys(result.num_seeds))),
                "draws with laws": "{} of {}".format(*result.num_draws),
                "lowest AIC": result.best or "-",
                "constant behind": "-" if result.constant_behind is None else f"{result.constant_behind:.1f}",
                "law told apart": "yes" if result.told_apart else "no",
                "growth shown": "yes" if result.growth_shown else "no",
            }
            for target, result in self.scaling.items()
        ]
        return markdown_table(list(lines[0]), [list(line.values()) for line in lines])

    def _changes(self) -> str:
        lines = []
        for row in self.sensitivity:
            cells = [row["change"]]
            for target in self.scaling:
                found = row[target]
                sizes = ", ".join("none" if size is None else str(size) for size in found["sizes"])
                cells += [sizes, (found["best"] or "-") + " (changed)" * found["changed"]]
            lines.append(cells)
        return markdown_table(("changed", "critic", "law", "classical generator", "law"), lines)


def analyse_capacity(
    records: Sequence[Mapping[str, Any]],
    sizes: Mapping[str, Mapping[str, int]],
    rule: OptimalityRule,
    *,
    floor: float | None = None,
) -> CapacityAnalysis:
    """Find the optimal sizes of a capacity study and how they grow, of its records, ``sizes``, rule and floor.

    See :class:`~qiskit_qgen.studies.CapacityStudy` for what these are.
    """
    quantum = dict.fromkeys(
        generator_name(each["configuration"]) for each in records if each["configuration"]["generator"] == "quantum"
    )
    names = sorted(quantum, key=lambda name: sizes["generators"][name])
    trials = _judged(records, sizes, rule)
    optima = choose_optima(trials, rule)
    points = _points(optima, names, sizes)
    draws = [_points(choose_optima(draw, rule), names, sizes) for draw in _redrawn(trials)]
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
    return CapacityAnalysis(optima, dict(sizes["generators"]), scaling, sensitivity, counts, rule.score, floor)


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


def _redrawn(trials: Sequence[JudgedTrial]) -> list[list[JudgedTrial]]:
    """Return draws in each of which the seeds of every pair of sizes are drawn again, with replacement."""
    cells: dict[tuple[str, int], list[JudgedTrial]] = {}
    for trial in trials:
        cells.setdefault((trial.generator, trial.critic), []).append(trial)
    generator = np.random.default_rng(0)
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
