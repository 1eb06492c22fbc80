"""The result of loading a data set, and the check of its labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen._typing import TensorLike
from qiskit_qgen.datasets.images import convert_images
from qiskit_qgen.datasets.streamed import StreamedImages
from qiskit_qgen.exceptions import DatasetError


@dataclass(frozen=True, eq=False, repr=False)
class ImageDataset:
    """Images with their labels.

    Attributes:
        images: Shape (N, C, H, W), float32 in [0, 1]; or images that are read on demand.
        labels: Shape (N,), int64 from 0, or None if the images have no labels.
        name: What was loaded: the name of a known data set, file or folder, "tensor" or "array".
        split: "train", "val" or "test".
        class_names: The name of each label, or None if the classes have no names.

    Raises:
        ArgumentTypeError: If ``images`` is neither a tensor nor a numpy array.
        DatasetError: If ``images`` or ``labels`` do not have the form above and cannot be converted without loss, if
            their numbers differ, or if a label has no name.
    """

    images: Any  # a Tensor, or StreamedImages, indexed in the same way
    labels: Tensor | None
    name: str
    split: str
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        subject = f"Data set {self.name!r}: "
        if not isinstance(self.images, StreamedImages):
            object.__setattr__(self, "images", convert_images(self.images, subject + "`images`"))
        if self.labels is not None:
            labels = _convert_labels(self.labels, len(self.images), subject + "`labels`")
            if self.class_names is not None and int(labels.max()) >= len(self.class_names):
                raise DatasetError(
                    f"{subject}`labels` must be less than {len(self.class_names)}, the number of class names, "
                    f"but reach {int(labels.max())}."
                )
            object.__setattr__(self, "labels", labels)

    def take(self, rows: Tensor) -> ImageDataset:
        """Return a data set of these images, int64 of shape (n,)."""
        images = self.images.take(rows) if isinstance(self.images, StreamedImages) else self.images[rows]
        return replace(self, images=images, labels=None if self.labels is None else self.labels[rows])

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        labels = "no labels" if self.labels is None else f"{len(self.labels.unique())} classes"
        return f"ImageDataset({self.name!r}, {self.split!r}, images of shape {tuple(self.images.shape)}, {labels})"


def _convert_labels(labels: TensorLike, count: int, subject: str) -> Tensor:
    """Return ``labels`` as int64 of shape (``count``,), or raise with ``subject`` as the sentence's beginning."""
    if np.ma.is_masked(labels):
        raise DatasetError(f"{subject} must be integers, but some are masked.")
    array = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise DatasetError(f"{subject} must be integers, but are of type {array.dtype.name}.")
    if array.shape not in ((count,), (count, 1)):
        raise DatasetError(f"{subject} must have shape ({count},), one for each image, but have shape {array.shape}.")
    if array.min() < 0 or array.max() > np.iinfo(np.int64).max:
        raise DatasetError(f"{subject} must be from 0 up, but reach from {array.min()} to {array.max()}.")
    return torch.from_numpy(array.reshape(count).astype(np.int64))
