"""A circuit whose parameters are divided into inputs and weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike
from qiskit.circuit import Parameter, QuantumCircuit

from qiskit_qgen._checks import check_array, check_shape, check_type
from qiskit_qgen.exceptions import ArgumentError


@dataclass(frozen=True)
class ParametrizedCircuit:
    """A circuit with its parameters divided into inputs (data, noise, angles) and trainable weights.

    Raises:
        ArgumentTypeError: If ``circuit`` is not a ``QuantumCircuit``, or the others contain anything but Parameters.
        ArgumentError: If the inputs and weights together do not contain each parameter of the circuit exactly once.
    """

    circuit: QuantumCircuit
    """The circuit, without measurements."""
    input_params: tuple[Parameter, ...] = ()
    """The input parameters, in the order of the input vector's components."""
    weight_params: tuple[Parameter, ...] = ()
    """The trainable parameters, in the order of the weight vector's components."""

    def __post_init__(self) -> None:
        check_type("circuit", self.circuit, QuantumCircuit, "a QuantumCircuit")
        object.__setattr__(self, "input_params", _parameters("input_params", self.input_params))
        object.__setattr__(self, "weight_params", _parameters("weight_params", self.weight_params))
        given = self.input_params + self.weight_params
        doubled = sorted(parameter.name for parameter, number in Counter(given).items() if number > 1)
        if doubled:
            raise ArgumentError(f"Arguments `input_params` and `weight_params` must not repeat, but do: {doubled}.")
        unknown = sorted(parameter.name for parameter in set(given) - set(self.circuit.parameters))
        if unknown:
            found = f"are not: {unknown}"
            if {parameter.name for parameter in self.circuit.parameters}.issuperset(unknown):
                found += ", other objects of the same name as parameters of the circuit: take them from "
                found += "`circuit.parameters`"
            raise ArgumentError(f"Arguments `input_params` and `weight_params` must be in the circuit, but {found}.")
        free = sorted(parameter.name for parameter in set(self.circuit.parameters) - set(given))
        if free:
            raise ArgumentError(
                f"Each parameter of `circuit` must be an input or a weight, but these are neither: {free}."
            )

    @property
    def num_qubits(self) -> int:
        """The number of the circuit's qubits."""
        return int(self.circuit.num_qubits)

    @property
    def num_inputs(self) -> int:
        """The number of inputs."""
        return len(self.input_params)

    @property
    def num_weights(self) -> int:
        """The number of trainable weights."""
        return len(self.weight_params)

    def bind(self, inputs: ArrayLike = (), weights: ArrayLike = ()) -> QuantumCircuit:
        """Return the circuit with all its parameters bound to values.

        Args:
            inputs: Values of ``input_params``, (num_inputs,), in radians where they are angles.
            weights: Values of ``weight_params``, (num_weights,).

        Raises:
            ArgumentTypeError: If the values are not numbers.
            ArgumentError: If a length is wrong or a value is not finite.
        """
        return self.circuit.assign_parameters(
            _named("inputs", self.input_params, inputs) | _named("weights", self.weight_params, weights)
        )


def _parameters(name: str, parameters: object) -> tuple[Parameter, ...]:
    listed = check_type(name, parameters, Iterable, "a sequence of Parameters")
    return tuple(check_type(name, parameter, Parameter, "a sequence of Parameters") for parameter in listed)


def _named(name: str, parameters: Sequence[Parameter], values: ArrayLike) -> dict[Parameter, float]:
    array = check_array(name, values)
    check_shape(name, array.shape, f"({len(parameters)},)", array.shape == (len(parameters),))
    return dict(zip(parameters, array.tolist(), strict=True))
