import copy
import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import ClassicalRegister, Parameter, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import real_amplitudes
from qiskit.quantum_info import Statevector
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.gradients import ParamShiftSamplerGradient
from qiskit_machine_learning.neural_networks import SamplerQNN
from qiskit_machine_learning.primitives import QMLSampler

from qiskit_qgen.exceptions import ArgumentError, UnsupportedCircuitError
from qiskit_qgen.gradients import ReverseSamplerGradient, jacobian
from qiskit_qgen.gradients.jacobian import ProbabilityJacobian
from qiskit_qgen.primitives import BatchedStatevectorSampler
from qiskit_qgen.simulator.measured import MeasuredCircuit

UNITARY = real_amplitudes(3, reps=1)
RNG = np.random.default_rng(2)
X, W = RNG.uniform(-3, 3, (4, 2)), RNG.uniform(-3, 3, 4)


def network(sampler, gradient, *, input_gradients=True, circuit=UNITARY):
    return SamplerQNN(
        circuit=circuit,
        sampler=sampler,
        input_params=UNITARY.parameters[:2],
        weight_params=UNITARY.parameters[2:],
        interpret=lambda outcome: (outcome & 1, outcome >> 1),
        output_shape=(2, 4),
        gradient=gradient,
        input_gradients=input_gradients,
    )


def ours(dtype=torch.float64, **options):
    sampler = BatchedStatevectorSampler(default_shots=None, dtype=dtype)
    return network(sampler, ReverseSamplerGradient(dtype=dtype), **options)


def stock(**options):
    return network(QMLSampler(), ParamShiftSamplerGradient(QMLSampler()), **options)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 2e-6)])
@pytest.mark.parametrize("input_gradients", [True, False])
def test_inside_a_stock_network(dtype, tolerance, input_gradients):
    networks = ours(dtype, input_gradients=input_gradients), stock(input_gradients=input_gradients)
    outputs = [each.forward(X, W) for each in networks]
    np.testing.assert_allclose(*outputs, rtol=0, atol=tolerance)
    for found, expected in zip(*[each.backward(X, W) for each in networks], strict=True):
        if expected is None:
            assert found is None
        else:
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_inside_a_stock_connector():
    gradients = []
    for each in (ours(), stock()):
        connector = TorchConnector(each, initial_weights=W)
        x = torch.tensor(X, dtype=torch.float32, requires_grad=True)
        (connector(x)[:, 1] ** 2).sum().backward()
        gradients.append((x.grad, connector.weight.grad))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def plain_jacobian(unitary, row):
    def probabilities(values):
        return Statevector(unitary.assign_parameters(values)).probabilities()

    return np.array([(probabilities(row + s) - probabilities(row - s)) / 2e-5 for s in 1e-5 * np.eye(len(row))])


@pytest.mark.parametrize(("cost", "by_shifts"), [(0, False), (10**6, True)])
@pytest.mark.parametrize("part", [1, 1 << 24])
def test_both_ways_and_in_parts(monkeypatch, cost, by_shifts, part):
    monkeypatch.setattr(jacobian, "_BACKWARD_COST", cost)
    monkeypatch.setattr(jacobian, "_PART_NUMBERS", part)
    angle, other = Parameter("a"), Parameter("b")
    unitary = QuantumCircuit(2)
    unitary.ry(angle * other, 0)
    unitary.crx(3 * angle, 0, 1)
    unitary.cp(other, 0, 1)
    unitary.h([0, 1])
    unitary.rzz(angle.sin(), 0, 1)
    unitary.rx(other, 1)
    measured = unitary.copy()
    measured.measure_all()
    derivative = ProbabilityJacobian(MeasuredCircuit.read(measured))
    assert derivative.by_shifts is by_shifts
    rows = RNG.uniform(-3, 3, (3, 2))
    found = derivative(torch.from_numpy(rows))
    assert found.shape == (3, 2, 4)
    for one, row in zip(found.numpy(), rows, strict=True):
        np.testing.assert_allclose(one, plain_jacobian(unitary, row), rtol=0, atol=1e-8)


def test_the_way_of_fewer_passes_is_chosen():
    """2 runs for each of 24 rotations against 2 or 1024 outcomes."""
    circuit = real_amplitudes(6, reps=3)
    for num_bits, by_shifts in ((1, False), (6, True)):
        measured = QuantumCircuit(QuantumRegister(6), ClassicalRegister(num_bits, "meas"))
        measured.compose(circuit, inplace=True)
        measured.measure(range(num_bits), range(num_bits))
        assert ProbabilityJacobian(MeasuredCircuit.read(measured)).by_shifts is by_shifts


@pytest.mark.parametrize("cost", [0, 10**6])
def test_a_parameter_without_effect(monkeypatch, cost):
    """In the global phase alone, or in a rotation that does not reach the measured qubit."""
    monkeypatch.setattr(jacobian, "_BACKWARD_COST", cost)
    a, b, c = (Parameter(name) for name in "abc")
    for with_rotation in (False, True):
        circuit = QuantumCircuit(2, 1, global_phase=a)
        if with_rotation:
            circuit.ry(b, 0)
            circuit.ry(c, 1)
        circuit.measure(0, 0)
        row = [0.1, 0.2, 0.3][: circuit.num_parameters]
        (found,) = ReverseSamplerGradient(dtype=torch.float64).run([circuit], [row]).result().gradients
        assert found[0] == {}
        if with_rotation:
            assert found[1] == pytest.approx({0: -np.sin(0.2) / 2, 1: np.sin(0.2) / 2})
            assert all(abs(value) < 1e-15 for value in found[2].values())


def test_a_qubit_in_several_bits():
    """As QML's networks, gradients leave out numbers that are too large for the number of qubits."""
    circuit = QuantumCircuit(1, 2)
    circuit.ry(Parameter("a"), 0)
    circuit.measure([0, 0], [0, 1])
    (found,) = ReverseSamplerGradient(dtype=torch.float64).run([circuit], [[0.3]]).result().gradients
    assert found == [pytest.approx({0: -np.sin(0.3) / 2})]
    (expected,) = ParamShiftSamplerGradient(QMLSampler()).run([circuit], [[0.3]]).result().gradients
    assert found == [pytest.approx(expected[0], abs=1e-11)]


def test_no_circuits():
    assert ReverseSamplerGradient().run([], []).result().gradients == []


def test_what_it_cannot_run():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    with pytest.raises(ArgumentError) as error:
        ReverseSamplerGradient().run([circuit], [[0.1]]).result()
    assert str(error.value) == (
        "Argument `circuits` must hold circuits that measure at least one qubit, but one measures none: "
        "add `circuit.measure_all()`."
    )
    circuit.measure_all()
    circuit.h(0)
    with pytest.raises(UnsupportedCircuitError):
        ReverseSamplerGradient().run([circuit], [[0.1]]).result()


def test_options():
    measured = UNITARY.copy()
    measured.measure_all()
    gradient = ReverseSamplerGradient()
    assert vars(gradient.options) == {}
    with pytest.raises(ArgumentError) as error:
        gradient.run([measured], [[0.1] * 6], shots=100).result()
    assert str(error.value) == "Arguments ['shots'] are not options of an exact gradient: remove them."
    for options in ({"dtype": torch.int32}, {"threads": -2}, {"device": "abacus"}):
        with pytest.raises(ArgumentError):
            ReverseSamplerGradient(**options)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda gradient: pickle.loads(pickle.dumps(gradient))])  # noqa: S301
def test_copies_work(copied):
    measured = UNITARY.copy()
    measured.measure_all()
    gradient = ReverseSamplerGradient(dtype=torch.float64, threads=1)
    expected = gradient.run([measured], [[0.1] * 6]).result()
    assert copied(gradient).run([measured], [[0.1] * 6]).result().gradients == expected.gradients


def test_idle_qubits_that_are_measured_cost_nothing():
    """d sin(a/2)**2 / da = sin(a) / 2."""
    circuit = QuantumCircuit(127)
    circuit.ry(Parameter("a"), 100)
    circuit.measure_all()
    (gradient,) = ReverseSamplerGradient(dtype=torch.float64).run([circuit], [[0.7]]).result().gradients[0]
    assert gradient == {0: pytest.approx(-np.sin(0.7) / 2), 1 << 100: pytest.approx(np.sin(0.7) / 2)}
