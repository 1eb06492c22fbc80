"""What gradient rules have in common: derivatives are sums over results of one circuit at shifted rows of values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit


@dataclass(frozen=True)
class ShiftedRows:
    """The rows to run, and how derivatives follow from their results."""

    rows: NDArray[np.float64]
    """Values of the parameters of the rule's circuit, (B, K, num_columns): K rows for each of B samples."""
    weights: Any
    """A sparse matrix, (B * W, B * K): the derivatives by the W parameters asked for, from the rows' results."""

    @property
    def num_rows(self) -> int:
        """B * K; none if nothing depends on the parameters."""
        return int(np.prod(self.rows.shape[:2]))

    @property
    def flat(self) -> NDArray[np.float64]:
        """The rows, (B * K, num_columns)."""
        return self.rows.reshape(self.num_rows, self.rows.shape[2])

    def derivatives(self, results: Any) -> Any:
        """Return ``weights @ results``, (B * W, ...), from results of the flat rows, (B * K, ...), dense or sparse."""
        return self.weights @ results


class AbstractGradientRule(ABC):
    """A way to get the derivatives of what one circuit gives from values at other parameters.

    Attributes:
        circuit: The circuit to run: at :meth:`unshifted` for the values, at :meth:`shifted` for their derivatives.
    """

    circuit: QuantumCircuit

    @abstractmethod
    def unshifted(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of the parameters of :attr:`circuit`, (B, num_columns).

        Args:
            values: Values of the parameters of the circuit that the rule was made for, (B, num_parameters).
        """

    @abstractmethod
    def shifted(self, values: NDArray[np.float64], wanted: Sequence[int]) -> ShiftedRows:
        """Return the rows for the derivatives at ``values`` by the parameters number ``wanted``."""
