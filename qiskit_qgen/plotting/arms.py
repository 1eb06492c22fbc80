"""The figure of a study of arms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting.axes import PANEL, draw_bars, dress

_SCORES = {
    "kernel_distance": "kernel distance",
    "frechet_distance": "Fréchet distance",
    "uncovered": "held-out images uncovered",
}
_ENDS = ("mean", "low", "high")
_SHIFT = 0.06  # of neighbouring arms at one size, in parts of the size
_BASELINES = {  # title and line style
    "training": ("its images, repeated", ":"),
    "mixture": ("Gaussian mixture", "-."),
    "gaussian": ("Gaussian", "--"),
    "untrained": ("untrained", (0, (1, 4))),
}


def plot_arms(study: Mapping[str, Any]) -> Figure:
    """Draw a study of arms: scores, their ratios and copies, over the numbers of training images.

    A panel for each extractor holds the score of the arms and of the baselines. Ratios are
    the planned ones over all sizes, each pair once for each extractor; hollow where the score is unfit. Below is the
    distance to the validation images over the steps, a panel for each size. Bars and bands are 95 % intervals over the
    seeds, of each comparison alone; those of arms overlap more than paired ratios do.

    Args:
        study: What :meth:`ArmStudy.to_dict <qiskit_qgen.studies.ArmStudy.to_dict>` returns.

    Returns:
        The figure: axes for each extractor, for ratios, for copies, and those over the steps.

    Raises:
        ArgumentError: If no trial of the study is done.
    """
    rows, curves = study["rows"], {size: arms for size, arms in study["curves"].items() if arms}
    if not rows:
        raise ArgumentError("Argument `study` must hold at least one trial that is done, but holds none.")
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    extractors, score = study["settings"]["extractors"], study["settings"]["score"]
    title = _SCORES[score]
    courses = len(curves) if len(study["steps"]) > 1 else 0
    panels = len(extractors) + 2
    height = PANEL[1] * (2 if courses else 1)
    figure = Figure(figsize=(PANEL[0] * max(panels, courses), height), layout="constrained")
    upper, *lower = figure.subfigures(2 if courses else 1, squeeze=False)[:, 0]
    *scores, ratios, copies = upper.subplots(1, panels)
    for axes, extractor in zip(scores, extractors, strict=True):
        _over_sizes(axes, arms, rows, lambda row, name=extractor: row["scores"][name][score])
        lines = _draw_baselines(axes, study["baselines"], extractor, score)
        lines.append(axes.axhline(study["floors"][extractor][score], color="0.5", linewidth=0.8, label="real images"))
        axes.set_yscale("symlog", linthresh=max(1e-6, _smallest(rows, extractor, score)))
        dress(axes, x="training images", y=f"{title} ({extractor})")
        axes.legend(handles=lines, fontsize=7)  # arms have their names beside, in the panel of copies
    _draw_ratios(ratios, study["pooled"], extractors)
    _over_sizes(copies, arms, rows, lambda row: row["copy_rate"])
    held_out = {row["size"]: row["held_out_copy_rate"]["mean"] for row in rows}
    copies.plot(list(held_out), list(held_out.values()), color="0.5", linestyle=":", label="held-out images")
    dress(copies, x="training images", y="share that copies a training image")
    for part in lower:
        for axes, (size, own) in zip(part.subplots(1, courses, squeeze=False)[0], curves.items(), strict=True):
            _draw_course(axes, study["steps"], [(arms.index(arm), arm, own[arm]) for arm in own])
            dress(axes, x="step", y=f"distance to validation images ({extractors[0]})", title=f"{size} training images")
    return figure


def _smallest(rows: Sequence[Mapping[str, Any]], extractor: str, score: str) -> float:
    """Return the smallest mean distance, below which the axis is linear: unbiased distances may be negative."""
    return float(min(abs(row["scores"][extractor][score]["mean"]) for row in rows)) / 4


def _over_sizes(axes: Axes, arms: Sequence[str], rows: Sequence[Mapping[str, Any]], interval: Any) -> None:
    for order, arm in enumerate(arms):
        own = [row for row in rows if row["arm"] == arm]
        shift = 1 + _SHIFT * (order - (len(arms) - 1) / 2)
        draw_bars(axes, [shift * row["size"] for row in own], [interval(row) for row in own], order=order, label=arm)
    sizes = sorted({row["size"] for row in rows})
    axes.set_xscale("log")
    axes.set_xticks(sizes, labels=list(map(str, sizes)))
    axes.minorticks_off()
    axes.margins(x=0.15)


def _draw_baselines(axes: Axes, baselines: Mapping[str, Any], extractor: str, score: str) -> list[Line2D]:
    """Draw the means of baselines over the sizes, across the panel if there is one size, and return the lines."""
    lines = []
    for name, (title, style) in _BASELINES.items():
        means = {int(size): found[name][extractor][score]["mean"] for size, found in baselines.items() if name in found}
        look: dict[str, Any] = {"color": "0.5", "linestyle": style, "label": title}
        if len(means) == 1:
            lines.append(axes.axhline(*means.values(), **look))
        elif means:
            lines += axes.plot(list(means), list(means.values()), **look)
    return lines


def _draw_ratios(axes: Axes, comparisons: Sequence[Mapping[str, Any]], extractors: Sequence[str]) -> None:
    """Draw each pair of arms in a row of its own, the extractors beside each other."""
    pairs = list(dict.fromkeys((each["arm"], each["baseline"]) for each in comparisons))
    for order, extractor in enumerate(extractors):
        label: str | None = extractor
        for each in comparisons:
            if each["extractor"] != extractor:
                continue
            place = -pairs.index((each["arm"], each["baseline"])) - 0.2 * order
            interval = each["difference"]
            mean, *ends = (math.exp(interval["mean"] if interval[end] is None else interval[end]) for end in _ENDS)
            bars = [[mean - ends[0]], [ends[1] - mean]]
            face = f"C{order}" if each["is_fit"] else "white"
            axes.errorbar(
                mean, place, xerr=bars, fmt="o", color=f"C{order}", markerfacecolor=face,
                markersize=4, linewidth=1, capsize=2, label=label,
            )  # fmt: skip
            label = None
    axes.axvline(1, color="0.3", linewidth=0.8)
    axes.set_xscale("log")
    names = [f"{arm} / {baseline}" for arm, baseline in pairs]
    axes.set_yticks([-place - 0.1 for place in range(len(pairs))], labels=names)
    dress(axes, x="ratio of scores, over all sizes")
    if pairs:
        axes.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(extractors))


def _draw_course(axes: Axes, steps: Sequence[int], lines: Sequence[tuple[int, str, Any]]) -> None:
    for order, arm, intervals in lines:
        means, lows, highs = (
            np.array([each[key] for each in intervals], float) for key in ("mean", "low", "high")
        )  # None becomes NaN, which draws no band
        axes.plot(steps, means, color=f"C{order}", marker="o", markersize=3, label=arm)
        axes.fill_between(steps, lows, highs, color=f"C{order}", alpha=0.15, linewidth=0)
