"""What the figures of studies have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

PANEL = (4.6, 3.8)
"""Width and height of a panel, in inches."""
_MARKERS = "osD^vPX"


def draw_bars(
    axes: Axes, places: Sequence[float], intervals: Sequence[Mapping[str, Any]], *, order: int, label: str | None
) -> None:
    """Draw means at ``places`` with the bars of their intervals, joined by a line; nothing if there are none.

    The line's number ``order`` chooses its colour and marker.
    """
    if not places:
        return
    means = [each["mean"] for each in intervals]
    bars = [
        [0.0 if each["low"] is None else abs(each["mean"] - each[end]) for each in intervals] for end in ("low", "high")
    ]
    style: dict[str, Any] = {"marker": _MARKERS[order % len(_MARKERS)], "markersize": 4, "linewidth": 1, "capsize": 2}
    axes.errorbar(places, means, bars, color=f"C{order}", label=label, **style)


def dress(axes: Axes, *, x: str = "", y: str = "", title: str = "") -> None:
    """Give axes their titles, small ticks, a faint grid and, if anything is labelled, a legend."""
    axes.set_title(title, fontsize=8)
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(labelsize=7, which="both")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=7)
