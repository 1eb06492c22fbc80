"""Derivatives of derivatives of quantum layers: penalties, Hessians, and what refuses them."""

import numpy as np
import pytest
import torch
from expectations import EXACT, OBSERVABLES, START, W, X, hybrid_circuit
from torch import nn

from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import GradientError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers import QuantumLayer


@pytest.fixture
def layer():
    """Two inputs, three weights, four outputs; the inputs are named in the order opposite to Qiskit's."""
    circuit = ParametrizedCircuit(hybrid_circuit(), (X[1], X[0]), W)
    return QuantumLayer(circuit, observables=OBSERVABLES, execution=EXACT, initial_weights=START).double()


def penalty_by_input(layer, x):
    (gradient,) = torch.autograd.grad(layer(x).sum(), x, create_graph=True)
    return (gradient**2).sum()


def penalty_of_a_loss_that_is_not_linear(layer, x):
    (gradient,) = torch.autograd.grad((layer(x) ** 2).sum(), x, create_graph=True)
    return (gradient**2).sum()


def penalty_by_weight(layer, x):
    (gradient,) = torch.autograd.grad(layer(x).sum(), layer.weight, create_graph=True)
    return (gradient**2).sum()


def penalty_behind_a_module(layer, x):
    (gradient,) = torch.autograd.grad(layer(torch.sin(x)).sum(), x, create_graph=True)
    return (gradient.norm() - 1) ** 2


def slopes(function, values, step=1e-5):
    """Central differences of a number by a tensor, which is changed in place and back."""
    found = torch.zeros_like(values)
    for index in np.ndindex(*values.shape):
        sides = []
        for shift in (step, -2 * step):
            with torch.no_grad():
                values[index] += shift
            sides.append(function().item())
        with torch.no_grad():
            values[index] += step
        found[index] = (sides[0] - sides[1]) / (2 * step)
    return found


@pytest.mark.parametrize(
    "penalty", [penalty_by_input, penalty_of_a_loss_that_is_not_linear, penalty_by_weight, penalty_behind_a_module]
)
def test_second_derivatives_are_those_of_finite_differences(layer, penalty):
    """A gradient that silently lost its graph would train on a wrong penalty."""
    x = torch.tensor([[0.2, 0.5], [-1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    penalty(layer, x).backward()
    for leaf in (x, layer.weight):
        expected = slopes(lambda: penalty(layer, x), leaf)
        torch.testing.assert_close(leaf.grad, expected, rtol=0, atol=1e-6)
        assert expected.abs().max() > 0.01


def test_second_derivatives_by_gradgradcheck(layer):
    def function(x, weight):
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    x = torch.tensor([[0.2, 0.5], [-1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    weight = layer.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradgradcheck(function, (x, weight), rtol=1e-5, atol=1e-7)


def test_the_penalty_of_a_wasserstein_gan_through_a_quantum_critic(layer):
    """E[(|D'(x)| - 1)^2] by the weights of a critic with a module in front, the circuit, and one behind."""
    front, behind = nn.Linear(3, 2).double(), nn.Linear(4, 1).double()
    critic = nn.Sequential(front, nn.Tanh(), layer, behind)
    samples = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)

    def penalty():
        x = samples.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        return ((gradient.norm(dim=1) - 1) ** 2).mean()

    penalty().backward()
    for leaf in (front.weight, front.bias, layer.weight, behind.weight):
        expected = slopes(penalty, leaf)
        torch.testing.assert_close(leaf.grad, expected, rtol=0, atol=1e-6)
        assert expected.abs().max() > 1e-3


def test_a_hessian(layer):
    x = torch.tensor([0.2, 0.5], dtype=torch.float64)
    leaf = x.clone().requires_grad_()

    def first():
        (gradient,) = torch.autograd.grad(layer(leaf).sum(), leaf)
        return gradient

    expected = torch.stack([slopes(lambda k=k: first()[k], leaf) for k in range(2)])
    found = torch.autograd.functional.hessian(lambda x: layer(x).sum(), x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-8)


def test_transforms_of_torch_func(layer):
    x = torch.tensor([[0.2, 0.5], [-1.0, 2.0], [3.0, -0.4]], dtype=torch.float64)
    by_loop = torch.stack([torch.autograd.functional.jacobian(layer, row) for row in x])
    torch.testing.assert_close(torch.func.vmap(layer)(x), layer(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(torch.func.vmap(torch.func.jacrev(layer))(x), by_loop, rtol=0, atol=1e-12)
    torch.testing.assert_close(torch.func.jacrev(layer)(x[0]), by_loop[0], rtol=0, atol=1e-12)
    weight = layer.weight.detach()

    def loss(weight, x):
        return torch.func.functional_call(layer, {"weight": weight}, (x,)).square().sum()

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(weight, x)
    loss(layer.weight, x).backward()
    torch.testing.assert_close(each.sum(0), layer.weight.grad, rtol=0, atol=1e-12)


def test_forward_mode_is_refused(layer):
    with pytest.raises(GradientError, match=r"use torch\.func\.jacrev"):
        torch.func.jacfwd(layer)(torch.zeros(2, dtype=torch.float64))


def test_a_graph_of_first_derivatives(layer):
    x = torch.tensor([[0.2, 0.5]], dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(layer(x).sum(), x)
    (gradient,) = torch.autograd.grad(layer(x).sum(), x, create_graph=True)
    torch.testing.assert_close(gradient.detach(), expected, rtol=0, atol=1e-12)
    assert gradient.requires_grad


def test_an_execution_without_second_derivatives_refuses_them(layer):
    """Never a gradient that lost its graph."""

    class OnPrimitives(AbstractExecution):
        def estimator(self):
            return EXACT.estimator()

        def sampler(self):
            return EXACT.sampler()

    x = torch.tensor([[0.2, 0.5]], dtype=torch.float64, requires_grad=True)
    expected = layer(x)
    (first,) = torch.autograd.grad(expected.sum(), x)
    layer.execution = OnPrimitives()
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-10)
    (gradient,) = torch.autograd.grad(layer(x).sum(), x)
    torch.testing.assert_close(gradient, first, rtol=0, atol=1e-10)
    for penalty in (penalty_by_input, penalty_by_weight, penalty_behind_a_module):
        with pytest.raises(GradientError):
            penalty(layer, x).backward()


def test_a_critics_penalty_on_detached_samples_is_allowed(layer):
    critic = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    fake = layer(torch.randn(5, 2, dtype=torch.float64)).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(fake).sum(), fake, create_graph=True)
    ((gradient.norm(dim=1) - 1) ** 2).mean().backward()
    assert critic[0].weight.grad.abs().sum() > 0
    assert layer.weight.grad is None
