"""Noise drawn in advance and kept on disk."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen._checks import check_int, check_path, check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import DatasetError
from qiskit_qgen.noise.base import AbstractNoise

_PART = 8192


class NoisePool(AbstractNoise):
    """Vectors that :meth:`draw` took from another source; samples are rows of it, chosen at random with replacement.

    Circuits on a device are slow and cannot be repeated; a pool is fast, and the same generator state gives the same
    vectors. It is read from the disk as it is needed.

    Args:
        path: The ``.npy`` file: float32, (number of vectors, dim).

    Raises:
        DatasetError: If the file is missing or holds something else.
    """

    def __init__(self, path: PathLike) -> None:
        try:
            self._rows = np.lib.format.open_memmap(check_path("path", path), mode="r")
        except Exception as error:  # numpy raises errors of many types on damaged headers
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
            raise DatasetError(f"File {path} is missing, damaged or not a pool of noise: {reason:.160}.") from error
        if self._rows.ndim != 2 or self._rows.dtype != np.float32 or not self._rows.size:
            raise DatasetError(
                f"File {path} must hold float32 vectors (N, dim), but holds {self._rows.dtype} of shape "
                f"{self._rows.shape}."
            )
        super().__init__(self._rows.shape[1])
        self.path = Path(path)

    def __len__(self) -> int:
        return len(self._rows)

    @classmethod
    def draw(
        cls, path: PathLike, source: AbstractNoise, num_vectors: int, *, seed: int = 0, normalize: bool = True
    ) -> NoisePool:
        """Draw vectors from a source, write them and return the pool.

        Args:
            path: The file to write, ``.npy``; it is complete or not there.
            source: Where the vectors come from, such as a ``QuantumCircuitNoise`` on a device.
            num_vectors: Number of vectors, at least 2.
            seed: Seed of what the source takes from a generator.
            normalize: Whether each component is shifted and scaled to mean 0 and variance 1 over the pool.

        Raises:
            ArgumentError: If ``num_vectors`` is less than 2.
            DatasetError: If the file cannot be written.
        """
        check_type("source", source, AbstractNoise, "a source of noise such as QuantumCircuitNoise")
        check_int("num_vectors", num_vectors, minimum=2)
        generator = torch_generator(seed)
        parts = [source.sample(min(_PART, num_vectors - start), generator) for start in range(0, num_vectors, _PART)]
        rows = torch.cat(parts)
        if normalize:
            spread = rows.double().std(0, correction=0)
            rows = ((rows - rows.double().mean(0)) / spread.clamp(min=torch.finfo(torch.float32).tiny)).float()
        target = Path(path)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        try:
            with temporary.open("wb") as file:
                np.save(file, rows.numpy(), allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise DatasetError(f"File {path} could not be written: {error.strerror or error}.") from error
        return cls(target)

    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(self._rows), (num_samples,), generator=generator).numpy()
        return torch.from_numpy(np.ascontiguousarray(self._rows[chosen]))

    def __repr__(self) -> str:
        return f"NoisePool({str(self.path)!r}, {len(self)} vectors of dim={self.dim})"
