"""Gradients of outcome probabilities, by adjoint differentiation or by exact shifts of the rotations."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.providers import Options
from qiskit_machine_learning.algorithm_job import AlgorithmJob
from qiskit_machine_learning.gradients import BaseSamplerGradient, SamplerGradientResult

from qiskit_qgen._checks import check_simulation_options
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.gradients.jacobian import ProbabilityJacobian
from qiskit_qgen.gradients.requests import (
    FinishedGradientJob,
    by_circuit,
    check_no_options,
    chosen_columns,
    parameters_of,
    validate_once,
)
from qiskit_qgen.simulator.cache import RecentCircuits
from qiskit_qgen.simulator.measured import MeasuredCircuit


class ReverseSamplerGradient(BaseSamplerGradient):
    """Exact gradients of outcome probabilities on the built-in simulator.

    For use in a stock ``SamplerQNN(..., sampler=BatchedStatevectorSampler(default_shots=None),
    gradient=ReverseSamplerGradient())``; it sends nothing to a primitive. All rows of a circuit are differentiated
    together, in whichever way takes fewer passes over the states (see
    :class:`~qiskit_qgen.gradients.jacobian.ProbabilityJacobian`).

    An outcome is what ``SamplerQNN`` reads: the bits of the classical register ``meas`` if there is one, else of all
    registers, the first of them lowest. Outcomes of 2**num_qubits and above, which only a qubit measured into several
    bits can give, are left out, as QML's gradients do.

    Args:
        dtype: ``torch.float32`` or ``torch.float64``, the precision of the simulation.
        device: Where the simulation runs, as torch names it.
        threads: Number of threads; None for as many as torch uses.

    Raises:
        ArgumentError: If an option has another value.
    """

    def __init__(
        self, *, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu", threads: int | None = None
    ) -> None:
        self._device = check_simulation_options(device, dtype, threads)
        super().__init__(sampler=None)
        self._dtype = dtype
        self._cache = _JacobianCache(threads=threads)

    @property
    def options(self) -> Options:
        """Return the default options: none."""
        return copy(self._default_options)

    def run(
        self,
        circuits: Sequence[QuantumCircuit],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter] | None] | None = None,
        **options: Any,
    ) -> AlgorithmJob:
        """Compute the gradients of the outcome probabilities of ``circuits[i]``, for each i.

        Args:
            circuits: Circuits with final measurements; or one alone.
            parameter_values: Values of each circuit's parameters, in the order of ``QuantumCircuit.parameters``.
            parameters: By which parameters to differentiate; None, for all or for one circuit, for all of them.
            **options: None are known.

        Returns:
            A job whose result has ``gradients[i][j]``: for each outcome, as a whole number, the derivative of its
            probability by the parameter j; outcomes whose derivative is 0 are left out.

        Raises:
            ValueError: If the numbers of arguments or of values do not fit each other.
            UnsupportedCircuitError: From the job, if a circuit holds something that the simulator cannot run.
            ArgumentError: From the job, if a circuit measures nothing.
        """
        circuits = (circuits,) if isinstance(circuits, QuantumCircuit) else circuits
        chosen = parameters_of(circuits, parameters)
        validate_once(self._validate_arguments, (circuits, parameter_values, chosen), values=1)
        settings = {**self._default_options.__dict__, **options}
        return FinishedGradientJob(self._run, circuits, parameter_values, chosen, **settings)

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter]],
        **options: Any,
    ) -> SamplerGradientResult:
        """Return the gradients; the arguments have been checked."""
        check_no_options(options)
        gradients: list[list[dict[int, float]]] = [[] for _ in circuits]
        for circuit, numbers in by_circuit(circuits):
            jacobian, outcomes = self._cache.get(circuit)
            rows = np.array([parameter_values[number] for number in numbers], float)
            found = jacobian(torch.from_numpy(rows).to(self._device, self._dtype)).double().cpu().numpy()
            different, which = np.unique(outcomes, return_inverse=True)
            summed = np.zeros((len(different), *found.shape[:2]))
            np.add.at(summed, which, np.moveaxis(found, 2, 0))
            known = different < 2**circuit.num_qubits
            columns = chosen_columns(circuit, [parameters[number] for number in numbers])
            by_row = np.moveaxis(summed[known], 0, 2)  # (rows, num_parameters, outcomes)
            for row, number, wanted in zip(by_row, numbers, columns, strict=True):
                gradients[number] = [
                    _as_distribution(different[known], row[column])
                    for column in (range(len(row)) if wanted is None else wanted)
                ]
        return SamplerGradientResult(
            gradients=gradients,
            metadata=[[{"parameters": list(chosen)}] for chosen in parameters],
            options=self._default_options,
        )


class _JacobianCache(RecentCircuits[tuple[ProbabilityJacobian, NDArray[Any]]]):
    """The last few measured circuits, compared by content."""

    def get(self, circuit: QuantumCircuit) -> tuple[ProbabilityJacobian, NDArray[Any]]:
        """Return the derivatives of the probabilities, and what register value each outcome is."""

        def make() -> tuple[ProbabilityJacobian, NDArray[Any]]:
            measured = MeasuredCircuit.read(circuit, threads=self._threads)
            measurements = measured.measurements
            if "measure" not in circuit.count_ops():
                raise ArgumentError(
                    "Argument `circuits` must hold circuits that measure at least one qubit, but one measures none: "
                    "add `circuit.measure_all()`."
                )
            return ProbabilityJacobian(measured, threads=self._threads), measurements.values(measurements.read_bits)

        return self.recall(circuit, make)


def _as_distribution(outcomes: NDArray[Any], values: NDArray[np.float64]) -> dict[int, float]:
    (chosen,) = np.nonzero(values)
    return dict(zip(outcomes[chosen].tolist(), values[chosen].tolist(), strict=True))
