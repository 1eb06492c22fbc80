"""Images and tables in ``.npz``, ``.npy`` and ``.pt`` files, read without pickle.

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
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen.datasets.held_out import HeldOut, draw_rows
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.reading import check_fits_memory, check_pickle, reading
from qiskit_qgen.exceptions import ArgumentError, DatasetError

ARRAY_SUFFIXES = (".npz", ".npy", ".pt", ".pth")
"""The file extensions that :func:`load_array_file` reads."""

Names: TypeAlias = Mapping[str, Sequence[tuple[str, str | None]]]
"""For each split, the names that its samples and labels may have in a file."""

_IMAGES: Names = {
    "train": (("images", "labels"), ("train_images", "train_labels"), ("x_train", "y_train")),
    "val": (("val_images", "val_labels"), ("x_val", "y_val")),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}
_COLUMNS, _LONGEST_NAMES = "columns", 2**22
_LISTED = 8  # the most arrays that a message lists
_PICKLES_OF_OLD_FILES = 5  # magic number, version, machine, tensors, names of their storages
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
    key: str | None = None,
) -> ImageDataset:
    """Return the images of one split of an ``.npz``, ``.npy`` or ``.pt`` file.

    Args:
        path: The file, which exists.
        split: "train", "val" or "test"; "val" only if the file names such images.
        num_images: Number of images to draw; only these are ever held in memory. None takes all.
        subset_seed: Seed of the draw.
        name: The data set's name; None takes the file's.
        class_names: The name of each label, or None.
        labelled: Whether to take the labels, if there are any.
        test_fraction: Share to hold out for testing if there are no test images; None takes a tenth.
        key: Name of the array that holds the images; None looks for the usual names.

    Raises:
        ArgumentError: If ``num_images`` or ``subset_seed`` is out of range, ``test_fraction`` has no effect, or the
            file lacks an array ``key``.
        DatasetError: If the file is damaged, would need pickle, lacks the split, or does not hold images.
    """
    draw = ArrayDraw(path, split, num_images, subset_seed, test_fraction, key=key)
    images, labels = draw.read()
    return ImageDataset(images, labels if labelled else None, name or path.name, split, class_names)


class ArrayDraw:
    """Which arrays and rows to read from a file: first the samples, then the labels.

    Args:
        path: The file, which exists.
        split: "train", "val" or "test".
        number: Number of samples to draw; only these are ever held in memory. None takes all.
        subset_seed: Seed of the draw.
        test_fraction: Share to hold out for testing if there are no test samples; None takes a tenth.
        key: Name of the array that holds the samples; None looks for ``names``.
        names: The usual names of the samples and labels of each split.
        unit: What to call the samples in messages.
    """

    def __init__(
        self,
        path: Path,
        split: str,
        number: int | None,
        subset_seed: int,
        test_fraction: float | None,
        *,
        key: str | None = None,
        names: Names = _IMAGES,
        unit: str = "images",
    ) -> None:
        self._path, self._split = path, split
        self._number, self._subset_seed, self._test_fraction = number, subset_seed, test_fraction
        self._key, self._names, self._unit = key, names, unit
        self._part: HeldOut | None = None
        self._rows: Tensor | None = None
        self._count: int | None = None

    def read(self) -> tuple[Any, Any]:
        """Return the samples and their labels; None if there are no labels.

        Raises:
            ArgumentError: If there is no array ``key``, or an option is out of range or has no effect.
            DatasetError: If the file is damaged, would need pickle or lacks the split.
        """
        read = {".npy": _read_npy, ".npz": _read_npz}.get(self._path.suffix.lower(), _read_torch)
        return read(self._path, self)

    def choose(self, held: Collection[Any]) -> tuple[str, str | None]:
        """Return, from the names ``held``, those of the samples and of their labels, or None for the latter."""
        names = self._names if self._key is None else {"train": ((self._key, None),), "val": (), "test": ()}
        has_train, has_test = (any(samples in held for samples, _ in names[split]) for split in ("train", "test"))
        if has_train:
            subject = f"File {self._path}"
            self._part = HeldOut.unless(has_test, self._split, subject, self._test_fraction, self._unit)
        for samples, labels in names[self._split if self._part is None else "train"]:
            if samples in held:
                return samples, labels if labels in held else None
        if self._split == "val" and has_train:
            raise DatasetError(
                f"File {self._path} has no validation {self._unit}; ask for split='train', or store them as "
                f"`val_{self._unit}`."
            )
        listed = ", ".join(f"`{each:.40}`" for each in list(held)[:_LISTED] if isinstance(each, str))
        if self._key is not None:
            raise ArgumentError(
                f"Argument `key` must name an array of {self._path}, which holds {listed or 'nothing'}."
            )
        rule = f"File {self._path} must hold `{self._unit}` or `{self._split}_{self._unit}`"
        raise DatasetError(f"{rule}, but holds {f'{listed}: name the array by `key`' if listed else 'nothing'}.")

    @property
    def only(self) -> tuple[str, ...]:
        """The name that stands for the only array of a file without array names.

        Raises:
            ArgumentError: If an array is requested by name.
        """
        if self._key is not None:
            raise ArgumentError(f"Argument `key` has no effect on {self._path}, which holds one array: leave it out.")
        return (self._unit,)

    def rows(self, count: int) -> Tensor | None:
        """Return which of ``count`` rows to take; None takes all."""
        if self._count is None:
            if self._number is not None or self._part is not None:
                check_fits_memory(2 * count, self._path)
            self._count = count
            self._rows = draw_rows(count, self._part, self._number, self._subset_seed)
        elif self._rows is not None and count != self._count:
            raise DatasetError(
                f"File {self._path} must hold {self._count} labels, one for each sample, but holds {count}."
            )
        return self._rows


def array_shape(path: Path, names: Sequence[str]) -> tuple[int, ...] | None:
    """Return the shape of the first array with one of these names, or of the file's only array; None if there is none.

    Raises:
        DatasetError: If the file is damaged.
    """
    suffix = path.suffix.lower()
    with reading(path, f"an {suffix} file"):
        if suffix == ".npy":
            with path.open("rb") as file:
                return read_header(file, path)[0]
        if suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                there = [f"{name}.npy" for name in names if f"{name}.npy" in archive.namelist()]
                if not there:
                    return None
                with archive.open(there[0]) as file:
                    return read_header(file, path)[0]
    content = _load_torch(path)
    found = content if isinstance(content, Tensor) else next((content[name] for name in names if name in content), None)
    return tuple(found.shape) if isinstance(found, Tensor) else None


def read_names(path: Path) -> list[str] | None:
    """Return a table's column names from the array ``columns`` of an ``.npz`` file; None if it has no such array.

    Raises:
        DatasetError: If the file is damaged, or the array holds something else.
    """
    if path.suffix.lower() != ".npz":
        return None
    with reading(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        if f"{_COLUMNS}.npy" not in archive.namelist():
            return None
        member = archive.getinfo(f"{_COLUMNS}.npy")
        if member.file_size > _LONGEST_NAMES:
            raise DatasetError(f"File {path} must hold names of columns in `{_COLUMNS}`, but it is too large for that.")
        with archive.open(member) as file:
            shape, _, dtype = read_header(file, path)
        if dtype.kind != "U" or len(shape) != 1:
            raise DatasetError(f"File {path} must hold texts in `{_COLUMNS}`, but holds {dtype} of shape {shape}.")
        with archive.open(member) as file:
            names: list[str] = np.lib.format.read_array(file, allow_pickle=False).tolist()
            return names


def _read_npy(path: Path, draw: ArrayDraw) -> tuple[Any, Any]:
    draw.choose(draw.only)
    with reading(path, "an .npy file"), path.open("rb") as file:
        return read_array(file, path.stat().st_size, path, draw), None


def _read_npz(path: Path, draw: ArrayDraw) -> tuple[Any, Any]:
    """Return images and labels; list other arrays without reading them."""
    with reading(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        arrays: list[Any] = []
        for name in draw.choose(members):
            if name is None:
                return arrays[0], None
            with archive.open(members[name]) as file:
                arrays.append(read_array(file, members[name].file_size, path, draw))
    return arrays[0], arrays[1]


def read_array(file: IO[bytes], size: int, path: Path, draw: ArrayDraw) -> NDArray[np.generic]:
    """Return the drawn rows of the array in ``file``, which has ``size`` bytes.

    Raises:
        DatasetError: If the array needs pickle or its declared shape does not match ``size``.
    """
    shape, is_fortran, dtype = read_header(file, path)
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
    for place in rows.argsort().tolist():  # in order, since a compressed file is read from its start
        file.seek(start + int(rows[place]) * step)
        drawn[place] = np.frombuffer(file.read(step), dtype).reshape(shape[1:])
    return drawn


def read_header(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape of an array, whether it is in Fortran order, and its type.

    Raises:
        DatasetError: If the array needs pickle.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:
        raise DatasetError(f"File {path} holds an array of format version {version}, which numbers never need.")
    shape, is_fortran, dtype = _HEADER_READERS[version](file)
    if dtype.hasobject:
        raise DatasetError(f"File {path} holds Python objects, which only pickle could read; store plain numbers.")
    return shape, is_fortran, dtype


def _load_torch(path: Path) -> Any:
    """Return the tensor or the dict of tensors in a file."""
    try:
        # Mapped, so that only the drawn rows are loaded; files in the old format cannot be mapped.
        content: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=_check_torch(path))
    except DatasetError:
        raise
    except Exception as error:  # torch raises many types of errors, which suggest loading with pickle
        raise DatasetError(
            f"File {path} is damaged or holds more than tensors, which only pickle could read: save a tensor, or a "
            "dict of tensors, with torch.save."
        ) from error
    if not isinstance(content, (Tensor, dict)):
        raise DatasetError(
            f"File {path} must hold a tensor or a dict of tensors, but holds a {type(content).__name__}."
        )
    return content


def _read_torch(path: Path, draw: ArrayDraw) -> tuple[Any, Any]:
    content = _load_torch(path)
    arrays = dict.fromkeys(draw.only, content) if isinstance(content, Tensor) else content
    images, labels = (None if key is None else _take(arrays[key], key, path, draw) for key in draw.choose(arrays))
    return images, labels


def _check_torch(path: Path) -> bool:
    """Return whether the file is a zip archive; raise if reading it could take more memory than its size."""
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


def _take(tensor: object, key: str, path: Path, draw: ArrayDraw) -> Tensor:
    """Return a copy of the drawn rows of a tensor."""
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
