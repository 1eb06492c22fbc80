"""The figure of a sweep over options of the autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting.axes import PANEL, draw_bars, dress

_SHIFT = 0.06  # of neighbouring lines, so that their bars stay distinct
_SCORES = {"frechet_distance": "Fréchet distance of reconstructions", "reconstruction_error": "squared error of pixels"}


def plot_autoencoder_sweep(sweep: Mapping[str, Any]) -> Figure:
    """Draw the floor and the error of pixels over an option, ``latent_dim`` if it varies, a line for all other options.

    Bars are 95 % intervals over the seeds; the dashed line is the Fréchet distance of real images.

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
    figure = Figure(figsize=(2 * PANEL[0], PANEL[1]), layout="constrained")
    for axes, (score, title) in zip(figure.subplots(1, 2), _SCORES.items(), strict=True):
        ticks = list(dict.fromkeys(str(row["options"].get(across, "default")) for row in rows))
        for order, (label, own) in enumerate(lines.items()):
            shift = _SHIFT * (order - (len(lines) - 1) / 2)
            places = [shift + ticks.index(str(row["options"].get(across, "default"))) for row in own]
            draw_bars(axes, places, [row[score] for row in own], order=order, label=label or None)
        axes.set_xticks(range(len(ticks)), labels=ticks)
        if score in sweep["floor_real"]:
            axes.axhline(sweep["floor_real"][score], color="0.4", linestyle="--", linewidth=0.8, label="real images")
        dress(axes, x=across, y=title)
    return figure
