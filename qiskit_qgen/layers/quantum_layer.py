"""A circuit as a torch module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, cast

import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN
from torch import nn

from qiskit_qgen._checks import check_array, check_shape, check_type
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution, LocalExecution
from qiskit_qgen.execution.first_order import PrimitiveFunction
from qiskit_qgen.layers.readout import (
    ExpectationReadout,
    Interpret,
    ProbabilityReadout,
    is_measured,
    logical_measurements,
    read_observables,
    read_probabilities,
)
from qiskit_qgen.simulator.programs.observables import as_pauli_op


class _Weight:
    """In the place of TorchConnector's property: finds, and lets torch replace, the weights as on torch's modules."""

    def __get__(self, layer: nn.Module, owner: type[nn.Module]) -> torch.Tensor:
        return cast("torch.Tensor", nn.Module.__getattr__(layer, "weight"))


class QuantumLayer(TorchConnector):
    """A ``TorchConnector`` whose backward pass is one vector-Jacobian product.

    The circuit is bound to ``input[..., :]`` and to the trainable :attr:`weight`. Of a circuit without measurements,
    expectation values are read out: ``output[..., k] = <O_k>``, as ``EstimatorQNN`` does. Of a circuit that ends in
    measurements, or with ``interpret``, probabilities: ``output[..., k]`` is the probability that the measured bits
    are those of the number k, or that ``interpret`` turns them into k, as ``SamplerQNN`` does.

    Inputs get a gradient whenever they require one.

    Args:
        circuit: A circuit, or a :class:`~qiskit_qgen.circuits.ParametrizedCircuit`, which brings its parameters'
            division along. Of several classical registers, the one named ``meas`` is read, else all together, the
            first in the lowest bits.
        observables: Operators to measure; None for Z of each qubit, if the circuit has no measurements.
        input_params: The parameters that take the inputs, if ``circuit`` is a plain circuit; None for those that are
            no weights.
        weight_params: The parameters to train, if ``circuit`` is a plain circuit; None for none.
        interpret: Maps the number that was measured to the index of an output, a whole number or, for an
            ``output_shape`` of several, a tuple; None for the number itself. It is called here only, once for each
            number, and need not pickle. With it, a circuit without measurements is measured on all qubits.
        output_shape: The shape of the outputs that ``interpret`` gives indices of.
        execution: Where to run; None for ``LocalExecution()``, which computes in float32. It can be replaced at any
            time: ``layer.execution = ...``.
        initial_weights: Values of the weights, (num_weights,); None for uniform in [-1, 1], as ``TorchConnector`` does.

    Attributes:
        weight: The trainable weights, (num_weights,).

    Raises:
        ArgumentTypeError: If an argument has the wrong type.
        ArgumentError: If the parameters' division, the observables or what ``interpret`` returns do not fit.
        UnsupportedCircuitError: If the execution cannot run the circuit.
    """

    weight = _Weight()

    def __init__(
        self,
        circuit: QuantumCircuit | ParametrizedCircuit,
        *,
        observables: Sequence[SparsePauliOp] | SparsePauliOp | None = None,
        input_params: Sequence[Parameter] | None = None,
        weight_params: Sequence[Parameter] | None = None,
        interpret: Interpret | None = None,
        output_shape: int | Sequence[int] | None = None,
        execution: AbstractExecution | None = None,
        initial_weights: torch.Tensor | Sequence[float] | None = None,
    ) -> None:
        nn.Module.__init__(self)  # TorchConnector's own would register the weights under two names
        ansatz = _divided(circuit, input_params, weight_params)
        self._ansatz = replace(ansatz, circuit=ansatz.circuit.copy())  # the caller may go on building
        self._readout = _chosen_readout(self._ansatz.circuit, observables, interpret, output_shape)
        weights = torch.empty(self._ansatz.num_weights).uniform_(-1, 1)
        if initial_weights is not None:
            weights = torch.tensor(check_array("initial_weights", initial_weights), dtype=torch.get_default_dtype())
            expected = (self._ansatz.num_weights,)
            check_shape("initial_weights", weights.shape, str(expected), tuple(weights.shape) == expected)
        self._parameters["weight"] = nn.Parameter(weights)
        given = self._ansatz.input_params + self._ansatz.weight_params
        position = {parameter: number for number, parameter in enumerate(given)}
        order = [position[parameter] for parameter in self._ansatz.circuit.parameters]
        # A buffer, so that it is where the inputs are.
        self._order = torch.tensor(order, device="cpu")  # no buffer, which `to_empty` would leave without values
        self._is_ordered = order == list(range(len(order)))
        self._is_input = [number < self._ansatz.num_inputs for number in order]
        self.execution = LocalExecution() if execution is None else execution

    @classmethod
    def from_qnn(
        cls,
        qnn: EstimatorQNN | SamplerQNN,
        *,
        execution: AbstractExecution | None = None,
        initial_weights: torch.Tensor | Sequence[float] | None = None,
    ) -> QuantumLayer:
        """Return a layer that does what a stock network does, on ``execution`` in place of its primitive.

        Args:
            qnn: An ``EstimatorQNN`` or a dense ``SamplerQNN``.
            execution: As for the class.
            initial_weights: As for the class.

        Raises:
            ArgumentTypeError: If ``qnn`` is another network.
            ArgumentError: If ``qnn`` is sparse, or drops outcomes because they do not fit into its output.
            UnsupportedCircuitError: If the execution cannot run the circuit.
        """
        check_type("qnn", qnn, (EstimatorQNN, SamplerQNN), "an EstimatorQNN or a SamplerQNN")
        options: dict[str, Any] = {
            "input_params": list(qnn.input_params or ()),
            "weight_params": list(qnn.weight_params or ()),
            "execution": execution,
            "initial_weights": initial_weights,
        }
        if isinstance(qnn, EstimatorQNN):
            return cls(qnn.circuit, observables=[as_pauli_op(each) for each in qnn.observables], **options)
        if qnn.sparse:
            raise ArgumentError("Argument `qnn` must be dense, but has `sparse=True`: construct it without.")
        circuit = logical_measurements(qnn.circuit)
        return cls(circuit, interpret=qnn.interpret, output_shape=qnn.output_shape, **options)

    @property
    def execution(self) -> AbstractExecution:
        """Where the circuit runs."""
        return self._execution

    @execution.setter
    def execution(self, execution: AbstractExecution) -> None:
        check_type("execution", execution, AbstractExecution, "an execution such as LocalExecution()")
        function = self._readout.function(execution)
        self._execution, self._function = execution, function

    @property
    def circuit(self) -> QuantumCircuit:
        """The circuit."""
        return self._ansatz.circuit

    @property
    def observables(self) -> list[SparsePauliOp] | None:
        """The operators that are read out; None if probabilities are."""
        readout = self._readout
        return list(readout.observables) if isinstance(readout, ExpectationReadout) else None

    @property
    def num_inputs(self) -> int:
        """The number of inputs."""
        return self._ansatz.num_inputs

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of the output for one input."""
        return self._readout.output_shape

    @property
    def num_outputs(self) -> int:
        """The number of outputs for one input."""
        return prod(self.output_shape)

    @property
    def _weights(self) -> torch.Tensor:  # type: ignore[override]
        """The name that TorchConnector's methods use."""
        return self.weight

    @property
    def sparse(self) -> bool:
        """Whether the output is sparse: never."""
        return False

    @property
    def neural_network(self) -> EstimatorQNN | SamplerQNN:
        """The same function as a stock network on this layer's execution; created at each access."""
        inputs, weights = list(self._ansatz.input_params), list(self._ansatz.weight_params)
        return self._readout.network(self._execution, inputs, weights)

    def forward(self, input_data: torch.Tensor | None = None) -> torch.Tensor:
        """Return the expectation values or the probabilities.

        Args:
            input_data: (..., num_inputs), floating point; None for a circuit without inputs, (0,).

        Returns:
            ``(..., *output_shape)``, of the input's dtype and on its device.

        Raises:
            ArgumentError: If the last dimension is wrong, the dtype is not a floating-point one or the tensor is
                sparse, or if nothing is given to a circuit with inputs.
        """
        if input_data is None and self.num_inputs:
            raise ArgumentError(
                f"Argument `input_data` must be given, of the shape (..., {self.num_inputs}), but is None: "
                "the circuit has inputs."
            )
        weight = self.weight  # once: a parametrization computes it at each access
        x = weight.new_zeros(0) if input_data is None else input_data
        check_type("input_data", x, torch.Tensor, "a tensor")
        check_shape("input_data", x.shape, f"(..., {self.num_inputs})", x.shape[-1:] == (self.num_inputs,))
        if x.layout != torch.strided:
            raise ArgumentError(
                f"Argument `input_data` must be a dense tensor, but has the layout {x.layout}: "
                "use `input_data.to_dense()`."
            )
        if not x.is_floating_point():
            raise ArgumentError(f"Argument `input_data` must hold floating-point numbers, but is of dtype {x.dtype}.")
        rows = x.reshape(-1, self.num_inputs) if self.num_inputs else x.reshape(x.shape[:-1].numel(), 0)
        if self._ansatz.num_weights:
            rows = torch.cat([rows, weight.to(rows).expand(len(rows), -1)], 1)
        if not self._is_ordered:
            rows = rows[:, self._order.to(rows.device)]
        return self._outputs(rows, x, weight).reshape(*x.shape[:-1], *self.output_shape)

    def _outputs(self, rows: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the outputs of rows of parameters, (B, num_outputs); a primitive shifts only what needs a gradient."""
        if torch.compiler.is_compiling():  # what torch.compile cannot trace runs between the graphs that it makes
            uncompiled: Callable[..., torch.Tensor] = torch.compiler.disable(self._outputs)
            return uncompiled(rows, x, weight)
        if not isinstance(self._function, PrimitiveFunction):
            return self._readout.outputs(self._function(rows))
        needed = {True: x.requires_grad, False: weight.requires_grad}
        columns = [column for column, is_input in enumerate(self._is_input) if needed[is_input]]
        return self._readout.outputs(self._function(rows, columns=columns))

    def extra_repr(self) -> str:
        """Return the sizes, for ``repr``."""
        sizes = f"num_inputs={self.num_inputs}, num_weights={self._ansatz.num_weights}, num_outputs={self.num_outputs}"
        return f"num_qubits={self._ansatz.num_qubits}, {sizes}"

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_function"]  # made of closures; rebuilt from the rest
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.execution = state["_execution"]


def _divided(
    circuit: QuantumCircuit | ParametrizedCircuit,
    input_params: Sequence[Parameter] | None,
    weight_params: Sequence[Parameter] | None,
) -> ParametrizedCircuit:
    if isinstance(circuit, ParametrizedCircuit):
        if input_params is not None or weight_params is not None:
            raise ArgumentError(
                "Arguments `input_params` and `weight_params` must be None when `circuit` is a ParametrizedCircuit, "
                "which has its own."
            )
        return circuit
    check_type("circuit", circuit, QuantumCircuit, "a QuantumCircuit or a ParametrizedCircuit")
    weights = tuple(check_type("weight_params", weight_params or (), Iterable, "a sequence of Parameters"))
    inputs: Any = input_params
    if input_params is None:
        inputs = [parameter for parameter in circuit.parameters if parameter not in weights]
    return ParametrizedCircuit(circuit, inputs, weights)


def _chosen_readout(
    circuit: QuantumCircuit, observables: Any, interpret: Any, output_shape: Any
) -> ExpectationReadout | ProbabilityReadout:
    measured = is_measured(circuit)
    if not measured and interpret is None and output_shape is None:
        return read_observables(circuit, observables)
    if observables is not None:
        found = "`circuit` has measurements" if measured else "`interpret` or `output_shape` is given"
        raise ArgumentError(
            f"Argument `observables` must be None where probabilities are read out, but {found}: remove one of them."
        )
    return read_probabilities(circuit, interpret, output_shape)
