"""Scores of a placement study over the steps of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qiskit_qgen._checks import check_type
from qiskit_qgen.exceptions import ArgumentError

_PANEL = (4.2, 3.2)  # inches


def plot_placement(study: Mapping[str, Any]) -> Figure:
    """Draw the kernel distance over the steps: a panel for each number of pictures, a line for each place.

    Each line is the mean over the seeds, its band the 95 % interval of that mean, where there are at least two seeds.
    Bands of lines overlap more than paired differences do: those stand in the study's table.

    Args:
        study: What :meth:`PlacementStudy.to_dict <qiskit_qgen.studies.PlacementStudy.to_dict>` returns.

    Returns:
        The figure; its axes are in the order of the numbers of pictures.

    Raises:
        ArgumentError: If no trial has ended.
        ArgumentTypeError: If ``study`` is no mapping.
    """
    check_type("study", study, Mapping, "a study's dictionary")
    curves = {size: places for size, places in study["curves"].items() if places}
    if not curves:
        raise ArgumentError("Argument `study` must hold at least one trial that is done, but holds none.")
    size = (_PANEL[0] * len(curves), _PANEL[1])
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(curves), squeeze=False)[0]
    for panel, (pictures, places) in zip(panels, curves.items(), strict=True):
        _draw(panel, np.array(study["steps"], float), places, study["floor"])
        panel.set_title(f"{pictures} training pictures", fontsize=9)
    figure.axes[0].set_ylabel("kernel distance", fontsize=8)
    figure.axes[0].legend(fontsize=7, title="circuits in", title_fontsize=7)
    return figure


def _draw(panel: Axes, steps: Any, places: Mapping[str, Any], floor: float) -> None:
    for number, (place, intervals) in enumerate(places.items()):
        means, lows, highs = (
            np.array([each[key] for each in intervals], float) for key in ("mean", "low", "high")
        )  # None becomes NaN, which draws no band
        panel.plot(steps, means, color=f"C{number}", marker="o", markersize=3, label=place)
        panel.fill_between(steps, lows, highs, color=f"C{number}", alpha=0.15, linewidth=0)
    panel.axhline(floor, color="0.5", linewidth=0.8, linestyle=":")
    panel.set_xlabel("step", fontsize=8)
    panel.tick_params(labelsize=7)
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
