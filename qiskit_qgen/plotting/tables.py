"""Figures of tables: each column's distribution, and pairs of columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen._typing import FloatArray
from qiskit_qgen.datasets.frames import is_frame
from qiskit_qgen.datasets.table_dataset import Column, TableDataset, column_names
from qiskit_qgen.datasets.tables import as_table
from qiskit_qgen.exceptions import ArgumentError

_PANEL, _CELL = (2.6, 1.9), 1.6  # inches
_MOST_ACROSS, _MOST_POINTS, _MOST_PAIRS = 5, 1000, 6
_FEWEST_BINS, _MOST_BINS, _MOST_KINDS = 8, 30, 20
_SHIFT = 0.15
_TAIL = 0.005  # of generated values, which may lie far out, at either side
_DPI = 120


def plot_marginals(sets: Mapping[str, Any], *, columns: Sequence[str | int] | None = None) -> Figure:
    """Draw the distribution of every column: the first set filled, the others as lines.

    Whole numbers of at most 20 kinds have a bar each. Far values of sets after the first are left out beyond half a per
    cent at either side.

    Args:
        sets: Tables by their titles, real data first: data sets, data frames, tensors or arrays of the same columns.
        columns: Names of the columns to draw; of arrays, what their columns are called. None draws all.

    Returns:
        The figure, with an axes for each column.

    Raises:
        ArgumentError: If ``sets`` is empty.
        ArgumentTypeError: If a set is of another type.
        DatasetError: If a set is empty, has other columns or values that are not finite.
    """
    values, known = _tables(sets, columns)
    count = len(known)
    across = min(_MOST_ACROSS, math.ceil(math.sqrt(count)))
    down = math.ceil(count / across)
    figure = Figure(figsize=(_PANEL[0] * across, _PANEL[1] * down + 0.4), dpi=_DPI, layout="constrained")
    grid = figure.add_gridspec(down, across)
    for place, column in enumerate(known):
        axes = figure.add_subplot(grid[divmod(place, across)])
        _draw_histogram(axes, [rows[:, place] for rows in values], column)
        axes.set_title(_title(column, place), fontsize=8)
    _add_legend(figure, list(sets))
    return figure


def plot_pairs(
    sets: Mapping[str, Any], *, columns: Sequence[str | int] | None = None, most: int = _MOST_PAIRS
) -> Figure:
    """Draw pairs of columns: points below the diagonal, distributions on it, rank correlations above.

    Args:
        sets: Tables by their titles, as for :func:`plot_marginals`; of each at most 1,000 rows are drawn.
        columns: Names of the columns to draw; None takes those that are most correlated in the first set.
        most: The number of columns to draw where ``columns`` is None.

    Returns:
        The figure, with an axes for each pair.

    Raises:
        ArgumentError: If ``sets`` is empty or ``most`` is less than 2.
        ArgumentTypeError: If a set is of another type.
        DatasetError: If a set is empty, has other columns or values that are not finite.
    """
    check_int("most", most, minimum=2)
    values, known = _tables(sets, columns)
    correlations = [_rank_correlations(rows) for rows in values]
    strength = np.nansum(np.abs(correlations[0]), axis=0)
    places = sorted(np.argsort(-strength, kind="stable")[:most]) if columns is None else list(range(len(known)))
    size = _CELL * len(places)
    figure = Figure(figsize=(size + 0.4, size + 0.4), dpi=_DPI, layout="constrained")
    grid = figure.add_gridspec(len(places), len(places))
    for row, y in enumerate(places):
        for across, x in enumerate(places):
            axes = figure.add_subplot(grid[row, across])
            if row == across:
                _draw_histogram(axes, [rows[:, x] for rows in values], known[x])
            elif row > across:
                _draw_points(axes, [(_apart(rows[:, x], known[x]), _apart(rows[:, y], known[y])) for rows in values])
            else:
                _write_correlations(axes, [float(each[x, y]) for each in correlations])
            _label(axes, known, x, y, is_left=across == 0, is_bottom=row == len(places) - 1)
    _add_legend(figure, list(sets))
    return figure


def _tables(sets: Mapping[str, Any], columns: Sequence[str | int] | None) -> tuple[list[FloatArray], list[Column]]:
    """Return the rows of each set, (N, number of columns), and the columns of the first."""
    check_type("sets", sets, Mapping, "a mapping of titles to tables")
    if not sets:
        raise ArgumentError("Argument `sets` must hold at least one table, but is empty.")
    found: list[TableDataset] = []
    for title, data in sets.items():
        name = f"sets[{title!r}]"
        if not is_frame(data):
            check_type(name, data, (TableDataset, Tensor, np.ndarray), "a table, a data frame, a tensor or an array")
        names = columns or (column_names(found[0].columns) if found else None)
        found.append(as_table(data, f"Argument `{name}`", columns=names, width=len(names) if names else None))
    known = list(found[0].columns)
    if columns is not None and not found[0].has_names:
        known = [replace(column, name=name) for column, name in zip(known, columns, strict=True)]
    return [table.rows.double().numpy() for table in found], known


def _draw_histogram(axes: Axes, values: Sequence[FloatArray], column: Column) -> None:
    edges = _edges(values, column)
    for order, each in enumerate(values):
        heights, _ = np.histogram(each, edges)
        shares = heights / len(each)
        style: dict[str, Any] = {"color": f"C{order}", "linewidth": 1.2}
        axes.stairs(shares, edges, fill=order == 0, alpha=0.45 if order == 0 else 1.0, **style)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.tick_params(labelsize=6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if _is_coarse(values, column):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if column.categories and len(column.categories) <= _MOST_KINDS:
        axes.set_xticks(range(len(column.categories)), [str(each)[:10] for each in column.categories], rotation=30)


def _edges(values: Sequence[FloatArray], column: Column) -> FloatArray:
    """Return the edges of the bins: around each whole number if there are few, else equal ones over the data."""
    first, *others = values
    low, high = float(first.min()), float(first.max())
    for each in others:
        low, high = min(low, float(np.quantile(each, _TAIL))), max(high, float(np.quantile(each, 1 - _TAIL)))
    if _is_coarse(values, column):
        return np.arange(math.floor(low), math.ceil(high) + 2) - 0.5
    # Rice's rule, for the first set: twice the cube root of the number of its rows.
    number = min(_MOST_BINS, max(_FEWEST_BINS, math.ceil(2 * len(first) ** (1 / 3))))
    if high <= low or not np.isfinite(high - low):
        wide = max(abs(low), 1.0)
        return np.linspace(low - wide / 2, low + wide / 2, number + 1)
    return np.linspace(low, high, number + 1)


def _draw_points(axes: Axes, pairs: Sequence[tuple[FloatArray, FloatArray]]) -> None:
    for order, (x, y) in enumerate(pairs):
        step = max(1, -(-len(x) // _MOST_POINTS))
        size = 6 if len(x) <= _MOST_POINTS // 4 else 2.5
        axes.scatter(x[::step], y[::step], s=size, color=f"C{order}", alpha=0.5, linewidths=0, rasterized=True)
    axes.tick_params(labelsize=6)
    axes.spines[["top", "right"]].set_visible(False)


def _apart(values: FloatArray, column: Column) -> FloatArray:
    """Return values to draw: whole numbers of few kinds are shifted a little, so that equal points do not hide."""
    if not _is_coarse([values], column):
        return values
    return values + np.random.default_rng(0).uniform(-_SHIFT, _SHIFT, len(values))


def _is_coarse(values: Sequence[FloatArray], column: Column) -> bool:
    """Whether a column holds whole numbers of few kinds."""
    span = max(float(each.max()) for each in values) - min(float(each.min()) for each in values)
    return column.limits is not None and span < _MOST_KINDS


def _write_correlations(axes: Axes, correlations: Sequence[float]) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    for order, value in enumerate(correlations):
        height = 0.5 + 0.18 * ((len(correlations) - 1) / 2 - order)
        text = "-" if math.isnan(value) else f"{value:+.2f}"
        axes.text(0.5, height, text, color=f"C{order}", fontsize=10, ha="center", va="center")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _label(axes: Axes, columns: Sequence[Column], x: int, y: int, *, is_left: bool, is_bottom: bool) -> None:
    """Name the column at the left and at the bottom of the whole figure, and number the axes there alone."""
    if is_left:
        axes.set_ylabel(_title(columns[y], y), fontsize=7)
    elif axes.has_data():
        axes.tick_params(labelleft=False)
    if is_bottom:
        axes.set_xlabel(_title(columns[x], x), fontsize=7)
    elif axes.has_data():
        axes.tick_params(labelbottom=False)


def _title(column: Column, place: int) -> str:
    text = f"x{place}" if column.name is None else str(column.name)
    return text if len(text) <= 24 else f"{text[:22]}..."


def _add_legend(figure: Figure, titles: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=f"C{order}", alpha=0.6, label=title) for order, title in enumerate(titles)]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(titles), fontsize=8, frameon=False)


def _rank_correlations(rows: FloatArray) -> FloatArray:
    """Return Spearman's correlations of all pairs of columns; NaN of one that is constant."""
    from scipy.stats import rankdata

    ranks = rankdata(rows, axis=0)
    centred = ranks - ranks.mean(0)
    spreads = np.sqrt((centred**2).sum(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: FloatArray = centred.T @ centred / np.outer(spreads, spreads)
    return found
