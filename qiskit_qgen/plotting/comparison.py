"""Images of the same noise vectors, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from qiskit_qgen._checks import check_int
from qiskit_qgen.datasets import as_images
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.training import image_grid

_DPI = 150
_WIDTH = 9.0  # inches
_LABEL_SHARE = 0.22
_TITLE_CHARACTERS = 34


def plot_comparison(images: Mapping[str, Any], *, columns: int = 12) -> Figure:
    """Show one row of images for each entry, beside its name: images below each other belong together.

    Args:
        images: Images (N, C, H, W) in [0, 1] by name, all of one shape.
        columns: Images in a row at most.

    Returns:
        The figure, with one axes for each row.

    Raises:
        ArgumentError: If ``images`` is empty, its entries differ in shape, or ``columns`` is not a positive integer.
        DatasetError: If an entry is empty, out of range or of another shape.
    """
    check_int("columns", columns, minimum=1)
    if not images:
        raise ArgumentError("Argument `images` must hold at least one row of images, but is empty.")
    rows = {name: as_images(row, name=f"images[{name!r}]")[:columns] for name, row in images.items()}
    shapes = {tuple(row.shape) for row in rows.values()}
    if len(shapes) > 1:
        raise ArgumentError(f"Argument `images` must hold images of one shape, but holds {sorted(shapes)}.")
    ((count, _, height, width),) = shapes
    row_inches = _WIDTH * (1 - _LABEL_SHARE) * (height + 2) / (count * (width + 2))
    figure = Figure(figsize=(_WIDTH, row_inches * len(rows)), dpi=_DPI)
    for number, (name, row) in enumerate(rows.items()):
        bottom = 1 - (number + 1) / len(rows)
        axes = figure.add_axes((_LABEL_SHARE, bottom, 1 - _LABEL_SHARE, 1 / len(rows)))
        axes.imshow(image_grid(row, columns=count, padding=1), cmap="gray", vmin=0, vmax=255, aspect="auto")
        axes.set_axis_off()
        title = name if len(name) <= _TITLE_CHARACTERS else f"{name[: _TITLE_CHARACTERS - 1]}…"
        figure.text(_LABEL_SHARE - 0.01, bottom + 0.5 / len(rows), title, ha="right", va="center", fontsize=7)
    return figure
