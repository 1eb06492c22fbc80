import copy
import dataclasses
import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_machine_learning.gradients import BaseEstimatorGradient, BaseSamplerGradient

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError, GradientError
from qiskit_qgen.execution import AbstractExecution, AerExecution, LocalExecution, depolarizing_noise, readout_noise
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models import StyleQGAN

LOCAL = LocalExecution(dtype=torch.float64)
NOISE = depolarizing_noise(one_qubit=0.01, two_qubit=0.05) + readout_noise(zero_to_one=0.02, one_to_zero=0.1)
OBSERVABLES = [SparsePauliOp(["IZZ", "XII"], [1, 0.5]), SparsePauliOp("YIX"), SparsePauliOp("IIZ")]


def controlled():
    return style_ansatz(3, 1, entangler="cry").circuit


CIRCUITS = {"cry": controlled(), "su2": efficient_su2(3, reps=1)}


def rows_of(circuit, num_rows=3):
    generator = torch.Generator().manual_seed(8)
    return (
        6 * torch.rand(num_rows, circuit.num_parameters, generator=generator, dtype=torch.float64) - 3
    ).requires_grad_()


def values_and_gradient(function, rows):
    values = function(rows)
    weights = torch.linspace(-1, 1, values.numel(), dtype=torch.float64).reshape(values.shape)
    (gradient,) = torch.autograd.grad((values * weights).sum(), rows)
    return values.detach(), gradient


@pytest.mark.parametrize("name", CIRCUITS)
def test_exact_values_and_gradients_are_those_of_the_built_in_simulator(name):
    circuit = CIRCUITS[name]
    rows = rows_of(circuit)
    for left, right in [
        (AerExecution().expectation(circuit, OBSERVABLES), LOCAL.expectation(circuit, OBSERVABLES)),
        (AerExecution().probabilities(circuit, [2, 0]), LOCAL.probabilities(circuit, [2, 0])),
    ]:
        for found, expected in zip(values_and_gradient(left, rows), values_and_gradient(right, rows), strict=True):
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def test_noisy_gradients_are_those_of_the_noisy_values():
    circuit = CIRCUITS["cry"]
    function = AerExecution(noise_model=NOISE).expectation(circuit, OBSERVABLES)
    rows = rows_of(circuit, 1)
    _, gradient = values_and_gradient(function, rows)
    weights = torch.linspace(-1, 1, 3, dtype=torch.float64)
    steps = 1e-4 * torch.eye(circuit.num_parameters, dtype=torch.float64)
    with torch.no_grad():
        ahead, behind = function(rows + steps), function(rows - steps)
    torch.testing.assert_close(gradient[0], (ahead - behind) @ weights / 2e-4, rtol=0, atol=1e-6)


def test_shot_noise_of_values_and_gradients_is_fresh_and_of_the_right_size():
    circuit = CIRCUITS["cry"]
    rows = rows_of(circuit, 1)
    exact, slope = values_and_gradient(LOCAL.expectation(circuit, OBSERVABLES), rows)
    function = AerExecution(shots=400, seed=2).expectation(circuit, OBSERVABLES)
    drawn = [values_and_gradient(function, rows) for _ in range(30)]
    values = torch.stack([each[0] for each in drawn])
    gradients = torch.stack([each[1] for each in drawn])
    assert values[:, 0, 2].std() == pytest.approx(((1 - exact[0, 2] ** 2) / 400).sqrt().item(), rel=0.5)
    assert (gradients.std(0) > 1e-3).sum() > circuit.num_parameters // 2
    errors = (gradients.mean(0) - slope) / (gradients.std(0) / 30**0.5).clamp(min=1e-3)
    assert errors.abs().max() < 5


def test_its_functions_share_a_stream():
    circuit = CIRCUITS["su2"]
    rows = rows_of(circuit)
    execution, again = AerExecution(shots=10, seed=1), AerExecution(shots=10, seed=1)
    first, second = (execution.expectation(circuit, OBSERVABLES)(rows) for _ in range(2))
    assert not torch.equal(first, second)
    torch.testing.assert_close(again.expectation(circuit, OBSERVABLES)(rows), first, rtol=0, atol=0)


def test_a_pass_is_one_run_of_aer(monkeypatch):
    sizes = []
    original = AerSimulator.run

    def counted(self, circuits, *args, **options):
        sizes.append(len(circuits))
        return original(self, circuits, *args, **options)

    monkeypatch.setattr(AerSimulator, "run", counted)
    for execution, circuits in ((AerExecution(), 1), (AerExecution(shots=10, noise_model=NOISE), 2)):
        sizes.clear()
        function = execution.expectation(CIRCUITS["cry"], pauli_observables(3, "XZ"))
        rows = rows_of(CIRCUITS["cry"], 5)
        values = function(rows)
        assert sizes == [circuits]
        values.sum().backward()
        assert sizes == [circuits, circuits]


def test_circuits_are_transpiled_once(monkeypatch):
    from qiskit_qgen.execution.aer.circuits import AerTranspiler

    calls = []
    original = AerTranspiler.__call__
    monkeypatch.setattr(AerTranspiler, "__call__", lambda *args: calls.append(1) or original(*args))
    function = AerExecution(noise_model="fake_manila").expectation(CIRCUITS["cry"], OBSERVABLES)
    for _ in range(3):
        values_and_gradient(function, rows_of(CIRCUITS["cry"], 1))
    assert calls == [1]


def test_precision_stands_for_shots():
    assert AerExecution(precision=0.1).num_shots == 100
    assert AerExecution(precision=0.3).num_shots == 12
    assert AerExecution(precision=1 / np.sqrt(1000), seed=0).num_shots == 1000
    assert AerExecution().num_shots is None
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    sampled = AerExecution(precision=0.3, seed=0).sampler().run([circuit]).result()[0].data.meas
    assert sampled.num_shots == 12


def test_spsa_estimates_the_gradient():
    circuit = CIRCUITS["cry"]
    rows = rows_of(circuit, 1)
    _, slope = values_and_gradient(LOCAL.expectation(circuit, OBSERVABLES), rows)
    function = AerExecution(gradient="spsa", seed=1).expectation(circuit, OBSERVABLES)
    found = torch.stack([values_and_gradient(function, rows)[1] for _ in range(400)])
    errors = (found.mean(0) - slope) / (found.std(0) / 20)
    assert errors.abs().max() < 5
    assert found.std() > 0.1


def test_second_derivatives_are_refused():
    rows = rows_of(CIRCUITS["su2"], 1)
    function = AerExecution().expectation(CIRCUITS["su2"], OBSERVABLES)
    (gradient,) = torch.autograd.grad(function(rows).sum(), rows, create_graph=True)
    with pytest.raises(GradientError, match="first derivatives only"):
        gradient.square().sum().backward()


def test_a_layer_runs_and_learns_on_it():
    ansatz = style_ansatz(2, 1, entangler="cry")
    layer = QuantumLayer(ansatz, execution=AerExecution())
    reference = QuantumLayer(ansatz, execution=LocalExecution())
    x = torch.rand(4, layer.num_inputs, requires_grad=True)
    torch.testing.assert_close(layer(x), reference(x), rtol=0, atol=1e-6)
    found, expected = (torch.autograd.grad(each(x).sum(), x)[0] for each in (layer, reference))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    pickled = pickle.loads(pickle.dumps(layer))  # noqa: S301
    torch.testing.assert_close(pickled(x), layer(x))


def test_stock_networks_take_its_parts():
    execution = AerExecution(shots=100, seed=0)
    assert isinstance(execution, AbstractExecution)
    assert isinstance(execution.estimator(), BaseEstimatorV2)
    assert isinstance(execution.sampler(), BaseSamplerV2)
    assert isinstance(execution.estimator_gradient(), BaseEstimatorGradient)
    assert isinstance(execution.sampler_gradient(), BaseSamplerGradient)
    circuit = CIRCUITS["cry"]
    rows = rows_of(circuit, 2)
    call = ([circuit] * 2, [OBSERVABLES[0]] * 2, rows.detach().numpy())
    found = AerExecution().estimator_gradient().run(*call).result().gradients
    function = LOCAL.expectation(circuit, OBSERVABLES)
    (expected,) = torch.autograd.grad(function(rows)[:, 0].sum(), rows)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_a_style_gan_samples_on_it():
    model = StyleQGAN(image_shape=(1, 8, 8), num_qubits=3, num_layers=1)
    images = torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model.fit(images, steps=1, batch_size=4, seed=0, training=model.training_class.of(autoencoder_steps=1))
    expected = model.sample(5, seed=1)
    torch.testing.assert_close(model.sample(5, seed=1, execution=AerExecution()), expected, rtol=0, atol=1e-5)
    for options in ({"shots": 64}, {"noise_model": "fake_manila"}, {"noise_model": NOISE, "shots": 64}):
        found = model.sample(5, seed=1, execution=AerExecution(seed=3, **options))
        again = model.sample(5, seed=1, execution=AerExecution(seed=3, **options))
        torch.testing.assert_close(found, again, rtol=0, atol=0)
        assert found.shape == expected.shape
        assert not torch.equal(found, expected)


def test_it_is_a_value():
    execution = AerExecution(shots=10, noise_model=NOISE, seed=1)
    assert execution == AerExecution(shots=10, noise_model=NOISE, seed=1)
    assert hash(execution) == hash(AerExecution(shots=10, noise_model=NOISE, seed=1))
    assert execution != AerExecution(shots=10, seed=1)
    assert AerExecution(noise_model=NoiseModel()) == AerExecution(noise_model=NoiseModel())
    assert hash(AerExecution(noise_model=NoiseModel())) is not None
    with pytest.raises(dataclasses.FrozenInstanceError):
        execution.shots = 3


def test_copies_go_on_with_the_same_stream():
    circuit = CIRCUITS["su2"]
    rows = rows_of(circuit)
    execution = AerExecution(shots=10, noise_model=NOISE, seed=1)
    execution.expectation(circuit, OBSERVABLES)(rows)
    copies = [copy.deepcopy(execution), pickle.loads(pickle.dumps(execution))]  # noqa: S301
    following = execution.expectation(circuit, OBSERVABLES)(rows)
    for each in copies:
        assert each == execution
        torch.testing.assert_close(each.expectation(circuit, OBSERVABLES)(rows), following, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shots": 0}, "Argument `shots` must be a positive integer, but is 0."),
        ({"seed": -1}, "Argument `seed` must be an integer from 0 to 9223372036854775807, but is -1."),
        ({"precision": 0.0}, "Argument `precision` must be a number in (0, inf), but is 0.0."),
        ({"precision": 0.1, "shots": 5}, "Arguments `shots` and `precision` exclude each other: give one of them."),
        ({"gradient": "adjoint"}, "Argument `gradient` must be one of 'param_shift', 'spsa', but is 'adjoint'."),
        ({"threads": True}, "Argument `threads` must be a positive integer, but is True."),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ArgumentError) as error:
        AerExecution(**options)
    assert str(error.value) == message


def test_a_circuit_too_wide_is_refused_when_it_runs():
    circuit = QuantumCircuit(40)
    circuit.h(range(40))
    function = AerExecution().expectation(circuit, [SparsePauliOp("Z" * 40)])
    with pytest.raises(ValueError, match="has 40 qubits, but Aer's method 'statevector' simulates at most"):
        function(torch.zeros(1, 0))
