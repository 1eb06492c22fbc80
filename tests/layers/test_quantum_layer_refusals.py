"""What a quantum layer refuses."""

import numpy as np
import pytest
import torch
from expectations import EXACT, OBSERVABLES, START, W, X, hybrid_circuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.layers import QuantumLayer

DIVISION = "Arguments `input_params` and `weight_params` must "


@pytest.fixture
def layer():
    """Two inputs, three weights, four outputs; the inputs are named in the order opposite to Qiskit's."""
    circuit = ParametrizedCircuit(hybrid_circuit(), (X[1], X[0]), W)
    return QuantumLayer(circuit, observables=OBSERVABLES, execution=EXACT, initial_weights=START).double()


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (
            {"circuit": "circuit"},
            ArgumentTypeError,
            "Argument `circuit` must be a QuantumCircuit or a ParametrizedCircuit, but is of type str.",
        ),
        (
            {"circuit": ParametrizedCircuit(hybrid_circuit(), X, W), "weight_params": list(W)},
            ArgumentError,
            DIVISION + "be None when `circuit` is a ParametrizedCircuit, which has its own.",
        ),
        (
            {"input_params": list(X)},
            ArgumentError,
            "Each parameter of `circuit` must be an input or a weight, "
            "but these are neither: ['w[0]', 'w[1]', 'w[2]'].",
        ),
        (
            {"weight_params": [Parameter("v")]},
            ArgumentError,
            DIVISION + "be in the circuit, but are not: ['v'].",
        ),
        (
            {"input_params": [*X, *W], "weight_params": [W[0]]},
            ArgumentError,
            DIVISION + "not repeat, but do: ['w[0]'].",
        ),
        (
            {"weight_params": W[0]},
            ArgumentTypeError,
            "Argument `weight_params` must be a sequence of Parameters, but is of type ParameterVectorElement.",
        ),
        (
            {"observables": []},
            ArgumentError,
            "Argument `observables` must hold at least one operator, but is empty.",
        ),
        (
            {"observables": ["ZZ"]},
            ArgumentTypeError,
            "Argument `observables` must be a SparsePauliOp or a sequence of them, but is of type str.",
        ),
        (
            {"observables": 5},
            ArgumentTypeError,
            "Argument `observables` must be a SparsePauliOp or a sequence of them, but is of type int.",
        ),
        (
            {"observables": [SparsePauliOp("Z")]},
            ArgumentError,
            "Argument `observables` must act on the circuit's 2 qubits, but observable 0 acts on 1.",
        ),
        (
            {"weight_params": list(W), "initial_weights": [1.0]},
            ArgumentError,
            "Argument `initial_weights` must have shape (3,), but has shape (1,).",
        ),
        (
            {"weight_params": list(W), "initial_weights": "zero"},
            ArgumentTypeError,
            "Argument `initial_weights` must hold real numbers, but is 'zero'.",
        ),
        (
            {"execution": torch.float64},
            ArgumentTypeError,
            "Argument `execution` must be an execution such as LocalExecution(), but is of type dtype.",
        ),
    ],
)
def test_bad_arguments(arguments, kind, message):
    with pytest.raises(kind) as error:
        QuantumLayer(**{"circuit": hybrid_circuit(), **arguments})
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("x", "kind", "message"),
    [
        (
            torch.zeros(3, 4),
            ArgumentError,
            "Argument `input_data` must have shape (..., 2), but has shape (3, 4).",
        ),
        (torch.zeros(()), ArgumentError, "Argument `input_data` must have shape (..., 2), but has shape ()."),
        (
            None,
            ArgumentError,
            "Argument `input_data` must be given, of the shape (..., 2), but is None: the circuit has inputs.",
        ),
        (
            torch.zeros(3, 2).to_sparse(),
            ArgumentError,
            "Argument `input_data` must be a dense tensor, but has the layout torch.sparse_coo: "
            "use `input_data.to_dense()`.",
        ),
        (
            torch.zeros(3, 2, dtype=torch.int64),
            ArgumentError,
            "Argument `input_data` must hold floating-point numbers, but is of dtype torch.int64.",
        ),
        (
            torch.zeros(3, 2, dtype=torch.complex64),
            ArgumentError,
            "Argument `input_data` must hold floating-point numbers, but is of dtype torch.complex64.",
        ),
        (np.zeros((3, 2)), ArgumentTypeError, "Argument `input_data` must be a tensor, but is of type ndarray."),
    ],
)
def test_bad_inputs(layer, x, kind, message):
    with pytest.raises(kind) as error:
        layer(x)
    assert str(error.value) == message
