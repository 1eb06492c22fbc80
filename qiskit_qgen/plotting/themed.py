"""Figures in the colours of the page around them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

_INK, _LINE = "#010203", "#040506"  # stand for colours of the page, which no figure uses itself
_CYCLE = [f"C{number}" for number in range(10)]
_STYLE: dict[Any, Any] = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color"), _INK),
    **dict.fromkeys(("axes.edgecolor", "legend.edgecolor"), _LINE),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "legend.facecolor", "savefig.facecolor"), "none"),
    "svg.fonttype": "none",
}
_NAMES = re.compile(r' id="[a-zA-Z0-9.]+_\d+"')  # of groups, which nothing refers to
_FONTS = re.compile(r"font-family: [^;\"]*;? ?")


def themed_svg(draw: Callable[..., Figure], *args: Any, name: str, **options: Any) -> str:
    """Return the figure that ``draw(*args, **options)`` makes as SVG for a page, in whose colours and letters it is.

    Text has the page's ``currentColor``, lines its ``--line``, curves ``--curve-0`` to ``--curve-9``.

    Args:
        draw: A function of this package that returns a figure.
        *args: Its arguments.
        name: Of the figure, different for each of a page, from which the names in the SVG are made.
        **options: Its keyword arguments.
    """
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        content = io.StringIO()
        figure = draw(*args, **options)
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(content, format="svg", metadata=metadata)
        cycle = [mpl.colors.to_hex(colour) for colour in _CYCLE]
    text = content.getvalue()
    text = _FONTS.sub("", _NAMES.sub("", text[text.index("<svg") :]))
    for number, colour in enumerate(cycle):
        text = text.replace(colour, f"var(--curve-{number})")
    return text.replace(_INK, "currentColor").replace(_LINE, "var(--line)")
