"""Grids of images, without a plotting library."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen._checks import check_int, check_shape
from qiskit_qgen._typing import PathLike


def image_grid(images: Tensor, *, columns: int | None = None, padding: int = 1) -> NDArray[np.uint8]:
    """Arrange images in rows.

    With four or more channels, the first three are shown as red, green and blue; with two, the first is shown in grey.

    Args:
        images: Images (N, C, H, W) in [0, 1]; values outside are clipped.
        columns: Images in a row; None makes the grid roughly square, without empty cells if possible.
        padding: Width in pixels of the white lines between images.

    Returns:
        uint8 array (rows, columns) if grey, else (rows, columns, 3), in pixels.

    Raises:
        ArgumentError: If ``images`` has another shape or is empty, or ``columns`` or ``padding`` is out of range.
    """
    check_shape("images", images.shape, "(N, C, H, W) with N of at least 1", images.dim() == 4 and len(images) > 0)
    check_int("padding", padding, minimum=0)
    num_images, channels, height, width = images.shape
    columns = _columns(num_images) if columns is None else check_int("columns", columns, minimum=1)
    rows = math.ceil(num_images / columns)
    shown = 3 if channels >= 3 else 1
    pixels = images[:, :shown].detach().cpu().clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    size = (rows * (height + padding) - padding, columns * (width + padding) - padding, shown)
    grid = np.full(size, 255, dtype=np.uint8)
    for index, image in enumerate(pixels):
        top, left = (index // columns) * (height + padding), (index % columns) * (width + padding)
        grid[top : top + height, left : left + width] = image
    return grid[..., 0] if shown == 1 else grid


def save_image_grid(
    images: Tensor, path: PathLike, *, columns: int | None = None, padding: int = 1, scale: int = 2
) -> None:
    """Write a grid of images to an image file; its suffix sets the format.

    Args:
        images: Images (N, C, H, W) in [0, 1]; values outside are clipped.
        path: File to write, such as ``samples.png``.
        columns: Images in a row; None as for :func:`image_grid`.
        padding: Width in pixels of the white lines between images.
        scale: Integer scale factor for every pixel.

    Raises:
        ArgumentError: If ``images`` has another shape or is empty, or a number is out of range.
    """
    from PIL import Image

    grid = image_grid(images, columns=columns, padding=padding)
    check_int("scale", scale, minimum=1)
    Image.fromarray(grid.repeat(scale, axis=0).repeat(scale, axis=1)).save(path)


def _columns(num_images: int) -> int:
    """Return the number of images per row with the fewest empty cells, then the squarest grid, up to 4 : 1."""
    squarest = math.ceil(math.sqrt(num_images))
    return min(range(squarest, min(num_images, 4 * squarest) + 1), key=lambda columns: (-num_images % columns, columns))
