"""Laws of growth, on points whose law is known."""

import math

import numpy as np
import pytest

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.studies.capacity.laws import LAWS, fit_laws, fit_rows, log_growth

X = np.array([500.0, 900.0, 1700.0, 3300.0, 4100.0])
TRUE = {
    "constant": ({"a": 700.0}, np.full(5, 700.0)),
    "linear": ({"a": 300.0, "b": 0.5}, 300 + 0.5 * X),
    "power": ({"a": 2.0, "b": 0.8}, 2 * X**0.8),
    "exponential": ({"a": 100.0, "b": 1.5e-3}, 100 * np.exp(1.5e-3 * X)),
}


@pytest.mark.parametrize("law", LAWS)
def test_an_exact_law_is_found_again_and_wins(law):
    coefficients, y = TRUE[law]
    fits = fit_laws(X, y)
    assert fits[law].coefficients == pytest.approx(coefficients, rel=1e-5)
    assert fits[law].rms < 1e-6
    assert fits[law].left_out < 1e-5
    assert fits[law].predict(X) == pytest.approx(y, rel=1e-5)
    assert min(fits, key=lambda name: fits[name].aic) == law
    if law != "constant":  # of a constant, the others are right too, and only their number of coefficients tells
        assert all(fit.left_out > 1e-3 for name, fit in fits.items() if name != law)


@pytest.mark.parametrize("law", LAWS[1:])
def test_noise_leaves_the_coefficients_near_and_the_criterion_right(law):
    coefficients, y = TRUE[law]
    x = np.linspace(400, 5000, 30)
    exact = {"linear": 300 + 0.5 * x, "power": 2 * x**0.8, "exponential": 100 * np.exp(1.5e-3 * x)}[law]
    noise = np.random.default_rng(4).normal(0, 0.03, len(x))
    fits = fit_laws(x, exact * np.exp(noise))
    assert min(fits, key=lambda name: fits[name].aic) == law
    # The slope of a line through 30 points of spread 0.03 is known to a few hundredths.
    assert fits[law].coefficients["b"] == pytest.approx(coefficients["b"], rel=0.1)
    assert len(y) == 5


def test_the_criterion_counts_squares_in_units_of_the_noise_or_of_what_the_best_law_leaves():
    noise = np.random.default_rng(1).normal(0, 0.1, 5)
    y = TRUE["exponential"][1] * np.exp(noise)
    left = {law: 5 * fit.rms**2 for law, fit in fit_laws(X, y).items()}
    least = min(left.values()) / 3  # n - 2
    for known, variance in ((0.0, least), (0.5, 0.25), (1e-3, least)):
        fits = fit_laws(X, y, noise=known)
        for law, squares in left.items():
            assert fits[law].aic == pytest.approx(squares / variance + (2 if law == "constant" else 4))


def test_what_is_left_out_is_predicted_from_the_rest():
    """Of exp(x) at 1, 2, 3 and a point that is off by a factor, the errors follow by hand for the constant law."""
    y = np.array([2.0, 8.0, 4.0])
    fits = fit_laws([1, 2, 3], y)
    logs = np.log(y)
    errors = [logs[index] - np.delete(logs, index).mean() for index in range(3)]
    assert fits["constant"].left_out == pytest.approx(math.sqrt(np.mean(np.square(errors))))
    # the exponential law through the other two points, in logarithms a line
    line = [2 * logs[1] - logs[2], (logs[0] + logs[2]) / 2, 2 * logs[1] - logs[0]]
    assert fits["exponential"].left_out == pytest.approx(math.sqrt(np.mean(np.square(np.array(line) - logs))))


@pytest.mark.parametrize("law", LAWS[1:])
def test_growth_between_the_ends_has_the_error_of_least_squares(law):
    """The error follows from the curvature of the sum of squares, by finite differences over a free height."""
    y = TRUE[law][1]
    growth, error = log_growth(fit_laws(X, y)[law], X)
    assert growth == pytest.approx(math.log(y[-1] / y[0]), rel=1e-5)

    def squares(step):
        part = (X - X[0]) / (X[-1] - X[0])
        moved = {
            "exponential": (growth + step) * part,
            "power": (growth + step) * np.log(X / X[0]) / np.log(X[-1] / X[0]),
            "linear": np.log1p(np.expm1(growth + step) * part),
        }[law] - np.log(y)
        return np.sum((moved - moved.mean()) ** 2)

    curvature = (squares(1e-3) - 2 * squares(0) + squares(-1e-3)) / 1e-6
    assert error == pytest.approx(math.sqrt(2 / curvature), rel=1e-3)


def test_many_rows_are_fitted_as_each_by_itself():
    rows = np.log(np.stack([y for _, y in TRUE.values()]))
    coefficients, squares = fit_rows(X, rows)
    for index, (law, (expected, _)) in enumerate(TRUE.items()):
        assert {name: value[index] for name, value in coefficients[law].items()} == pytest.approx(expected, rel=1e-5)
        assert squares[law][index] < 1e-10


def test_a_falling_line_stays_positive_where_there_are_points():
    fits = fit_laws([1, 2, 3, 4], [100, 10, 3, 1])
    assert (fits["linear"].predict([1, 2, 3, 4]) > 0).all()
    assert fits["linear"].coefficients["b"] < 0
    assert all(math.isfinite(fit.left_out) for fit in fits.values())


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2], [1, 2], "at least three different ones"),
        ([1, 1, 2], [1, 2, 3], "at least three different ones"),
        ([1, 2, 3], [1, 2], "must hold as many numbers each"),
        ([0, 1, 2], [1, 2, 3], "must hold positive numbers"),
        ([1, 2, 3], [1, -2, 3], "must hold positive numbers"),
    ],
)
def test_points_are_checked(x, y, message):
    with pytest.raises(ArgumentError, match=message):
        fit_laws(x, y)
