import numpy as np
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN
from qiskit_machine_learning.primitives import QMLSampler

from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.gradients import BroadcastParamShiftEstimatorGradient, BroadcastParamShiftSamplerGradient

A = Parameter("a")


class TwoPrimitives(AbstractExecution):
    """The least that an execution has to say."""

    def estimator(self):
        return StatevectorEstimator()

    def sampler(self):
        return QMLSampler()


def turned():
    circuit = QuantumCircuit(2)
    circuit.ry(A, 0)
    circuit.cx(0, 1)
    return circuit


def test_two_primitives_are_enough_for_values_and_gradients():
    execution = TwoPrimitives()
    angles = torch.tensor([[0.3], [1.1]], dtype=torch.float64, requires_grad=True)
    values = execution.expectation(turned(), [SparsePauliOp("ZI"), SparsePauliOp("ZZ")])(angles)
    torch.testing.assert_close(values, torch.cat([angles.cos(), torch.ones_like(angles)], 1))
    (slope,) = torch.autograd.grad(values.sum(), angles)
    torch.testing.assert_close(slope, -angles.sin())
    chances = execution.probabilities(turned(), [1])(angles)
    torch.testing.assert_close(chances, torch.cat([(angles / 2).cos() ** 2, (angles / 2).sin() ** 2], 1))
    (slope,) = torch.autograd.grad(chances[:, 1].sum(), angles)
    torch.testing.assert_close(slope, angles.sin() / 2)


def test_its_primitives_and_gradients_fit_stock_networks():
    execution = TwoPrimitives()
    assert isinstance(execution.estimator_gradient(), BroadcastParamShiftEstimatorGradient)
    assert isinstance(execution.sampler_gradient(), BroadcastParamShiftSamplerGradient)
    network = EstimatorQNN(
        circuit=turned(),
        estimator=execution.estimator(),
        gradient=execution.estimator_gradient(),
        weight_params=[A],
        observables=SparsePauliOp("IZ"),
        default_precision=0.0,
    )
    np.testing.assert_allclose(network.backward(None, [0.4])[1], [[[-np.sin(0.4)]]], atol=1e-12)
    network = SamplerQNN(
        circuit=turned(),
        sampler=execution.sampler(),
        gradient=execution.sampler_gradient(),
        weight_params=[A],
    )
    slope = np.sin(0.4) / 2
    np.testing.assert_allclose(network.backward(None, [0.4])[1], [[[-slope], [0], [0], [slope]]], atol=1e-12)
