"""Simultaneous perturbation: all parameters moved at once, in random directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen.gradients.rule import AbstractGradientRule, ShiftedRows


class PerturbationRule(AbstractGradientRule):
    """Simultaneous perturbation (SPSA; Spall 2000, doi 10.1109/TAC.2000.880982): 2 rows a sample for any gradient.

    df/dp is estimated by d_p (f(p + epsilon d) - f(p - epsilon d)) / (2 epsilon), the mean over ``batch_size``
    directions d of signs +1 and -1. Each sample draws directions of its own, common to all outputs; parameters whose
    derivative is not asked for stay where they are. The estimate has a bias of the order of epsilon squared, and the
    other parameters' slopes as its noise.

    Args:
        circuit: Any circuit.
        epsilon: How far a parameter moves, above 0.
        batch_size: Number of directions to average over.
        seed: Seed of the directions, or a generator that is advanced.

    Raises:
        ArgumentError: If an option is out of range.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        *,
        epsilon: float = 0.1,
        batch_size: int = 1,
        seed: np.random.Generator | int | None = None,
    ) -> None:
        self.circuit = circuit
        self._epsilon = check_float("epsilon", epsilon, minimum=0.0, open_minimum=True)
        self._batch_size = check_int("batch_size", batch_size, minimum=1)
        if not isinstance(seed, np.random.Generator | None):
            check_int("seed", seed, minimum=0)
        self._generator = np.random.default_rng(seed)

    def unshifted(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``values``: the circuit is run as it is."""
        return values

    def shifted(self, values: NDArray[np.float64], wanted: Sequence[int]) -> ShiftedRows:
        """Return two rows for each direction; random directions are drawn at each call."""
        from scipy.sparse import csr_array

        samples, num_wanted = len(values), len(wanted)
        if not num_wanted:
            return ShiftedRows(np.empty((samples, 0, values.shape[1])), csr_array((0, 0)))
        directions = 1.0 - 2.0 * self._generator.integers(0, 2, (samples, self._batch_size, num_wanted))
        directions = np.stack([directions, -directions], 2).reshape(samples, -1, num_wanted)
        rows = np.repeat(values[:, None, :], directions.shape[1], 1)
        rows[:, :, list(wanted)] += self._epsilon * directions
        weights = directions.swapaxes(1, 2) / (2 * self._epsilon * self._batch_size)
        target = np.arange(samples * num_wanted).reshape(samples, num_wanted, 1)
        source = np.arange(rows.shape[0] * rows.shape[1]).reshape(samples, 1, -1)
        target, source = np.broadcast_arrays(target, source)
        shape = (samples * num_wanted, source.shape[0] * source.shape[2])
        return ShiftedRows(rows, csr_array((weights.ravel(), (target.ravel(), source.ravel())), shape=shape))
