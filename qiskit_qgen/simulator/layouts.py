"""How a batch is laid out for the CPU kernels: lanes, parts of lanes, chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# How many lanes a chunk may have, and what a chunk then costs: wide rows are cheaper if they can be filled.
_LANES = {np.dtype(np.float32): {16: 1.0, 8: 0.55, 4: 0.35}, np.dtype(np.float64): {8: 1.0, 4: 0.55}}
_SPLIT_QUBITS = 12  # from here on a sample of a small batch may have several lanes
_SPREAD_QUBITS = 15  # from here on all threads work on one chunk, not each on its own
_SPREAD_ALONE_QUBITS = 13  # the same if there is one chunk


@dataclass(frozen=True)
class Layout:
    """The shape of a batch on the kernels."""

    dtype: np.dtype[Any]
    num_samples: int
    lanes: int
    """Lanes of a chunk."""
    parts: int
    """Lanes of a sample."""
    spread: bool
    """Whether all threads work on one chunk."""

    @classmethod
    def choose(cls, num_samples: int, num_qubits: int, dtype: np.dtype[Any], threads: int) -> Layout:
        """Return the layout that should finish a batch first.

        Whether a chunk is spread over threads, and a sample over lanes, decides in which order numbers are added; that
        does not depend on the number of threads.
        """
        widest = max(_LANES[dtype])
        if 0 < num_samples <= widest // 2 and num_qubits >= _SPLIT_QUBITS:
            parts = widest >> (num_samples - 1).bit_length()
            return cls(dtype, num_samples, widest, parts, True)
        alone = num_samples <= widest and num_qubits >= _SPREAD_ALONE_QUBITS
        spread = alone or num_qubits >= _SPREAD_QUBITS
        workers = 1 if spread else threads

        def cost(lanes: int) -> tuple[float, int]:
            chunks = -(-num_samples // lanes)
            return _LANES[dtype][lanes] * -(-chunks // workers), -lanes

        return cls(dtype, num_samples, min(_LANES[dtype], key=cost), 1, spread)

    @property
    def samples(self) -> int:
        """Samples of a chunk."""
        return self.lanes // self.parts

    @property
    def chunks(self) -> int:
        """The number of chunks; samples that the last one lacks are zeros."""
        return -(-self.num_samples // self.samples)

    def to_lanes(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Turn rows of samples (B, K) into (chunks, K, samples)."""
        padded = np.zeros((self.chunks * self.samples, rows.shape[1]), self.dtype)
        padded[: len(rows)] = rows
        return padded.reshape(self.chunks, self.samples, rows.shape[1]).swapaxes(1, 2)

    def from_lanes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Turn (chunks, K, samples) back into rows of samples (B, K)."""
        return values.swapaxes(1, 2).reshape(self.chunks * self.samples, values.shape[1])[: self.num_samples]
