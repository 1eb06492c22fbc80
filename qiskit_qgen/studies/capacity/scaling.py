"""How one optimal classical size grows with the quantum generator's: fits, intervals over seeds, and a reading."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qiskit_qgen.studies.capacity.laws import FORMULAE, LAWS, LawFit, fit_laws
from qiskit_qgen.studies.capacity.optimality import OptimalityRule

_GROWING = LAWS[1:]
_FEW_SEEDS = 5
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
    def growth_shown(self) -> bool:
        """Whether the data show growth.

        They do if, over draws of the seeds, of which each pair of sizes has at least two, the intervals of the linear,
        the power and the exponential law's growth are all above zero, the constant law is behind in AIC by the rule's
        ``min_aic_lead``, and the rule's ``min_draw_share`` of the draws have enough optima for a law.
        """
        return bool(self.fits) and self.num_seeds[0] > 1 and not self._doubts()

    @property
    def reading(self) -> str:
        """What the fits say, in words."""
        known = [point for point in self.points if point["y"] is not None]
        if self.best is None:
            have = "has" if len(self.points) == 1 else "have"
            text = [
                f"Of {len(self.points)} quantum generators {len(known)} {have} an optimal {self.target}; a law takes "
                "three sizes at least."
            ]
        elif self.num_seeds[0] < 2:
            text = [
                f"{'All' if self.num_seeds[1] < 2 else 'Some'} pairs of sizes have one seed only, so that nothing is "
                f"known about chance: of the optimal {self.target} no law is told apart, though the {self.best} law "
                "has the lowest AIC, and growth is neither shown nor denied."
            ]
        else:
            text = [self._law_reading(self.best), self._growth_reading(len(known))]
        if edges := [point["name"] for point in known if point["at_edge"]]:
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
            "num_seeds": list(self.num_seeds),
            "num_draws": list(self.num_draws),
            "best": self.best,
            "told_apart": self.told_apart,
            "growth_shown": self.growth_shown,
            "reading": self.reading,
        }

    def coefficients(self, law: str) -> str:
        """Return the coefficients of a law with their intervals, in words."""
        known = self.num_seeds[0] > 1  # one seed says nothing about chance
        return " and ".join(
            f"{name} = {self._number(law, name, value)}" + f" {self._interval(law, name)}" * known
            for name, value in self.fits[law].coefficients.items()
        )

    def _interval(self, law: str, name: str) -> str:
        low, high = (self._number(law, name, end) for end in self.intervals[law][name])
        return f"[{low}, {high}]"

    def _number(self, law: str, name: str, value: float) -> str:
        none = name == "b" and abs(value * self._scale(law)) <= _ROUNDING  # what the fits leave of no growth
        return f"{0.0 if none else value:.3g}"

    def _law_reading(self, best: str) -> str:
        lead = self.rule.min_aic_lead
        if self.told_apart:
            return (
                f"The optimal {self.target} follows the {best} law {FORMULAE[best]}, with {self.coefficients(best)}; "
                f"the other laws are behind in AIC by {lead:g} or more, in predicting points left out, and in "
                f"{self.shares[best]:.0%} of draws of the seeds."
            )
        close = [law for law in LAWS if law != best and self.fits[law].aic - self.fits[best].aic < lead]
        shares = ", ".join(f"{law} in {share:.0%}" for law, share in self.shares.items() if share)
        near = f" ({', '.join(close)}: within {lead:g} of it)" if close else ""
        return (
            f"The data do not tell the laws apart for the optimal {self.target}: the {best} law has the lowest "
            f"AIC{near}; over draws of the seeds the lowest is {shares}."
        )

    def _growth_reading(self, num_points: int) -> str:
        fewest, most = self.num_seeds
        seeds = f"{most}" if fewest == most else f"{fewest} to {most}"
        intervals = ", ".join(f"{self._interval(law, 'b')} in the {law} law" for law in _GROWING)
        few = " Intervals over so few seeds are narrower than they should be." * (fewest < _FEW_SEEDS)
        doubts = self._doubts()
        verdict = (
            f"growth is not shown, since {' and '.join(doubts)}"
            if doubts
            else f"all exclude zero growth, and the constant law is behind by {self._behind():.1f} in AIC: growth is "
            "shown"
        )
        return (
            f"From {num_points} quantum generators and draws of the {seeds} seeds of each pair of sizes, the middle "
            f"95 % of the growth coefficient b are {intervals}: {verdict}.{few}"
        )

    def _doubts(self) -> list[str]:
        """Return why growth is not shown, of fits over two seeds or more."""
        signs = {law: self._sign(law) for law in _GROWING}
        doubts = []
        if unsure := [law for law, sign in signs.items() if sign == 0]:
            doubts.append(f"zero growth is within the interval of the {', '.join(unsure)} law")
        if falling := [law for law, sign in signs.items() if sign < 0]:
            doubts.append(f"the interval of the {', '.join(falling)} law is below zero")
        if self.best == "constant":
            doubts.append("the constant law has the lowest AIC")
        elif self._behind() < self.rule.min_aic_lead:
            lead = self.rule.min_aic_lead
            doubts.append(f"the constant law is behind by {self._behind():.1f} in AIC, less than {lead:g}")
        fitted, drawn = self.num_draws
        if fitted < self.rule.min_draw_share * drawn:
            doubts.append(f"only {fitted} of {drawn} draws have three generators with an optimum")
        return doubts

    def _behind(self) -> float:
        """Return by how much the constant law's AIC is above the lowest."""
        return self.fits["constant"].aic - min(fit.aic for fit in self.fits.values())

    def _sign(self, law: str) -> int:
        """Return 1 if the interval of a law's growth is above zero, -1 if it is below, 0 if it includes zero."""
        low, high = (end * self._scale(law) for end in self.intervals[law]["b"])
        return int(low > _ROUNDING) - int(high < -_ROUNDING)

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

    Args:
        target: Whose size it is.
        points: For each quantum generator `name`, `x`, `y` and `at_edge`.
        draws: The same for each draw of the seeds.
        resolution: Distance of neighbouring sizes on the grid, in their logarithm.
        rule: What is asked of a law.
        num_seeds: The fewest and the most seeds of a pair of sizes.
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
