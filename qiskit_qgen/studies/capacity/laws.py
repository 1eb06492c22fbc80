"""Fits laws of growth to a few points and compares them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qiskit_qgen._checks import check_array, check_float
from qiskit_qgen._typing import FloatArray
from qiskit_qgen.exceptions import ArgumentError

_HUGE = 1e300  # larger predictions are clipped to it
_TINY = 1e-12  # smallest variance of residuals, so that a perfect fit has a finite criterion
_WIDEST, _GRID, _STEPS = 20.0, 401, 8  # the search for a line, in the logarithm of its ends' ratio

Coefficients = dict[str, FloatArray]


@dataclass(frozen=True)
class LawFit:
    """A law fitted to points (x, y), y > 0, by least squares of log y."""

    law: str
    """"constant", "linear", "power" or "exponential"."""
    coefficients: dict[str, float]
    """``a``, and ``b`` unless the law is constant; see :func:`fit_laws`."""
    rms: float
    """Root mean square of the residuals of log y."""
    aic: float
    """Akaike's information criterion for errors of equal size, see :func:`fit_laws`; only differences matter."""
    left_out: float
    """Root mean square error of log y in leave-one-out prediction."""

    def predict(self, x: Any) -> FloatArray:
        """Return the law's values."""
        return _LAWS[self.law].predict(np.asarray(x, float), self.coefficients)


@dataclass(frozen=True)
class _Law:
    formula: str
    num_coefficients: int
    fit: Callable[[FloatArray, FloatArray], Coefficients]
    """Takes x (n,) and rows of log y (m, n); returns coefficients (m,)."""
    predict: Callable[[FloatArray, Any], FloatArray]


def _fit_constant(_: FloatArray, logs: FloatArray) -> Coefficients:
    return {"a": np.exp(logs.mean(axis=1))}


def _fit_exponential(x: FloatArray, logs: FloatArray) -> Coefficients:
    centered = x - x.mean()
    slope = logs @ centered / (centered @ centered)
    with np.errstate(over="ignore"):
        return {"a": np.exp(logs.mean(axis=1) - slope * x.mean()), "b": slope}


def _fit_power(x: FloatArray, logs: FloatArray) -> Coefficients:
    return _fit_exponential(np.log(x), logs)


def _fit_linear(x: FloatArray, logs: FloatArray) -> Coefficients:
    """Fit lines that are positive at all points.

    Such a line is ``c (1 + (r - 1) t)`` with t from 0 to 1 between the first and the last point and r > 0. For each r
    the best log c is a mean, so only log r is searched: first on a grid, then by Gauss-Newton steps within one grid
    spacing of the best value.
    """
    low, high = x.min(), x.max()
    part = (x - low) / (high - low)
    centered = logs - logs.mean(axis=1, keepdims=True)
    grid = np.linspace(-_WIDEST, _WIDEST, _GRID)
    shapes, _ = _line(grid, part)
    # The squared residuals, without the squares of the points, which are the same for all r.
    ratio = grid[((shapes**2).sum(axis=1) - 2 * centered @ shapes.T).argmin(axis=1)]
    bottom, top = ratio - 2 * _WIDEST / (_GRID - 1), ratio + 2 * _WIDEST / (_GRID - 1)
    for _ in range(_STEPS):
        shape, slope = _line(ratio, part)
        size = np.maximum((slope**2).sum(axis=1), _TINY)
        ratio = np.clip(ratio + (slope * (centered - shape)).sum(axis=1) / size, bottom, top)
    first = np.exp((logs - np.log1p(np.expm1(ratio)[:, None] * part)).mean(axis=1))
    slope = first * np.expm1(ratio) / (high - low)
    return {"a": first - slope * low, "b": slope}


def _line(ratio: FloatArray, part: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the logarithm of lines from 1 to ``exp(ratio)``, and its derivative, both less their means."""
    values = 1 + np.expm1(ratio)[:, None] * part
    logs, slopes = np.log(values), np.exp(ratio)[:, None] * part / values
    return logs - logs.mean(axis=1, keepdims=True), slopes - slopes.mean(axis=1, keepdims=True)


_LAWS: dict[str, _Law] = {
    "constant": _Law("a", 1, _fit_constant, lambda x, c: np.broadcast_to(c["a"], np.broadcast(x, c["a"]).shape)),
    "linear": _Law("a + b x", 2, _fit_linear, lambda x, c: c["a"] + c["b"] * x),
    "power": _Law("a x^b", 2, _fit_power, lambda x, c: c["a"] * x ** c["b"]),
    "exponential": _Law("a exp(b x)", 2, _fit_exponential, lambda x, c: c["a"] * np.exp(c["b"] * x)),
}
LAWS = tuple(_LAWS)
"""The names of the laws, simplest first."""
FORMULAE = {name: law.formula for name, law in _LAWS.items()}
"""The laws' formulae."""


def fit_laws(x: Sequence[float], y: Sequence[float], *, noise: float = 0.0) -> dict[str, LawFit]:
    """Fit all laws: constant ``a``, linear ``a + b x``, power ``a x^b`` and exponential ``a exp(b x)``.

    All are fitted to the logarithm of y, since sizes come from a grid of equal ratios, so their criteria are
    comparable. AIC is ``sum of squared residuals / s^2 + 2 k`` for k coefficients, with the same error size s for all
    laws: the larger of ``noise`` and the best law's residual, ``sqrt(sum of its squared residuals / (n - 2))``.

    Args:
        x: At least three different positive numbers.
        y: The same number of positive numbers.
        noise: Standard deviation of log y, if it is known from repetitions.

    Returns:
        The fits by the law's name.

    Raises:
        ArgumentError: If there are too few points, or a number is not positive.
        ArgumentTypeError: If a value is not a number.

    Example:
        >>> fit = fit_laws([1, 2, 3, 4], [2, 4, 8, 16])["exponential"]
        >>> round(fit.coefficients["a"], 6), round(fit.coefficients["b"], 6)
        (1.0, 0.693147)
    """
    places, values = check_array("x", x), check_array("y", y)
    check_float("noise", noise, minimum=0)
    if places.ndim != 1 or places.shape != values.shape or len(set(places.tolist())) < 3:
        raise ArgumentError(
            "Arguments `x` and `y` must hold as many numbers each, of x at least three different ones, but have shapes "
            f"{places.shape} and {values.shape}."
        )
    if min(places.min(), values.min()) <= 0:
        raise ArgumentError("Arguments `x` and `y` must hold positive numbers.")
    logs = np.log(values)[None]
    coefficients, squares = fit_rows(places, logs)
    criteria = aic(squares, len(places), noise)
    return {
        law: LawFit(
            law,
            {name: float(value[0]) for name, value in coefficients[law].items()},
            math.sqrt(float(squares[law][0]) / len(places)),
            float(criteria[law][0]),
            _left_out(_LAWS[law], places, logs[0]),
        )
        for law in LAWS
    }


def fit_rows(x: FloatArray, logs: FloatArray) -> tuple[dict[str, Coefficients], dict[str, FloatArray]]:
    """Fit all laws to each row of ``logs``, log y (m, n), over the same x (n,).

    Returns:
        By the laws' names, their coefficients (m,) and the sums of the squares of their residuals (m,).
    """
    found = {name: law.fit(x, logs) for name, law in _LAWS.items()}
    squares = {}
    for name, coefficients in found.items():
        columns = {each: value[:, None] for each, value in coefficients.items()}
        with np.errstate(over="ignore"):
            predicted = np.clip(_LAWS[name].predict(x, columns), _TINY, _HUGE)
        squares[name] = ((np.log(predicted) - logs) ** 2).sum(axis=1)
    return found, squares


def aic(squares: dict[str, FloatArray], num_points: int, noise: float) -> dict[str, FloatArray]:
    """Return the laws' criteria, given the sums of the squares of their residuals; see :func:`fit_laws`."""
    least = np.min(list(squares.values()), axis=0) / max(1, num_points - 2)
    variance = np.maximum(np.maximum(least, noise**2), _TINY)
    return {name: found / variance + 2 * _LAWS[name].num_coefficients for name, found in squares.items()}


def log_growth(fit: LawFit, x: FloatArray) -> tuple[float, float]:
    """Return a law's logarithmic growth between the ends of x, and its error for unit errors of log y."""
    part = (x - x.min()) / (x.max() - x.min())
    low, high = np.log(fit.predict([x.min(), x.max()]))
    if fit.law == "linear":
        _, (slopes,) = _line(np.array([high - low]), part)
    else:
        places = np.log(x) if fit.law == "power" else x
        slopes = (places - places.mean()) / (places.max() - places.min())
    return float(high - low), float(1 / np.sqrt(np.sum(slopes**2)))


def _left_out(law: _Law, x: FloatArray, logs: FloatArray) -> float:
    """Return the root mean square error of log y at points left out; a prediction below 1 counts as 1."""
    errors = []
    for index in range(len(x)):
        kept = np.arange(len(x)) != index
        if len(set(x[kept].tolist())) > 1:
            coefficients = {name: float(value[0]) for name, value in law.fit(x[kept], logs[None, kept]).items()}
            predicted = float(law.predict(x[index], coefficients))
        else:
            predicted = float(np.exp(np.median(logs[kept])))
        errors.append(math.log(min(max(predicted, 1.0), _HUGE)) - logs[index])
    return math.sqrt(float(np.mean(np.square(errors))))
