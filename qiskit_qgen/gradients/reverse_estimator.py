"""Gradients of expectation values by adjoint differentiation."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from qiskit_qgen.gradients.requests import AbstractEstimatorGradient, Group
from qiskit_qgen.gradients.reverse import AbstractReverseGradient
from qiskit_qgen.simulator.cache import ExpectationCache
from qiskit_qgen.simulator.programs.observables import as_pauli_op


class ReverseEstimatorGradient(AbstractReverseGradient, AbstractEstimatorGradient):
    """Exact gradients on the built-in simulator, the cost of a few circuit runs whatever the number of parameters.

    Adjoint differentiation (arXiv 2009.02823): the circuit is run backward once on psi and on O psi. For use in a stock
    ``EstimatorQNN(..., estimator=BatchedStatevectorEstimator(), gradient=ReverseEstimatorGradient())``; it sends
    nothing to a primitive. Calls that name the same circuit and parameter values with several observables run the
    circuit forward once, and backward once for each observable.

    Args:
        dtype: ``torch.float64``, or ``torch.float32``, which takes half the time, the precision of the simulation.
        device: Where the simulation runs, as torch names it.
        threads: Number of threads; None for as many as torch uses.

    Raises:
        ArgumentError: If an option has another value.
    """

    _cache: ExpectationCache
    _cache_type = ExpectationCache

    def _gradients_of(self, group: Group) -> NDArray[np.float64]:
        """Return the gradient of one observable per row, (rows, num_wanted)."""
        different = {id(observable): observable for observable in group.observables}
        numbers = {key: number for number, key in enumerate(different)}
        output = np.array([numbers[id(observable)] for observable in group.observables])
        function = self._cache.get(group.circuit, [as_pauli_op(observable) for observable in different.values()])
        rows = group.values
        state, turn = _shared_states(rows)
        first = turn == 0
        pull_back = function.linearize(torch.from_numpy(rows[first]).to(self._device, self._dtype))
        gradients = np.empty_like(rows)
        for number in range(turn.max() + 1):
            now = turn == number
            cotangent = np.zeros((np.count_nonzero(first), len(different)))
            cotangent[state[now], output[now]] = 1
            found = pull_back(torch.from_numpy(cotangent).to(self._device, self._dtype))
            gradients[now] = found.double().cpu().numpy()[state[now]]
        return gradients[:, group.wanted]


def _shared_states(rows: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number the different rows in the order in which they come, and how often each came before.

    Returns:
        The number of each row among the different ones, and how many equal rows come before it.
    """
    numbers: dict[bytes, int] = {}
    counts: list[int] = []
    state, turn = np.empty(len(rows), np.intp), np.empty(len(rows), np.intp)
    for position, row in enumerate(rows):
        number = numbers.setdefault(row.tobytes(), len(counts))
        if number == len(counts):
            counts.append(0)
        state[position], turn[position] = number, counts[number]
        counts[number] += 1
    return state, turn
