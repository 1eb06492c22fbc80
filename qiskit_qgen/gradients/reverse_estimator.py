"""Gradients of expectation values by adjoint differentiation."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.providers import Options
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp
from qiskit.quantum_info.operators.base_operator import BaseOperator
from qiskit_machine_learning.gradients import BaseEstimatorGradient, DerivativeType, EstimatorGradientResult

from qiskit_qgen._checks import check_simulation_options, check_type
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.simulator.cache import ExpectationCache


class ReverseEstimatorGradient(BaseEstimatorGradient):
    """Exact gradients on the built-in simulator, the cost of a few circuit runs whatever the number of parameters.

    Adjoint differentiation (arXiv 2009.02823): the circuit is run backward once on psi and on O psi. For use in a stock
    ``EstimatorQNN(..., estimator=BatchedStatevectorEstimator(), gradient=ReverseEstimatorGradient())``; it sends
    nothing to a primitive.

    Args:
        dtype: ``torch.float32`` or ``torch.float64``, the precision of the simulation.
        device: "cpu".
        threads: Number of threads; None for as many as torch uses.

    Raises:
        ArgumentError: If an option has another value.
    """

    def __init__(self, *, dtype: torch.dtype = torch.float32, device: str = "cpu", threads: int | None = None) -> None:
        check_simulation_options(device, dtype, threads)
        super().__init__(estimator=None, derivative_type=DerivativeType.REAL)
        self._dtype = dtype
        self._cache = ExpectationCache(threads=threads)

    @property
    def options(self) -> Options:
        """Return the default options: none."""
        return copy(self._default_options)

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[BaseOperator],
        parameter_values: Sequence[Sequence[float]] | np.ndarray,
        parameters: Sequence[Sequence[Parameter]],
        **options: Any,
    ) -> EstimatorGradientResult:
        """Return the gradients; the base class has checked the arguments."""
        if options:
            raise ArgumentError(f"Arguments {sorted(options)} are not options of an exact gradient: remove them.")
        groups: dict[int, list[int]] = {}
        for number, circuit in enumerate(circuits):
            groups.setdefault(id(circuit), []).append(number)
        gradients: dict[int, np.ndarray] = {}
        for numbers in groups.values():
            circuit = circuits[numbers[0]]
            rows = np.array([np.asarray(parameter_values[number], float) for number in numbers])
            full = self._gradients_of(circuit, [observables[number] for number in numbers], rows)
            columns = {parameter: column for column, parameter in enumerate(circuit.parameters)}
            for row, number in zip(full, numbers, strict=True):
                gradients[number] = row[[columns[parameter] for parameter in parameters[number]]]
        return EstimatorGradientResult(
            gradients=[gradients[number] for number in range(len(circuits))],
            metadata=[{"parameters": list(chosen)} for chosen in parameters],
            options=self._default_options,
        )

    def _gradients_of(self, circuit: QuantumCircuit, observables: list[BaseOperator], rows: np.ndarray) -> np.ndarray:
        """Return the gradient of one observable per row, (rows, num_parameters)."""
        distinct: dict[int, int] = {}
        chosen = [distinct.setdefault(id(observable), len(distinct)) for observable in observables]
        operators = {distinct[id(observable)]: observable for observable in observables}
        function = self._cache.get(circuit, [_as_pauli_op(operators[column]) for column in range(len(operators))])
        values = torch.from_numpy(rows).to(self._dtype).requires_grad_()
        cotangent = torch.zeros(len(rows), len(operators), dtype=self._dtype)
        cotangent[torch.arange(len(rows)), chosen] = 1
        (gradient,) = torch.autograd.grad(function(values), values, cotangent)
        return gradient.double().numpy()


def _as_pauli_op(observable: BaseOperator) -> SparsePauliOp:
    if isinstance(observable, SparseObservable):
        return SparsePauliOp.from_sparse_observable(observable)
    kinds = "SparsePauliOp, SparseObservable or Pauli operators"
    check_type("observables", observable, (SparsePauliOp, Pauli), kinds)
    return SparsePauliOp(observable)
