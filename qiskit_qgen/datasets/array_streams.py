"""Images in ``.npy`` and uncompressed ``.npz`` files, read from disk on demand."""

from __future__ import annotations

import itertools
import math
import struct
import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from qiskit_qgen.datasets.array_files import ArrayDraw, read_array, read_header
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.reading import reading
from qiskit_qgen.datasets.streamed import Reader, StreamedImages
from qiskit_qgen.exceptions import ArgumentError, DatasetError

_LOCAL_HEADER = 30  # bytes of a zip member's header before its name and extra field
_LENGTHS = 26  # offset of the lengths of these two


def stream_array_file(path: Path, split: str, draw: ArrayDraw) -> ImageDataset:
    """Return the images of one split of an ``.npy`` or uncompressed ``.npz`` file, read on demand.

    Args:
        path: The file, which exists.
        split: Its split.
        draw: Which arrays and rows to read.

    Raises:
        ArgumentError: If the file is of another kind.
        DatasetError: If it is compressed or damaged, lacks the split, or does not hold images.
    """
    labels = None
    if path.suffix.lower() == ".npy":
        draw.choose(draw.only)
        start, size = 0, path.stat().st_size
    elif path.suffix.lower() == ".npz":
        with reading(path, "an .npz file"), zipfile.ZipFile(path) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            name, of_labels = draw.choose(members)
            member = members[name]
            if member.compress_type != zipfile.ZIP_STORED:
                raise DatasetError(f"File {path} is compressed, so that images cannot be streamed: use numpy.savez.")
            start, size = _start(path, member.header_offset), member.file_size
    else:
        raise ArgumentError(f"Argument `stream` has an effect on .npy and .npz files, but {path.name} is another.")
    shape, place, dtype = _described(path, start, size)
    rows = draw.rows(shape[0]) if shape else None
    if path.suffix.lower() == ".npz" and of_labels is not None:
        of_file = members[of_labels]
        with reading(path, "an .npz file"), zipfile.ZipFile(path) as archive, archive.open(of_file) as file:
            labels = torch.from_numpy(read_array(file, of_file.file_size, path, draw))
    images = StreamedImages(_reader(path, place, shape, dtype), shape, f"File {path}")
    return ImageDataset(images if rows is None else images.take(rows), labels, path.name, split)


def _start(path: Path, header: int) -> int:
    """Return where the content of the zip member with its header at ``header`` begins."""
    with path.open("rb") as file:
        file.seek(header)
        name, extra = struct.unpack_from("<HH", file.read(_LOCAL_HEADER), _LENGTHS)
    return header + _LOCAL_HEADER + int(name) + int(extra)


def _described(path: Path, start: int, size: int) -> tuple[tuple[int, ...], int, np.dtype[np.generic]]:
    """Return the shape, offset and type of the array whose file begins at ``start`` and has ``size`` bytes."""
    with reading(path, "an array"), path.open("rb") as file:
        file.seek(start)
        shape, is_fortran, dtype = read_header(file, path)
        place = file.tell()
    if is_fortran or min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != start + size - place:
        raise DatasetError(f"File {path} is truncated or damaged, or its first index runs fastest: save it again.")
    return shape, place, dtype


def _reader(path: Path, place: int, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Reader:
    step = math.prod(shape[1:]) * dtype.itemsize

    def read(rows: NDArray[np.int64]) -> NDArray[np.generic]:
        images = np.empty((len(rows), *shape[1:]), dtype)
        with reading(path, "an array"), path.open("rb") as file:
            for first, last in _runs(rows):
                file.seek(place + int(rows[first]) * step)
                content = file.read((last - first) * step)
                images[first:last] = np.frombuffer(content, dtype).reshape(-1, *shape[1:])
        return images

    return read


def _runs(rows: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return where each run of successive row numbers begins and ends."""
    ends = np.flatnonzero(np.diff(rows) != 1) + 1
    places = [0, *ends.tolist(), len(rows)]
    return list(itertools.pairwise(places))
