"""Arrays for the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHE_LINE = 64  # bytes


def aligned_empty(*shape: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an uninitialised array that starts at a cache line: straddling rows halve the kernels' speed."""
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def to_lanes(rows: NDArray[Any], chunks: int, lanes: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Turn rows of samples (B, K) into (chunks, K, lanes); missing samples are zeros."""
    padded = np.zeros((chunks * lanes, rows.shape[1]), dtype)
    padded[: len(rows)] = rows
    return padded.reshape(chunks, lanes, rows.shape[1]).swapaxes(1, 2)


def from_lanes(values: NDArray[Any], num_samples: int) -> NDArray[Any]:
    """Turn (chunks, K, lanes) back into rows of samples (B, K)."""
    chunks, columns, lanes = values.shape
    return values.swapaxes(1, 2).reshape(chunks * lanes, columns)[:num_samples]
