"""Grids of images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qiskit_qgen._checks import check_int, check_shape
from qiskit_qgen.datasets import ImageDataset, as_images
from qiskit_qgen.datasets.images import ImageData
from qiskit_qgen.training import image_grid

_DPI = 100
_SIDE = 900  # dots along the longer side of a grid, about
_PADDING = 1
_LABEL_INCHES = 1.2
_MOST_PAIRS = 32


def plot_images(images: ImageData | ImageDataset, *, columns: int | None = None) -> Figure:
    """Lay images out in rows, without smoothing: every pixel is a whole number of dots wide.

    Of four channels the first three are shown as red, green and blue; of two the first is shown in grey.

    Args:
        images: Images (N, C, H, W) in [0, 1], or what else :func:`~qiskit_qgen.datasets.as_images` takes, or a data
            set.
        columns: Images in a row; None makes the grid about square.

    Returns:
        The figure, with one axes that fills it.

    Raises:
        ArgumentError: If ``columns`` is not a positive integer.
        ArgumentTypeError: If ``images`` is of a type that holds no images.
        DatasetError: If ``images`` is empty, out of range or of another shape.
    """
    figure, axes = _draw_grid(_as_images(images, "images"), columns, label_inches=0)
    axes.set_axis_off()
    return figure


def plot_reconstructions(
    images: ImageData | ImageDataset, reconstructions: ImageData | ImageDataset, *, columns: int = 8
) -> Figure:
    """Lay images out in rows, each row above that of its reconstructions; of more than 32 the first 32 are shown.

    Args:
        images: Images (N, C, H, W) in [0, 1], or what else :func:`~qiskit_qgen.datasets.as_images` takes.
        reconstructions: What an autoencoder makes of them, in the same form and order.
        columns: Images in a row.

    Returns:
        The figure, with one axes, whose ticks name the rows.

    Raises:
        ArgumentError: If the shapes differ or ``columns`` is not a positive integer.
        ArgumentTypeError: If an argument is of a type that holds no images.
        DatasetError: If an argument is empty, out of range or of another shape.
    """
    real = _as_images(images, "images")
    rebuilt = _as_images(reconstructions, "reconstructions")
    shape = tuple(real.shape)
    check_shape("reconstructions", rebuilt.shape, f"{shape}, that of `images`", tuple(rebuilt.shape) == shape)
    return _draw_pairs(real, rebuilt, columns, ("image", "reconstruction"))


def plot_classes(samples: Sequence[ImageData], names: Sequence[str]) -> Figure:
    """Lay samples out in a row for each class.

    Args:
        samples: For each class its samples (N, C, H, W) in [0, 1].
        names: The classes' names.

    Returns:
        The figure, with one axes, whose ticks name the rows.

    Raises:
        ArgumentError: If there is no class, or classes differ in the number or shape of their images.
        DatasetError: If images are out of range.
    """
    rows = [_as_images(each, "samples") for each in samples]
    shapes = [tuple(row.shape) for row in rows]
    fits = len(shapes) == len(names) > 0 and len(set(shapes)) == 1
    check_shape("samples", tuple(map(len, rows)), f"(N,) * {len(names)}, as many images of each class", fits)
    figure, axes = _draw_grid(torch.cat(rows), len(rows[0]), label_inches=_LABEL_INCHES)
    return _named_rows(figure, axes, names, shapes[0][2])


def plot_nearest(samples: ImageData | ImageDataset, data: ImageData | ImageDataset, *, columns: int = 8) -> Figure:
    """Lay samples out in rows, each row above that of the nearest training images, by the distance of their pixels.

    A sample that is the image below it is a copy: the model has memorised it. Of more than 32 the first 32 are shown.

    Args:
        samples: Images (N, C, H, W) in [0, 1], or what else :func:`~qiskit_qgen.datasets.as_images` takes.
        data: The images that were trained on, (M, C, H, W), in any of these forms.
        columns: Images in a row.

    Returns:
        The figure, with one axes, whose ticks name the rows.

    Raises:
        ArgumentError: If the images differ in shape or ``columns`` is not a positive integer.
        ArgumentTypeError: If an argument is of a type that holds no images.
        DatasetError: If an argument is empty, out of range or of another shape.
    """
    shown, known = _as_images(samples, "samples")[:_MOST_PAIRS], _as_images(data, "data")
    shape = tuple(shown.shape[1:])
    check_shape("data", known.shape, f"(M, {', '.join(map(str, shape))})", tuple(known.shape[1:]) == shape)
    nearest = torch.cdist(shown.flatten(1), known.flatten(1)).argmin(1)
    return _draw_pairs(shown, known[nearest], columns, ("sample", "nearest"))


def _draw_pairs(first: torch.Tensor, second: torch.Tensor, columns: int, names: tuple[str, str]) -> Figure:
    """Return a figure of rows of images, each above its row of others."""
    height = first.shape[2]
    columns = min(check_int("columns", columns, minimum=1), len(first))
    rows = []
    for upper, lower in zip(first[:_MOST_PAIRS].split(columns), second[:_MOST_PAIRS].split(columns), strict=True):
        filler = torch.ones(columns - len(upper), *first.shape[1:])
        rows += [upper, filler, lower, filler]
    figure, axes = _draw_grid(torch.cat(rows), columns, label_inches=_LABEL_INCHES)
    return _named_rows(figure, axes, list(names) * (len(rows) // 4), height)


def _named_rows(figure: Figure, axes: Axes, names: Sequence[str], height: int) -> Figure:
    """Write a name beside each row of a grid of images, and return the figure."""
    axes.set_yticks([row * (height + _PADDING) + (height - 1) / 2 for row in range(len(names))], labels=list(names))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _as_images(images: ImageData | ImageDataset, name: str) -> torch.Tensor:
    return as_images(images.images if isinstance(images, ImageDataset) else images, name=name)


def _draw_grid(images: torch.Tensor, columns: int | None, *, label_inches: float) -> tuple[Figure, Axes]:
    """Return a figure and its axes, which hold the grid, right of room for labels."""
    grid = image_grid(images, columns=columns, padding=_PADDING)
    height, width = grid.shape[:2]
    dots = max(1, round(_SIDE / max(height, width)))
    inches = (width * dots / _DPI + label_inches, height * dots / _DPI)
    figure = Figure(figsize=inches, dpi=_DPI)
    share = label_inches / inches[0]
    axes = figure.add_axes((share, 0, 1 - share, 1))
    axes.imshow(grid, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    return figure, axes
