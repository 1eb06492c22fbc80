"""IDX, the format of MNIST and its relatives: four bytes of type and rank, big-endian sizes, then the values.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "File formats for the MNIST database".
"""

from __future__ import annotations

import gzip
import io
import math
import struct
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.reading import DEFLATE_LIMIT, check_fits_memory, reading
from qiskit_qgen.exceptions import DatasetError

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
_GZIP_MAGIC = b"\x1f\x8b"
_MAXIMUM_RANK = 8


def read_idx(path: PathLike) -> NDArray[np.generic]:
    """Return the array in an IDX file, gzipped or not.

    Args:
        path: The file, such as ``train-images-idx3-ubyte.gz``. Whether it is gzipped is read from its content, not its
            name.

    Returns:
        The values in the declared shape and type, in the machine's byte order.

    Raises:
        DatasetError: If the file is missing, not IDX, damaged, or shorter or longer than its header declares.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetError(f"File {path} does not exist.")
    with reading(path, "an IDX file"):
        with path.open("rb") as file:
            compressed = file.read(2) == _GZIP_MAGIC
        size = path.stat().st_size
        with gzip.open(path) if compressed else path.open("rb") as stream:
            return _read(stream, path, size * DEFLATE_LIMIT if compressed else size)


def _read(stream: IO[bytes] | gzip.GzipFile | io.BufferedReader, path: Path, limit: int) -> NDArray[np.generic]:
    """Read header and values; ``limit`` is the largest number of bytes that the file can possibly hold."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not 1 <= magic[3] <= _MAXIMUM_RANK:
        raise DatasetError(
            f"File {path} is not an IDX file: it begins with the bytes {magic.hex(' ') or 'of no content'}."
        )
    header = stream.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise DatasetError(f"File {path} is truncated: it ends within its header.")
    shape = struct.unpack(f">{magic[3]}I", header)
    dtype = np.dtype(_TYPES[magic[2]]).newbyteorder(">")
    declared = math.prod(shape) * dtype.itemsize
    if declared > limit:
        raise DatasetError(f"File {path} declares the shape {shape}, but is too small to hold that many values.")
    check_fits_memory(math.prod(shape), path, itemsize=2 * dtype.itemsize)
    content = stream.read(declared)
    if len(content) < declared:
        raise DatasetError(
            f"File {path} is truncated: it declares {declared} bytes of values, but holds {len(content)}."
        )
    # Reading to the end also makes gzip verify its checksum.
    if stream.read(1):
        raise DatasetError(f"File {path} is longer than the shape {shape} in its header declares.")
    # The copy is writable, as torch requires.
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))
