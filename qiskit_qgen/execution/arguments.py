"""The checks that all executions share: of what they are asked for, and of the parameter values they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, UnsupportedCircuitError
from qiskit_qgen.execution.first_order import PrimitiveFunction, check_parameters
from qiskit_qgen.simulator.measured import MAX_DENSE_BITS

_TOLERANCE = 1e-12
Function: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


def check_circuit(circuit: Any) -> None:
    """Raise an error unless this is a circuit without measurements."""
    check_type("circuit", circuit, QuantumCircuit, "a QuantumCircuit")
    for entry in circuit.data:
        if entry.name == "measure":
            qubit = circuit.find_bit(entry.qubits[0]).index
            raise UnsupportedCircuitError(
                f"An execution reads out a circuit without `measure`, but this one measures qubit {qubit}: remove "
                "final measurements with `circuit.remove_final_measurements(inplace=False)`."
            )


def check_observables(circuit: QuantumCircuit, observables: Any) -> list[SparsePauliOp]:
    """Return the observables as a list, or raise an error unless each is a real one on all the circuit's qubits."""
    rule = "a sequence of SparsePauliOp"
    if isinstance(observables, SparsePauliOp):  # which is a sequence of its terms
        raise ArgumentTypeError(f"Argument `observables` must be {rule}, but is one of them alone: put it in a list.")
    several = check_type("observables", observables, Iterable, rule)
    listed = [check_type("observables", observable, SparsePauliOp, rule) for observable in several]
    if not listed:
        raise ArgumentError("Argument `observables` must hold at least one operator, but is empty.")
    for number, observable in enumerate(listed):
        if observable.num_qubits != circuit.num_qubits:
            raise ArgumentError(
                f"Argument `observables` must act on the circuit's {circuit.num_qubits} qubits, "
                f"but observable {number} acts on {observable.num_qubits}."
            )
        _check_coefficients(observable, number)
    return listed


def check_qubits(circuit: QuantumCircuit, qubits: Any) -> list[int]:
    """Return the numbers of the qubits, or raise an error unless they are distinct ones of the circuit."""
    listed = list(check_type("qubits", qubits, Iterable, "a sequence of whole numbers"))
    numbers = [check_int("qubits", qubit, minimum=0, maximum=circuit.num_qubits - 1) for qubit in listed]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ArgumentError(f"Argument `qubits` must name different qubits, at least one, but is {numbers}.")
    if len(numbers) > MAX_DENSE_BITS:
        raise ArgumentError(
            f"Argument `qubits` must name at most {MAX_DENSE_BITS} qubits, since there are 2**len(qubits) "
            f"probabilities, but names {len(numbers)}: measure fewer qubits, or draw shots with `sampler()`."
        )
    return numbers


def _check_coefficients(observable: SparsePauliOp, number: int) -> None:
    try:
        numeric = SparsePauliOp(observable.paulis, observable.coeffs.astype(complex))
    except TypeError:
        raise ArgumentError(
            f"Argument `observables` must have numbers as coefficients, but observable {number} has free parameters: "
            "bind them."
        ) from None
    if not np.isfinite(numeric.coeffs).all():
        raise ArgumentError(
            f"Argument `observables` must have finite coefficients, but observable {number} has NaN or infinity."
        )
    for coefficient in numeric.simplify(atol=0.0).coeffs:
        if abs(coefficient.imag) > _TOLERANCE * max(1.0, abs(coefficient)):
            raise ArgumentError(
                "Argument `observables` must have real coefficients, "
                f"but observable {number} has the coefficient {coefficient}."
            )


class _CheckedFunction:
    """A function of parameter values that checks them first."""

    def __init__(self, function: Function, num_parameters: int) -> None:
        self._function = function
        self._num_parameters = num_parameters

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        check_parameters(parameters, self._num_parameters)
        return self._function(parameters)


def checked(function: Function, num_parameters: int) -> Function:
    """Return a function that checks its argument; those on primitives do so themselves."""
    if isinstance(function, PrimitiveFunction | _CheckedFunction):
        return function
    return _CheckedFunction(function, num_parameters)
