import pytest
import torch
from qiskit.quantum_info import Statevector

from qiskit_qgen.circuits import hardware_efficient_ansatz, pauli_observables, strongly_entangling_ansatz
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.networks import ClassicalBlock, QuantumBlock
from qiskit_qgen.networks.blocks import block_shape

PUBLISHED = hardware_efficient_ansatz(5, 3)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def quantum(dtype=torch.float64, **options):
    return QuantumBlock(
        PUBLISHED, observables=pauli_observables(5, "Z"), execution=LocalExecution(dtype=dtype), **options
    ).to(dtype)


def test_quantum_and_classical_block_have_fifteen_parameters_and_the_width_of_five():
    circuit, layers = quantum(), ClassicalBlock(5, 5, 15)
    assert count(circuit) == count(layers) == 15
    assert (circuit.num_inputs, circuit.num_outputs) == (layers.num_inputs, layers.num_outputs) == (5, 5)
    assert [tuple(parameter.shape) for parameter in layers.parameters()] == [(1, 5), (5, 1), (5,)]


@pytest.mark.parametrize("squash", [False, True])
def test_the_quantum_block_gives_the_expectation_values_of_its_circuit(squash):
    block = quantum(squash=squash)
    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    angles = torch.atan(x) if squash else x
    for row, values in zip(angles, block(x), strict=True):
        state = Statevector(PUBLISHED.bind(row, block.layer.weight))
        expected = [state.expectation_value(observable).real for observable in pauli_observables(5, "Z")]
        assert torch.allclose(values, torch.tensor(expected, dtype=torch.float64), atol=1e-7)


def test_every_weight_of_the_quantum_block_learns_and_its_inputs_are_attached():
    block = quantum()
    x = torch.randn(8, 5, dtype=torch.float64, requires_grad=True)
    block(x).square().sum().backward()
    assert (block.layer.weight.grad.abs() > 1e-6).all()
    assert (x.grad.abs().amax(0) > 1e-6).all()


@pytest.mark.parametrize("squash", [False, True])
def test_first_and_second_derivatives_equal_finite_differences(squash):
    block = quantum(squash=squash)
    x = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)

    def of(x, weight):
        return torch.func.functional_call(block, {"layer.weight": weight}, (x,))

    arguments = (x, block.layer.weight)
    assert torch.autograd.gradcheck(of, arguments)
    assert torch.autograd.gradgradcheck(of, arguments)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((5, 5, 15), (1, False, True, 15)),
        ((5, 5, 10), (1, False, False, 10)),
        ((5, 5, 27), (2, True, True, 27)),
        ((5, 10, 25), (1, False, True, 25)),
        ((1, 1, 1), (1, False, False, 2)),
        ((3, 3, 1000), (166, False, True, 999)),
    ],
)
def test_the_nearest_two_layers_are_found(sizes, expected):
    shape = block_shape(*sizes)
    assert (shape.hidden, shape.first_bias, shape.second_bias, shape.num_parameters) == expected
    assert count(ClassicalBlock(*sizes)) == shape.num_parameters


@pytest.mark.parametrize("inputs", [1, 4, 7])
@pytest.mark.parametrize("outputs", [2, 5])
@pytest.mark.parametrize("wanted", [1, 9, 30, 31, 77])
def test_no_other_division_is_nearer(inputs, outputs, wanted):
    best = min(
        abs(h * (inputs + outputs) + a * h + b * outputs - wanted) for h in range(1, 60) for a in (0, 1) for b in (0, 1)
    )
    assert abs(block_shape(inputs, outputs, wanted).num_parameters - wanted) == best


def test_bad_arguments_are_refused_by_name():
    without = strongly_entangling_ansatz(2, 1, encoding=None)
    with pytest.raises(ArgumentError, match="`circuit` must have inputs"):
        QuantumBlock(without, observables=pauli_observables(2))
    with pytest.raises(ArgumentError, match="`num_parameters` must be a positive integer, but is 0"):
        ClassicalBlock(2, 2, 0)
    with pytest.raises(ArgumentError, match="`activation` must be one of"):
        ClassicalBlock(2, 2, 8, activation="gelu")
