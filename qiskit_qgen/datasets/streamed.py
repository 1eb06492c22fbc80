"""Images that stay where they are and are converted to float32 batch by batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen.datasets.images import check_layout, convert_images
from qiskit_qgen.datasets.reading import check_fits_memory

Reader = Callable[[NDArray[np.int64]], "Tensor | NDArray[np.generic]"]
"""Returns the images of these row numbers, as stored."""


class StreamedImages:
    """Images that are read from their source on demand: only the requested ones are in memory.

    It replaces a tensor (N, C, H, W) as the ``images`` of an :class:`~qiskit_qgen.datasets.ImageDataset`: it has a
    length and a shape, and indexing it with a slice or row numbers gives float32 images in [0, 1].

    Args:
        read: Returns rows as stored, in any form that :func:`~qiskit_qgen.datasets.as_images` takes.
        shape: The shape of all images, as stored.
        subject: The source, as the beginning of error messages: "File tiles.npy".

    Raises:
        DatasetError: If images cannot have this shape.
    """

    def __init__(self, read: Reader, shape: Sequence[int], subject: str) -> None:
        self._read, self._subject = read, subject
        self._rows = np.arange(shape[0])
        self._change: Callable[[Tensor], Tensor] | None = None
        self._sample_shape = check_layout(shape, subject)
        self.device, self.dtype = torch.device("cpu"), torch.float32

    @property
    def shape(self) -> torch.Size:
        """Number of images, channels, height and width."""
        return torch.Size((len(self._rows), *self._sample_shape))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Tensor | slice | Sequence[int] | int) -> Tensor:
        if isinstance(rows, int):
            return self[[rows]][0]
        chosen = self._rows[rows.cpu().numpy() if isinstance(rows, Tensor) else rows]
        if len(chosen) == 0:
            return torch.empty(0, *self._sample_shape, dtype=self.dtype, device=self.device)
        images = convert_images(self._read(chosen), self._subject, is_part=True)
        return (images if self._change is None else self._change(images)).to(self.device, self.dtype)

    def take(self, rows: Tensor) -> StreamedImages:
        """Return these images, int64 of shape (n,), without reading them."""
        part = copy.copy(self)
        part._rows = self._rows[rows.cpu().numpy()]
        return part

    def map(self, function: Callable[[Tensor], Tensor]) -> StreamedImages:
        """Return images that ``function`` computes from each batch, float32 (n, C, H, W)."""
        changed, former = copy.copy(self), self._change
        changed._change = function if former is None else lambda images: function(former(images))
        return changed

    def split(self, size: int) -> Iterator[Tensor]:
        """Yield all images in batches of ``size``."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> StreamedImages:
        """Return the same images, moved and converted when they are read."""
        moved = copy.copy(self)
        moved.device, moved.dtype = torch.device(device), dtype or self.dtype
        return moved

    def whole(self) -> Tensor:
        """Return all images as a tensor.

        Raises:
            DatasetError: If they do not fit into memory.
        """
        check_fits_memory(self.shape.numel(), self._subject)
        return torch.cat(list(self.split(512)))

    def dim(self) -> int:
        """Return 4."""
        return 4


def whole(images: Any) -> Any:
    """Return streamed images as a tensor, and anything else unchanged.

    Raises:
        DatasetError: If they do not fit into memory.
    """
    return images.whole() if isinstance(images, StreamedImages) else images
