"""Quantum layers over probabilities, and over stock networks of both kinds."""

import copy
import pickle

import numpy as np
import pytest
import torch
from probabilities import EXACT, ROWS, START, W, X, expected, hybrid_circuit, layer_over, measured, parity, two_ways
from qiskit.circuit import ClassicalRegister, Clbit, QuantumCircuit, QuantumRegister
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.neural_networks import SamplerQNN
from safetensors.torch import load_file, save_file
from torch import nn

from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, GradientError, UnsupportedCircuitError
from qiskit_qgen.execution import AbstractExecution, AerExecution, LocalExecution
from qiskit_qgen.layers import QuantumLayer, readout


@pytest.mark.parametrize("bits", [(0, 1, 2), (2, 0), (1,), (2, 1, 0)])
def test_outputs_are_probabilities(bits):
    circuit = measured(bits)
    layer = layer_over(circuit)
    assert (layer.num_inputs, layer.num_outputs, layer.output_shape) == (2, 2 ** len(bits), (2 ** len(bits),))
    assert layer.circuit == circuit
    found = layer(torch.tensor(ROWS, dtype=torch.float64)).detach()
    np.testing.assert_allclose(found, [expected(row, bits) for row in ROWS], rtol=0, atol=1e-12)


def test_registers_are_joined_the_first_lowest():
    layer = layer_over(measured((2, 0, 1), ClassicalRegister(1, "low"), ClassicalRegister(2, "high")))
    found = layer(torch.tensor(ROWS, dtype=torch.float64)).detach()
    np.testing.assert_allclose(found, [expected(row, (2, 0, 1)) for row in ROWS], rtol=0, atol=1e-12)


def test_a_register_named_meas_is_read_alone():
    layer = layer_over(measured((2, 0, 1), ClassicalRegister(1, "other"), ClassicalRegister(2, "meas")))
    found = layer(torch.tensor(ROWS, dtype=torch.float64)).detach()
    np.testing.assert_allclose(found, [expected(row, (0, 1)) for row in ROWS], rtol=0, atol=1e-12)


def test_bits_that_repeat_or_stay_empty():
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(4, "c"))
    circuit.compose(hybrid_circuit(), inplace=True)
    circuit.measure([1, 1], [0, 3])
    found = layer_over(circuit)(torch.tensor(ROWS[0], dtype=torch.float64)).detach()
    zero, one = expected(ROWS[0], [1])
    np.testing.assert_allclose(found, [zero, *[0] * 8, one, *[0] * 6], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("interpret", "shape"), [(parity, 2), (parity, (3,)), (two_ways, (2, 3)), (lambda _: 0, 1)])
@pytest.mark.parametrize("circuit", [hybrid_circuit(), measured()])
def test_interpreted_outputs(interpret, shape, circuit):
    layer = layer_over(circuit, interpret=interpret, output_shape=shape)
    found = layer(torch.tensor(ROWS, dtype=torch.float64)).detach()
    wanted = np.zeros((3, *np.atleast_1d(shape)))
    for number, row in enumerate(ROWS):
        for outcome, probability in enumerate(expected(row)):
            index = interpret(outcome)
            wanted[(number, *index) if isinstance(index, tuple) else (number, index)] += probability
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    stock = layer.neural_network
    assert isinstance(stock, SamplerQNN)
    np.testing.assert_allclose(stock.forward(np.array(ROWS), np.array(START)), wanted, rtol=0, atol=1e-11)


@pytest.mark.parametrize("bits", [(0, 1, 2), (2, 0)])
def test_the_stock_network(bits):
    layer = layer_over(measured(bits))
    assert isinstance(layer, TorchConnector)
    stock = layer.neural_network
    rows = np.array(ROWS)
    np.testing.assert_allclose(
        stock.forward(rows, np.array(START)), [expected(row, bits) for row in ROWS], rtol=0, atol=1e-11
    )
    by_input, by_weight = stock.backward(rows, np.array(START))
    x = torch.tensor(rows, requires_grad=True)
    cotangent = torch.linspace(-1, 1, 3 * 2 ** len(bits), dtype=torch.float64).reshape(3, -1)
    (layer(x) * cotangent).sum().backward()
    np.testing.assert_allclose(x.grad, np.einsum("bk,bki->bi", cotangent, by_input), rtol=0, atol=1e-10)
    np.testing.assert_allclose(layer.weight.grad, np.einsum("bk,bkp->p", cotangent, by_weight), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("interpret", "shape"), [(None, None), (two_ways, (2, 3))])
def test_gradients_are_those_of_finite_differences(interpret, shape):
    layer = layer_over(measured(), interpret=interpret, output_shape=shape)
    x = torch.tensor(ROWS, dtype=torch.float64, requires_grad=True)

    def function(x, weight):
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    weight = layer.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(function, (x, weight), rtol=1e-6, atol=1e-8)
    assert torch.autograd.gradgradcheck(function, (x[:1].detach().requires_grad_(), weight), rtol=1e-5, atol=1e-7)


def test_transforms_of_torch_func():
    layer = layer_over(hybrid_circuit(), interpret=two_ways, output_shape=(2, 3))
    x = torch.tensor(ROWS, dtype=torch.float64)
    by_loop = torch.stack([torch.autograd.functional.jacobian(layer, row) for row in x])
    torch.testing.assert_close(torch.func.vmap(layer)(x), layer(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(torch.func.vmap(torch.func.jacrev(layer))(x), by_loop, rtol=0, atol=1e-12)


def test_an_execution_on_primitives():
    class OnPrimitives(AbstractExecution):
        def estimator(self):
            return EXACT.estimator()

        def sampler(self):
            return EXACT.sampler()

    layer = layer_over(measured((2, 0)), interpret=parity, output_shape=2)
    x = torch.tensor(ROWS, dtype=torch.float64, requires_grad=True)
    expected = layer(x)
    (gradient,) = torch.autograd.grad(expected[:, 1].sum(), x)
    layer.execution = OnPrimitives()
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-10)
    (found,) = torch.autograd.grad(layer(x)[:, 1].sum(), x, create_graph=True)
    torch.testing.assert_close(found.detach(), gradient, rtol=0, atol=1e-10)
    with pytest.raises(GradientError):
        found.square().sum().backward()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0)])
def test_leading_shapes(shape):
    layer = layer_over(hybrid_circuit(), interpret=two_ways, output_shape=(2, 3))
    x = torch.linspace(-1, 1, 2 * int(np.prod(shape)), dtype=torch.float64).reshape(*shape, 2).requires_grad_()
    y = layer(x)
    assert y.shape == (*shape, 2, 3)
    y.square().sum().backward()
    assert x.grad.shape == x.shape
    np.testing.assert_allclose(y.detach().sum((-1, -2)), np.ones(shape), atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_dtype_of_the_input_is_kept(dtype):
    layer = QuantumLayer(hybrid_circuit(), weight_params=W, interpret=parity, output_shape=2).to(dtype)
    x = torch.tensor(ROWS, dtype=dtype, requires_grad=True)
    y = layer(x)
    y[:, 0].sum().backward()
    assert y.dtype == x.grad.dtype == layer.weight.grad.dtype == dtype


def test_a_module_in_front_gets_its_gradient():
    layer = layer_over(measured())
    front = nn.Linear(3, 2).double()
    z = torch.tensor([[0.3, -0.2, 1.0]], dtype=torch.float64)

    def function(weight, bias):
        return (layer(torch.tanh(nn.functional.linear(z, weight, bias))) ** 2).sum()

    assert torch.autograd.gradcheck(function, (front.weight, front.bias), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])  # noqa: S301
def test_copies_work_with_any_interpret(copied):
    """Even with one that does not pickle, as a lambda: its answers are kept, not itself."""
    offset = 1
    layer = layer_over(hybrid_circuit(), interpret=lambda outcome: (outcome + offset) % 3, output_shape=3)
    twin = copied(layer)
    x = torch.tensor(ROWS, dtype=torch.float64)
    assert torch.equal(twin(x), layer(x))
    assert twin.output_shape == (3,)
    assert pickle.loads(pickle.dumps(layer.neural_network)).output_shape == (3,)  # noqa: S301


def test_state_dict_and_safetensors(tmp_path):
    layer = layer_over(hybrid_circuit(), interpret=parity, output_shape=2)
    assert list(layer.state_dict()) == ["weight"]
    save_file(layer.state_dict(), tmp_path / "layer.safetensors")
    other = layer_over(hybrid_circuit(), interpret=parity, output_shape=2, initial_weights=None)
    other.load_state_dict(load_file(tmp_path / "layer.safetensors"))
    x = torch.tensor(ROWS, dtype=torch.float64)
    assert torch.equal(other(x), layer(x))


def test_the_execution_is_exchangeable():
    layer = layer_over(measured())
    x = torch.tensor(ROWS, dtype=torch.float64)
    exact = layer(x)
    layer.execution = LocalExecution(dtype=torch.float32, threads=1)
    torch.testing.assert_close(layer(x), exact, rtol=0, atol=2e-6)
    assert not torch.equal(layer(x), exact)


def test_a_circuit_with_a_division():
    circuit = ParametrizedCircuit(measured(), (X[1], X[0]), W)
    layer = QuantumLayer(circuit, execution=EXACT, initial_weights=START).double()
    x = torch.tensor(ROWS, dtype=torch.float64)
    np.testing.assert_allclose(layer(x.flip(1)).detach(), [expected(row) for row in ROWS], rtol=0, atol=1e-12)


def test_repr_tells_the_sizes():
    layer = layer_over(hybrid_circuit(), interpret=two_ways, output_shape=(2, 3))
    assert repr(layer) == "QuantumLayer(num_qubits=3, num_inputs=2, num_weights=3, num_outputs=6)"


INDEX = "Argument `interpret` must return an index into outputs of the shape "


@pytest.mark.parametrize(
    ("circuit", "options", "kind", "message"),
    [
        (
            measured(),
            {"observables": SparsePauliOp("ZZZ")},
            ArgumentError,
            "Argument `observables` must be None where probabilities are read out, but `circuit` has measurements: "
            "remove one of them.",
        ),
        (
            hybrid_circuit(),
            {"observables": SparsePauliOp("ZZZ"), "interpret": parity, "output_shape": 2},
            ArgumentError,
            "Argument `observables` must be None where probabilities are read out, but `interpret` or `output_shape` "
            "is given: remove one of them.",
        ),
        (
            measured(),
            {"interpret": parity},
            ArgumentError,
            "Arguments `interpret` and `output_shape` must be given together: which output an outcome counts for, and "
            "the shape of the outputs.",
        ),
        (
            hybrid_circuit(),
            {"output_shape": 8},
            ArgumentError,
            "Arguments `interpret` and `output_shape` must be given together: which output an outcome counts for, and "
            "the shape of the outputs.",
        ),
        (
            measured(),
            {"interpret": "parity", "output_shape": 2},
            ArgumentTypeError,
            "Argument `interpret` must be a function of a whole number, but is of type str.",
        ),
        (
            measured(),
            {"interpret": parity, "output_shape": 0},
            ArgumentError,
            "Argument `output_shape` must be a positive integer, but is 0.",
        ),
        (
            measured(),
            {"interpret": parity, "output_shape": 1.5},
            ArgumentTypeError,
            "Argument `output_shape` must be a whole number or a sequence of them, but is of type float.",
        ),
        (
            measured(),
            {"interpret": lambda outcome: outcome, "output_shape": 7},
            ArgumentError,
            INDEX + "(7,), but returns 7 for 7.",
        ),
        (
            measured(),
            {"interpret": lambda outcome: -outcome, "output_shape": 8},
            ArgumentError,
            INDEX + "(8,), but returns -1 for 1.",
        ),
        (
            measured(),
            {"interpret": parity, "output_shape": (2, 2)},
            ArgumentError,
            INDEX + "(2, 2), but returns 0 for 0.",
        ),
        (
            measured(),
            {"interpret": lambda _: None, "output_shape": 2},
            ArgumentError,
            INDEX + "(2,), but returns None for 0.",
        ),
    ],
)
def test_bad_arguments(circuit, options, kind, message):
    with pytest.raises(kind) as error:
        layer_over(circuit, **options)
    assert str(error.value) == message


@pytest.mark.parametrize("execution", [EXACT, AerExecution(), AerExecution(shots=10, seed=0)])
def test_measurements_must_come_last(execution):
    circuit = measured()
    circuit.measure(1, 0)  # the bit of qubit 0 is written again
    circuit.h(0)
    with pytest.raises(UnsupportedCircuitError, match="`h` follows one of qubit 0: move it to the end, or draw shots"):
        layer_over(circuit, execution=execution)


@pytest.mark.parametrize("registers", [(), (ClassicalRegister(2, "meas"),)])
def test_bits_that_are_not_read_are_told_of(registers):
    circuit = QuantumCircuit(QuantumRegister(1), [Clbit()], *registers)
    circuit.measure(0, 0)
    with pytest.raises(ArgumentError) as error:
        QuantumLayer(circuit, execution=EXACT)
    assert str(error.value) == (
        "Argument `circuit` must measure a qubit into the classical register that is read, `meas` if there is one, "
        "else any, but does not: measure into it, or add `circuit.measure_all()`."
    )


def test_many_measured_qubits_need_an_interpretation():
    circuit = QuantumCircuit(127)
    circuit.ry(X[0], 5)
    circuit.cx(5, 90)
    circuit.measure_all()
    with pytest.raises(ArgumentError) as error:
        QuantumLayer(circuit)
    assert str(error.value) == (
        "Argument `circuit` must measure at most 24 bits where each outcome is an output of its own, but measures "
        "127: measure fewer qubits, or give `interpret` and `output_shape`."
    )
    layer = QuantumLayer(circuit, interpret=lambda outcome: outcome >> 90, output_shape=2, execution=EXACT)
    angle = 0.8
    output = layer(torch.tensor([angle], dtype=torch.float64)).detach().numpy()
    np.testing.assert_allclose(output, [np.cos(angle / 2) ** 2, np.sin(angle / 2) ** 2], rtol=0, atol=1e-12)
    busy = QuantumCircuit(25)
    busy.h(range(25))
    with pytest.raises(ArgumentError) as error:
        QuantumLayer(busy, interpret=parity, output_shape=2)
    assert str(error.value) == (
        "Argument `circuit` must measure at most 24 qubits that have gates, but measures 25: measure fewer qubits."
    )


def test_idle_qubits_are_found_in_zero():
    circuit = QuantumCircuit(4)
    circuit.ry(X[0], 2)
    circuit.measure_all()
    angle = torch.tensor([0.8], dtype=torch.float64)
    output = QuantumLayer(circuit, execution=EXACT)(angle).detach().numpy()
    np.testing.assert_allclose(output[[0, 4]], [np.cos(0.4) ** 2, np.sin(0.4) ** 2], rtol=0, atol=1e-12)
    assert output.sum() == pytest.approx(1)


def test_no_outcome_is_visited_without_an_interpretation(monkeypatch):
    monkeypatch.setattr(readout, "_output", lambda *_: pytest.fail("an outcome was visited"))
    layer_over(measured())
