"""The figure of the low-data study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qiskit_qgen.exceptions import ArgumentError

_PANEL = (4.6, 3.8)
_SHIFT = 0.06  # of neighbouring arms at one size, in parts of the size
_MARKERS = "osD^vPX"


def plot_low_data(study: Mapping[str, Any]) -> Figure:
    """Draw a low-data study: scores, differences to the plain network, and copies, over the training pictures.

    Bars are 95 % intervals over the seeds. Markers of one size stand beside each other, to be told apart.

    Args:
        study: What :meth:`~qiskit_qgen.studies.LowDataStudy.to_dict` returns.

    Returns:
        The figure, with three axes.

    Raises:
        ArgumentError: If no trial of the study is done.
    """
    rows = study["rows"]
    if not rows:
        raise ArgumentError("Argument `study` must hold at least one trial that is done, but holds none.")
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    figure = Figure(figsize=(3 * _PANEL[0], _PANEL[1]), layout="constrained")
    scores, differences, copies = figure.subplots(1, 3)

    def draw(axes: Axes, entries: Sequence[Mapping[str, Any]], interval: Callable[[Mapping[str, Any]], Any]) -> None:
        for position, arm in enumerate(arms):
            own = [entry for entry in entries if entry["arm"] == arm]
            if own:
                shift = 1 + _SHIFT * (position - (len(arms) - 1) / 2)
                sizes = [shift * entry["size"] for entry in own]
                _draw_arm(axes, sizes, [interval(entry) for entry in own], arm, position)

    draw(scores, rows, lambda row: row["kernel_distance"])
    first = {row["size"]: row["copies_kernel_distance"]["mean"] for row in rows}
    scores.plot(list(first), list(first.values()), color="0.5", linestyle=":", label="training pictures, repeated")
    scores.axhline(study["floor"], color="0.5", linewidth=0.8, label="real pictures")
    scores.set_ylabel(f"kernel distance ({study['settings']['extractor']})", fontsize=8)

    plain = [{**each, "size": each["setting"]} for each in study["comparisons"] if each["baseline"] == "plain"]
    draw(differences, plain, lambda each: each["difference"])
    differences.axhline(0, color="0.3", linewidth=0.8)
    differences.set_ylabel("kernel distance minus that of plain, same seed", fontsize=8)

    draw(copies, rows, lambda row: row["copy_rate"])
    held_out = {row["size"]: row["held_out_copy_rate"]["mean"] for row in rows}
    copies.plot(list(held_out), list(held_out.values()), color="0.5", linestyle=":", label="held-out pictures")
    copies.set_ylabel("share that copies a training picture", fontsize=8)
    for axes in (scores, differences, copies):
        _dress(axes, sorted(first))
    return figure


def _draw_arm(axes: Axes, sizes: Sequence[float], intervals: Sequence[Mapping[str, Any]], arm: str, order: int) -> None:
    means = [each["mean"] for each in intervals]
    bars = [
        [0.0 if each["low"] is None else abs(each["mean"] - each[end]) for each in intervals] for end in ("low", "high")
    ]
    marker = _MARKERS[order % len(_MARKERS)]
    axes.errorbar(sizes, means, bars, marker=marker, markersize=4, linewidth=1, capsize=2, color=f"C{order}", label=arm)


def _dress(axes: Axes, sizes: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(sizes, labels=[str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("training pictures", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7)
