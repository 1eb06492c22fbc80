"""The exchangeable blocks of a hybrid GAN: a small circuit, and its classical rivals of equal size or equal width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from qiskit.quantum_info import SparsePauliOp
from torch import Tensor, nn

from qiskit_qgen._checks import check_choice, check_int
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.networks.controls import CircuitControl, circuit_core

ACTIVATIONS = ("relu", "leaky_relu", "tanh")
_SLOPE = 0.2  # of "leaky_relu" below zero, as in the networks around the block


class QuantumBlock(nn.Module):
    """A variational circuit between two layers of a network: vectors in, expectation values out.

    Args:
        circuit: A circuit with inputs and weights, such as
            :func:`~qiskit_qgen.circuits.hardware_efficient_ansatz` builds.
        observables: What is read out; one feature each.
        squash: Whether inputs x, which may be any numbers, become angles ``atan(x)`` in (-pi/2, pi/2), of which no two
            give the same state, and whose slope falls off slowly; or else they are the angles, in radians.
        control: What stands in the circuit's place, if anything.
        execution: Where the circuit runs; None takes the built-in simulator with its defaults.

    Attributes:
        layer: The circuit as a :class:`~qiskit_qgen.layers.QuantumLayer`, whose weights begin uniform in
            [-pi/2, pi/2], or its classical control.

    Raises:
        ArgumentError: If ``circuit`` has no inputs.
    """

    def __init__(
        self,
        circuit: ParametrizedCircuit,
        *,
        observables: Sequence[SparsePauliOp],
        squash: bool = False,
        control: CircuitControl = CircuitControl(),
        execution: AbstractExecution | None = None,
    ) -> None:
        super().__init__()
        if not circuit.num_inputs:
            raise ArgumentError("Argument `circuit` must have inputs, which a block in a network needs, but has none.")
        self.squash = squash
        self.layer = circuit_core(circuit, observables, control, execution, widest=math.pi / 2)

    @property
    def num_inputs(self) -> int:
        """Length of an input vector."""
        return self.layer.num_inputs

    @property
    def num_outputs(self) -> int:
        """Length of an output vector."""
        return self.layer.num_outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return expectation values (N, num_outputs) of ``x`` (N, num_inputs)."""
        values: Tensor = self.layer(torch.atan(x) if self.squash else x)
        return values


class ClassicalBlock(nn.Module):
    """Two fully connected layers with a non-linearity between them, of a given number of parameters.

    The hidden width, and which of the layers have biases, are those that come nearest to that number; see
    :func:`block_shape`. For 5 inputs, 5 outputs and 15 parameters, as in arXiv 2507.09706, only 5 -> 1 without biases
    and 1 -> 5 with biases is possible: all that comes out lies on one line. The publication does not say how its
    classical block is divided.

    Args:
        num_inputs: Length of an input vector.
        num_outputs: Length of an output vector.
        num_parameters: The number of parameters to come near to.
        activation: "relu" (arXiv 2507.09706), whose gradient is zero for half of all inputs of a hidden width of 1,
            "leaky_relu" (of slope 0.2 there) or "tanh".

    Raises:
        ArgumentError: If a number is not positive or ``activation`` is unknown.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        num_parameters: int,
        *,
        activation: Literal["relu", "leaky_relu", "tanh"] = "relu",
    ) -> None:
        super().__init__()
        shape = block_shape(num_inputs, num_outputs, num_parameters)
        check_choice("activation", activation, ACTIVATIONS)
        self.num_inputs, self.num_outputs = num_inputs, num_outputs
        first = nn.Linear(num_inputs, shape.hidden, bias=shape.first_bias)
        last = nn.Linear(shape.hidden, num_outputs, bias=shape.second_bias)
        if shape.second_bias:
            # Random biases would be larger than what the inputs change, and a circuit's values have means near zero.
            nn.init.zeros_(last.bias)
        hidden = {"relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(_SLOPE), "tanh": nn.Tanh()}[activation]
        self.layers = nn.Sequential(first, hidden, last)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, num_outputs) of ``x`` (N, num_inputs)."""
        values: Tensor = self.layers(x)
        return values


Block: TypeAlias = QuantumBlock | ClassicalBlock


@dataclass(frozen=True)
class BlockShape:
    """How the parameters of two fully connected layers are divided."""

    hidden: int
    """Width between the layers."""
    first_bias: bool
    """Whether the first layer has biases."""
    second_bias: bool
    """Whether the second layer has biases."""
    num_parameters: int
    """Number of all weights and biases."""


def block_shape(num_inputs: int, num_outputs: int, num_parameters: int) -> BlockShape:
    """Return the two layers whose number of parameters is nearest to ``num_parameters``.

    Of h hidden units there are ``h (num_inputs + num_outputs)`` weights, and h and ``num_outputs`` biases. Among
    equals, biases of the second layer are preferred, then the larger width, then biases of the first layer.

    Args:
        num_inputs: Length of an input vector.
        num_outputs: Length of an output vector.
        num_parameters: The number of parameters to come near to.

    Raises:
        ArgumentError: If a number is not positive.

    Example:
        >>> block_shape(5, 5, 15)
        BlockShape(hidden=1, first_bias=False, second_bias=True, num_parameters=15)
    """
    inputs = check_int("num_inputs", num_inputs, minimum=1)
    outputs = check_int("num_outputs", num_outputs, minimum=1)
    wanted = check_int("num_parameters", num_parameters, minimum=1)
    widest = wanted // (inputs + outputs) + 1
    shapes = [
        BlockShape(hidden, first, second, hidden * (inputs + outputs) + hidden * first + outputs * second)
        for hidden in range(1, widest + 1)
        for first in (False, True)
        for second in (False, True)
    ]
    return min(
        shapes,
        key=lambda shape: (
            abs(shape.num_parameters - wanted),
            not shape.second_bias,
            -shape.hidden,
            not shape.first_bias,
        ),
    )
