"""The figure of a sweep over options of the autoencoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qiskit_qgen.exceptions import ArgumentError

_PANEL = (4.6, 3.8)
_SHIFT = 0.06  # of neighbouring lines, so that their bars can be told apart
_SCORES = {"frechet_distance": "Fréchet distance of reconstructions", "reconstruction_error": "squared error of pixels"}


def plot_autoencoder_sweep(sweep: Mapping[str, Any]) -> Figure:
    """Draw the floor and the error of pixels over an option, ``latent_dim`` if it varies, a line for all other options.

    Bars are 95 % intervals over the seeds; the dashed line is the Fréchet distance of real pictures.

    Args:
        sweep: What :meth:`~qiskit_qgen.studies.AutoencoderSweep.to_dict` returns.

    Returns:
        The figure, with two axes.

    Raises:
        ArgumentError: If no trial of the sweep is done.
    """
    rows = [row for row in sweep["rows"] if row["num_trials"]]
    if not rows:
        raise ArgumentError("Argument `sweep` must hold at least one trial that is done, but holds none.")
    varied = sweep["varied"]
    across = "latent_dim" if "latent_dim" in varied or not varied else varied[0]
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        label = ", ".join(f"{name} {row['options'].get(name, 'default')}" for name in varied if name != across)
        lines.setdefault(label, []).append(row)
    figure = Figure(figsize=(2 * _PANEL[0], _PANEL[1]), layout="constrained")
    for axes, (score, title) in zip(figure.subplots(1, 2), _SCORES.items(), strict=True):
        ticks = list(dict.fromkeys(str(row["options"].get(across, "default")) for row in rows))
        for order, (label, own) in enumerate(lines.items()):
            shift = _SHIFT * (order - (len(lines) - 1) / 2)
            places = [shift + ticks.index(str(row["options"].get(across, "default"))) for row in own]
            _draw_line(axes, places, [row[score] for row in own], label)
        axes.set_xticks(range(len(ticks)), labels=ticks)
        axes.set_xlabel(across, fontsize=8)
        axes.set_ylabel(title, fontsize=8)
        if score in sweep["floor_real"]:
            axes.axhline(sweep["floor_real"][score], color="0.4", linestyle="--", linewidth=0.8, label="real pictures")
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize=7)
    return figure


def _draw_line(axes: Axes, places: Sequence[float], intervals: Sequence[Mapping[str, Any]], label: str) -> None:
    means = [each["mean"] for each in intervals]
    bars = [
        [0.0 if each["low"] is None else abs(each["mean"] - each[end]) for each in intervals] for end in ("low", "high")
    ]
    axes.errorbar(places, means, bars, marker="o", markersize=4, linewidth=1, capsize=2, label=label or None)
