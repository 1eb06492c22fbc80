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

from qiskit_qgen._checks import check_choice, check_float, check_int
from qiskit_qgen.exceptions import ArgumentError
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
    precision: float | None = None,
    gradient: Gradient = "param_shift",
    prepare: Callable[[QuantumCircuit, list[SparsePauliOp]], tuple[QuantumCircuit, Sequence[SparsePauliOp]]]
    | None = None,
    fused: bool = False,
) -> PrimitiveFunction:
    """Return expectation values on an estimator as a differentiable function, (B, P) to (B, num_observables).

    Args:
        circuit: The circuit.
        observables: Operators on the circuit's qubits.
        estimator: Any V2 estimator.
        precision: The precision to ask for, forward and backward; None for the estimator's own.
        gradient: The gradient rule.
        prepare: Makes circuit and observables such as the estimator takes (a transpiled circuit, and the observables
            in its layout). Called once, here; it may rearrange the circuit's parameters but not add any.
        fused: Whether a forward pass that a gradient will follow runs the shifted rows too, in the same job.

    Returns:
        The function.

    Raises:
        ArgumentError: If ``precision`` is negative or ``gradient`` unknown.
        GradientError: If the rule does not fit the circuit.
    """
    if precision is not None:
        check_float("precision", precision, minimum=0.0)
    rule = make_rule(circuit, gradient)
    ready, operators = rule.circuit, list(observables)
    if prepare is not None:
        ready, prepared = prepare(ready, operators)
        operators = list(prepared)
    columns = _columns(rule.circuit, ready)
    array = ObservablesArray.coerce(operators).reshape(len(operators), 1)

    def run(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        job = estimator.run([(ready, array, rows[:, columns])], precision=precision)
        return np.asarray(job.result()[0].data.evs, np.float64).T

    return PrimitiveFunction(rule, run, num_parameters=circuit.num_parameters, num_outputs=len(operators), fused=fused)


def probability_function(
    circuit: QuantumCircuit,
    qubits: Sequence[int],
    *,
    sampler: BaseSamplerV2,
    shots: int | None = None,
    gradient: Gradient = "param_shift",
    prepare: Callable[[QuantumCircuit], QuantumCircuit] | None = None,
    fused: bool = False,
) -> PrimitiveFunction:
    """Return probabilities measured by a sampler as a differentiable function, (B, P) to (B, 2**len(qubits)).

    Args:
        circuit: The circuit, without the measurement of ``qubits``, which is added.
        qubits: The qubits to measure; bit i of an outcome is ``qubits[i]``.
        sampler: Any V2 sampler.
        shots: The number of shots of each row, forward and backward; None for the sampler's own.
        gradient: The gradient rule.
        prepare: Makes the measured circuit such as the sampler takes. Called once, here; it may rearrange the
            circuit's parameters but not add any.
        fused: Whether a forward pass that a gradient will follow runs the shifted rows too, in the same job.

    Returns:
        The function.

    Raises:
        ArgumentError: If ``shots`` is not positive or ``gradient`` unknown.
        GradientError: If the rule does not fit the circuit.
    """
    from scipy.sparse import csr_array

    if shots is not None:
        check_int("shots", shots, minimum=1)
    measured = circuit.copy()
    register = ClassicalRegister(len(qubits), _REGISTER)
    measured.add_register(register)
    measured.measure(list(qubits), register)
    rule = make_rule(measured, gradient)
    ready = rule.circuit if prepare is None else prepare(rule.circuit)
    columns = _columns(rule.circuit, ready)

    def run(rows: NDArray[np.float64]) -> Any:
        job = sampler.run([(ready, rows[:, columns])], shots=shots)
        seen, found = read_outcomes(job.result()[0], _REGISTER)
        return csr_array((found.data, seen[found.indices], found.indptr), shape=(len(rows), 1 << len(qubits)))

    return PrimitiveFunction(
        rule, run, num_parameters=circuit.num_parameters, num_outputs=1 << len(qubits), fused=fused
    )


def make_rule(circuit: QuantumCircuit, gradient: Gradient) -> AbstractGradientRule:
    """Return a circuit's gradient rule.

    Raises:
        ArgumentError: If ``gradient`` is unknown.
        GradientError: If the rule does not fit the circuit.
    """
    if callable(gradient):
        return gradient(circuit)
    return RULES[check_choice("gradient", gradient, RULES)](circuit)


def _columns(made: QuantumCircuit, prepared: QuantumCircuit) -> list[int]:
    """Return where the values of the prepared circuit's parameters are; it may have lost some."""
    place = {parameter: number for number, parameter in enumerate(made.parameters)}
    unknown = [parameter.name for parameter in prepared.parameters if parameter not in place]
    if unknown:
        raise ArgumentError(f"Argument `prepare` must not add parameters to the circuit, but added {unknown}.")
    return [place[parameter] for parameter in prepared.parameters]
