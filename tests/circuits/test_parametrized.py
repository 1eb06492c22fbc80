import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit

from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError

A, B, C = Parameter("a"), Parameter("b"), Parameter("c")


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(2)
    circuit.ry(A, 0)
    circuit.rz(B * C, 1)
    return circuit


def test_counts_and_order(circuit):
    divided = ParametrizedCircuit(circuit, [C, A], [B])
    assert divided.input_params == (C, A)
    assert divided.weight_params == (B,)
    assert (divided.num_qubits, divided.num_inputs, divided.num_weights) == (2, 2, 1)


def test_bind_follows_the_given_order(circuit):
    divided = ParametrizedCircuit(circuit, (C, A), (B,))
    bound = divided.bind(inputs=[3.0, 0.1], weights=torch.tensor([0.5], requires_grad=True))
    assert [instruction.operation.params[0] for instruction in bound.data] == pytest.approx([0.1, 1.5])
    assert not bound.parameters


def test_bind_a_circuit_without_parameters():
    assert ParametrizedCircuit(QuantumCircuit(1)).bind() == QuantumCircuit(1)


def test_a_vector_of_more_than_ten_keeps_its_order():
    vector = ParameterVector("x", 12)
    circuit = QuantumCircuit(1)
    for parameter in vector:
        circuit.ry(parameter, 0)
    bound = ParametrizedCircuit(circuit, vector, ()).bind(np.arange(12))
    assert [instruction.operation.params[0] for instruction in bound.data] == list(range(12))


def test_it_is_pickled(circuit):
    divided = ParametrizedCircuit(circuit, (A, B), (C,))
    copied = pickle.loads(pickle.dumps(divided))  # noqa: S301
    assert copied == divided


BOTH = "Arguments `input_params` and `weight_params` must "


@pytest.mark.parametrize(
    ("inputs", "weights", "message"),
    [
        ([A, B, C], [A], BOTH + "not repeat, but do: ['a']."),
        ([A, A], [B, C], BOTH + "not repeat, but do: ['a']."),
        ([A, B], [C, Parameter("d")], BOTH + "be in the circuit, but are not: ['d']."),
        ([A], [], "Each parameter of `circuit` must be an input or a weight, but these are neither: ['b', 'c']."),
    ],
)
def test_bad_divisions(circuit, inputs, weights, message):
    with pytest.raises(ArgumentError) as error:
        ParametrizedCircuit(circuit, inputs, weights)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("inputs", "weights", "name", "kind"),
    [
        ([A, "b"], [C], "input_params", "str"),
        ([A, B * 2], [C], "input_params", "ParameterExpression"),
        (A, [B, C], "input_params", "Parameter"),
        ([A, B], C, "weight_params", "Parameter"),
    ],
)
def test_parameters_of_the_wrong_type(circuit, inputs, weights, name, kind):
    with pytest.raises(ArgumentTypeError) as error:
        ParametrizedCircuit(circuit, inputs, weights)
    assert str(error.value) == f"Argument `{name}` must be a sequence of Parameters, but is of type {kind}."


def test_a_circuit_of_the_wrong_type():
    with pytest.raises(ArgumentTypeError) as error:
        ParametrizedCircuit("circuit")
    assert str(error.value) == "Argument `circuit` must be a QuantumCircuit, but is of type str."


@pytest.mark.parametrize(
    ("inputs", "weights", "message"),
    [
        ([1.0], [1.0], "Argument `inputs` must have shape (2,), but has shape (1,)."),
        ([[1.0, 2.0]], [1.0], "Argument `inputs` must have shape (2,), but has shape (1, 2)."),
        ([1.0, 2.0], [], "Argument `weights` must have shape (1,), but has shape (0,)."),
        ([1.0, np.inf], [1.0], "Argument `inputs` must hold finite numbers, but holds NaN or infinity."),
    ],
)
def test_bad_values(circuit, inputs, weights, message):
    with pytest.raises(ArgumentError) as error:
        ParametrizedCircuit(circuit, (A, B), (C,)).bind(inputs, weights)
    assert str(error.value) == message


def test_parameters_of_the_same_name_are_other_parameters():
    """Two vectors of one name are unequal, however alike they look."""
    circuit = QuantumCircuit(1)
    circuit.ry(ParameterVector("w", 1)[0], 0)
    with pytest.raises(ArgumentError) as error:
        ParametrizedCircuit(circuit, ParameterVector("w", 1))
    assert str(error.value) == (
        "Arguments `input_params` and `weight_params` must be in the circuit, but are not: ['w[0]'], other objects of "
        "the same name as parameters of the circuit: take them from `circuit.parameters`."
    )
