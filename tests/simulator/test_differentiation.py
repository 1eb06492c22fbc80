"""Second derivatives, and torch.func, of what is read out of a circuit."""

import numpy as np
import pytest
import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.exceptions import GradientError
from qiskit_qgen.simulator import ExpectationValues, lower
from qiskit_qgen.simulator.probabilities import Probabilities

OBSERVABLES = [SparsePauliOp("XZI"), SparsePauliOp(["ZZZ", "IYI", "III"], [0.5, -1.5, 0.7])]


def circuit_of_angles():
    x = ParameterVector("x", 6)
    circuit = QuantumCircuit(3)
    circuit.ry(x[0] * x[1], 0)
    circuit.crx(x[2].sin(), 0, 1)
    circuit.cx(1, 2)
    circuit.rz(x[3], 2)
    circuit.h(2)
    circuit.cp(x[4], 2, 0)
    circuit.rxx(x[5] + x[0], 1, 2)
    circuit.ry(x[3], 1)
    return circuit


@pytest.fixture(params=["expectation", "probabilities"])
def function(request):
    program = lower(circuit_of_angles())
    return ExpectationValues(program, OBSERVABLES) if request.param == "expectation" else Probabilities(program, [2, 0])


def rows(num_samples=2):
    generator = torch.Generator().manual_seed(8)
    return torch.empty(num_samples, 6, dtype=torch.float64).uniform_(-2, 2, generator=generator)


def test_first_and_second_derivatives_agree_with_finite_differences(function):
    point = rows().requires_grad_()
    assert torch.autograd.gradcheck(function, (point,))
    assert torch.autograd.gradgradcheck(function, (point,))


def test_a_gradient_is_the_same_with_and_without_a_graph(function):
    point = rows(5).requires_grad_()
    cotangent = torch.linspace(-1, 1, function(point).numel(), dtype=torch.float64).reshape(5, -1)
    (plain,) = torch.autograd.grad(function(point), point, cotangent)
    (with_graph,) = torch.autograd.grad(function(point), point, cotangent, create_graph=True)
    torch.testing.assert_close(with_graph.detach(), plain, rtol=0, atol=1e-13)


def test_a_graph_is_used_several_times(function):
    point = rows().requires_grad_()
    values = function(point)
    first = [torch.autograd.grad(values[:, 0].sum(), point, retain_graph=True)[0] for _ in range(2)]
    assert torch.equal(*first)


def test_vmap_and_jacrev(function):
    point = rows(3)
    values = function(point)
    stacked = torch.func.vmap(lambda row: function(row[None])[0])(point)
    torch.testing.assert_close(stacked, values, rtol=0, atol=1e-13)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda row: function(row[None])[0]))(point)
    step = 1e-5
    for column in range(6):
        shift = step * torch.eye(6, dtype=torch.float64)[column]
        expected = (function(point + shift) - function(point - shift)) / (2 * step)
        torch.testing.assert_close(jacobian[:, :, column], expected, rtol=0, atol=1e-9)


def test_hessians_by_reverse_mode(function):
    (row,) = rows(1)
    hessian = torch.func.jacrev(torch.func.jacrev(lambda row: function(row[None])[0, 0]))(row)
    expected = torch.autograd.functional.hessian(lambda row: function(row[None])[0, 0], row)
    torch.testing.assert_close(hessian, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(hessian, hessian.T, rtol=0, atol=1e-12)
    assert hessian.abs().max() > 0.01


def test_forward_mode_is_refused_with_the_remedy(function):
    (row,) = rows(1)
    with pytest.raises(GradientError, match="jacrev"):
        torch.func.jacfwd(lambda row: function(row[None])[0])(row)


def test_batches_of_cotangents(function):
    point = rows().requires_grad_()
    values = function(point)
    cotangents = torch.eye(values.numel(), dtype=torch.float64).reshape(-1, *values.shape)
    (batched,) = torch.autograd.grad(values, point, cotangents, is_grads_batched=True, retain_graph=True)
    single = [torch.autograd.grad(values, point, cotangent, retain_graph=True)[0] for cotangent in cotangents]
    torch.testing.assert_close(batched, torch.stack(single), rtol=0, atol=1e-13)


def test_long_circuits_keep_the_norm():
    """Constants such as a Hadamard gate's are rounded: alike, the errors of 900 of them add up to more than 1e-5."""
    circuit = QuantumCircuit(2)
    angles = ParameterVector("a", 3)
    circuit.ry(angles[2], 0)
    for _ in range(150):
        circuit.h([0, 1])
        circuit.sx(0)
        circuit.rx(np.pi / 2, 1)
        circuit.cz(0, 1)
    circuit.ry(angles[0], 0)
    circuit.ry(angles[1], 1)
    program = lower(circuit)
    point = torch.tensor([[0.3, 0.4, 0.9]])
    for function in (Probabilities(program, [0, 1]), ExpectationValues(program, pauli_observables(2))):
        found, expected = function(point), function(point.double())
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-6)
        gradients = [torch.func.jacrev(lambda row: function(row[None]).square().sum())(point[0])]  # noqa: B023
        varied = point.clone().requires_grad_()
        gradients.append(torch.autograd.grad(function(varied).square().sum(), varied)[0][0])
        varied = point.double().requires_grad_()
        (exact,) = torch.autograd.grad(function(varied).square().sum(), varied)
        for gradient in gradients:
            torch.testing.assert_close(gradient.double(), exact[0], rtol=0, atol=1e-4)
