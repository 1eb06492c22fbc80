"""The checks that all executions share: of what they are asked for, and of the parameter values they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, UnsupportedCircuitError
from qiskit_qgen.execution.first_order import PrimitiveFunction, check_parameters
from qiskit_qgen.simulator.measured import MAX_DENSE_BITS
from qiskit_qgen.simulator.programs.observables import real_words

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
        real_words(observable, number, circuit.num_qubits)
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
