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

import io
import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen.datasets.held_out import HeldOut, draw_rows
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.reading import check_fits_memory, check_pickle, reading
from qiskit_qgen.exceptions import DatasetError

ARRAY_SUFFIXES = (".npz", ".npy", ".pt", ".pth")
"""The endings that :func:`load_array_file` reads."""

_NAMES = {
    "train": (("images", "labels"), ("train_images", "train_labels"), ("x_train", "y_train")),
    "val": (("val_images", "val_labels"), ("x_val", "y_val")),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}
_PICKLES_OF_OLD_FILES = 5  # the magic number, the version, the machine, the tensors, and the names of their storages
_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def load_array_file(
    path: Path,
    split: str,
    *,
    num_images: int | None = None,
    subset_seed: int = 0,
    name: str | None = None,
    class_names: tuple[str, ...] | None = None,
    labelled: bool = True,
    test_fraction: float | None = None,
) -> ImageDataset:
    """Return the pictures of one split of an ``.npz``, ``.npy`` or ``.pt`` file.

    Args:
        path: The file, which exists.
        split: "train", "val" or "test"; "val" only if the file names such images.
        num_images: How many pictures are drawn; no others are ever in memory. None takes all.
        subset_seed: Seed of that draw.
        name: The data set's name; None takes the file's.
        class_names: A name for each label, or None.
        labelled: Whether to take the labels, if there are any.
        test_fraction: Share that is held out for testing where there are no test images; None takes a tenth.

    Raises:
        ArgumentError: If ``num_images`` or ``subset_seed`` is out of range, or ``test_fraction`` has no effect.
        DatasetError: If the file is damaged, would need pickle, lacks the split, or does not hold pictures.
    """
    draw = _Draw(path, split, num_images, subset_seed, test_fraction)
    read = {".npy": _read_npy, ".npz": _read_npz}.get(path.suffix.lower(), _read_torch)
    images, labels = read(path, draw)
    return ImageDataset(images, labels if labelled else None, name or path.name, split, class_names)


class _Draw:
    """Which arrays of a file, and which of their rows, are taken: first of the images, then of the labels."""

    def __init__(
        self, path: Path, split: str, num_images: int | None, subset_seed: int, test_fraction: float | None
    ) -> None:
        self._path, self._split = path, split
        self._num_images, self._subset_seed, self._test_fraction = num_images, subset_seed, test_fraction
        self._part: HeldOut | None = None
        self._rows: Tensor | None = None
        self._count: int | None = None

    def choose(self, held: Collection[Any]) -> tuple[str, str | None]:
        """Return the names of the images and of their labels or None, out of the names ``held``."""
        has_train, has_test = (any(images in held for images, _ in _NAMES[split]) for split in ("train", "test"))
        if has_train:
            self._part = HeldOut.unless(has_test, self._split, f"File {self._path}", self._test_fraction)
        for images, labels in _NAMES[self._split if self._part is None else "train"]:
            if images in held:
                return images, labels if labels in held else None
        if self._split == "val" and has_train:
            raise DatasetError(
                f"File {self._path} has no validation images; ask for split='train', or store them as `val_images`."
            )
        listed = ", ".join(f"`{key:.40}`" for key in list(held)[:5] if isinstance(key, str)) or "nothing"
        raise DatasetError(f"File {self._path} must hold `images` or `{self._split}_images`, but holds {listed}.")

    def rows(self, count: int) -> Tensor | None:
        """Return which of ``count`` rows are taken; None takes all."""
        if self._count is None:
            if self._num_images is not None or self._part is not None:
                check_fits_memory(2 * count, self._path)
            self._count = count
            self._rows = draw_rows(count, self._part, self._num_images, self._subset_seed)
        elif self._rows is not None and count != self._count:
            raise DatasetError(
                f"File {self._path} must hold {self._count} labels, one for each image, but holds {count}."
            )
        return self._rows


def _read_npy(path: Path, draw: _Draw) -> tuple[Any, Any]:
    draw.choose(("images",))
    with reading(path, "an .npy file"), path.open("rb") as file:
        return _read_array(file, path.stat().st_size, path, draw), None


def _read_npz(path: Path, draw: _Draw) -> tuple[Any, Any]:
    """Return images and labels; other arrays are only listed."""
    with reading(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        arrays: list[Any] = []
        for name in draw.choose(members):
            if name is None:
                return arrays[0], None
            with archive.open(members[name]) as file:
                arrays.append(_read_array(file, members[name].file_size, path, draw))
    return arrays[0], arrays[1]


def _read_array(file: IO[bytes], size: int, path: Path, draw: _Draw) -> NDArray[np.generic]:
    """Return the drawn rows of the array in ``file`` of ``size`` bytes.

    Raises:
        DatasetError: If the array needs pickle or its declared shape does not match ``size``.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:
        raise DatasetError(f"File {path} holds an array of format version {version}, which pictures never need.")
    shape, is_fortran, dtype = _HEADER_READERS[version](file)
    if dtype.hasobject:
        raise DatasetError(f"File {path} holds Python objects, which only pickle could read; store plain numbers.")
    start = file.tell()
    declared = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or declared != size - start:
        raise DatasetError(
            f"File {path} is truncated or damaged: it declares an array of shape {shape} with {declared} bytes, "
            f"but holds {size - start}."
        )
    rows = draw.rows(shape[0]) if shape and declared else None
    if rows is None or is_fortran:
        check_fits_memory(math.prod(shape), path, itemsize=dtype.itemsize)
        file.seek(0)
        array: NDArray[np.generic] = np.lib.format.read_array(file, allow_pickle=False)
        return array if rows is None else array[rows.numpy()]
    step = declared // shape[0]
    check_fits_memory(len(rows) * step // dtype.itemsize, path, itemsize=dtype.itemsize)
    drawn = np.empty((len(rows), *shape[1:]), dtype)
    for place in rows.argsort().tolist():  # forward, since a compressed file is read from its beginning
        file.seek(start + int(rows[place]) * step)
        drawn[place] = np.frombuffer(file.read(step), dtype).reshape(shape[1:])
    return drawn


def _read_torch(path: Path, draw: _Draw) -> tuple[Any, Any]:
    try:
        # Mapped, so that only what is drawn comes into memory; files of the old kind cannot be.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=_check_torch(path))
    except DatasetError:
        raise
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
    images, labels = (None if key is None else _take(arrays[key], key, path, draw) for key in draw.choose(arrays))
    return images, labels


def _check_torch(path: Path) -> bool:
    """Return whether the file is a zip archive; raise if reading it could take more memory than it has bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"PK\3\4":
            check_fits_memory(size // 4, path)
            file.seek(0)
            for _ in range(_PICKLES_OF_OLD_FILES):
                check_pickle(file, size)
            return False
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
            if not stored or sum(member.file_size for member in members) > size:
                raise DatasetError(f"File {path} holds compressed records, which torch.save never writes.")
            for member in members:
                if member.filename.endswith(".pkl"):
                    check_fits_memory(member.file_size // 4, path)
                    check_pickle(io.BytesIO(archive.read(member)), size)
    return True


def _take(tensor: object, key: str, path: Path, draw: _Draw) -> Tensor:
    """Return the drawn rows of a tensor, in memory of their own."""
    if not isinstance(tensor, Tensor):
        raise DatasetError(f"File {path}: `{key}` must be a tensor, but is a {type(tensor).__name__}.")
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        raise DatasetError(f"File {path}: `{key}` must be a dense tensor with values.")
    rows = draw.rows(len(tensor)) if tensor.dim() else None
    # A stored view may repeat a few values any number of times.
    number = tensor.numel() if rows is None else len(rows) * tensor[0].numel()
    check_fits_memory(number, path, itemsize=tensor.element_size())
    with reading(path, "a file of tensors"):
        return tensor.detach().clone() if rows is None else tensor.detach()[rows]
