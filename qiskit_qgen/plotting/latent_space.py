"""Figures of a model's latent space."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from qiskit_qgen._checks import check_shape, check_type
from qiskit_qgen.training import image_grid

_DPI = 100
_IMAGE_DOTS = 64  # along the shorter side of an image, at least
_PADDING = 1
_LEFT, _TOP = 0.55, 0.4  # inches


def plot_traversals(
    images: Tensor, components: Sequence[int | str] | None = None, values: Sequence[float] | None = None
) -> Figure:
    """Lay out what :meth:`~qiskit_qgen.models.AbstractGenerativeModel.traverse` returned: a row for each component.

    Args:
        images: Images (number of components, number of values, C, H, W) in [0, 1].
        components: What the rows are called: numbers of noise components, or texts; None counts from 0.
        values: What the columns are called; None leaves them without.

    Raises:
        ArgumentError: If a shape is wrong.
        ArgumentTypeError: If ``images`` is not a tensor.
    """
    check_type("images", images, Tensor, "a tensor")
    check_shape("images", images.shape, "(components, values, C, H, W)", images.dim() == 5 and images.numel() > 0)
    rows, columns, _, height, width = images.shape
    names = range(rows) if components is None else components
    check_shape("components", (len(names),), f"({rows},)", len(names) == rows)
    grid = image_grid(images.flatten(0, 1), columns=columns, padding=_PADDING)
    dots = -(-_IMAGE_DOTS // min(height, width))
    top = 0.0 if values is None else _TOP
    size = (grid.shape[1] * dots / _DPI + _LEFT, grid.shape[0] * dots / _DPI + top)
    figure = Figure(figsize=size, dpi=_DPI)
    axes = figure.add_axes((_LEFT / size[0], 0, 1 - _LEFT / size[0], 1 - top / size[1]))
    axes.imshow(grid, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    axes.set_yticks(
        (torch.arange(rows) * (height + _PADDING) + (height - 1) / 2).tolist(),
        labels=[each if isinstance(each, str) else f"$z_{{{each}}}$" for each in names],
    )
    axes.set_xticks([])
    if values is not None:
        check_shape("values", (len(values),), f"({columns},)", len(values) == columns)
        middles = (torch.arange(columns) * (width + _PADDING) + (width - 1) / 2).tolist()
        axes.set_xticks(middles, labels=[f"{each:g}" for each in values])
        axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
