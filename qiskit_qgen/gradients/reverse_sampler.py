"""Gradients of outcome probabilities, by adjoint differentiation or by exact shifts of the rotations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.gradients.jacobian import ProbabilityJacobian
from qiskit_qgen.gradients.requests import AbstractSamplerGradient, Group
from qiskit_qgen.gradients.reverse import AbstractReverseGradient
from qiskit_qgen.simulator.cache import RecentCircuits
from qiskit_qgen.simulator.measured import MeasuredCircuit


class ReverseSamplerGradient(AbstractReverseGradient, AbstractSamplerGradient):
    """Exact gradients of outcome probabilities on the built-in simulator.

    For use in a stock ``SamplerQNN(..., sampler=BatchedStatevectorSampler(default_shots=None),
    gradient=ReverseSamplerGradient())``; it sends nothing to a primitive. All rows of a circuit are differentiated
    together, in whichever way takes fewer passes over the states (see
    :class:`~qiskit_qgen.gradients.jacobian.ProbabilityJacobian`).

    An outcome is what ``SamplerQNN`` reads: the bits of the classical register ``meas`` if there is one, else of all
    registers, the first of them lowest. Outcomes of 2**num_qubits and above, which only a qubit measured into several
    bits can give, are left out, as QML's gradients do.

    Args:
        dtype: ``torch.float64``, or ``torch.float32``, which takes half the time, the precision of the simulation.
        device: Where the simulation runs, as torch names it.
        threads: Number of threads; None for as many as torch uses.

    Raises:
        ArgumentError: If an option has another value.
    """

    _cache: RecentCircuits[tuple[ProbabilityJacobian, NDArray[Any]]]
    _cache_type = RecentCircuits

    def _gradients_of(self, group: Group) -> list[list[dict[int, float]]]:
        """Return the derivatives of each row's probabilities by all parameters asked for."""
        jacobian, outcomes = self._cache.recall(group.circuit, lambda: self._jacobian(group.circuit))
        found = jacobian(torch.from_numpy(group.values).to(self._device, self._dtype)).double().cpu().numpy()
        different, which = np.unique(outcomes, return_inverse=True)
        summed = np.zeros((len(different), *found.shape[:2]))
        np.add.at(summed, which, np.moveaxis(found, 2, 0))
        known = different < 2**group.circuit.num_qubits
        by_row = np.moveaxis(summed[known], 0, 2)[:, group.wanted]  # (rows, num_wanted, outcomes)
        return [[_as_distribution(different[known], values) for values in row] for row in by_row]

    def _jacobian(self, circuit: QuantumCircuit) -> tuple[ProbabilityJacobian, NDArray[Any]]:
        """Return the derivatives of the probabilities, and what register value each outcome is."""
        measured = MeasuredCircuit.read(circuit, threads=self._threads)
        measurements = measured.measurements
        if "measure" not in circuit.count_ops():
            raise ArgumentError(
                "Argument `circuits` must hold circuits that measure at least one qubit, but one measures none: "
                "add `circuit.measure_all()`."
            )
        return ProbabilityJacobian(measured, threads=self._threads), measurements.values(measurements.read_bits)


def _as_distribution(outcomes: NDArray[Any], values: NDArray[np.float64]) -> dict[int, float]:
    (chosen,) = np.nonzero(values)
    return dict(zip(outcomes[chosen].tolist(), values[chosen].tolist(), strict=True))
