"""The samples of each batch, as a function of only the seed and the batch number."""

from __future__ import annotations

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int
from qiskit_qgen._random import torch_generator


class BatchOrder:
    """The order in which samples are used: one random permutation after another, cut into batches of equal size.

    The permutations follow each other without a gap. Every sample is used equally often, and every batch is full, even
    if there are fewer samples than a batch holds. You can request any batch at any time: the order has no state to
    save.

    Args:
        num_samples: Number of samples.
        batch_size: Number of indices in each batch.
        seed: Seed of the permutations.
        stream: Numbers that make this order independent of others with the same seed.

    Raises:
        ArgumentError: If ``num_samples`` or ``batch_size`` is not a positive integer.
    """

    def __init__(self, num_samples: int, batch_size: int, *, seed: int, stream: tuple[int, ...] = ()) -> None:
        self.num_samples = check_int("num_samples", num_samples, minimum=1)
        self.batch_size = check_int("batch_size", batch_size, minimum=1)
        self._seed = seed
        self._stream = stream
        self._epoch = -1
        self._permutation = torch.empty(0, dtype=torch.int64)

    def batch(self, index: int) -> Tensor:
        """Return the samples of batch number ``index``, counted from 0: int64 tensor of shape (batch_size,)."""
        start = index * self.batch_size
        stop = start + self.batch_size
        parts = []
        while start < stop:
            epoch, offset = divmod(start, self.num_samples)
            part = self._epoch_permutation(epoch)[offset : offset + stop - start]
            parts.append(part)
            start += len(part)
        return torch.cat(parts)

    def _epoch_permutation(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            generator = torch_generator(self._seed, *self._stream, epoch)
            self._permutation = torch.randperm(self.num_samples, generator=generator)
            self._epoch = epoch
        return self._permutation
