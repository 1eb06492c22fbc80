"""How a batch is laid out for the CPU kernels: lanes, parts of lanes, chunks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.simulator.cpu import memory
from qiskit_qgen.simulator.cpu.memory import CACHE_LINE

_SPLIT_QUBITS = 13  # from here on, a sample has several lanes if they would be empty, or if the
_CACHED_ROWS = 1 << 12  # rows of a chunk, of which the second-level cache holds two states, would be more than these
_SPREAD_QUBITS = 17  # from here on all threads work on one chunk, not each on its own
_FEW_CHUNKS, _SPREAD_FEW_QUBITS = 4, 15  # with less than so many chunks, from here on
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
    def choose(cls, num_samples: int, num_qubits: int, dtype: np.dtype[Any]) -> Layout:
        """Return the layout of a batch.

        The shares of a chunk and the lanes of a sample decide in which order numbers are added; they do not depend on
        the number of threads.
        """
        lanes = CACHE_LINE // dtype.itemsize
        parts = 1
        if num_qubits >= _SPLIT_QUBITS:
            empty = lanes >> max(0, num_samples - 1).bit_length()
            large = (1 << num_qubits) // _CACHED_ROWS
            parts = min(max(1, empty, large), lanes, 1 << num_qubits - 1)
        chunks = -(-num_samples * parts // lanes)
        spread = num_qubits >= (_SPREAD_FEW_QUBITS if chunks < _FEW_CHUNKS else _SPREAD_QUBITS)
        shares = max(1, (lanes // parts << num_qubits) // _SHARE_AMPLITUDES) if spread else 0
        return cls(dtype, num_samples, lanes, parts, shares)

    @property
    def exchanges(self) -> NDArray[Any]:
        """Each lane's number XOR that of a part's first lane, as whole numbers as wide as the lanes' numbers."""
        return _exchanges(self.dtype.itemsize, self.lanes, self.parts)

    @cached_property
    def samples(self) -> int:
        """Samples of a chunk."""
        return self.lanes // self.parts

    @cached_property
    def chunks(self) -> int:
        """The number of chunks; samples that the last one lacks are zeros."""
        return -(-self.num_samples // self.samples)

    def empty(self, *shape: int) -> NDArray[Any]:
        """Return an uninitialised array that starts at a cache line."""
        return memory.empty(shape, self.dtype)

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


@cache
def _exchanges(size: int, lanes: int, parts: int) -> NDArray[Any]:
    exchanges = memory.empty((parts, lanes), np.dtype(f"i{size}"))
    exchanges[:] = np.arange(lanes) ^ (np.arange(parts) * (lanes // parts))[:, None]
    return exchanges
