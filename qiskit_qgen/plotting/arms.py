"""The figure of a study of arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting.axes import PANEL, draw_bars, dress

_SHIFT = 0.06  # of neighbouring arms at one size, in parts of the size


def plot_arms(study: Mapping[str, Any]) -> Figure:
    """Draw a study of arms: scores, differences to the baseline and copies, over the numbers of training images.

    Below, if trials were scored on the way, is the kernel distance over the steps, a panel for each number of images.
    Bars and bands are 95 % intervals over the seeds; bands overlap more than paired differences do.

    Args:
        study: What :meth:`ArmStudy.to_dict <qiskit_qgen.studies.ArmStudy.to_dict>` returns.

    Returns:
        The figure, with three axes over the numbers of images, and those over the steps.

    Raises:
        ArgumentError: If no trial of the study is done.
    """
    rows, curves = study["rows"], {size: arms for size, arms in study["curves"].items() if arms}
    if not rows:
        raise ArgumentError("Argument `study` must hold at least one trial that is done, but holds none.")
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    courses = len(curves) if len(study["steps"]) > 1 else 0
    height = PANEL[1] * (2 if courses else 1)
    figure = Figure(figsize=(PANEL[0] * max(3, courses), height), layout="constrained")
    upper, *lower = figure.subfigures(2 if courses else 1, squeeze=False)[:, 0]
    scores, differences, copies = upper.subplots(1, 3)

    def draw(axes: Axes, entries: Sequence[Mapping[str, Any]], interval: Callable[[Mapping[str, Any]], Any]) -> None:
        for order, arm in enumerate(arms):
            own = [entry for entry in entries if entry["arm"] == arm]
            shift = 1 + _SHIFT * (order - (len(arms) - 1) / 2)
            sizes = [shift * entry["size"] for entry in own]
            draw_bars(axes, sizes, [interval(entry) for entry in own], order=order, label=arm)

    draw(scores, rows, lambda row: row["kernel_distance"])
    first = {row["size"]: row["copies_kernel_distance"]["mean"] for row in rows}
    scores.plot(list(first), list(first.values()), color="0.5", linestyle=":", label="training images, repeated")
    scores.axhline(study["floor"], color="0.5", linewidth=0.8, label="real images")

    last = [each for each in study["comparisons"] if each["step"] == study["steps"][-1]]
    draw(differences, [each for each in last if each["baseline"] == study["baseline"]], lambda each: each["difference"])
    differences.axhline(0, color="0.3", linewidth=0.8)

    draw(copies, rows, lambda row: row["copy_rate"])
    held_out = {row["size"]: row["held_out_copy_rate"]["mean"] for row in rows}
    copies.plot(list(held_out), list(held_out.values()), color="0.5", linestyle=":", label="held-out images")
    titles = (
        f"kernel distance ({study['settings']['extractor']})",
        f"kernel distance minus that of {study['baseline']}, same seed",
        "share that copies a training image",
    )
    for axes, title in zip((scores, differences, copies), titles, strict=True):
        axes.set_xscale("log")
        axes.set_xticks(sorted(first), labels=list(map(str, sorted(first))))
        axes.minorticks_off()
        dress(axes, x="training images", y=title)
    for part in lower:
        for axes, (size, own) in zip(part.subplots(1, courses, squeeze=False)[0], curves.items(), strict=True):
            _draw_course(axes, study["steps"], [(arms.index(arm), arm, own[arm]) for arm in own], study["floor"])
            dress(axes, x="step", y="kernel distance", title=f"{size} training images")
    return figure


def _draw_course(axes: Axes, steps: Sequence[int], lines: Sequence[tuple[int, str, Any]], floor: float) -> None:
    for order, arm, intervals in lines:
        means, lows, highs = (
            np.array([each[key] for each in intervals], float) for key in ("mean", "low", "high")
        )  # None becomes NaN, which draws no band
        axes.plot(steps, means, color=f"C{order}", marker="o", markersize=3, label=arm)
        axes.fill_between(steps, lows, highs, color=f"C{order}", alpha=0.15, linewidth=0)
    axes.axhline(floor, color="0.5", linewidth=0.8)
