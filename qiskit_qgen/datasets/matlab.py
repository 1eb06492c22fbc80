"""MATLAB files of version 5 (also called 6 and 7), read in blocks: a variable may be larger than memory.

Such a file consists of a header of 128 bytes and one element for each variable, either plain or as a zlib stream. An
element holds the array's class, sizes and name, then its values in MATLAB's order: the first index runs fastest.
Source: MathWorks, "MAT-File Format".
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.datasets.reading import DEFLATE_LIMIT, reading
from qiskit_qgen.exceptions import DatasetError

_HEADER = 128
_TAG = 8
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMBERS = range(6, 16)  # classes of arrays: double, single, and the integers
_COMPLEX = 0x0800
_LONGEST_NAME = 255
_MAXIMUM_RANK = 32
_BLOCK = 2**20
_KIND = "a MATLAB file of version 5"


@dataclass(frozen=True)
class MatVariable:
    """An array in a file; its values have not been read yet.

    Attributes:
        path: The file.
        name: The variable's name.
        shape: Its shape in MATLAB.
        dtype: The type of its stored values; None if it holds no real numbers (text, cells, complex numbers).
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic] | None
    place: int
    byte_order: str

    def blocks(self) -> Iterator[NDArray[np.generic]]:
        """Yield the values in blocks of about a megabyte; each holds whole slices along the last index.

        Returns:
            Arrays (n, size of the index before the last, ..., size of the first): MATLAB's shape reversed.

        Raises:
            DatasetError: If the variable holds no numbers, or the file is truncated or damaged.
        """
        if self.dtype is None:
            raise DatasetError(f"File {self.path}: the variable `{self.name}` must be an array of real numbers.")
        *inner, count = self.shape
        size = math.prod(inner) * self.dtype.itemsize
        step = max(1, _BLOCK // max(size, 1))
        with reading(self.path, _KIND), self.path.open("rb") as file:
            source = _open(file, self.place, self.byte_order)
            _read_head(source, self.byte_order)
            for start in range(0, count, step):
                number = min(step, count - start)
                values = np.frombuffer(_exactly(source, number * size), self.dtype)
                yield values.reshape(number, *reversed(inner))
            if isinstance(source, _Inflated):
                source.finish()


def read_variables(path: Path) -> dict[str, MatVariable]:
    """Return the variables of a file by name; no values are read.

    Args:
        path: The file, which exists.

    Raises:
        DatasetError: If the file is of another version or kind, truncated or damaged.
    """
    variables = {}
    with reading(path, _KIND), path.open("rb") as file:
        order = _read_byte_order(file, path)
        end = path.stat().st_size
        place = _HEADER
        while place < end:
            file.seek(place)
            kind, length = struct.unpack(f"{order}2I", _exactly(file, _TAG))
            if place + _TAG + length > end:
                raise DatasetError(f"File {path} is truncated: it ends within a variable.")
            limit = length * (DEFLATE_LIMIT if kind == _COMPRESSED else 1)
            name, shape, dtype = _read_head(_open(file, place, order), order)
            if dtype is not None and math.prod(shape) * dtype.itemsize > limit:
                raise DatasetError(f"File {path} declares `{name}` of shape {shape}, but is too small to hold it.")
            variables[name] = MatVariable(path, name, shape, dtype, place, order)
            place += _TAG + length
    return variables


class _Inflated:
    """The bytes of a compressed element; only the requested bytes are held."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._left = file, length
        self._stream = zlib.decompressobj()
        self._pending = b""

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        missing = size
        while missing and not self._stream.eof:
            if not self._pending:
                self._pending = self._file.read(min(self._left, _BLOCK))
                self._left -= len(self._pending)
            part = self._stream.decompress(self._pending, missing)
            if not part and not self._pending:
                break
            self._pending = self._stream.unconsumed_tail
            missing -= len(part)
            parts.append(part)
        return b"".join(parts)

    def finish(self) -> None:
        """Read the rest of the stream, so that zlib verifies its checksum.

        Raises:
            EOFError: If the stream ends before its checksum.
        """
        self.read(_TAG)
        if not self._stream.eof:
            raise EOFError("it ends within a variable")


_Source: TypeAlias = IO[bytes] | _Inflated
"""The bytes of an element."""


def _open(file: IO[bytes], place: int, order: str) -> _Source:
    """Return the content of the element at ``place``, starting at the tag of its array."""
    file.seek(place)
    kind, length = struct.unpack(f"{order}2I", _exactly(file, _TAG))
    if kind == _COMPRESSED:
        return _Inflated(file, length)
    file.seek(place)
    return file


def _read_byte_order(file: IO[bytes], path: Path) -> str:
    header = file.read(_HEADER)
    if header.startswith(b"MATLAB 7.3"):
        raise DatasetError(f"File {path} is of MATLAB's version 7.3, which is HDF5: save it with the option '-v7'.")
    order = {b"IM": "<", b"MI": ">"}.get(header[126:])
    if order is None or struct.unpack(f"{order}H", header[124:126]) != (0x0100,):
        raise DatasetError(f"File {path} is not {_KIND}: its header is another.")
    return order


def _read_head(source: _Source, order: str) -> tuple[str, tuple[int, ...], np.dtype[np.generic] | None]:
    """Return the name, shape and stored type of an array, and leave ``source`` at its values.

    Raises:
        EOFError: If the head is truncated.
        ValueError: If it is not the head of an array.
    """
    kind, _ = struct.unpack(f"{order}2I", _exactly(source, _TAG))
    if kind != _MATRIX:
        raise ValueError(f"an element is of type {kind}, which is not an array")
    flags, _ = struct.unpack(f"{order}2I", _part(source, order, 8))
    sizes = _part(source, order, 4 * _MAXIMUM_RANK)
    shape = struct.unpack(f"{order}{len(sizes) // 4}i", sizes)
    name = _part(source, order, _LONGEST_NAME).decode("ascii")
    if flags & 0xFF not in _NUMBERS or flags & _COMPLEX:
        return name, shape, None
    kind, length, _ = _tag(source, order)
    if kind not in _TYPES or len(shape) < 2 or min(shape) < 0:
        raise ValueError(f"the variable {name!r} has the shape {shape} and values of type {kind}")
    dtype = np.dtype(_TYPES[kind]).newbyteorder(order)  # type: ignore[arg-type]
    if math.prod(shape) * dtype.itemsize != length:
        raise ValueError(f"the variable {name!r} has the shape {shape} but {length} bytes of values")
    return name, shape, dtype


def _tag(source: _Source, order: str) -> tuple[int, int, bytes | None]:
    """Return the type and length of a part, and its bytes if the tag itself holds them."""
    content = _exactly(source, _TAG)
    kind, length = struct.unpack(f"{order}2I", content)
    if kind >> 16:
        return kind & 0xFFFF, kind >> 16, content[4 : 4 + (kind >> 16)]
    return kind, length, None


def _part(source: _Source, order: str, limit: int) -> bytes:
    """Return the bytes of a part of the head, at most ``limit`` of them, and skip its padding to 8 bytes."""
    _, length, content = _tag(source, order)
    if length > limit:
        raise ValueError(f"a part of its head has {length} bytes")
    if content is None:
        content = _exactly(source, length + -length % _TAG)[:length]
    return content


def _exactly(source: _Source, size: int) -> bytes:
    content = source.read(size)
    if len(content) < size:
        raise EOFError("it ends within a variable")
    return content
