"""Reads torch's data sets and loaders, and Hugging Face's ``datasets``, as images or tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from qiskit_qgen.datasets.conversion import ImageConversion
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.image_files import HeldImage, ImageCollector
from qiskit_qgen.datasets.streamed import StreamedImages
from qiskit_qgen.exceptions import ArgumentError, DatasetError

_IMAGE_KEYS, _LABEL_KEYS = ("image", "images", "img", "pixel_values"), ("label", "labels", "target")
_REMEDY = "Load them by `load_dataset(data, {})`."
_SPLITS = {"train": ("train",), "val": ("validation", "valid", "val"), "test": ("test",)}


def is_collection(data: object) -> bool:
    """Whether ``data`` is a torch data set or loader, or a data set of ``datasets``."""
    return isinstance(data, (Dataset, DataLoader)) or _is_hugging_face(data)


def load_collection(
    data: Any, split: str, conversion: ImageConversion, subject: str, *, stream: bool = False
) -> ImageDataset:
    """Return the images of a collection, with labels and class names if it has any.

    Args:
        data: A data set whose items are images, pairs of an image and a label, or dicts of them; a loader of batches of
            these; or a data set of ``datasets`` with one column of images and perhaps one of class labels. Images are
            Pillow images, or tensors or arrays in a form that :func:`~qiskit_qgen.datasets.as_images` takes.
        split: "train", or a split of a ``datasets.DatasetDict``.
        conversion: How to make Pillow images alike.
        subject: The beginning of error messages: "Argument `data`".
        stream: Whether to read images on demand; this requires a data set with a length.

    Raises:
        ArgumentError: If ``stream`` is used with a loader or an iterable data set, or a conversion with arrays.
        DatasetError: If there are no images or no such split, or if images are not alike, are out of range, or do not
            fit into memory.
    """
    if _is_hugging_face(data) and isinstance(data, Mapping):
        names = [name for name in _SPLITS[split] if name in data]
        if not names:
            raise DatasetError(f"{subject} has no images of the split {split!r}; its splits are {', '.join(data)}.")
        data = data[names[0]]
    elif split != "train":
        raise DatasetError(f"{subject} has no images of the split {split!r}; ask for split='train'.")
    source = _HuggingFace(data, subject) if _is_hugging_face(data) else _Torch(data, subject)
    name = type(data).__name__
    if stream:
        return ImageDataset(_streamed(source, conversion, subject), source.all_labels(), name, split, source.classes)
    images, labels = _gathered(source, conversion, subject)
    return ImageDataset(images, labels, name, split, source.classes)


def rows_of(data: Any, subject: str) -> Any:
    """Return the rows of a table in a collection: a tensor, or a data frame of a data set of ``datasets``.

    Raises:
        DatasetError: If its items are not rows of equal length.
    """
    if _is_hugging_face(data):
        if not hasattr(data, "to_pandas"):
            raise DatasetError(f"{subject} must be one data set with a length: choose a split, or read it first.")
        return data.to_pandas()
    if isinstance(data, TensorDataset):
        return data.tensors[0]
    is_loader = isinstance(data, DataLoader)
    parts = [torch.as_tensor(_sample(item, subject)) for item in _items(data)]
    if not parts or len({part.shape[1:] if is_loader else part.shape for part in parts}) > 1:
        raise DatasetError(f"{subject} must hold rows of equal length, one at least.")
    return torch.cat(parts) if is_loader else torch.stack(parts)


class _Torch:
    """Access to a torch data set or loader."""

    def __init__(self, data: Any, subject: str) -> None:
        self._data, self._subject = data, subject
        classes = getattr(data, "classes", None)
        known = isinstance(classes, (list, tuple)) and all(isinstance(name, str) for name in classes)
        self.classes: tuple[str, ...] | None = tuple(classes) if known and classes is not None else None

    def __len__(self) -> int:
        return len(self._data)

    @property
    def is_indexed(self) -> bool:
        """Whether items can be accessed by number."""
        return not isinstance(self._data, (DataLoader, IterableDataset)) and hasattr(self._data, "__len__")

    def batches(self) -> Iterator[tuple[Any, Any]]:
        """Yield samples and their labels or None: in batches from a loader, else one by one."""
        for item in _items(self._data):
            yield _sample(item, self._subject), _label(item)

    @property
    def is_batched(self) -> bool:
        """Whether :meth:`batches` yields several samples at a time."""
        return isinstance(self._data, DataLoader) and self._data.batch_size is not None

    def sample(self, index: int) -> Any:
        """Return the sample of a number."""
        return _sample(self._data[index], self._subject)

    def all_labels(self) -> Any:
        """Return all labels without reading a sample, or None."""
        if isinstance(self._data, TensorDataset):
            return self._data.tensors[1] if len(self._data.tensors) > 1 else None
        found = getattr(self._data, "targets", None)
        return None if found is None else torch.as_tensor(found)


class _HuggingFace:
    """Access to a data set of ``datasets``."""

    def __init__(self, data: Any, subject: str) -> None:
        features = dict(data.features or {})
        kinds = {name: type(feature).__name__ for name, feature in features.items()}
        images = [name for name, kind in kinds.items() if kind == "Image"]
        labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
        if len(images) != 1 or len(labels) > 1:
            listed = ", ".join(f"`{name}` ({kind})" for name, kind in kinds.items()) or "nothing"
            raise DatasetError(
                f"{subject} must have one column of images and one of class labels at most, but has {listed}: choose "
                "them by `data.select_columns([...])`."
            )
        self._data = data.with_format(None)
        self._image, self._label = images[0], (labels or [None])[0]
        self.classes = None if self._label is None else tuple(features[self._label].names)
        self.is_indexed, self.is_batched = hasattr(data, "__len__"), False

    def __len__(self) -> int:
        return len(self._data)

    def batches(self) -> Iterator[tuple[Any, Any]]:
        """Yield images and their labels or None, one by one."""
        for item in self._data:
            yield item[self._image], None if self._label is None else item[self._label]

    def sample(self, index: int) -> Any:
        """Return the image of a number."""
        return self._data[index][self._image]

    def all_labels(self) -> Any:
        """Return all labels without decoding an image, or None."""
        return None if self._label is None else torch.tensor(list(self._data[self._label]))


def _is_hugging_face(data: object) -> bool:
    module = sys.modules.get("datasets")
    names = ("Dataset", "IterableDataset", "DatasetDict", "IterableDatasetDict")
    kinds = tuple(getattr(module, name) for name in names if hasattr(module, name))
    return bool(kinds) and isinstance(data, kinds)


def _items(data: Any) -> Iterable[Any]:
    """Yield the items of a data set or loader; without an iterator, by their numbers."""
    return data if hasattr(data, "__iter__") else (data[index] for index in range(len(data)))


def _sample(item: Any, subject: str) -> Any:
    """Return the image or row of an item: itself, the first of a sequence, or the value of a known key of a dict."""
    if isinstance(item, Mapping):
        names = [name for name in _IMAGE_KEYS if name in item]
        if not names:
            known = ", ".join(map(repr, item))
            raise DatasetError(f"{subject} must have items with one of the keys {', '.join(_IMAGE_KEYS)}, not {known}.")
        return item[names[0]]
    return item[0] if isinstance(item, (tuple, list)) and len(item) else item


def _label(item: Any) -> Any:
    """Return the label of an item or the labels of a batch; None if there are none."""
    if isinstance(item, Mapping):
        return next((item[name] for name in _LABEL_KEYS if name in item), None)
    return item[1] if isinstance(item, (tuple, list)) and len(item) > 1 else None


def _gathered(source: _Torch | _HuggingFace, conversion: ImageConversion, subject: str) -> tuple[Any, Any]:
    """Return all images as one array or tensor, and their labels or None."""
    from PIL.Image import Image

    found = source.batches()
    first = next(found, None)
    if first is None:
        raise DatasetError(f"{subject} must hold at least one image, but is empty.")
    everything = chain([first], found)
    labels: list[Any] = []
    if isinstance(first[0], Image):
        held = []
        collector: ImageCollector | None = None
        if source.is_indexed:
            collector = ImageCollector(subject, len(source), conversion, remedy=_REMEDY)
        for number, (image, label) in enumerate(everything):
            _check_kind(image, Image, subject, number)
            labels.append(label)
            each = HeldImage(f"image {number}", image)
            held.append(each) if collector is None else collector.add(each)
        if collector is None:
            collector = ImageCollector(subject, len(held), conversion, remedy=_REMEDY)
            for each in held:
                collector.add(each)
        return collector.images()[0], _joined(labels, subject, is_batched=False)
    _refuse_conversion(conversion)
    parts = []
    for number, (sample, label) in enumerate(everything):
        _check_kind(sample, (Tensor, np.ndarray), subject, number)
        parts.append(torch.as_tensor(sample).detach().cpu())
        labels.append(label)
    shapes = {tuple(part.shape[1:] if source.is_batched else part.shape) for part in parts}
    if len(shapes) > 1:
        listed = " and ".join(map(str, sorted(shapes)[:2]))
        raise DatasetError(f"{subject} must hold images of one shape, but holds some of {listed}: resize them first.")
    images = torch.cat(parts) if source.is_batched else torch.stack(parts)
    return images, _joined(labels, subject, is_batched=source.is_batched)


def _joined(labels: list[Any], subject: str, *, is_batched: bool) -> Any:
    """Return the labels of samples or batches as a tensor (N,); None if there are none or they are not integers."""
    if any(label is None for label in labels):
        return None
    parts = [torch.as_tensor(label) for label in labels]
    if any(part.is_floating_point() or part.dim() != is_batched for part in parts):
        raise DatasetError(f"{subject} must have an integer as the label of each image, or items without labels.")
    return torch.cat(parts) if is_batched else torch.stack(parts)


def _streamed(source: _Torch | _HuggingFace, conversion: ImageConversion, subject: str) -> StreamedImages:
    """Return images that are read from a data set on demand."""
    from PIL.Image import Image

    if not source.is_indexed:
        raise ArgumentError("Argument `stream` needs a data set with a length, whose items can be had by number.")

    def read(rows: NDArray[np.int64]) -> Any:
        samples = [source.sample(int(row)) for row in rows]
        if isinstance(samples[0], Image):
            collector = ImageCollector(subject, len(samples), conversion, remedy=_REMEDY)
            for row, image in zip(rows, samples, strict=True):
                collector.add(HeldImage(f"image {row}", image))
            return collector.images()[0]
        _refuse_conversion(conversion)
        tensors = [torch.as_tensor(sample) for sample in samples]
        if len({tensor.shape for tensor in tensors}) > 1:
            raise DatasetError(f"{subject} must hold images of one shape: resize them first.")
        return torch.stack(tensors)

    if len(source) == 0:
        raise DatasetError(f"{subject} must hold at least one image, but is empty.")
    return StreamedImages(read, (len(source), *read(np.array([0])).shape[1:]), subject)


def _check_kind(sample: Any, kinds: Any, subject: str, number: int) -> None:
    if not isinstance(sample, kinds):
        raise DatasetError(
            f"{subject} must hold images of Pillow, tensors or arrays, all of one kind, but item {number} is a "
            f"{type(sample).__name__}."
        )


def _refuse_conversion(conversion: ImageConversion) -> None:
    if conversion != ImageConversion():
        raise ArgumentError("Arguments `image_size` and `mode` have an effect on Pillow's images, not on arrays.")
