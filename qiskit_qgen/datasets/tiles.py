"""Tiles of one large image as a data set."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.images import ImageData, as_images
from qiskit_qgen.exceptions import ArgumentError


def tile_image(image: ImageData, size: int = 28, *, stride: int | None = None, name: str = "tiles") -> ImageDataset:
    """Cut an image into square tiles, row by row from the top left; remainders at the right and bottom are dropped.

    Args:
        image: The image, as tensor or array: (H, W), (H, W, C) or (C, H, W), uint8 or floating point in [0, 1], such
            as ``skimage.data.immunohistochemistry()``.
        size: Side of a tile in pixels, at least 2.
        stride: Pixels from one tile to the next; None takes ``size``, so that tiles do not overlap. Overlapping tiles
            are not independent images: never split them into training and test images at random.
        name: The data set's name.

    Returns:
        The tiles, (N, C, size, size) in [0, 1], without labels.

    Raises:
        ArgumentError: If a number is out of range, or the image is smaller than a tile.
        ArgumentTypeError: If ``image`` is not a tensor or array.
        DatasetError: If the image has another shape or type, or is out of range.

    Example:
        >>> tile_image(np.zeros((100, 60, 3), np.uint8)).images.shape
        torch.Size([6, 3, 28, 28])
    """
    check_int("size", size, minimum=2)
    step = size if stride is None else check_int("stride", stride, minimum=1)
    check_type("image", image, (Tensor, np.ndarray), "a tensor or an array")
    if image.ndim not in (2, 3):
        raise ArgumentError(f"Argument `image` must be one image, but has shape {tuple(image.shape)}.")
    image = as_images(image[None], name="image")[0]
    if min(image.shape[1:]) < size:
        raise ArgumentError(
            f"Argument `size` must be at most the image's sides, {tuple(image.shape[1:])}, but is {size}."
        )
    tiles = image.unfold(1, size, step).unfold(2, size, step)
    rows = tiles.permute(1, 2, 0, 3, 4).reshape(-1, image.shape[0], size, size)
    return ImageDataset(rows.contiguous().to(torch.float32), None, name, "train")
