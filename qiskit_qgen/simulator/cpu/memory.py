"""Memory for states, which is used again.

The operating system fills large pieces of memory with zeros, page by page, when they are first written, and takes them
back when they are dropped. For states that no cache holds this takes longer than to compute them.
"""

from __future__ import annotations

from math import prod
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

CACHE_LINE = 64  # bytes
_SMALLEST = 1 << 18  # bytes of a piece that is worth keeping
_KEPT_BYTES = 1 << 28  # of all pieces that are kept while nobody uses them

_FREE: list[NDArray[np.uint8]] = []
"""The pieces that nobody uses; the one that was used last is the last."""
_LOCK = Lock()  # never waited for: a piece may be returned by the garbage collector, amid anything


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an uninitialised array that starts at a cache line: straddling rows halve the kernels' speed."""
    size = prod(shape) * dtype.itemsize + CACHE_LINE
    memory = np.asarray(_Loan(_take(size))) if size >= _SMALLEST else np.empty(size, np.uint8)
    start = -memory.__array_interface__["data"][0] % CACHE_LINE  # `ctypes.data` takes three times as long
    return np.ndarray(shape, dtype, memory, start)


class _Loan:
    """A piece of memory that is returned when the last array in it is dropped."""

    def __init__(self, piece: NDArray[np.uint8]) -> None:
        self.__array_interface__ = piece.__array_interface__
        finalize(self, _give_back, piece).atexit = False


def _take(size: int) -> NDArray[np.uint8]:
    """Return a piece of so many bytes."""
    if _LOCK.acquire(blocking=False):
        try:
            for number in reversed(range(len(_FREE))):
                if _FREE[number].size == size:
                    return _FREE.pop(number)
        finally:
            _LOCK.release()
    return np.empty(size, np.uint8)


def _give_back(piece: NDArray[np.uint8]) -> None:
    """Keep a piece for the next one who needs it, and drop those that have waited longest if there are too many."""
    if _LOCK.acquire(blocking=False):
        try:
            _FREE.append(piece)
            while sum(each.size for each in _FREE) > _KEPT_BYTES:
                del _FREE[0]
        finally:
            _LOCK.release()
