"""The figures of the capacity study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting.axes import PANEL, dress

_SMALL = (3.0, 2.4)
_COLUMNS = (4, 3, 5)  # that a row may have, the preferred first
_FEW_DECADES, _NARROW = 300.0, 3.0  # ratios of the ends of an axis
_SPARSE, _DENSE = (2.0, 3.0, 5.0), tuple(np.arange(1, 10, 0.5).tolist())  # ticks between powers of ten
_FACTOR = 3.0  # between the middle and the ends of an axis of equal sizes
_LAWS = {"constant": ":", "linear": "-.", "power": "--", "exponential": "-"}


def plot_capacity_scaling(study: Mapping[str, Any]) -> Figure:
    """Draw the optimal classical sizes over the quantum generator's, with intervals and fitted laws.

    Bars are intervals of 95 %; hollow points lie at the edge of the grid, and crosses so surely that no law is fitted
    to them. The law of the lowest AIC is drawn thick.

    Args:
        study: What :meth:`~qiskit_qgen.studies.CapacityStudy.to_dict` returns.

    Returns:
        The figure, with axes for the critic and for the classical generator.
    """
    results = study["analysis"]["scaling"]
    figure = Figure(figsize=(PANEL[0] * len(results), PANEL[1]), layout="constrained")
    for axes, (target, result) in zip(np.ravel(figure.subplots(1, len(results))), results.items(), strict=True):
        _draw_points(axes, result["points"])
        _draw_laws(axes, result)
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        if high < _FACTOR * low:  # equal sizes: an axis of less than this has no ticks that tell numbers apart
            middle = math.sqrt(low * high)
            axes.set_ylim(middle / _FACTOR, middle * _FACTOR)
        verdict = f"{result['law']} law" if result["law"] else "laws not distinguished"
        verdict = verdict if study["may_conclude"][target]["law"] else "no power to tell laws"
        verdict = verdict if result["fits"] else "too few optima for a law"
        y = f"parameters of the optimal {target}"
        dress(axes, title=f"{target}: {verdict}", x="parameters of the quantum generator", y=y)
    return figure


def plot_capacity_scores(study: Mapping[str, Any]) -> Figure:
    """Draw the score of every trial over the critic's size, a panel for each generator.

    Filled points are stable trials, crosses unstable ones; the line joins the means of the stable ones; the dotted line
    marks the optimal critic, the dashed one the floor: what training latents score in the generated ones' place; the
    dash-dotted one the best trivial baseline.

    Args:
        study: What :meth:`~qiskit_qgen.studies.CapacityStudy.to_dict` returns.

    Returns:
        The figure, with axes for each generator.

    Raises:
        ArgumentError: If no trial of the study is done.
    """
    rows = [row for row in study["rows"] if row["score"] is not None]
    if not rows:
        raise ArgumentError("Argument `study` must hold at least one trial that is done, but holds none.")
    names = list(dict.fromkeys(row["name"] for row in rows))
    figure, panels = _panels(len(names))
    floor, trivial = study["floor"], study["trivial"]
    shown = [row["score"] for row in rows] + [each for each in (floor, trivial) if each]
    low, high = min(shown), max(shown)
    for axes, name in zip(panels, names, strict=True):
        own = [row for row in rows if row["name"] == name]
        for stable, marker in ((True, "o"), (False, "x")):
            chosen = [row for row in own if row["stable"] is stable]
            places, scores = [row["critic_parameters"] for row in chosen], [row["score"] for row in chosen]
            axes.scatter(places, scores, marker=marker, s=14, color="C0" if stable else "0.6", linewidths=1)
        means = {
            size: np.mean([row["score"] for row in own if row["critic_parameters"] == size and row["stable"]])
            for size in sorted({row["critic_parameters"] for row in own if row["stable"]})
        }
        axes.plot(list(means), list(means.values()), color="C0", linewidth=1)
        if name in study["analysis"]["optima"]:
            axes.axvline(study["analysis"]["optima"][name]["critic"], color="C1", linestyle=":", linewidth=1.2)
        axes.set_xscale("log")
        axes.set_ylim(low / 1.15, high * 1.15)
        _finish(axes, floor, f"{name}, {own[0]['generator_parameters']} parameters")
        if trivial:
            axes.axhline(trivial, color="0.4", linestyle="-.", linewidth=0.8)
    about = "cross: not stable; dotted: optimal; dashed: floor; dash-dotted: best trivial baseline"
    figure.supxlabel(f"parameters of the critic ({about})", fontsize=8)
    figure.supylabel(study["score_name"], fontsize=8)
    return figure


def plot_capacity_curves(study: Mapping[str, Any]) -> Figure:
    """Draw the score of the trials of the first seed over the steps: a panel for each generator, a line for a critic.

    Args:
        study: What :meth:`~qiskit_qgen.studies.CapacityStudy.to_dict` returns.

    Returns:
        The figure, with axes for each generator.

    Raises:
        ArgumentError: If no trial of the study is done.
    """
    curves = {record["digest"]: record["result"]["scores"] for record in study["trials"] if record["status"] == "done"}
    rows = [row for row in study["rows"] if row["digest"] in curves]
    if not rows:
        raise ArgumentError("Argument `study` must hold at least one trial that is done, but holds none.")
    rows = [row for row in rows if row["seed"] == min(row["seed"] for row in rows)]
    names = list(dict.fromkeys(row["name"] for row in rows))
    widths = sorted({row["critic_width"] for row in rows})
    shades = dict(zip(widths, np.linspace(0, 0.85, len(widths)), strict=True))
    colors = {width: (shade, 0.3, 0.85 - 0.6 * shade) for width, shade in shades.items()}
    figure, panels = _panels(len(names))
    for axes, name in zip(panels, names, strict=True):
        for row in rows:
            if row["name"] == name:
                curve = curves[row["digest"]][study["rule"]["score"]]
                style = "-" if row["stable"] else ":"
                axes.plot(curve["steps"], curve["values"], style, color=colors[row["critic_width"]], linewidth=1)
        _finish(axes, study["floor"], name)
    lines = [Line2D([], [], color=color, label=width) for width, color in colors.items()]
    figure.legend(handles=lines, title="critic width", loc="outside right upper", fontsize=7, title_fontsize=7)
    figure.supxlabel(f"step, seed {rows[0]['seed']} (dotted: not stable; dashed: floor)", fontsize=8)
    figure.supylabel(study["score_name"], fontsize=8)
    return figure


def _draw_points(axes: Axes, points: Sequence[Mapping[str, Any]]) -> None:
    known = [point for point in points if point["y"] is not None]
    places = [point["x"] for point in points]
    margin = 0.05 * (max(places) - min(places)) or 1.0
    axes.set_xlim(min(places) - margin, max(places) + margin)
    for point in known:
        if point["low"] is not None:
            axes.plot([point["x"]] * 2, [point["low"], point["high"]], color="C0", linewidth=1)
        fill = "white" if point["at_edge"] else "C0"
        axes.plot(point["x"], point["y"], "o" if point["used"] else "x", color="C0", markerfacecolor=fill, markersize=6)
    if not known:
        axes.text(0.5, 0.5, "no optimum found", transform=axes.transAxes, ha="center", fontsize=8)
        axes.tick_params(left=False, labelleft=False, which="both")


def _draw_laws(axes: Axes, result: Mapping[str, Any]) -> None:
    places = np.array([point["x"] for point in result["points"]], float)
    x = np.linspace(places.min(), places.max(), 100)
    for law, fit in result["fits"].items():
        a, b = fit["coefficients"]["a"], fit["coefficients"].get("b", 0.0)
        with np.errstate(over="ignore"):  # each is computed, whichever is drawn
            y = {"constant": a + 0 * x, "linear": a + b * x, "power": a * x**b, "exponential": a * np.exp(b * x)}[law]
        width = 2.0 if law == result["best"] else 0.9
        axes.plot(x, y, _LAWS[law], color="C1", linewidth=width, label=f"{law}, AIC {fit['aic']:.1f}")


def _finish(axes: Axes, floor: float | None, title: str) -> None:
    """Draw what training images score, and write the numbers of the logarithmic axis of scores out.

    Numbers between powers of ten are written where there are few powers.
    """
    if floor:  # not 0, which no logarithm shows
        axes.axhline(floor, color="0.4", linestyle="--", linewidth=0.8)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(LogLocator(subs=_SPARSE if high / low > _NARROW else _DENSE))
    axes.yaxis.set_minor_formatter("{x:g}" if high / low < _FEW_DECADES else NullFormatter())
    dress(axes, title=title)


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    columns = min(count, min(_COLUMNS, key=lambda each: -count % each))  # the fewest empty panels
    rows = -(-count // columns)
    figure = Figure(figsize=(_SMALL[0] * columns, _SMALL[1] * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, index + 1) for index in range(count)]
