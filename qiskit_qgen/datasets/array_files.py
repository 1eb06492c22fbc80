"""Pictures in ``.npz``, ``.npy`` and ``.pt`` files, read without pickle.

===============  ===============================================================================================
``.npy``         the images
``.npz``         arrays ``images`` and, if there are labels, ``labels``; or ``train_images``, ``train_labels``,
                 ``test_images``, ``test_labels``; or ``x_train``, ``y_train``, ``x_test``, ``y_test``; for validation
                 likewise with ``val``
``.pt, .pth``    a tensor of images, or a dict of tensors with the names of ``.npz``
===============  ===============================================================================================
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.reading import check_fits_memory, reading
from qiskit_qgen.exceptions import DatasetError

ARRAY_SUFFIXES = (".npz", ".npy", ".pt", ".pth")
"""The endings that :func:`load_array_file` reads."""

_NAMES = {
    "train": (("images", "labels"), ("train_images", "train_labels"), ("x_train", "y_train")),
    "val": (("val_images", "val_labels"), ("x_val", "y_val")),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}
_KINDS = {"val": "validation", "test": "test"}
_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def load_array_file(
    path: Path,
    split: str,
    *,
    name: str | None = None,
    class_names: tuple[str, ...] | None = None,
    labelled: bool = True,
) -> ImageDataset:
    """Return the pictures of one split of an ``.npz``, ``.npy`` or ``.pt`` file.

    Args:
        path: The file, which exists.
        split: "train", "val" or "test"; the latter two only if the file names such pictures.
        name: The data set's name; None takes the file's.
        class_names: A name for each label, or None.
        labelled: Whether to take the labels, if there are any.

    Raises:
        DatasetError: If the file is damaged, would need pickle, lacks the split, or does not hold pictures.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        arrays: dict[str, Any] = {"images": _read_npy(path)}
    elif suffix == ".npz":
        arrays = _read_npz(path, split)
    else:
        arrays = _read_torch(path, split)
    images, labels = _choose(arrays, split, path)
    return ImageDataset(images, labels if labelled else None, name or path.name, split, class_names)


def _choose(arrays: dict[str, Any], split: str, path: Path) -> tuple[Any, Any]:
    """Return the images of ``split`` and their labels or None."""
    for images, labels in _NAMES[split]:
        if images in arrays:
            return arrays[images], arrays.get(labels)
    if split in _KINDS and any(images in arrays for images, _ in _NAMES["train"]):
        raise DatasetError(
            f"File {path} has no {_KINDS[split]} pictures; ask for split='train', or store them as `{split}_images`."
        )
    held = ", ".join(f"`{key!s:.40}`" for key in list(arrays)[:5]) or "nothing"
    raise DatasetError(f"File {path} must hold `images` or `{split}_images`, but holds {held}.")


def _read_npy(path: Path) -> NDArray[np.generic]:
    with reading(path, "an .npy file"), path.open("rb") as file:
        _check_header(file, path.stat().st_size, path)
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def _names(split: str) -> frozenset[str]:
    return frozenset(name for pair in _NAMES[split] for name in pair)


def _read_npz(path: Path, split: str) -> dict[str, Any]:
    """Return the arrays of ``split``; others are only listed, since they are not needed."""
    arrays: dict[str, Any] = {}
    with reading(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            arrays[name] = None
            if name in _names(split):
                with archive.open(member) as file:
                    _check_header(file, member.file_size, path)
                with archive.open(member) as file:
                    arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
    return arrays


def _check_header(file: IO[bytes], size: int, path: Path) -> None:
    """Raise if the array in ``file`` of ``size`` bytes needs pickle, or its declared shape does not match ``size``."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:
        raise DatasetError(f"File {path} holds an array of format version {version}, which pictures never need.")
    shape, _, dtype = _HEADER_READERS[version](file)
    if dtype.hasobject:
        raise DatasetError(f"File {path} holds Python objects, which only pickle could read; store plain numbers.")
    declared = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or declared != size - file.tell():
        raise DatasetError(
            f"File {path} is truncated or damaged: it declares an array of shape {shape} with {declared} bytes, "
            f"but holds {size - file.tell()}."
        )
    check_fits_memory(math.prod(shape), path)


def _read_torch(path: Path, split: str) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of many types, which advise to load with pickle
        raise DatasetError(
            f"File {path} is damaged or holds more than tensors, which only pickle could read: save a tensor, or a "
            "dict of tensors, with torch.save."
        ) from error
    arrays = {"images": content} if isinstance(content, Tensor) else content
    if not isinstance(arrays, dict):
        raise DatasetError(
            f"File {path} must hold a tensor or a dict of tensors, but holds a {type(content).__name__}."
        )
    for key in _names(split) & arrays.keys():
        if not isinstance(arrays[key], Tensor):
            raise DatasetError(f"File {path}: `{key}` must be a tensor, but is a {type(arrays[key]).__name__}.")
        # A stored view may repeat a few values any number of times.
        check_fits_memory(arrays[key].numel(), path)
    return arrays
