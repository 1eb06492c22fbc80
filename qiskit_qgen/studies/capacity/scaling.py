"""How one optimal classical size grows with the quantum generator's size: fits of the laws, and what they show."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qiskit_qgen._typing import FloatArray
from qiskit_qgen.studies.capacity.laws import LAWS, LawFit, fit_laws, log_growth
from qiskit_qgen.studies.capacity.optimality import OptimalityRule

GROWING = LAWS[1:]
_FEWEST_POINTS = 4
_ROUNDING = 1e-6  # logarithmic growth over the whole range that counts as none
_MISFIT = 0.01  # probability that the residuals of a true law count as a misfit
_SAWTOOTH = 1 / 6  # error of linear interpolation between two sizes at a kink, relative to their distance
_CONFIDENCE = 0.975


@dataclass(frozen=True)
class Point:
    """The optimal classical size for one quantum generator."""

    name: str
    x: int
    """Trainable parameters of the quantum generator."""
    log_y: float | None = None
    """Logarithm of the optimal size; None if there is none."""
    variance: float = 0.0
    """Its variance, from leaving out one seed at a time."""
    at_edge: bool = False
    """Whether the best or the optimal size is at the edge of the grid."""
    left_out: bool = False
    """Whether this holds without almost any single seed, so that the point is excluded from the fits."""


@dataclass(frozen=True, eq=False)
class ScalingResult:
    """How one optimal classical size grows with the quantum generator's."""

    target: str
    """"critic" or "classical generator"."""
    points: list[dict[str, Any]]
    """For each quantum generator: `name`, `x`, its trainable parameters, `y`, the optimal classical number or None,
    `low` and `high`, its interval of 95 %, `at_edge`, and `used`, whether the laws are fitted to it."""
    fits: dict[str, LawFit]
    """The laws by name; empty if fewer than four points are used."""
    growth: dict[str, list[float]]
    """The growth factor of each growing law between the ends of the range, with its 95 % interval."""
    noise: float
    """Standard deviation of log y, from leaving out seeds and from the distance between neighbouring sizes."""
    misfit: bool
    """Whether even the best law leaves larger residuals than noise explains, so that none of the laws holds."""
    rule: OptimalityRule
    """The requirements for naming a law."""

    @property
    def best(self) -> str | None:
        """The law with the lowest AIC."""
        return min(self.fits, key=lambda law: self.fits[law].aic) if self.fits else None

    @property
    def constant_behind(self) -> float | None:
        """The difference of the constant law's AIC from the lowest AIC; None without laws."""
        return self.fits["constant"].aic - min(fit.aic for fit in self.fits.values()) if self.fits else None

    @property
    def growth_shown(self) -> bool:
        """Whether the data show growth.

        They do if the growth intervals of the linear, the power and the exponential law lie above one, and the constant
        law's AIC is higher than the lowest by the rule's ``min_aic_lead``.
        """
        return self._changes(lambda low, _: low > math.exp(_ROUNDING))

    @property
    def decline_shown(self) -> bool:
        """Whether the data show decline, by the same rule as :attr:`growth_shown`, with intervals below one."""
        return self._changes(lambda _, high: high < math.exp(-_ROUNDING))

    @property
    def law(self) -> str | None:
        """The law that the data distinguish from the others, or None.

        The data distinguish a law of growth or decline if they show growth or decline by the margins of
        :attr:`growth_shown`, the law's AIC is lower than all others by ``min_aic_lead``, and noise explains its
        residuals. They show that the size is constant if all laws exclude a change by more than the factor ``flat``
        between the ends of the range, and the constant law's AIC is not higher by ``min_aic_lead``.
        """
        best, behind = self.best, self.constant_behind
        if best is None or behind is None or self.misfit:
            return None
        ends = [end for law in GROWING for end in self.growth[law][1:]]
        if 1 / self.rule.flat <= min(ends) and max(ends) <= self.rule.flat:
            return "constant" if behind < self.rule.min_aic_lead else None
        ahead = min(fit.aic for law, fit in self.fits.items() if law != best) - self.fits[best].aic
        return best if ahead >= self.rule.min_aic_lead and (self.growth_shown or self.decline_shown) else None

    def to_dict(self) -> dict[str, Any]:
        """Return everything in a form that JSON can store."""
        found = asdict(self)
        del found["rule"]  # stored by the study
        names = ("best", "law", "constant_behind", "growth_shown", "decline_shown")
        return found | {name: getattr(self, name) for name in names}

    def _changes(self, side: Any) -> bool:
        behind = self.constant_behind
        if behind is None or behind < self.rule.min_aic_lead:
            return False
        return all(side(*self.growth[law][1:]) for law in GROWING)


def fit_scaling(
    target: str, points: Sequence[Point], *, resolution: float, rule: OptimalityRule, num_seeds: int
) -> ScalingResult:
    """Fit the laws to the optima, and estimate the uncertainty of their growth.

    All points have the same weight: the mean of their variances is more reliable than each variance.

    Args:
        target: "critic" or "classical generator".
        points: One point for each quantum generator.
        resolution: The logarithmic distance between neighbouring sizes on the grid.
        rule: The requirements for a law.
        num_seeds: Number of seeds in the study.
    """
    used = [point for point in points if point.log_y is not None and not point.left_out]
    described = [_described(point, point in used, num_seeds) for point in points]
    x = np.array([point.x for point in used], float)
    if len(set(x.tolist())) < _FEWEST_POINTS:
        return ScalingResult(target, described, {}, {}, 0.0, False, rule)
    variance = math.fsum(point.variance for point in used) / len(used)
    noise = math.hypot(math.sqrt(variance), _SAWTOOTH * resolution)
    fits = fit_laws(x.tolist(), [math.exp(point.log_y or 0.0) for point in used], noise=noise)
    growth = {law: _growth(fits[law], x, noise * _quantile(len(used) * (num_seeds - 1))) for law in GROWING}
    least = len(x) * min(fit.rms for fit in fits.values()) ** 2
    return ScalingResult(target, described, fits, growth, noise, least > noise**2 * _limit(len(x) - 2), rule)


def _described(point: Point, used: bool, num_seeds: int) -> dict[str, Any]:
    y = low = high = None
    if point.log_y is not None:
        half = _quantile(num_seeds - 1) * math.sqrt(point.variance)
        y, low, high = (math.exp(point.log_y + shift) for shift in (0.0, -half, half))
    found = {"name": point.name, "x": point.x, "y": y and round(y), "low": low, "high": high}
    return found | {"at_edge": point.at_edge, "used": used}


def _growth(fit: LawFit, x: FloatArray, noise: float) -> list[float]:
    middle, error = log_growth(fit, x)
    return [math.exp(middle + shift * noise * error) for shift in (0, -1, 1)]


@functools.cache
def _quantile(degrees: int) -> float:
    """Return the half width of 95 % intervals in standard errors, by Student's t distribution."""
    from scipy.stats import t  # slow to import

    return float(t.ppf(_CONFIDENCE, degrees))


@functools.cache
def _limit(degrees: int) -> float:
    """Return the chi-square quantile that true laws exceed only with the probability of a misfit."""
    from scipy.stats import chi2  # slow to import

    return float(chi2.isf(_MISFIT, degrees))
