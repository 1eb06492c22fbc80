"""Images as every public function takes them: float32 tensors (N, C, H, W) in [0, 1]."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen.exceptions import ArgumentTypeError, DatasetError

ImageData: TypeAlias = Tensor | NDArray[np.generic]
"""Types that can be converted to images."""

USUAL_CHANNELS = 4
"""Grey, grey with alpha, RGB and RGBA have at most this many channels."""

_FLOAT_TYPES = ("float16", "bfloat16", "float32", "float64")
_SHAPES = "(N, C, H, W), (N, H, W) or (N, H, W, C)"


def as_images(data: ImageData, *, name: str = "data") -> Tensor:
    """Return ``data`` as images, or raise an error that says in one sentence why it cannot be converted.

    Values are either uint8 from 0 to 255, which are divided by 255, or floating-point numbers from 0 to 1. Shapes are
    (N, C, H, W), (N, H, W) for one channel, or (N, H, W, C). The first of these rules that leaves only one of the two
    four-dimensional layouts decides which it is:

    1. Height and width are at least 2.
    2. There are at most four channels.
    3. The images are square.

    If both layouts still fit, as for (10, 3, 32, 3), or neither does, as for (10, 8, 28, 32), the data are refused.

    Args:
        data: The images, as a tensor on any device or a numpy array. It is not changed; a float32 tensor of shape (N,
            C, H, W) is returned without a copy.
        name: Name of the argument in error messages.

    Returns:
        Images of shape (N, C, H, W), float32 in [0, 1], contiguous, detached from any graph.

    Raises:
        ArgumentTypeError: If ``data`` is neither a tensor nor a numpy array.
        DatasetError: If ``data`` is empty or has another shape or type, or values that are NaN or out of range.

    Example:
        >>> as_images(np.full((5, 28, 28), 255, dtype=np.uint8)).shape
        torch.Size([5, 1, 28, 28])
    """
    return convert_images(data, f"Argument `{name}`")


def convert_images(data: ImageData, subject: str, *, is_part: bool = False) -> Tensor:
    """Do the work of :func:`as_images`; ``subject`` begins every error: "Argument `data`" or "File cats.npz".

    For a part of a data set, uint8 values that are only 0 and 1 do not prove that the whole is scaled differently.
    """
    if hasattr(data, "whole"):  # streamed images
        data = data.whole()
    _check_kind(data, subject)
    tensor = _channels_first(_as_tensor(data), subject)
    low, high = (float(bound) for bound in torch.aminmax(tensor))
    if tensor.dtype == torch.uint8:
        if high == 1 and not is_part:
            raise DatasetError(
                f"{subject} must hold values from 0 to 255 if it is uint8, but holds only 0 and 1; "
                "convert it to floating point, or multiply it by 255."
            )
        return tensor.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
    _check_range(tensor, low, high, subject)
    return tensor.to(torch.float32).contiguous()


def check_layout(shape: Sequence[int], subject: str) -> tuple[int, int, int]:
    """Return channels, height and width of images in an array of this shape, as :func:`as_images` reads it.

    Raises:
        DatasetError: If images cannot have this shape.
    """
    _, channels, height, width = _channels_first(torch.empty(tuple(shape), device="meta"), subject).shape
    return channels, height, width


def _check_kind(data: object, subject: str) -> None:
    """Raise unless ``data`` is a dense tensor or array of a type that images can have."""
    if not isinstance(data, (Tensor, np.ndarray)):
        remedy = "; load it with `load_dataset`" if isinstance(data, (str, os.PathLike)) else ""
        remedy = "; pass its `.images`" if hasattr(data, "images") else remedy
        raise ArgumentTypeError(
            f"{subject} must be a tensor or a numpy array of images, but is of type {type(data).__name__}{remedy}."
        )
    if isinstance(data, Tensor) and (data.layout != torch.strided or data.is_meta):
        raise DatasetError(f"{subject} must be a dense tensor with values, but is sparse or without data.")
    if np.ma.is_masked(data):
        count = int(np.ma.getmaskarray(np.asanyarray(data)).sum())
        raise DatasetError(
            f"{subject} must hold a value for each pixel, but {count} are masked; fill them with `.filled(value)`."
        )
    kind = str(data.dtype).removeprefix("torch.") if isinstance(data, Tensor) else data.dtype.name
    if kind != "uint8" and kind not in _FLOAT_TYPES:
        remedy = "; convert it to floating point" if kind == "bool" else ""
        if "int" in kind and np.size(data):
            low, high = int(data.min()), int(data.max())
            remedy = f"; {_remedy(low, high)}, in floating point"
            if low >= 0 and high <= 1:
                remedy = "; convert it to floating point"
            elif low >= 0 and _full_scale(high) == 255:
                remedy = "; convert values from 0 to 255 to uint8"
        raise DatasetError(f"{subject} must be uint8 or floating point, but is of type {kind}{remedy}.")


def _as_tensor(data: ImageData) -> Tensor:
    """Return ``data`` as a detached tensor that shares its memory where torch can."""
    if isinstance(data, Tensor):
        return data.detach()
    native = data.dtype.newbyteorder("=")
    return torch.from_numpy(np.require(data, dtype=native, requirements=["C", "W", "E"]))


def _channels_first(tensor: Tensor, subject: str) -> Tensor:
    """Return a view of ``tensor`` in the layout (N, C, H, W)."""
    shape = tuple(tensor.shape)
    if tensor.ndim not in (3, 4):
        raise DatasetError(f"{subject} must have shape {_SHAPES}, but has shape {shape}.")
    if 0 in shape:
        raise DatasetError(f"{subject} must hold at least one image, but has shape {shape}.")
    if tensor.ndim == 3:
        _, height, width = shape
        if width <= USUAL_CHANNELS and height != width:
            raise DatasetError(
                f"{subject} must have shape {_SHAPES}, but has shape {shape}, which looks like a single image or a "
                "missing axis; add the axis that is missing."
            )
        tensor = tensor.unsqueeze(1)
    readings = [tensor, tensor.permute(0, 3, 1, 2)]
    readings = [reading for reading in readings if min(reading.shape[2:]) >= 2]
    if not readings:
        raise DatasetError(f"{subject} must hold images of at least 2 x 2 pixels, but has shape {shape}.")
    if len(readings) == 2:
        few = [reading for reading in readings if reading.shape[1] <= USUAL_CHANNELS]
        square = [reading for reading in readings if reading.shape[2] == reading.shape[3]]
        readings = few if len(few) == 1 else square
    if len(readings) != 1:
        raise DatasetError(
            f"{subject} has shape {shape}, which does not tell the channels from height and width; "
            "crop or resize to square images of at least 5 x 5 pixels."
        )
    return readings[0]


def _check_range(tensor: Tensor, low: float, high: float, subject: str) -> None:
    """Raise unless ``low`` and ``high``, the extremes of ``tensor``, lie in [0, 1]."""
    # The extremes are NaN if any value is, since torch propagates NaN.
    if not np.isfinite([low, high]).all():
        count = int((~torch.isfinite(tensor)).sum())
        raise DatasetError(
            f"{subject} must hold finite numbers, but {count} of its {tensor.numel()} are NaN or infinite."
        )
    if low >= 0 and high <= 1:
        return
    raise DatasetError(
        f"{subject} must hold numbers from 0 to 1, but they reach from {low:.6g} to {high:.6g}; {_remedy(low, high)}."
    )


def _remedy(low: float, high: float) -> str:
    """Say how to bring numbers from ``low`` to ``high`` into [0, 1]."""
    if low >= -0.05 and high <= 1.05:
        return "clip with clamp(0, 1)"
    if low >= 0:
        scale = _full_scale(high)
        return f"divide by {scale:.6g}" + ", if that is their largest possible value" * (scale not in (high, 255))
    return "rescale with (x + 1) / 2" if low >= -1 and high <= 1 else "rescale first"


def _full_scale(high: float) -> float:
    """Return the largest possible value of images that reach ``high``, for digits or for 8 to 16 bits."""
    return next((scale for scale in (255, 1023, 4095, 16383, 65535) if 16 < high <= scale), high)
