"""Shared by all readers of untrusted files: one sentence for each fault, and declared sizes are never trusted."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from qiskit_qgen._checks import free_memory
from qiskit_qgen.exceptions import DatasetError, QGenError

DEFLATE_LIMIT = 1032
"""No deflate stream expands by more than this factor, so a declared size can be refused before reading."""

_REASON_LENGTH = 160
_MOST_OPCODES, _MOST_CONTAINERS = 2_000_000, 10_000
_CONTAINERS = ("TUPLE", "LIST", "DICT", "SET")


@contextmanager
def reading(path: Path | str, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises inside the block into a :class:`DatasetError` of one sentence.

    Decoders of images, archives and tensors raise many types of errors on damaged or hostile bytes. The block must
    therefore contain only the call of a decoder.

    Args:
        path: The file that is read.
        kind: What the file should be, with its article: "an image".

    Raises:
        DatasetError: If the block raises.
    """
    try:
        yield
    except QGenError:
        raise
    except MemoryError as error:
        raise DatasetError(f"File {path} declares more data than fit in memory.") from error
    except Exception as error:
        lines = str(error).strip().splitlines()
        reason = lines[0][:_REASON_LENGTH].rstrip(". ") if lines else type(error).__name__
        raise DatasetError(f"File {path} is damaged or is not {kind}: {reason}.") from error


def check_pickle(file: IO[bytes], size: int) -> None:
    """Raise if reading the pickle at the position of ``file`` could take more memory or stack than its size justifies.

    Lengths and memo indices beyond its ``size`` make a reader reserve memory for them, and nested tuples overflow the
    stack when they are hashed. Afterwards the file is positioned after the pickle.

    Raises:
        ValueError: If it could, or the pickle is truncated.
    """
    containers = 0
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        containers += any(name in opcode.name for name in _CONTAINERS)
        if ("PUT" in opcode.name or opcode.name == "FRAME") and not 0 <= int(argument or 0) <= size:
            raise ValueError(f"its instruction {opcode.name} exceeds the file")
        if count > _MOST_OPCODES or containers > _MOST_CONTAINERS:
            raise ValueError("it holds more objects than images and labels need")


def check_fits_memory(num_values: int, source: Path | str, *, itemsize: int = 0) -> None:
    """Raise if ``num_values`` as float32 exceed the free memory, as declared by hostile or mistaken headers.

    Args:
        num_values: The number of values that the source declares.
        source: The file or folder being read, or the beginning of the message.
        itemsize: Bytes of each stored number, if the stored numbers are held in memory too.

    Raises:
        DatasetError: If the numbers do not fit.
    """
    available = free_memory()
    if (4 + itemsize) * num_values > available:
        subject = source if isinstance(source, str) else f"File {source}"
        raise DatasetError(
            f"{subject} declares {num_values} values, which need {4 * num_values / 1e9:.3g} GB as float32, "
            f"but this machine has {available / 1e9:.3g} GB of free memory."
        )
