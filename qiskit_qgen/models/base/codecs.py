"""Checks, encoding and decoding between a model's data and the vectors that its generator learns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_type
from qiskit_qgen.datasets import Column, ImageDataset, TableDataset, as_images
from qiskit_qgen.datasets.conversion import ImageConversion
from qiskit_qgen.datasets.frames import is_frame
from qiskit_qgen.datasets.streamed import StreamedImages
from qiskit_qgen.datasets.table_dataset import column_names
from qiskit_qgen.datasets.tables import as_table
from qiskit_qgen.datasets.torch_data import is_collection, load_collection, rows_of
from qiskit_qgen.exceptions import ArgumentError, DatasetError

_BATCH = 512
_ROUNDING = 0.01  # largest accepted float32 rounding error, relative to a column's range


class PixelCodec(nn.Module):
    """Uses the pixels of an image, scaled to [-1, 1], as its latent."""

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.image_shape = image_shape

    def encode(self, images: Tensor) -> Tensor:
        """Map ``images`` (N, C, H, W) to pixels (N, C H W)."""
        return images.flatten(1) * 2 - 1

    def decode(self, latents: Tensor) -> Tensor:
        """Map ``latents`` (N, C H W) to images (N, C, H, W)."""
        images: Tensor = ((latents + 1) / 2).unflatten(1, self.image_shape)
        return images


class RowCodec(nn.Module):
    """Uses a row of a table as its latent."""

    def encode(self, rows: Tensor) -> Tensor:
        """Return ``rows`` (N, num_features)."""
        return rows

    def decode(self, latents: Tensor) -> Tensor:
        """Return ``latents`` (N, num_features)."""
        return latents


@torch.no_grad()
def encode(codec: Any, data: Tensor) -> Tensor:
    """Return the latents (N, latent_dim) of ``data``, computed in batches.

    Raises:
        ArgumentError: If the latents are not vectors.
    """
    codec.eval()
    parts = [codec.encode(part) for part in data.split(_BATCH)]
    if parts[0].dim() != 2:
        raise ArgumentError(
            "Argument `autoencoder` must encode images (N, C, H, W) to vectors (N, latent_dim), but returned shape "
            f"{tuple(parts[0].shape)}."
        )
    return torch.cat(parts)


@torch.no_grad()
def decode(codec: Any, latents: Tensor, *, is_image: bool) -> Tensor:
    """Return the data of ``latents`` (N, latent_dim), computed in batches; images are clipped to [0, 1]."""
    codec.eval()
    data = torch.cat([codec.decode(part) for part in latents.split(_BATCH)])
    return data.clamp(0, 1) if is_image else data


def own_dataset(data: Any, name: str, *, of_images: bool) -> Any:
    """Convert a torch or Hugging Face data set to one of this package, or to its rows; return anything else unchanged.

    Raises:
        DatasetError: If it holds no images or rows, or they differ in shape or type.
    """
    if not is_collection(data):
        return data
    subject = f"Argument `{name}`"
    return load_collection(data, "train", ImageConversion(), subject) if of_images else rows_of(data, subject)


def check_images(data: Any, image_shape: tuple[int, int, int], *, name: str = "data") -> Tensor:
    """Return ``data`` as images (N, C, H, W) of ``image_shape``: a tensor, or streamed images, which behave like one.

    Raises:
        ArgumentTypeError: If ``data`` is not a tensor, array or data set.
        DatasetError: If the images are empty, out of range, not finite or have another shape.
    """
    images = data.images if isinstance(data, ImageDataset) else data
    if not isinstance(images, StreamedImages):
        images = as_images(images, name=name)
    if tuple(images.shape[1:]) != tuple(image_shape):
        raise DatasetError(
            f"Argument `{name}` must hold images of shape {tuple(image_shape)}, the model's `image_shape`, but they "
            f"have shape {tuple(images.shape[1:])}."
        )
    return cast(Tensor, images)


def check_table(
    data: Any, num_features: int, *, name: str = "data", columns: Sequence[Column] | None = None
) -> TableDataset:
    """Return ``data`` as a table with ``num_features`` columns and float32 rows.

    Args:
        data: A table, a data frame, or a tensor or array (N, num_features).
        num_features: The number of columns.
        name: The argument's name, for messages.
        columns: The columns of the model, to select by name; None takes all columns in order.

    Raises:
        ArgumentTypeError: If ``data`` has the wrong type.
        DatasetError: If the table is empty, has another shape or holds NaN or infinity, or float32 cannot hold it.
    """
    if not is_frame(data):
        check_type(name, data, (Tensor, np.ndarray, TableDataset), "a tensor or an array of rows, or a table")
    table = as_table(data, f"Argument `{name}`", columns=column_names(columns), width=num_features)
    return replace(table, rows=_single_precision(table, name))


def _single_precision(table: TableDataset, name: str) -> Tensor:
    """Return rows as float32 unless that would lose what distinguishes them."""
    exact = table.rows.double()
    rounded = exact.float().contiguous()
    if not bool(rounded.isfinite().all()):
        raise DatasetError(f"Argument `{name}` must hold numbers below 3.4e38, the largest of float32: rescale first.")
    low, high = exact.amin(dim=0), exact.amax(dim=0)
    lost = (rounded - exact).abs().amax(dim=0) > _ROUNDING * (high - low)
    if bool((lost & (high > low)).any()):
        column = int((lost & (high > low)).nonzero()[0])
        known = table.columns[column].name
        raise DatasetError(
            f"Argument `{name}` must hold columns that float32 can resolve, but column "
            f"{column if known is None else f'`{known}`'} varies by {float(high[column] - low[column]):.3g} around "
            f"{float(low[column]):.6g}: subtract that first."
        )
    return rounded


def fingerprint(*tensors: Tensor | StreamedImages) -> str:
    """Return a digest of shapes, types and values; equal data have equal digests."""
    digest = hashlib.blake2b(digest_size=16)
    for tensor in tensors:
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        for part in tensor.split(_BATCH) if isinstance(tensor, StreamedImages) else (tensor,):
            digest.update(part.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def reserve(num_samples: int, part: Tensor) -> Tensor:
    """Return an empty tensor for all samples; ``part`` holds the first ones."""
    try:
        return part.new_empty(num_samples, *part.shape[1:])
    except RuntimeError as error:
        size = num_samples * part[0].numel() * part.element_size()
        raise ArgumentError(
            f"Argument `num_samples` must be small enough for memory, but {num_samples} samples take {size:,} bytes: "
            "draw them in several calls with different seeds."
        ) from error
