"""Bits of shots to normal numbers: the arithmetic behind quantum noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

_FEWEST = 0.5


@dataclass(frozen=True, eq=False)
class Marginals:
    """How often qubits are 1, alone and in pairs."""

    ones: NDArray[np.float64]
    """Probability that a qubit is 1, (num_qubits,)."""
    both: NDArray[np.float64]
    """Probability that two qubits are both 1, (num_qubits, num_qubits)."""

    @classmethod
    def of_probabilities(cls, probabilities: NDArray[np.float64]) -> Self:
        """Return those of a circuit's outcomes, (2**num_qubits,), bit i of an outcome being qubit i."""
        num_qubits = len(probabilities).bit_length() - 1
        weights = probabilities / probabilities.sum()
        values = np.arange(len(weights))
        bits = [(values >> qubit & 1).astype(bool) for qubit in range(num_qubits)]
        both = np.array([[weights[first & second].sum() for second in bits] for first in bits])
        return cls(both.diagonal().copy(), both)

    @classmethod
    def of_shots(cls, shots: NDArray[np.uint8]) -> Self:
        """Return estimates from outcomes (num_shots, num_qubits); no qubit is taken to be always the same."""
        bits = shots.astype(np.float64)
        both = bits.T @ bits / len(bits)
        least = _FEWEST / len(bits)
        ones = both.diagonal().clip(least, 1 - least)
        np.fill_diagonal(both, ones)
        return cls(ones, both)


class BinaryFractions:
    """Normal numbers of ``num_bits`` bits of each qubit.

    Args:
        marginals: How often the qubits are 1.
        num_bits: Bits of each number.
    """

    def __init__(self, marginals: Marginals, num_bits: int) -> None:
        self.marginals = marginals
        self.num_bits = num_bits

    def normal_numbers(self, bits: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one number for each draw and qubit, (N, num_qubits), of bits (N, num_bits, num_qubits)."""
        codes = np.zeros((len(bits), bits.shape[2]), np.int32)
        for position in range(self.num_bits):
            codes <<= 1
            codes |= bits[:, position]
        tables = self._tables32
        return np.stack([table[codes[:, qubit]] for qubit, table in enumerate(tables)], axis=1)

    def covariance(self) -> NDArray[np.float64]:
        """Return the exact covariance of the qubits' numbers, (num_qubits, num_qubits).

        ``E[g_i g_j] = g_i^T (P_ij x ... x P_ij) g_j``, one factor for each bit, with the joint probabilities P_ij of
        the two qubits in a shot.
        """
        count = len(self.marginals.ones)
        covariance = np.eye(count)
        for i in range(count):
            for j in range(i):
                covariance[i, j] = covariance[j, i] = self._tables[i] @ self._spread(self._joint(i, j), self._tables[j])
        return covariance

    @cached_property
    def _tables(self) -> list[NDArray[np.float64]]:
        """The number of each code, of each qubit; equal probabilities share one table."""
        made: dict[float, NDArray[np.float64]] = {}
        return [made.setdefault(key, self._table(key)) for key in np.round(self.marginals.ones, 12).tolist()]

    @cached_property
    def _tables32(self) -> list[NDArray[np.float32]]:
        return [table.astype(np.float32) for table in self._tables]

    def _table(self, one: float) -> NDArray[np.float64]:
        from scipy.special import ndtri  # slow to import

        low, width = np.zeros(1), np.ones(1)
        for _ in range(self.num_bits):
            low = np.stack([low, low + width * (1 - one)], axis=1).reshape(-1)
            width = np.stack([width * (1 - one), width * one], axis=1).reshape(-1)
        numbers = ndtri(np.clip(low + width / 2, np.finfo(float).tiny, 1 - np.finfo(float).epsneg))
        numbers -= width @ numbers  # the width of an interval is the probability of its code
        return np.asarray(numbers / np.sqrt(width @ numbers**2))

    def _joint(self, i: int, j: int) -> NDArray[np.float64]:
        """Probabilities of two qubits, [bit of i][bit of j]."""
        ones, both = self.marginals.ones, self.marginals.both[i, j]
        return np.array([[1 - ones[i] - ones[j] + both, ones[j] - both], [ones[i] - both, both]])

    def _spread(self, joint: NDArray[np.float64], table: NDArray[np.float64]) -> NDArray[np.float64]:
        values = table.reshape((2,) * self.num_bits)
        for axis in range(self.num_bits):
            values = np.moveaxis(np.tensordot(joint, values, axes=(1, axis)), 0, axis)
        return values.reshape(-1)
