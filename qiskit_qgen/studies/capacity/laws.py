"""Laws of growth, fitted to a few points and compared with each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qiskit_qgen._checks import check_array, check_float
from qiskit_qgen._typing import FloatArray
from qiskit_qgen.exceptions import ArgumentError

_HUGE = 1e300  # what is predicted beyond it counts as it
_TINY = 1e-12  # least variance of residuals, so that a perfect fit has a logarithm
_WIDEST, _NARROWEST, _GRID = 20.0, 1e-9, 101  # the search for a line, in the logarithm of its ends' ratio


@dataclass(frozen=True)
class LawFit:
    """A law fitted to points (x, y), y > 0, by least squares of log y."""

    law: str
    """"constant", "linear", "power" or "exponential"."""
    coefficients: dict[str, float]
    """``a``, and ``b`` unless the law is constant; see :func:`fit_law`."""
    rms: float
    """Root mean square of the residuals of log y."""
    aic: float
    """Akaike's information criterion, ``n log(max(rms^2, resolution^2 / 12)) + 2 k``; only differences matter."""
    left_out: float
    """Root mean square error of log y at points left out of the fit, one at a time."""

    def predict(self, x: Any) -> FloatArray:
        """Return the law's values."""
        return _LAWS[self.law].predict(np.asarray(x, float), self.coefficients)


@dataclass(frozen=True)
class _Law:
    formula: str
    num_coefficients: int
    fit: Callable[[FloatArray, FloatArray], dict[str, float]]
    predict: Callable[[FloatArray, dict[str, float]], FloatArray]


def _fit_exponential(x: FloatArray, y: FloatArray) -> dict[str, float]:
    slope, height = np.polyfit(x, np.log(y), 1)
    return {"a": math.exp(height), "b": float(slope)}


def _fit_linear(x: FloatArray, y: FloatArray) -> dict[str, float]:
    """Fit a line that is positive at all points.

    Such a line is ``c (1 + (r - 1) t)`` with t from 0 to 1 between the first and the last point and r > 0. For each r
    the best log c is a mean, so that only log r is searched for: on a grid, then on ever finer ones about the best.
    """
    low, high = x.min(), x.max()
    part, logs = (x - low) / (high - low), np.log(y)
    center, width = 0.0, _WIDEST
    while width > _NARROWEST:
        ratios = np.linspace(center - width, center + width, _GRID)
        residuals = logs - np.log1p(np.expm1(ratios)[:, None] * part)
        center, width = float(ratios[residuals.var(axis=1).argmin()]), 4 * width / _GRID
    first = math.exp(float(np.mean(logs - np.log1p(math.expm1(center) * part))))
    slope = float(first * math.expm1(center) / (high - low))
    return {"a": float(first - slope * low), "b": slope}


_LAWS: dict[str, _Law] = {
    "constant": _Law("a", 1, lambda _, y: {"a": math.exp(np.log(y).mean())}, lambda x, c: np.full(x.shape, c["a"])),
    "linear": _Law("a + b x", 2, _fit_linear, lambda x, c: c["a"] + c["b"] * x),
    "power": _Law("a x^b", 2, lambda x, y: _fit_exponential(np.log(x), y), lambda x, c: c["a"] * x ** c["b"]),
    "exponential": _Law("a exp(b x)", 2, _fit_exponential, lambda x, c: c["a"] * np.exp(c["b"] * x)),
}
LAWS = tuple(_LAWS)
"""Names of the laws, the simplest first."""
FORMULAE = {name: law.formula for name, law in _LAWS.items()}
"""The laws' formulae."""


def fit_laws(x: Sequence[float], y: Sequence[float], *, resolution: float = 0.0) -> dict[str, LawFit]:
    """Fit all laws: constant ``a``, linear ``a + b x``, power ``a x^b`` and exponential ``a exp(b x)``.

    All are fitted to the logarithm of y, since sizes are chosen from a grid of equal ratios, so that their criteria
    compare. A residual below the rounding to that grid means nothing: AIC takes the variance to be at least
    ``resolution^2 / 12``, and laws that fit better than that are equals.

    Args:
        x: At least three different positive numbers.
        y: As many positive numbers.
        resolution: Distance of neighbours on the grid of y, in log y; 0 for exact values.

    Returns:
        The fits by the law's name.

    Raises:
        ArgumentError: If there are too few points, or a number is not positive.
        ArgumentTypeError: If a value is no number.

    Example:
        >>> fit = fit_laws([1, 2, 3, 4], [2, 4, 8, 16])["exponential"]
        >>> round(fit.coefficients["a"], 6), round(fit.coefficients["b"], 6)
        (1.0, 0.693147)
    """
    places, values = check_array("x", x), check_array("y", y)
    check_float("resolution", resolution, minimum=0)
    if places.ndim != 1 or places.shape != values.shape or len(set(places.tolist())) < 3:
        raise ArgumentError(
            "Arguments `x` and `y` must hold as many numbers each, of x at least three different ones, but have shapes "
            f"{places.shape} and {values.shape}."
        )
    if min(places.min(), values.min()) <= 0:
        raise ArgumentError("Arguments `x` and `y` must hold positive numbers.")
    return {name: _fit(name, places, values, resolution) for name in LAWS}


def _fit(name: str, x: FloatArray, y: FloatArray, resolution: float) -> LawFit:
    law = _LAWS[name]
    coefficients = law.fit(x, y)
    rms = math.sqrt(float(np.mean((np.log(law.predict(x, coefficients)) - np.log(y)) ** 2)))
    variance = max(rms**2, resolution**2 / 12, _TINY)
    return LawFit(name, coefficients, rms, len(x) * math.log(variance) + 2 * law.num_coefficients, _left_out(law, x, y))


def _left_out(law: _Law, x: FloatArray, y: FloatArray) -> float:
    """Return the root mean square error of log y at points left out; a prediction below 1 counts as 1."""
    errors = []
    for index in range(len(x)):
        kept = np.arange(len(x)) != index
        coefficients = law.fit(x[kept], y[kept]) if len(set(x[kept].tolist())) > 1 else None
        predicted = float(law.predict(x[~kept], coefficients)[0]) if coefficients else float(np.median(y[kept]))
        errors.append(math.log(min(max(predicted, 1.0), _HUGE)) - math.log(y[index]))
    return math.sqrt(float(np.mean(np.square(errors))))
