"""The course of a training."""

from __future__ import annotations

import math
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qiskit_qgen._checks import check_type
from qiskit_qgen._typing import FloatArray
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting.axes import dress
from qiskit_qgen.training import History

_WINDOWS = 40  # the moving mean reaches over this part of a curve
_LOG_SPAN = 20  # positive means that span more than this factor are drawn on a logarithmic scale
_PANEL = (3.0, 2.3)
_CHARACTERS = 44  # of a note under a panel's width

READING = (
    "How to read a Wasserstein critic: its losses are not the quality of the samples. `wasserstein_distance` rises "
    "while the critic learns, then falls slowly and levels off above zero. `gradient_penalty` stays small and steady. "
    "`generator_loss` may drift either way. If the distance or the penalty keeps growing, or all swing more and more, "
    "lower the learning rates or raise `n_critic`; whether samples become better is told by scores alone."
)
"""What the curves of a Wasserstein critic should look like, in plain words."""


def has_wasserstein_critic(history: History) -> bool:
    """Return whether a phase of the training had a Wasserstein critic, whose curves :data:`READING` is about."""
    return any("wasserstein_distance" in history.names(phase) for phase in history.phases)


def plot_history(history: History, *, note: bool = True) -> Figure:
    """Draw every loss and score over the steps: a row of panels for each phase, a panel for each loss and score.

    Losses, which have a value at every step, are drawn as a pale line under their moving mean over a fortieth of the
    steps; scores, which have fewer, as marked points. Positive values have a logarithmic scale if what is drawn thick
    spans more than a factor of 20.

    Args:
        history: The history of a training.
        note: Whether to say below what the curves of a Wasserstein critic should look like, if there is one.

    Returns:
        The figure; its axes are in the order of the history's phases and names.

    Raises:
        ArgumentError: If the history is empty.
        ArgumentTypeError: If ``history`` is not a history.
    """
    check_type("history", history, History, "a History")
    rows = [(phase, history.names(phase)) for phase in history.phases if history.names(phase)]
    if not rows:
        raise ArgumentError("Argument `history` must hold at least one loss or score, but is empty.")
    columns = max(len(names) for _, names in rows)
    figure = Figure(figsize=(_PANEL[0] * columns, _PANEL[1] * len(rows)), layout="constrained")
    grid = figure.add_gridspec(len(rows), columns)
    for row, (phase, names) in enumerate(rows):
        most = max(history.steps(phase, name)[-1] for name in names)
        for column, name in enumerate(names):
            axes = figure.add_subplot(grid[row, column])
            steps, values = history.steps(phase, name), np.array(history.values(phase, name))
            _draw(axes, np.array(steps, float), values, is_score=steps[0] == 0 or len(steps) < most)
            dress(axes, x="step", title=f"{phase}: {name}" if column == 0 else name)
    if note and has_wasserstein_critic(history):
        text = textwrap.fill(READING, _CHARACTERS * columns)
        figure.supxlabel(text, x=0.01, horizontalalignment="left", fontsize=7, color="0.35")
    return figure


def _draw(axes: Axes, steps: FloatArray, values: FloatArray, *, is_score: bool) -> None:
    smooth = values
    if is_score or len(steps) == 1:
        axes.plot(steps, values, marker="o", markersize=3, color="C1")
    else:
        smooth = _moving_mean(values, math.ceil(len(values) / _WINDOWS))
        axes.plot(steps, values, color="C0", alpha=0.3, linewidth=0.6)
        axes.plot(steps, smooth, color="C0", linewidth=1.4)
    if values.min() > 0 and smooth.max() > _LOG_SPAN * smooth.min():
        axes.set_yscale("log")


def _moving_mean(values: FloatArray, window: int) -> FloatArray:
    """Return the mean of the last ``window`` values at each step, of fewer at the beginning."""
    sums: FloatArray = np.cumsum(values)
    sums[window:] -= sums[:-window]
    return sums / np.minimum(np.arange(len(values)) + 1, window)
