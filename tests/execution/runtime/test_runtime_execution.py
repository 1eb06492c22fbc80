"""RuntimeExecution: values, gradients and costs, on simulated devices and through the real client."""

import copy
import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit.library import efficient_su2
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from qiskit_machine_learning.neural_networks import EstimatorQNN

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, ExecutionError, GradientError
from qiskit_qgen.execution import AbstractExecution, ErrorMitigation, LocalExecution, RuntimeExecution
from qiskit_qgen.layers import QuantumLayer

CIRCUIT = efficient_su2(2, reps=1)
OBSERVABLES = [SparsePauliOp(["ZZ", "XI"], [1, 0.5]), SparsePauliOp("YI")]
ROWS = torch.linspace(-3, 3, 24, dtype=torch.float64).reshape(3, 8)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path / "cache"))


def ideal(**options):
    return RuntimeExecution(AerSimulator(), **{"shots": 20_000, "seed": 0} | options)


def test_values_are_those_of_the_simulator():
    execution = ideal()
    exact = LocalExecution(dtype=torch.float64).expectation(CIRCUIT, OBSERVABLES)(ROWS)
    np.testing.assert_allclose(execution.expectation(CIRCUIT, OBSERVABLES)(ROWS), exact, atol=0.05)
    pub = (CIRCUIT, [OBSERVABLES], ROWS[:, None].numpy())
    np.testing.assert_allclose(execution.estimator().run([pub]).result()[0].data.evs, exact, atol=0.05)


def test_probabilities_are_those_of_the_state():
    found = ideal().probabilities(CIRCUIT, [1, 0])(ROWS)
    exact = [Statevector(CIRCUIT.assign_parameters(row)).probabilities([1, 0]) for row in ROWS.tolist()]
    np.testing.assert_allclose(found, exact, atol=0.02)


def gradient(execution):
    rows = ROWS.clone().requires_grad_()
    (found,) = torch.autograd.grad(execution.expectation(CIRCUIT, OBSERVABLES)(rows).sum(), rows)
    return found


def test_shifted_gradients_are_exact_up_to_shots():
    exact = gradient(LocalExecution(dtype=torch.float64))
    np.testing.assert_allclose(gradient(ideal(gradient="param_shift")), exact, atol=0.08)


def test_perturbed_gradients_are_right_on_average_and_take_two_rows_a_sample():
    exact = gradient(LocalExecution(dtype=torch.float64))
    found = torch.stack([gradient(ideal(shots=1000, seed=seed)) for seed in range(12)])
    error = (found.mean(0) - exact).abs()
    assert (error < 6 * found.std(0) / 12**0.5 + 0.05).all()
    execution = ideal()
    rows = ROWS.clone().requires_grad_()
    values = execution.expectation(CIRCUIT, OBSERVABLES)(rows)
    runs = []
    original = type(execution.estimator()).run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            type(execution.estimator()), "run", lambda self, pubs, **_: runs.append(pubs) or original(self, pubs)
        )
        values.sum().backward()
    ((pub,),) = runs
    assert pub[2].shape == (6, 8)


def test_second_derivatives_are_refused():
    rows = ROWS.clone().requires_grad_()
    (found,) = torch.autograd.grad(ideal().expectation(CIRCUIT, OBSERVABLES)(rows).sum(), rows, create_graph=True)
    with pytest.raises(GradientError):
        found.sum().backward()


def test_a_layer_runs_on_a_noisy_and_on_a_mitigated_device():
    ansatz = style_ansatz(3, 2)
    layer = QuantumLayer(ansatz, observables=pauli_observables(3, "XZ"))
    x = torch.linspace(-0.5, 0.5, 2 * layer.num_inputs).reshape(2, -1)
    exact = layer(x)
    distances = []
    for mitigation in (None, ErrorMitigation(resilience_level=1), ErrorMitigation(resilience_level=2)):
        layer.execution = RuntimeExecution("fake_torino", shots=16384, seed=1, mitigation=mitigation)
        distances.append((layer(x) - exact).abs().mean().item())
    assert distances[0] > 0.01
    assert distances[1] < distances[0]
    assert distances[2] < distances[0]


@pytest.mark.parametrize("rule", ["spsa", "param_shift"])
def test_its_parts_work_in_a_stock_qnn(rule):
    execution = ideal(gradient=rule, shots=500)
    assert isinstance(execution, AbstractExecution)
    assert isinstance(execution.estimator(), BaseEstimatorV2)
    assert isinstance(execution.sampler(), BaseSamplerV2)
    network = EstimatorQNN(
        circuit=CIRCUIT,
        estimator=execution.estimator(),
        observables=OBSERVABLES,
        weight_params=list(CIRCUIT.parameters),
        gradient=execution.estimator_gradient(),
        default_precision=0.0,
    )
    weights = np.linspace(-1, 1, 8)
    assert network.forward([], weights).shape == (1, 2)
    assert network.backward([], weights)[1].shape == (1, 2, 8)


def test_its_settings_are_readable_and_hold_no_secret():
    execution = RuntimeExecution("fake_manila", shots=100, mode="job", mitigation=ErrorMitigation(measurement=True))
    assert repr(execution) == "RuntimeExecution('fake_manila', mode='job', shots=100)"
    assert (execution.shots, execution.mode, execution.backend.name) == (100, "job", "fake_manila")
    assert execution.mitigation == ErrorMitigation(measurement=True)
    assert execution.ledger is None
    with pytest.raises(ArgumentError, match="nothing but twirling and dynamical decoupling for probabilities"):
        execution.probabilities(CIRCUIT, [0])
    with pytest.raises(ArgumentError, match="Argument `gradient` must be one of 'spsa', 'param_shift'"):
        RuntimeExecution("fake_manila", gradient="adjoint")


def test_copies_share_it_and_pickles_are_refused():
    execution = RuntimeExecution("fake_manila")
    assert copy.deepcopy({"execution": execution})["execution"] is execution
    with pytest.raises(ArgumentTypeError, match="must not be pickled, since it holds a connection and an account"):
        pickle.dumps(execution)


def test_cost_and_its_limit():
    execution = RuntimeExecution("fake_manila", shots=1000, max_cost=2.0)
    assert execution.estimate_cost(CIRCUIT, OBSERVABLES, 1).qpu_seconds < 2.0
    assert execution.estimate_cost(CIRCUIT, OBSERVABLES, 100).qpu_seconds > 2.0
    execution.expectation(CIRCUIT, OBSERVABLES)(ROWS[:1])
    with pytest.raises(ExecutionError, match="is above `max_cost`, 2: nothing was submitted"):
        execution.expectation(CIRCUIT, OBSERVABLES)(ROWS.repeat(40, 1))


@pytest.mark.parametrize("mode", ["job", "batch", "session"])
def test_a_layer_on_the_service(ibm_server, tmp_path, mode):
    layer = QuantumLayer(style_ansatz(3, 1), observables=pauli_observables(3, "XZ"))
    x = torch.linspace(-0.5, 0.5, 4 * layer.num_inputs).reshape(4, -1)
    exact = layer(x)
    with RuntimeExecution("ibm_manila", mode=mode, shots=2000, ledger=tmp_path / "ledger") as execution:
        layer.execution = execution
        np.testing.assert_allclose(layer(x), exact, atol=0.12)
        layer(x.requires_grad_()).sum().backward()  # the forward pass is known already
    assert x.grad is not None
    assert [each["num_circuits"] for each in ibm_server.submissions] == [4 * 2, 2 * 4 * 2]
    assert not any(session["accepting_jobs"] for session in ibm_server.state()["sessions"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_block_that_is_left_by_an_error_closes_its_session(ibm_server, tmp_path, error):
    def leave():
        with RuntimeExecution("ibm_manila", mode="session", shots=100, ledger=tmp_path / "ledger") as execution:
            execution.expectation(CIRCUIT, OBSERVABLES)(ROWS)
            raise error

    with pytest.raises(error):
        leave()
    (session,) = ibm_server.state()["sessions"]
    assert session["accepting_jobs"] is False


@pytest.mark.usefixtures("ibm_server")
def test_a_seed_without_effect_is_refused():
    with pytest.raises(ArgumentError, match='Argument `seed` must be None on a device unless `gradient` is "spsa"'):
        RuntimeExecution("ibm_manila", seed=3, gradient="param_shift")
    RuntimeExecution("ibm_manila", seed=3)
