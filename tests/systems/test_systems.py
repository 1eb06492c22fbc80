import numpy as np
import pytest
import torch
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.neural_networks import EstimatorQNN
from systems import SYSTEMS

from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.gradients import ReverseEstimatorGradient
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.primitives import BatchedStatevectorEstimator
from qiskit_qgen.simulator import ExpectationValues, lower


def by_engine(system, rows, dtype):
    function = ExpectationValues(lower(system.circuit), system.observables)
    return by_autograd(function, torch.tensor(rows, dtype=dtype))


def by_layer(system, rows, dtype):
    layer = QuantumLayer(system.circuit, observables=system.observables, execution=LocalExecution(dtype=dtype))
    return by_autograd(layer, torch.tensor(rows, dtype=dtype))


def by_autograd(function, rows):
    rows.requires_grad_()
    values = function(rows)
    jacobian = [torch.autograd.grad(values[:, k].sum(), rows, retain_graph=True)[0] for k in range(values.shape[1])]
    return values.detach().numpy(), torch.stack(jacobian, 1).numpy()


def by_primitive_and_gradient(system, rows, dtype):
    pub = (system.circuit, [[observable] for observable in system.observables], rows)
    values = BatchedStatevectorEstimator(dtype=dtype).run([pub]).result()[0].data.evs.T
    gradient = ReverseEstimatorGradient(dtype=dtype)
    jacobian = [
        gradient.run([system.circuit] * len(rows), [observable] * len(rows), rows).result().gradients
        for observable in system.observables
    ]
    return values, np.swapaxes(jacobian, 0, 1)


def by_stock_network(system, rows, dtype):
    network = EstimatorQNN(
        circuit=system.circuit,
        estimator=BatchedStatevectorEstimator(dtype=dtype),
        observables=system.observables,
        input_params=list(system.circuit.parameters),
        gradient=ReverseEstimatorGradient(dtype=dtype),
        input_gradients=True,
        default_precision=0.0,
    )
    assert TorchConnector(network)(torch.tensor(rows)).shape == (len(rows), len(system.observables))
    return network.forward(rows, []), network.backward(rows, [])[0]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
@pytest.mark.parametrize("compute", [by_engine, by_layer, by_primitive_and_gradient, by_stock_network])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 3e-6)])
def test_values_and_jacobian(system, compute, dtype, tolerance):
    rows = np.random.default_rng(12).uniform(-3, 3, (5, system.circuit.num_parameters))
    values, jacobian = compute(system, rows, dtype)
    np.testing.assert_allclose(values, [system.values(row) for row in rows], rtol=0, atol=tolerance)
    np.testing.assert_allclose(jacobian, [system.jacobian(row) for row in rows], rtol=0, atol=3 * tolerance)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_the_formulas_agree_with_each_other(system):
    """The derivatives by hand are those of the values, by central differences."""
    row = np.random.default_rng(5).uniform(-3, 3, system.circuit.num_parameters)
    steps = 1e-5 * np.eye(len(row))
    slopes = [(np.array(system.values(row + step)) - system.values(row - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(np.transpose(slopes), system.jacobian(row), rtol=0, atol=1e-7)
