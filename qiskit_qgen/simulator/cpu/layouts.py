"""How a batch is laid out for the CPU kernels: lanes, parts of lanes, chunks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHE_LINE = 64  # bytes
# How many lanes a chunk may have, and what a chunk then costs: wide rows are cheaper if they can be filled.
_LANES = {np.dtype(np.float32): {16: 1.0, 8: 0.55, 4: 0.35}, np.dtype(np.float64): {8: 1.0, 4: 0.55}}
_SPLIT_QUBITS = 15  # from here on, a sample has several lanes if there are no more samples than this:
_SPLIT_SAMPLES = 2
_SPREAD_QUBITS = 15  # from here on all threads work on one chunk, not each on its own
_SHARE_AMPLITUDES = 1 << 17  # amplitudes of a chunk that are worth a share of their own


@dataclass(frozen=True)
class Layout:
    """The shape of a batch on the kernels."""

    dtype: np.dtype[Any]
    num_samples: int
    lanes: int
    """Lanes of a chunk."""
    parts: int
    """Lanes of a sample."""
    shares: int
    """How many parts of a chunk threads may work on at once; 0 if each thread works on chunks of its own."""

    @classmethod
    def choose(cls, num_samples: int, num_qubits: int, dtype: np.dtype[Any], threads: int) -> Layout:
        """Return the layout that should finish a batch first.

        The shares of a chunk and the lanes of a sample decide in which order numbers are added; they do not depend on
        the number of threads.
        """
        spread = num_qubits >= _SPREAD_QUBITS
        widest = max(_LANES[dtype])
        if num_qubits >= _SPLIT_QUBITS and 0 < num_samples <= _SPLIT_SAMPLES:
            lanes, parts = widest, widest >> (num_samples - 1).bit_length()
        else:
            workers = 1 if spread else threads

            def cost(lanes: int) -> tuple[float, int]:
                chunks = -(-num_samples // lanes)
                return _LANES[dtype][lanes] * -(-chunks // workers), -lanes

            lanes, parts = min(_LANES[dtype], key=cost), 1
        shares = max(1, (lanes // parts << num_qubits) // _SHARE_AMPLITUDES) if spread else 0
        return cls(dtype, num_samples, lanes, parts, shares)

    @cached_property
    def samples(self) -> int:
        """Samples of a chunk."""
        return self.lanes // self.parts

    @cached_property
    def chunks(self) -> int:
        """The number of chunks; samples that the last one lacks are zeros."""
        return -(-self.num_samples // self.samples)

    def empty(self, *shape: int) -> NDArray[Any]:
        """Return an uninitialised array that starts at a cache line: straddling rows halve the kernels' speed."""
        memory = np.empty(prod(shape) * self.dtype.itemsize + CACHE_LINE, np.uint8)
        start = -memory.__array_interface__["data"][0] % CACHE_LINE  # `ctypes.data` takes three times as long
        return np.ndarray(shape, self.dtype, memory, start)

    def to_lanes(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Turn rows of samples (B, K) into (chunks, K, samples)."""
        padded = rows.astype(self.dtype, copy=False)
        if len(rows) < self.chunks * self.samples:
            padded = np.zeros((self.chunks * self.samples, rows.shape[1]), self.dtype)
            padded[: len(rows)] = rows
        return padded.reshape(self.chunks, self.samples, rows.shape[1]).swapaxes(1, 2)

    def from_lanes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Turn (chunks, K, samples) back into rows of samples (B, K)."""
        return values.swapaxes(1, 2).reshape(self.chunks * self.samples, values.shape[1])[: self.num_samples]
