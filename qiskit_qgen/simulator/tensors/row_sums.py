"""Sums of signed columns over the rows of a state, as a linear map of tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from qiskit_qgen.simulator.addresses.cosets import parities
from qiskit_qgen.simulator.programs.operations import Control

Place: TypeAlias = tuple[torch.device, torch.dtype]

_DENSE_QUBITS = 8  # up to here the map is one table


class Term(NamedTuple):
    """``coefficient * x[column] + offset`` with the sign of each row, on the rows of a block where the controls hold.

    A ``column`` of -1 stands for a term without x.
    """

    block: int
    sign: int
    controls: tuple[Control, ...]
    column: int
    coefficient: float
    offset: float = 0.0


class RowSum:
    """The map from x, (K, B), to y, (blocks * 2**width, B): the sum of some terms, and its transpose.

    The sign of a row is the product of one of its high bits and one of its low bits. Two small tables therefore hold
    it, of about 2**(width / 2) rows each.
    """

    def __init__(
        self,
        terms: Sequence[Term],
        blocks: int,
        width: int,
        num_columns: int,
        place: Place,
    ) -> None:
        device, dtype = place
        split = 0 if width <= _DENSE_QUBITS else width // 2
        self._num_low = 1 << split
        high: list[NDArray[np.float64]] = []
        low: list[NDArray[np.float64]] = []
        columns = np.zeros((sum(1 for term in terms for _ in _factors(term, width, split)), num_columns))
        offsets = np.zeros(len(columns))
        for term in terms:
            for high_signs, low_signs in _factors(term, width, split):
                placed = np.zeros((blocks, len(high_signs)))
                placed[term.block] = high_signs
                offsets[len(high)] = term.offset
                if term.column >= 0:
                    columns[len(high), term.column] = term.coefficient
                high.append(placed.ravel())
                low.append(low_signs)
        high_table = np.reshape(high, (len(high), blocks << (width - split))).T
        self._low: torch.Tensor | None = None
        if split:
            self._low = torch.tensor(np.reshape(low, (len(low), -1)), device=device, dtype=dtype)
            self._high = torch.tensor(high_table, device=device, dtype=dtype)
        else:
            columns, offsets = high_table @ columns, high_table @ offsets
        self._columns = torch.tensor(columns, device=device, dtype=dtype)
        self._offsets = torch.tensor(offsets[:, None], device=device, dtype=dtype) if offsets.any() else None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return y, (blocks * 2**width, B), for x, (K, B)."""
        sums = self._columns @ x if self._offsets is None else torch.addmm(self._offsets, self._columns, x)
        if self._low is None:
            return sums
        products = self._low[:, :, None] * sums[:, None, :]
        blocks = self._high @ products.reshape(len(products), self._num_low * x.shape[1])
        return blocks.reshape(len(blocks) * self._num_low, x.shape[1])

    def transpose(self, y: torch.Tensor) -> torch.Tensor:
        """Return the transposed map, without its offset, of y: (K, B)."""
        if self._low is not None:
            sums = self._high.T @ y.reshape(len(self._high), self._num_low * y.shape[1])
            y = (sums.reshape(len(sums), self._num_low, y.shape[1]) * self._low[:, :, None]).sum(1)
        return self._columns.T @ y


def _factors(term: Term, width: int, split: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield factors by high and low bits whose products add up to the term's sign on each row.

    Rows where a control fails have 0. Controls that read bits of both kinds make it several products: one for each
    outcome that their high bits can have, at most as many as there are high rows.
    """
    high_rows, low_rows = np.arange(1 << (width - split)) << split, np.arange(1 << split)
    high_syndromes = sum((parities(high_rows, c.sign) << i for i, c in enumerate(term.controls)), 0 * high_rows)
    low_syndromes = sum((parities(low_rows, c.sign) << i for i, c in enumerate(term.controls)), 0 * low_rows)
    wanted = low_syndromes ^ sum(c.value << i for i, c in enumerate(term.controls))
    high_signs = 1.0 - 2 * parities(high_rows, term.sign)
    low_signs = 1.0 - 2 * parities(low_rows, term.sign)
    for syndrome in np.intersect1d(high_syndromes, wanted):
        yield high_signs * (high_syndromes == syndrome), low_signs * (wanted == syndrome)
