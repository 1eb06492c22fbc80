"""Tangents of half an angle near pi are large, of several such angles too large: the values stay exact."""

import numpy as np
import pytest
import torch
from parity import random_observables, truth
from qiskit.circuit.library import efficient_su2, real_amplitudes

from qiskit_qgen.circuits import style_ansatz
from qiskit_qgen.simulator import ExpectationValues, lower

TOLERANCES = [(torch.float64, 1e-10), (torch.float32, 2e-5)]


def rows_near_pi(rng, count, parameters):
    """Angles from exactly pi, the nearest float and so on to some that are not near, and odd multiples of it."""
    distances = rng.choice([0, 1e-15, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1], (count, parameters))
    rows = np.pi * rng.choice([-3, -1, 1, 3], (count, parameters)) + distances * rng.choice(
        [-1, 1], (count, parameters)
    )
    others = rng.random((count, parameters)) < np.linspace(0, 0.9, count)[:, None]
    return np.where(others, rng.uniform(-3, 3, (count, parameters)), rows)


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("build", ["ry", "ry and rz", "controlled"])
def test_values_and_derivatives(build, dtype, tolerance):
    rng = np.random.default_rng(8)
    circuit = {
        "ry": real_amplitudes(7, reps=3),
        "ry and rz": efficient_su2(7, reps=2),
        "controlled": style_ansatz(4, 3, entangler="cry").circuit,
    }[build]
    observables = random_observables(rng, circuit.num_qubits)
    rows = rows_near_pi(rng, 12, circuit.num_parameters)
    angles = torch.from_numpy(rows).to(dtype).requires_grad_()
    function = ExpectationValues(lower(circuit), observables)
    values = function(angles)
    expected = truth(circuit, observables, angles.detach().double().numpy())
    np.testing.assert_allclose(values.detach(), expected, rtol=0, atol=tolerance)
    cotangent = torch.from_numpy(rng.normal(size=values.shape)).to(dtype)
    (found,) = torch.autograd.grad(values, angles, cotangent)
    precise = angles.detach().double().requires_grad_()  # the tensor kernels know no tangents
    by_tensors = function.tensors.pull_back(precise, cotangent.double())
    np.testing.assert_allclose(found, by_tensors.detach(), rtol=0, atol=10 * tolerance)


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_a_batch_with_many_such_angles_does_not_use_tangents(offset):
    """Six angles of pi in one block, in single precision; one causes no trouble."""
    circuit = real_amplitudes(7, reps=3)
    sweeps = ExpectationValues(lower(circuit), random_observables(np.random.default_rng(1), 7)).sweeps
    slots = np.full((3, circuit.num_parameters), np.pi + offset, np.float32)
    _, batch = sweeps.forward(slots, threads=1, keep=True)
    assert batch.plan.tangents.any() == (offset > 0)
    slots = np.random.default_rng(2).uniform(-3, 3, slots.shape).astype(np.float32)
    slots[:, 9] = np.pi
    _, batch = sweeps.forward(slots, threads=1, keep=True)
    assert batch.plan.tangents.any()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_constant_angles_of_pi_leave_tangents_to_the_batch(dtype, tolerance):
    layers = real_amplitudes(7, reps=2)
    circuit = layers.copy_empty_like()
    circuit.compose(layers, inplace=True)
    circuit.cx(3, 4)
    circuit.ry(np.pi, 3)
    circuit.cx(3, 4)
    circuit.compose(style_ansatz(7, 2).circuit, inplace=True)
    observables = random_observables(np.random.default_rng(1), 7)
    function = ExpectationValues(lower(circuit), observables)
    angles = np.random.default_rng(2).uniform(-2, 2, (3, circuit.num_parameters))
    values, batch = function.sweeps.forward(angles.astype(np.dtype(str(dtype)[6:])), threads=1, keep=True)
    assert batch.plan.tangents.any()
    rounded = torch.from_numpy(angles).to(dtype)
    np.testing.assert_allclose(
        function(rounded), truth(circuit, observables, rounded.double().numpy()), rtol=0, atol=tolerance
    )
    assert values.shape == (3, len(observables))
