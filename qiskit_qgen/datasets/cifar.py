"""CIFAR-10 in its binary and its Python form, read without executing any code.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.downloads import download
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.reading import check_fits_memory, check_pickle, reading
from qiskit_qgen.datasets.subsets import subset_rows
from qiskit_qgen.exceptions import DatasetError

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

URL_VARIABLE = "QISKIT_QGEN_CIFAR10_URL"
"""The environment variable that overrides the address of the archive, such as a mirror."""

OFFICIAL_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
"""Where the author publishes the binary form."""

_ARCHIVE = "cifar-10-binary.tar.gz"
_ARCHIVE_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"  # published on the author's page
_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_RECORD = 1 + _PIXELS
_FILES = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
_LARGEST_FILE = 2**28


def load_cifar10(
    split: str, data_dir: PathLike | None, num_images: int | None = None, subset_seed: int = 0
) -> ImageDataset:
    """Return one split of CIFAR-10: 50,000 train or 10,000 test images, 3 x 32 x 32, ten classes.

    Args:
        split: "train" or "test".
        data_dir: A folder with the files of the binary form (``data_batch_1.bin``, ...) or the Python form
            (``data_batch_1``, ...), or the folder that the official archive unpacks to. None uses the binary archive in
            the cache (``pooch.os_cache("qiskit_qgen")``), which is downloaded and checked the first time (170 MB).
        num_images: Number of images to draw; only these are converted to floating point. None takes all.
        subset_seed: Seed of the draw.

    Raises:
        ArgumentError: If ``num_images`` or ``subset_seed`` is out of range.
        DatasetError: If a file is missing, damaged, or cannot be downloaded.
    """
    if data_dir is None:
        parts = _from_archive(_download(), split)
    else:
        parts = [_from_file(path) for path in _find(Path(data_dir), split)]
    images, labels = (torch.from_numpy(np.concatenate(each)) for each in zip(*parts, strict=True))
    rows = subset_rows(len(labels), num_images, subset_seed)
    if rows is not None:
        images, labels = images[rows], labels[rows]
    return ImageDataset(images, labels, "cifar-10", split, CIFAR10_CLASSES)


def _find(folder: Path, split: str) -> list[Path]:
    """Return the files of a split in ``folder``, or in the sub-folder of the official archives."""
    for place in (folder, folder / "cifar-10-batches-bin", folder / "cifar-10-batches-py"):
        for suffix in (".bin", ""):
            paths = [place / f"{name}{suffix}" for name in _FILES[split]]
            if all(path.is_file() for path in paths):
                return paths
    raise DatasetError(
        f"Folder {folder} must hold CIFAR-10's files, but lacks some of {', '.join(_FILES[split])}, with or without "
        "'.bin'."
    )


def _from_file(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if path.stat().st_size > _LARGEST_FILE:
        raise DatasetError(f"File {path} is not a part of CIFAR-10: it has more than {_LARGEST_FILE} bytes.")
    content = path.read_bytes()
    return _read_binary(content, path) if path.suffix == ".bin" else _read_python(content, path)


def _read_binary(content: bytes, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images and labels of records of one label byte and 3072 pixel bytes."""
    if not content or len(content) % _RECORD:
        raise DatasetError(
            f"File {path} is not a part of CIFAR-10: it has {len(content)} bytes, no multiple of {_RECORD}."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    return _checked(records[:, 1:], records[:, 0], path)


def _read_python(content: bytes, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images and labels of a pickled dictionary without executing any of it."""
    with reading(path, "a part of CIFAR-10"):
        check_pickle(io.BytesIO(content), len(content))
        found = _Unpickler(content).load()
    if type(found) is not dict or not {b"data", b"labels"} <= found.keys():
        raise DatasetError(f"File {path} is not a part of CIFAR-10: it holds no `data` and `labels`.")
    data, labels = found[b"data"], found[b"labels"]
    if isinstance(data, _Array):
        data = data.array
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != _PIXELS:
        raise DatasetError(f"File {path} is not a part of CIFAR-10: its `data` are not bytes of shape (N, {_PIXELS}).")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels) or len(labels) != len(data):
        raise DatasetError(f"File {path} is not a part of CIFAR-10: its `labels` are not {len(data)} integers.")
    return _checked(data, np.array(labels), path)


def _checked(
    pixels: NDArray[np.uint8], labels: NDArray[np.integer], path: Path
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    check_fits_memory(pixels.size, path)
    if labels.size == 0 or labels.min() < 0 or labels.max() >= len(CIFAR10_CLASSES):
        raise DatasetError(f"File {path} is not a part of CIFAR-10: its labels are not from 0 to 9.")
    return pixels.reshape(-1, *_SHAPE).copy(), labels.astype(np.int64)


class _Array:
    """Replaces a pickled array: numpy's own class would accept any type, including objects."""

    array: NDArray[np.uint8] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, is_fortran, content = state
        if kind is not _BYTES or is_fortran or not isinstance(content, bytes):
            raise pickle.UnpicklingError("its array does not hold bytes in rows")
        self.array = np.frombuffer(content, np.uint8).reshape(shape)


class _Bytes:
    """Replaces the type of a pickled array, if it is bytes."""

    def __setstate__(self, state: object) -> None:
        """Accept the state that numpy stores for a type: irrelevant for bytes."""


_BYTES = _Bytes()


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _dtype(name: object, *_: object) -> _Bytes:
    if name not in (b"u1", "u1"):
        raise pickle.UnpicklingError(f"its array is of type {name!r}")
    return _BYTES


_ALLOWED: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy", "ndarray"): object,  # an argument only
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _Unpickler(pickle.Unpickler):
    """Reads dictionaries, lists, numbers, bytes and arrays of bytes; every other name in the file is refused."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._left = len(content)

    def _encode(self, text: object, encoding: object) -> bytes:
        """Return the bytes that Python 3 wrote as text for Python 2, each of them once."""
        if not isinstance(text, str) or encoding != "latin1" or len(text) > self._left:
            raise pickle.UnpicklingError("it encodes text otherwise than bytes are stored")
        self._left -= len(text)
        return text.encode("latin1")

    def find_class(self, module: str, name: str) -> Callable[..., object]:
        if (module, name) == ("_codecs", "encode"):
            return self._encode
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which CIFAR-10 does not need")

    def persistent_load(self, pid: object) -> NoReturn:  # noqa: ARG002
        raise pickle.UnpicklingError("it refers to something outside")


def _from_archive(path: Path, split: str) -> list[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Read the files of a split from the official archive, without unpacking it to disk."""
    parts = []
    with reading(path, "the archive of CIFAR-10"), tarfile.open(path) as archive:
        for name in _FILES[split]:
            member = archive.extractfile(f"cifar-10-batches-bin/{name}.bin")
            content = b"" if member is None else member.read(_LARGEST_FILE)
            parts.append(_read_binary(content, path))
    return parts


def _download() -> Path:
    """Return the path of the archive in the cache; download it if it is missing."""
    checksum = f"md5:{_ARCHIVE_MD5}"
    return download(OFFICIAL_URL, URL_VARIABLE, checksum, subject="CIFAR-10", files="its files", file_name=_ARCHIVE)
