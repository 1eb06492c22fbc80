import copy
import pickle

import numpy as np
import pytest
import torch
from expectations import EXACT, OBSERVABLES, START, W, X, expected_outputs, hybrid_circuit
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.neural_networks import EstimatorQNN
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from qiskit_qgen.circuits import ParametrizedCircuit, pauli_observables
from qiskit_qgen.exceptions import ArgumentTypeError
from qiskit_qgen.execution import AbstractExecution, LocalExecution
from qiskit_qgen.layers import QuantumLayer


@pytest.fixture
def layer():
    """Two inputs, three weights, four outputs; the inputs are named in the order opposite to Qiskit's."""
    circuit = ParametrizedCircuit(hybrid_circuit(), (X[1], X[0]), W)
    return QuantumLayer(circuit, observables=OBSERVABLES, execution=EXACT, initial_weights=START).double()


def test_outputs_are_expectation_values(layer):
    x = torch.tensor([[0.2, 0.5], [-1.0, 2.0]], dtype=torch.float64)
    expected = [expected_outputs(row) for row in x.tolist()]
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=0, atol=1e-12)
    assert (layer.num_inputs, layer.num_outputs) == (2, 4)
    assert layer.circuit.num_parameters == 5


def test_it_is_a_torch_connector_over_the_same_network(layer):
    assert isinstance(layer, TorchConnector)
    assert isinstance(layer.neural_network, EstimatorQNN)
    assert layer.sparse is False
    rows = np.array([[0.2, 0.5], [-1.0, 2.0]])
    found = layer.neural_network.forward(rows, np.array(START))
    np.testing.assert_allclose(found, [expected_outputs(row) for row in rows], rtol=0, atol=1e-12)
    x = torch.tensor(rows, requires_grad=True)
    by_input, by_weight = layer.neural_network.backward(rows, np.array(START))
    jacobian = torch.autograd.functional.jacobian(layer, x)  # (2, 4, 2, 2)
    np.testing.assert_allclose(np.stack([jacobian[b, :, b] for b in range(2)]), by_input, rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(layer(x).sum(), layer.weight)
    np.testing.assert_allclose(gradient, by_weight.sum((0, 1)), rtol=0, atol=1e-12)


def test_gradients_are_those_of_finite_differences(layer):
    x = torch.tensor([[0.2, 0.5], [-1.0, 2.0], [3.0, -0.4]], dtype=torch.float64, requires_grad=True)

    def function(x, weight):
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    weight = layer.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(function, (x, weight), rtol=1e-6, atol=1e-8)


def bounded(layer):
    parametrize.register_parametrization(layer, "weight", nn.Tanh())
    return np.tanh(START)


def bounded_for_good(layer):
    bounded(layer)
    parametrize.remove_parametrizations(layer, "weight")
    return np.tanh(START)


def normed(layer):
    parametrizations.weight_norm(layer, dim=None)
    with torch.no_grad():
        layer.parametrizations.weight.original0.copy_(torch.tensor(2.0))
    return 2 * np.array(START) / np.linalg.norm(START)


def pruned(layer):
    prune.custom_from_mask(layer, "weight", torch.tensor([1.0, 0.0, 1.0]))
    return START * np.array([1, 0, 1])


def replaced(layer):
    del layer.weight
    layer.weight = nn.Parameter(torch.zeros(3, dtype=torch.float64))
    return np.zeros(3)


@pytest.mark.parametrize("change", [bounded, bounded_for_good, normed, pruned, replaced])
def test_torch_may_compute_or_replace_the_weights_as_those_of_its_own_modules(layer, change):
    weights, x = change(layer), [0.2, 0.5]
    found = layer(torch.tensor(x, dtype=torch.float64))
    np.testing.assert_allclose(found.detach(), expected_outputs(x, weights), rtol=0, atol=1e-12)
    found.sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0), (1, 1, 1)])
def test_leading_shapes(layer, shape):
    x = torch.linspace(-1, 1, 2 * int(np.prod(shape)), dtype=torch.float64).reshape(*shape, 2).requires_grad_()
    y = layer(x)
    assert y.shape == (*shape, 4)
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert layer.weight.grad.shape == (3,)
    rows = x.detach().reshape(-1, 2)
    for row, found in zip(rows.tolist(), y.detach().reshape(-1, 4), strict=True):
        np.testing.assert_allclose(found, expected_outputs(row), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_the_dtype_of_the_input_is_kept(layer, dtype, precision):
    layer.execution = LocalExecution(dtype=precision)
    x = torch.tensor([[0.25, 0.5]], dtype=dtype, requires_grad=True)
    y = layer.to(dtype)(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == layer.weight.grad.dtype == dtype
    expected = expected_outputs([0.25, 0.5], layer.weight.tolist())
    coarser = max(torch.finfo(dtype).eps, torch.finfo(precision).eps)
    np.testing.assert_allclose(y[0].detach().double(), expected, rtol=0, atol=4 * coarser)


def test_defaults():
    circuit = real_amplitudes(3, reps=1)
    torch.manual_seed(3)
    layer = QuantumLayer(circuit)
    assert layer.num_inputs == 6
    assert layer.num_outputs == 3
    assert layer.weight.shape == (0,)
    assert layer.execution == LocalExecution()
    x = torch.linspace(-1, 1, 6)
    state = Statevector(circuit.assign_parameters(x.tolist()))
    expected = [state.expectation_value(observable).real for observable in pauli_observables(3, "Z")]
    np.testing.assert_allclose(layer(x), expected, rtol=0, atol=2e-6)
    assert layer(x).dtype == torch.float32


def test_the_weights_start_uniform_in_minus_one_to_one_from_torchs_generator():
    torch.manual_seed(3)
    circuit = real_amplitudes(6, reps=9)
    first = QuantumLayer(circuit, weight_params=list(circuit.parameters)).weight
    torch.manual_seed(3)
    again = QuantumLayer(circuit, weight_params=list(circuit.parameters)).weight
    assert torch.equal(first, again)
    assert first.min() < -0.7
    assert first.max() > 0.7
    assert first.abs().max() <= 1


def test_the_other_parameters_are_inputs_in_qiskits_order():
    circuit = hybrid_circuit()
    layer = QuantumLayer(circuit, weight_params=W, observables=OBSERVABLES, execution=EXACT, initial_weights=START)
    x = torch.tensor([0.5, 0.2], dtype=torch.float64)
    np.testing.assert_allclose(layer(x).detach(), expected_outputs([0.2, 0.5]), rtol=0, atol=1e-12)


def test_a_circuit_without_inputs():
    circuit = real_amplitudes(2, reps=1)
    layer = QuantumLayer(circuit, weight_params=list(circuit.parameters), initial_weights=[0.1, 0.2, 0.3, 0.4])
    state = Statevector(circuit.assign_parameters([0.1, 0.2, 0.3, 0.4]))
    expected = [state.expectation_value(observable).real for observable in pauli_observables(2, "Z")]
    np.testing.assert_allclose(layer().detach(), expected, rtol=0, atol=1e-6)
    assert layer().shape == (2,)
    assert layer(torch.zeros(5, 0)).shape == (5, 2)
    assert layer(torch.zeros(3, 4, 0)).shape == (3, 4, 2)
    layer(torch.zeros(5, 0)).sum().backward()
    five = layer.weight.grad.clone()
    layer.weight.grad = None
    layer().sum().backward()
    torch.testing.assert_close(five, 5 * layer.weight.grad)


def test_a_circuit_without_parameters():
    circuit = QuantumCircuit(1)
    circuit.ry(0.3, 0)
    layer = QuantumLayer(circuit)
    assert layer().item() == pytest.approx(np.cos(0.3), abs=1e-6)
    assert layer(torch.zeros(2, 0)).shape == (2, 1)


def test_one_observable_alone():
    assert QuantumLayer(hybrid_circuit(), observables=SparsePauliOp("ZZ"))(torch.zeros(7, 5)).shape == (7, 1)


def test_a_module_in_front_gets_its_gradient(layer):
    front = nn.Linear(3, 2).double()
    z = torch.tensor([[0.3, -0.2, 1.0], [1.5, 0.1, -0.6]], dtype=torch.float64)

    def loss():
        return (layer(torch.tanh(front(z))) ** 2).sum()

    loss().backward()
    for parameter in (front.weight, front.bias, layer.weight):
        for index in np.ndindex(*parameter.shape):
            values = []
            for step in (1e-5, -2e-5):
                with torch.no_grad():
                    parameter[index] += step
                values.append(loss().item())
            with torch.no_grad():
                parameter[index] += 1e-5
            assert parameter.grad[index].item() == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-8)


def test_no_graph_where_none_is_asked_for(layer):
    x = torch.zeros(3, 2, dtype=torch.float64)
    assert layer(x).requires_grad
    with torch.no_grad():
        assert not layer(x).requires_grad
    layer.requires_grad_(False)
    assert not layer(x).requires_grad
    assert layer(x.requires_grad_()).requires_grad


def test_training_lowers_a_loss(layer):
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    x = torch.zeros(4, 2, dtype=torch.float64)
    losses = []
    for _ in range(30):
        loss = layer(x)[:, 3].mean()  # <ZZ>, 1 at its highest
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])  # noqa: S301
def test_copies_are_independent_and_equal(layer, copied):
    x = torch.tensor([[0.2, 0.5]], dtype=torch.float64)
    layer.weight.requires_grad_(True)
    layer.eval()
    twin = copied(layer)
    assert torch.equal(twin(x), layer(x))
    assert twin.execution == layer.execution
    assert not twin.training
    with torch.no_grad():
        twin.weight += 1
    assert not torch.equal(twin(x), layer(x))
    assert list(dict(twin.named_parameters())) == ["weight"]


def test_state_dict_and_safetensors(layer, tmp_path):
    assert list(layer.state_dict()) == ["weight"]
    save_file(layer.state_dict(), tmp_path / "layer.safetensors")
    other = QuantumLayer(
        ParametrizedCircuit(hybrid_circuit(), (X[1], X[0]), W), observables=OBSERVABLES, execution=EXACT
    ).double()
    other.load_state_dict(load_file(tmp_path / "layer.safetensors"))
    x = torch.tensor([[0.2, 0.5]], dtype=torch.float64)
    assert torch.equal(other(x), layer(x))
    assert sum(parameter.numel() for parameter in nn.Sequential(layer).parameters()) == 3


def test_the_execution_is_exchangeable(layer):
    x = torch.tensor([[0.2, 0.5]], dtype=torch.float64)
    exact = layer(x)
    layer.execution = LocalExecution(dtype=torch.float32, threads=1)
    single = layer(x)
    assert single.dtype == torch.float64
    assert not torch.equal(single, exact)
    torch.testing.assert_close(single, exact, rtol=0, atol=2e-6)
    assert layer.execution.threads == 1


def test_an_execution_is_asked_once_for_the_function():
    calls = []

    class Constant(AbstractExecution):
        def _expectation(self, circuit, observables):
            calls.append((circuit, observables))
            return lambda parameters: parameters.sum(1, keepdim=True).expand(-1, len(observables))

        def estimator(self):
            raise NotImplementedError

        def sampler(self):
            raise NotImplementedError

        def estimator_gradient(self):
            raise NotImplementedError

    circuit = hybrid_circuit()
    layer = QuantumLayer(circuit, observables=OBSERVABLES, execution=Constant())
    assert layer(torch.ones(2, 5)).tolist() == [[5.0] * 4] * 2
    layer(torch.ones(2, 5))
    assert calls == [(circuit, OBSERVABLES)]


@pytest.mark.parametrize(
    ("of_inputs", "of_weights", "shifted"), [(False, True, 3), (True, False, 2), (True, True, 5), (False, False, 0)]
)
def test_a_primitive_shifts_only_what_needs_a_gradient(of_inputs, of_weights, shifted):
    rows = []

    class Counting(StatevectorEstimator):
        def run(self, pubs, **options):
            rows.extend(pub[2].shape[0] for pub in pubs)
            return super().run(pubs, **options)

    class Primitive(AbstractExecution):
        def estimator(self):
            return Counting()

        def sampler(self):
            raise NotImplementedError

    circuit = QuantumCircuit(2)  # a parameter of each kind by turns, as Qiskit sorts them
    for number, name in enumerate("abcde"):
        circuit.ry(Parameter(name), number % 2)
    inputs, weights = circuit.parameters[1::2], circuit.parameters[::2]
    layer = QuantumLayer(circuit, input_params=inputs, weight_params=weights, execution=Primitive())
    exact = QuantumLayer(circuit, input_params=inputs, weight_params=weights, initial_weights=layer.weight.detach())
    x = torch.tensor([[0.2, 0.5], [0.3, -0.4]], requires_grad=of_inputs)
    found = []
    for each in (layer, exact):
        each.weight.requires_grad_(of_weights)
        y = each(x)
        found.append([y.detach()])
        if y.requires_grad:
            leaves = [leaf for leaf in (x, each.weight) if leaf.requires_grad]
            found[-1] += torch.autograd.grad(y.square().sum(), leaves)
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)
    assert rows == [2] + [2 * 2 * shifted] * bool(shifted)


def test_a_failed_exchange_leaves_the_layer_as_it_was(layer):
    x = torch.tensor([[0.2, 0.5]], dtype=torch.float64)
    before = layer(x)
    with pytest.raises(ArgumentTypeError) as error:
        layer.execution = "aer"
    assert str(error.value) == (
        "Argument `execution` must be an execution such as LocalExecution(), but is of type str."
    )
    assert torch.equal(layer(x), before)


def test_repr_tells_the_sizes(layer):
    assert repr(layer) == "QuantumLayer(num_qubits=2, num_inputs=2, num_weights=3, num_outputs=4)"


def test_a_layer_keeps_its_circuit_as_it_was():
    angle = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    layer = QuantumLayer(circuit)
    circuit.ry(angle, 0)
    layer.execution = LocalExecution(dtype=torch.float64)
    assert layer(torch.tensor([0.7], dtype=torch.float64)).item() == pytest.approx(np.cos(0.7))
    assert layer.circuit.size() == 1
