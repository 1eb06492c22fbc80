"""What a layer reads out of its circuit: expectation values, or the probabilities of outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import ClassicalRegister, Clbit, Parameter, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.simulator.measured import MAX_DENSE_BITS
from qiskit_qgen.simulator.programs.measurements import Measurements, take_measurements

Interpret = Callable[[int], int | tuple[int, ...]]


@dataclass(frozen=True)
class ExpectationReadout:
    """Expectation values of observables."""

    circuit: QuantumCircuit
    observables: list[SparsePauliOp]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of the output for one row of parameters, (num_observables,)."""
        return (len(self.observables),)

    def function(self, execution: AbstractExecution) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the execution's function from parameters (B, num_parameters) to values (B, num_values)."""
        return execution.expectation(self.circuit, self.observables)

    def outputs(self, values: torch.Tensor) -> torch.Tensor:
        """Return the outputs, (B, prod(output_shape)), from the function's values."""
        return values

    def network(
        self, execution: AbstractExecution, input_params: list[Parameter], weight_params: list[Parameter]
    ) -> EstimatorQNN:
        """Return an ``EstimatorQNN`` on the execution."""
        return EstimatorQNN(
            circuit=self.circuit,
            estimator=execution.estimator(),
            observables=self.observables,
            input_params=input_params,
            weight_params=weight_params,
            gradient=execution.estimator_gradient(),
            input_gradients=True,
            default_precision=getattr(execution, "precision", None) or 0.0,
        )


@dataclass(frozen=True, eq=False)
class Interpretation:
    """Which output each outcome counts for: an ``interpret`` function that pickles, whatever it was made of."""

    outputs: NDArray[np.int64]
    """The number of the output, in the order of the flattened array, of each outcome, (2**num_measured,)."""
    shape: tuple[int, ...]

    def __call__(self, outcome: int) -> int | tuple[int, ...]:
        """Return the output's index."""
        index = tuple(int(each) for each in np.unravel_index(self.outputs[outcome], self.shape))
        return index[0] if len(index) == 1 else index

    @cached_property
    def is_trivial(self) -> bool:
        """Whether each outcome is an output of its own, in order."""
        return np.array_equal(self.outputs, np.arange(prod(self.shape)))


@dataclass(frozen=True)
class ProbabilityReadout:
    """Probabilities of outcomes, summed over those that are interpreted as the same output."""

    unitary: QuantumCircuit
    """The circuit without its measurements."""
    qubits: tuple[int, ...]
    """The qubits that are measured: bit i of an outcome is ``qubits[i]``."""
    interpretation: Interpretation

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of the output for one row of parameters."""
        return self.interpretation.shape

    def function(self, execution: AbstractExecution) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the execution's probabilities."""
        return execution.probabilities(self.unitary, self.qubits)

    def outputs(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sums of the probabilities that are interpreted as the same output."""
        if self.interpretation.is_trivial:
            return values
        numbers = torch.from_numpy(self.interpretation.outputs).to(values.device)
        return values.new_zeros(len(values), prod(self.output_shape)).index_add(1, numbers, values)

    def network(
        self, execution: AbstractExecution, input_params: list[Parameter], weight_params: list[Parameter]
    ) -> SamplerQNN:
        """Return a ``SamplerQNN`` on the execution; its one register is ``meas``, the one that it reads row by row."""
        return SamplerQNN(
            circuit=with_measurements(self.unitary, self.qubits),
            sampler=execution.sampler(),
            input_params=input_params,
            weight_params=weight_params,
            interpret=self.interpretation,
            output_shape=self.output_shape,
            gradient=execution.sampler_gradient(),
            input_gradients=True,
        )


def read_observables(circuit: QuantumCircuit, observables: Any) -> ExpectationReadout:
    """Check the observables; None stands for Z of each qubit."""
    if observables is None:
        return ExpectationReadout(circuit, pauli_observables(circuit.num_qubits, "Z"))
    rule = "a SparsePauliOp or a sequence of them"
    several = [observables] if isinstance(observables, SparsePauliOp) else observables
    listed = [
        check_type("observables", observable, SparsePauliOp, rule)
        for observable in check_type("observables", several, Iterable, rule)
    ]
    if not listed:
        raise ArgumentError("Argument `observables` must hold at least one operator, but is empty.")
    return ExpectationReadout(circuit, listed)


def read_probabilities(
    circuit: QuantumCircuit, interpret: Interpret | None, output_shape: int | Sequence[int] | None
) -> ProbabilityReadout:
    """Take the measurements off the circuit, and work out once what ``interpret`` says of each outcome."""
    unitary, measurements = take_measurements(circuit if is_measured(circuit) else with_measurements(circuit))
    if (interpret is None) != (output_shape is None):
        raise ArgumentError(
            "Arguments `interpret` and `output_shape` must be given together: which output an outcome counts for, and "
            "the shape of the outputs."
        )
    read = measurements.restricted({measurements.qubits[bit] for bit in measurements.read_bits if bit is not None})
    if not read.qubits:
        raise ArgumentError(
            "Argument `circuit` must measure a qubit into the classical register that is read, `meas` if there is one, "
            "else any, but does not: measure into it, or add `circuit.measure_all()`."
        )
    if interpret is None or output_shape is None:
        return ProbabilityReadout(unitary, read.qubits, _every_outcome(read))
    if not callable(interpret):
        raise ArgumentTypeError(
            f"Argument `interpret` must be a function of a whole number, but is of type {type(interpret).__name__}."
        )
    if len(read.qubits) > MAX_DENSE_BITS:  # the others are found in 0
        read = read.restricted(_qubits_with_gates(unitary))
    if len(read.qubits) > MAX_DENSE_BITS:
        raise ArgumentError(
            f"Argument `circuit` must measure at most {MAX_DENSE_BITS} qubits that have gates, "
            f"but measures {len(read.qubits)}: measure fewer qubits."
        )
    return ProbabilityReadout(unitary, read.qubits, _interpretation(read, interpret, _shape(output_shape)))


def _every_outcome(read: Measurements) -> Interpretation:
    """Return the interpretation by which each number that is measured is an output of its own."""
    num_bits = len(read.read_bits)
    if num_bits > MAX_DENSE_BITS:
        raise ArgumentError(
            f"Argument `circuit` must measure at most {MAX_DENSE_BITS} bits where each outcome is an output of its "
            f"own, but measures {num_bits}: measure fewer qubits, or give `interpret` and `output_shape`."
        )
    return Interpretation(read.values(read.read_bits), (1 << num_bits,))


def _interpretation(read: Measurements, interpret: Interpret, shape: tuple[int, ...]) -> Interpretation:
    """Return what ``interpret`` says, asked once for each number that can be measured."""
    values = read.values(read.read_bits).tolist()
    known: dict[int, int] = {}
    for value in values:
        if value not in known:
            known[value] = _output(interpret(value), value, shape)
    return Interpretation(np.array([known[value] for value in values], np.int64), shape)


def _qubits_with_gates(unitary: QuantumCircuit) -> set[int]:
    entries = (entry for entry in unitary.data if entry.name not in ("barrier", "delay", "id"))
    return {unitary.find_bit(qubit).index for entry in entries for qubit in entry.qubits}


def _shape(output_shape: Any) -> tuple[int, ...]:
    sizes = [output_shape] if isinstance(output_shape, Integral) else output_shape
    check_type("output_shape", sizes, Iterable, "a whole number or a sequence of them")
    return tuple(check_int("output_shape", size, minimum=1) for size in sizes)


def _output(index: Any, value: int, shape: tuple[int, ...]) -> int:
    """Return the number of the output in the flattened array; it is asked for millions of outcomes."""
    if type(index) is int and len(shape) == 1 and 0 <= index < shape[0]:
        return index
    places = [index] if isinstance(index, Integral) else index
    valid = (
        isinstance(places, Sequence)
        and len(places) == len(shape)
        and all(isinstance(place, Integral) for place in places)
        and all(0 <= int(place) < size for place, size in zip(places, shape, strict=True))
    )
    if not valid:
        raise ArgumentError(
            f"Argument `interpret` must return an index into outputs of the shape {shape}, "
            f"but returns {index!r} for {value}."
        )
    number = 0
    for place, size in zip(places, shape, strict=True):
        number = number * size + int(place)
    return number


def is_measured(circuit: QuantumCircuit) -> bool:
    """Return whether the circuit holds a measurement."""
    return any(entry.name == "measure" for entry in circuit.data)


def with_measurements(circuit: QuantumCircuit, qubits: Sequence[int] | None = None) -> QuantumCircuit:
    """Return the circuit, without its layout, with ``qubits`` (None: all) measured into a register ``meas``."""
    chosen = range(circuit.num_qubits) if qubits is None else qubits
    measured = QuantumCircuit(circuit.num_qubits)
    measured.add_bits([Clbit() for _ in range(circuit.num_clbits)])
    measured.compose(circuit, inplace=True)
    register = ClassicalRegister(len(chosen), "meas")
    measured.add_register(register)
    measured.measure(list(chosen), register)
    return measured


def logical_measurements(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a transpiled circuit that measures all its physical qubits with measurements of the logical ones instead.

    ``SamplerQNN`` reads those of a transpiled circuit. Other circuits are returned as they are.
    """
    if circuit.layout is None:
        return circuit
    unitary, every = circuit, tuple(range(circuit.num_qubits))
    if is_measured(circuit):
        unitary, measurements = take_measurements(circuit)
        if measurements.qubits != every or measurements.read_bits != every:
            return circuit
    return with_measurements(unitary, circuit.layout.final_index_layout(filter_ancillas=True))
