"""How one optimal classical size grows with the quantum generator's: fits, and intervals over draws of the seeds."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qiskit_qgen.studies.capacity.laws import LAWS, LawFit, fit_laws
from qiskit_qgen.studies.capacity.optimality import OptimalityRule

_GROWING = LAWS[1:]
_ROUNDING = 1e-6  # growth over the whole range, in parts of the size, that is none


@dataclass(frozen=True, eq=False)
class ScalingResult:
    """How one optimal classical size grows with the quantum generator's."""

    target: str
    """"critic" or "classical generator"."""
    points: list[dict[str, Any]]
    """For each quantum generator: `name`, `x`, its trainable parameters, `y`, the optimal classical number or None,
    `low` and `high`, the middle 95 % of `y` over draws of the seeds, None with one seed, and `at_edge`."""
    fits: dict[str, LawFit]
    """The laws by name; empty if fewer than three generators have an optimum."""
    intervals: dict[str, dict[str, list[float]]]
    """The middle 95 % of each law's coefficients over draws of the seeds."""
    shares: dict[str, float]
    """In what part of the draws each law has the lowest AIC."""
    rule: OptimalityRule
    """What is asked of a law that is told apart."""
    num_seeds: tuple[int, int]
    """The fewest and the most seeds of a pair of sizes."""
    num_draws: tuple[int, int]
    """In how many draws of the seeds at least three generators have an optimum, and of how many."""

    @property
    def best(self) -> str | None:
        """The law of the lowest AIC."""
        return min(self.fits, key=lambda law: self.fits[law].aic) if self.fits else None

    @property
    def told_apart(self) -> bool:
        """Whether the data tell the laws apart.

        They do if the best law's AIC is lower than all others' by the rule's ``min_aic_lead``, it predicts points left
        out best, and it is the best in the rule's ``min_draw_share`` of the draws of the seeds, of which each pair of
        sizes has at least two.
        """
        if self.best is None or self.num_seeds[0] < 2:
            return False
        best, others = self.fits[self.best], [fit for law, fit in self.fits.items() if law != self.best]
        ahead = all(fit.aic - best.aic >= self.rule.min_aic_lead and fit.left_out > best.left_out for fit in others)
        return ahead and self.shares[self.best] >= self.rule.min_draw_share

    @property
    def constant_behind(self) -> float | None:
        """By how much the constant law's AIC is above the lowest; None without laws."""
        return self.fits["constant"].aic - min(fit.aic for fit in self.fits.values()) if self.fits else None

    @property
    def growth_shown(self) -> bool:
        """Whether the data show growth.

        They do if, over draws of the seeds, of which each pair of sizes has at least two, the intervals of the linear,
        the power and the exponential law's growth are all above zero, the constant law is behind in AIC by the rule's
        ``min_aic_lead``, and the rule's ``min_draw_share`` of the draws have enough optima for a law.
        """
        if self.constant_behind is None or self.num_seeds[0] < 2 or self.best == "constant":
            return False
        grows = all(self.intervals[law]["b"][0] * self._scale(law) > _ROUNDING for law in _GROWING)
        fitted, drawn = self.num_draws
        enough = fitted >= self.rule.min_draw_share * drawn
        return grows and enough and self.constant_behind >= self.rule.min_aic_lead

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        verdicts = ("best", "told_apart", "constant_behind", "growth_shown")
        found = asdict(self) | {name: getattr(self, name) for name in verdicts}
        del found["rule"]  # which the study tells
        return found | {name: list(found[name]) for name in ("num_seeds", "num_draws")}

    def coefficients(self, law: str) -> str:
        """Return the coefficients of a law with their intervals, as text; one seed has no interval."""
        found = []
        for name, value in self.fits[law].coefficients.items():
            ends = [value, *self.intervals[law][name]]
            # What the fits leave of no growth is written as none.
            flat = [name == "b" and abs(end * self._scale(law)) <= _ROUNDING for end in ends]
            text, low, high = (f"{0.0 if none else end:.3g}" for end, none in zip(ends, flat, strict=True))
            found.append(f"{name} = {text}" + f" [{low}, {high}]" * (self.num_seeds[0] > 1))
        return ", ".join(found)

    def _scale(self, law: str) -> float:
        """Return by what a law's growth is multiplied to give growth over the range, in parts of the size."""
        known = [point for point in self.points if point["y"] is not None]
        x, y = max(point["x"] for point in known), min(point["y"] for point in known)
        return float({"linear": x / y, "power": np.log(x), "exponential": x}[law])


def fit_scaling(
    target: str,
    points: Sequence[Mapping[str, Any]],
    draws: Sequence[Sequence[Mapping[str, Any]]],
    *,
    resolution: float,
    rule: OptimalityRule,
    num_seeds: tuple[int, int],
) -> ScalingResult:
    """Fit the laws to the optima, and to those of each draw of the seeds.

    ``points``, and those of each draw, hold `name`, `x`, `y` and `at_edge` for each quantum generator; ``resolution``
    is the distance of neighbouring sizes on the grid, in their logarithm; all else is as in :class:`ScalingResult`.
    """
    fits = fit_points(points, resolution)
    redone = [each for each in (fit_points(draw, resolution) for draw in draws) if each] if fits else []
    best = Counter(min(each, key=lambda law: each[law].aic) for each in redone)
    intervals = {
        law: {
            name: _middle([each[law].coefficients[name] for each in redone] or [value])
            for name, value in fit.coefficients.items()
        }
        for law, fit in fits.items()
    }
    shares = {law: best[law] / len(redone) if redone else 0.0 for law in fits}
    marked = []
    for index, point in enumerate(points):
        known = [draw[index]["y"] for draw in draws if draw[index]["y"] is not None and num_seeds[0] > 1]
        low, high = _middle(known) if known else (None, None)
        marked.append({**point, "low": low, "high": high})
    return ScalingResult(target, marked, fits, intervals, shares, rule, num_seeds, (len(redone), len(draws)))


def fit_points(points: Sequence[Mapping[str, Any]], resolution: float) -> dict[str, LawFit]:
    """Return the laws' fits to the points that have a size; none if they are fewer than three."""
    known = [(point["x"], point["y"]) for point in points if point["y"] is not None]
    return _fits_of(tuple(known), resolution) if len({x for x, _ in known}) >= 3 else {}


@functools.lru_cache(maxsize=1024)
def _fits_of(points: tuple[tuple[int, int], ...], resolution: float) -> dict[str, LawFit]:
    """Fit the laws; draws of the seeds often come to the same points."""
    return fit_laws([x for x, _ in points], [y for _, y in points], resolution=resolution)


def _middle(values: Sequence[float]) -> list[float]:
    """Return the middle 95 % of values."""
    return [float(end) for end in np.quantile(values, (0.025, 0.975))]
