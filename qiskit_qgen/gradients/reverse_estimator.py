"""Gradients of expectation values by adjoint differentiation."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.providers import Options
from qiskit.quantum_info.operators.base_operator import BaseOperator
from qiskit_machine_learning.algorithm_job import AlgorithmJob
from qiskit_machine_learning.gradients import BaseEstimatorGradient, DerivativeType, EstimatorGradientResult

from qiskit_qgen._checks import check_simulation_options
from qiskit_qgen.gradients.requests import (
    FinishedGradientJob,
    as_pauli_op,
    by_circuit,
    check_no_options,
    chosen_columns,
    parameters_of,
    validate_once,
)
from qiskit_qgen.simulator.cache import ExpectationCache


class ReverseEstimatorGradient(BaseEstimatorGradient):
    """Exact gradients on the built-in simulator, the cost of a few circuit runs whatever the number of parameters.

    Adjoint differentiation (arXiv 2009.02823): the circuit is run backward once on psi and on O psi. For use in a stock
    ``EstimatorQNN(..., estimator=BatchedStatevectorEstimator(), gradient=ReverseEstimatorGradient())``; it sends
    nothing to a primitive. Calls that name the same circuit and parameter values with several observables run the
    circuit forward once, and backward once for each observable.

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
        super().__init__(estimator=None, derivative_type=DerivativeType.REAL)
        self._dtype = dtype
        self._cache = ExpectationCache(threads=threads)

    @property
    def options(self) -> Options:
        """Return the default options: none."""
        return copy(self._default_options)

    def run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[BaseOperator],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter] | None] | None = None,
        **options: Any,
    ) -> AlgorithmJob:
        """Compute the gradient of the expectation value of ``observables[i]`` on ``circuits[i]``, for each i.

        Args:
            circuits: The circuits; or one alone.
            observables: The observables; or one alone.
            parameter_values: Values of each circuit's parameters, in the order of ``QuantumCircuit.parameters``.
            parameters: By which parameters to differentiate; None, for all or for one circuit, for all of them.
            **options: None are known.

        Returns:
            A job whose result has ``gradients[i]``, (num_parameters,).

        Raises:
            ValueError: If the numbers of arguments, of values or of qubits do not fit each other.
            UnsupportedCircuitError: From the job, if a circuit holds something that the simulator cannot run.
            ArgumentError: From the job, if an observable has complex coefficients.
        """
        circuits = (circuits,) if isinstance(circuits, QuantumCircuit) else circuits
        observables = (observables,) if isinstance(observables, BaseOperator) else observables
        chosen = parameters_of(circuits, parameters)
        validate_once(self._validate_arguments, (circuits, observables, parameter_values, chosen), values=2)
        settings = {**self._default_options.__dict__, **options}
        return FinishedGradientJob(self._run, circuits, observables, parameter_values, chosen, **settings)

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[BaseOperator],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter]],
        **options: Any,
    ) -> EstimatorGradientResult:
        """Return the gradients; the arguments have been checked."""
        check_no_options(options)
        gradients: list[np.ndarray] = [np.empty(0)] * len(circuits)
        for circuit, numbers in by_circuit(circuits):
            rows = np.array([parameter_values[number] for number in numbers], float)
            full = self._gradients_of(circuit, [observables[number] for number in numbers], rows)
            columns = chosen_columns(circuit, [parameters[number] for number in numbers])
            for gradient, number, wanted in zip(full, numbers, columns, strict=True):
                gradients[number] = gradient if wanted is None else gradient[wanted]
        return EstimatorGradientResult(
            gradients=gradients,
            metadata=[{"parameters": list(chosen)} for chosen in parameters],
            options=self._default_options,
        )

    def _gradients_of(
        self, circuit: QuantumCircuit, observables: list[BaseOperator], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the gradient of one observable per row, (rows, num_parameters)."""
        outputs: dict[int, int] = {}
        output = np.array([outputs.setdefault(id(observable), len(outputs)) for observable in observables])
        operators = {outputs[id(observable)]: observable for observable in observables}
        function = self._cache.get(circuit, [as_pauli_op(operators[number]) for number in range(len(operators))])
        state, turn = _shared_states(rows)
        first = turn == 0
        pull_back = function.linearize(torch.from_numpy(rows[first]).to(self._device, self._dtype))
        gradients = np.empty_like(rows)
        for number in range(turn.max() + 1):
            now = turn == number
            cotangent = np.zeros((np.count_nonzero(first), len(operators)))
            cotangent[state[now], output[now]] = 1
            found = pull_back(torch.from_numpy(cotangent).to(self._device, self._dtype))
            gradients[now] = found.double().cpu().numpy()[state[now]]
        return gradients


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
