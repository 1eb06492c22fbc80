"""Circuits on any V2 primitive as differentiable torch functions: one PUB in one job each way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_choice
from qiskit_qgen.execution.first_order import PrimitiveFunction
from qiskit_qgen.gradients.outcomes import read_outcomes
from qiskit_qgen.gradients.perturbation_rule import PerturbationRule
from qiskit_qgen.gradients.rule import AbstractGradientRule
from qiskit_qgen.gradients.shift_rule import ShiftRule

Gradient: TypeAlias = str | Callable[[QuantumCircuit], AbstractGradientRule]
"""A gradient rule by name, "param_shift" or "spsa", or what makes one: ``partial(PerturbationRule, epsilon=0.2)``."""
RULES: dict[str, Callable[[QuantumCircuit], AbstractGradientRule]] = {
    "param_shift": ShiftRule,
    "spsa": PerturbationRule,
}
_REGISTER = "outcome"


def expectation_function(
    circuit: QuantumCircuit,
    observables: Sequence[SparsePauliOp],
    *,
    estimator: BaseEstimatorV2,
    gradient: Gradient = "param_shift",
) -> PrimitiveFunction:
    """Return expectation values on an estimator as a differentiable function, (B, P) to (B, num_observables).

    Args:
        circuit: The circuit.
        observables: Operators on the circuit's qubits.
        estimator: Any V2 estimator.
        gradient: The gradient rule.

    Returns:
        The function.

    Raises:
        ArgumentError: If ``gradient`` is unknown.
        GradientError: If the rule does not fit the circuit.
    """
    rule = make_rule(circuit, gradient)
    array = ObservablesArray.coerce(list(observables)).reshape(len(observables), 1)

    def run(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        job = estimator.run([(rule.circuit, array, rows)])
        return np.asarray(job.result()[0].data.evs, np.float64).T

    return PrimitiveFunction(rule, run, num_parameters=circuit.num_parameters, num_outputs=len(observables))


def probability_function(
    circuit: QuantumCircuit,
    qubits: Sequence[int],
    *,
    sampler: BaseSamplerV2,
    gradient: Gradient = "param_shift",
) -> PrimitiveFunction:
    """Return probabilities measured by a sampler as a differentiable function, (B, P) to (B, 2**len(qubits)).

    Args:
        circuit: The circuit, without the measurement of ``qubits``, which is added.
        qubits: The qubits to measure; bit i of an outcome is ``qubits[i]``.
        sampler: Any V2 sampler.
        gradient: The gradient rule.

    Returns:
        The function.

    Raises:
        ArgumentError: If ``gradient`` is unknown.
        GradientError: If the rule does not fit the circuit.
    """
    from scipy.sparse import csr_array

    measured = circuit.copy()
    register = ClassicalRegister(len(qubits), _REGISTER)
    measured.add_register(register)
    measured.measure(list(qubits), register)
    rule = make_rule(measured, gradient)

    def run(rows: NDArray[np.float64]) -> Any:
        job = sampler.run([(rule.circuit, rows)])
        seen, found = read_outcomes(job.result()[0], _REGISTER)
        return csr_array((found.data, seen[found.indices], found.indptr), shape=(len(rows), 1 << len(qubits)))

    return PrimitiveFunction(rule, run, num_parameters=circuit.num_parameters, num_outputs=1 << len(qubits))


def make_rule(circuit: QuantumCircuit, gradient: Gradient) -> AbstractGradientRule:
    """Return a circuit's gradient rule.

    Raises:
        ArgumentError: If ``gradient`` is unknown.
        GradientError: If the rule does not fit the circuit.
    """
    if callable(gradient):
        return gradient(circuit)
    return RULES[check_choice("gradient", gradient, RULES)](circuit)
