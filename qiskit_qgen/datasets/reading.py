"""What every reader of foreign files shares: one sentence for each fault, and no faith in declared sizes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qiskit_qgen.exceptions import DatasetError

DEFLATE_LIMIT = 1032
"""No deflate stream expands by more than this factor, so that a declared size can be refused before it is read."""

_REASON_LENGTH = 160


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises inside the block into a :class:`DatasetError` of one sentence.

    Decoders of images, archives and tensors raise errors of many types on damaged or hostile bytes. The block must
    therefore hold nothing but the call of a decoder.

    Args:
        path: The file that is read.
        kind: What it should be, with its article: "an image".

    Raises:
        DatasetError: If the block raises.
    """
    try:
        yield
    except DatasetError:
        raise
    except MemoryError as error:
        raise DatasetError(f"File {path} declares more data than fit in memory.") from error
    except Exception as error:
        lines = str(error).strip().splitlines()
        reason = lines[0][:_REASON_LENGTH].rstrip(". ") if lines else type(error).__name__
        raise DatasetError(f"File {path} is damaged or is not {kind}: {reason}.") from error


def check_fits_memory(num_values: int, path: Path) -> None:
    """Raise if ``num_values`` as float32 exceed this machine's memory, as hostile or mistaken headers do.

    Args:
        num_values: How many numbers the header of ``path`` declares.
        path: The file or folder that is read.

    Raises:
        DatasetError: If the numbers do not fit.
    """
    available = _memory_bytes()
    if 4 * num_values > available:
        raise DatasetError(
            f"File {path} declares {num_values} values, which need {4 * num_values / 1e9:.3g} GB as float32, "
            f"but this machine has {available / 1e9:.3g} GB of memory."
        )


def _memory_bytes() -> float:
    """Return this machine's memory in bytes; infinity where the system does not tell."""
    if hasattr(os, "sysconf") and {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= os.sysconf_names.keys():
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return float("inf")
