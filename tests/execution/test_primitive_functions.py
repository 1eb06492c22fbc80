from functools import partial

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_machine_learning.primitives import QMLSampler

from qiskit_qgen.exceptions import ArgumentError, GradientError
from qiskit_qgen.execution.primitive_functions import expectation_function, probability_function
from qiskit_qgen.gradients.perturbation_rule import PerturbationRule

A, B = Parameter("a"), Parameter("b")
OBSERVABLES = [SparsePauliOp("ZI"), SparsePauliOp(["XX", "IZ"], [0.3, 0.7]), SparsePauliOp("YZ")]


def counting(kind, **settings):
    """A primitive that writes down the PUBs and options of each job."""

    class Counting(kind):
        jobs: list = []  # noqa: RUF012 - a new class each time

        def run(self, pubs, **options):
            pubs = list(pubs)
            self.jobs.append((pubs, options))
            return super().run(pubs, **options)

    return Counting(**settings)


def composed():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.ry(A + 2 * B, 0)
    circuit.cry(A * B, 0, 1)
    circuit.rz(A, 1)
    circuit.rxx(B.sin(), 0, 1)
    return circuit


def rows_for(samples, width=2, dtype=torch.float64):
    rows = np.random.default_rng(4).uniform(-2, 2, (samples, width))
    return torch.tensor(rows, dtype=dtype, requires_grad=True)


def exact_expectations(circuit, rows):
    states = [Statevector(circuit.assign_parameters(row)) for row in rows.detach().double().numpy()]
    return np.array([[state.expectation_value(each).real for each in OBSERVABLES] for state in states])


def exact_probabilities(circuit, rows, qubits):
    rows = rows.detach().double().numpy()
    return np.array([Statevector(circuit.assign_parameters(row)).probabilities(qubits) for row in rows])


@pytest.mark.parametrize("samples", [1, 3])
def test_expectation_values_and_their_gradients_are_exact(samples):
    circuit, rows = composed(), rows_for(samples)
    function = expectation_function(circuit, OBSERVABLES, estimator=StatevectorEstimator())
    np.testing.assert_allclose(function(rows).detach(), exact_expectations(circuit, rows), atol=1e-12)
    assert torch.autograd.gradcheck(function, (rows,))


@pytest.mark.parametrize("qubits", [[0], [1, 0], [0, 1]])
def test_probabilities_and_their_gradients_are_exact(qubits):
    circuit, rows = composed(), rows_for(3)
    function = probability_function(circuit, qubits, sampler=QMLSampler())
    np.testing.assert_allclose(function(rows).detach(), exact_probabilities(circuit, rows, qubits), atol=1e-12)
    assert torch.autograd.gradcheck(function, (rows,))


@pytest.mark.parametrize("samples", [1, 6])
def test_one_pub_in_one_job_each_way(samples):
    estimator = counting(StatevectorEstimator)
    function = expectation_function(composed(), OBSERVABLES, estimator=estimator)
    rows = rows_for(samples)
    for _ in range(2):
        function(rows).square().sum().backward()
    assert [len(pubs) for pubs, _ in estimator.jobs] == [1, 1, 1, 1]
    assert [pubs[0][2].shape for pubs, _ in estimator.jobs[:2]] == [(samples, 5), (10 * samples, 5)]
    assert {pubs[0][1].shape for pubs, _ in estimator.jobs} == {(3, 1)}
    assert len({id(pubs[0][0]) for pubs, _ in estimator.jobs}) == 1
    assert not any(options for _, options in estimator.jobs)


def test_one_pub_in_one_job_each_way_of_a_sampler():
    sampler = counting(StatevectorSampler, default_shots=7, seed=1)
    rows = rows_for(4)
    probability_function(composed(), [1], sampler=sampler)(rows)[:, 0].sum().backward()
    assert [len(pubs) for pubs, _ in sampler.jobs] == [1, 1]
    assert [pubs[0][1].shape for pubs, _ in sampler.jobs] == [(4, 5), (40, 5)]
    assert not any(options for _, options in sampler.jobs)


def test_only_the_columns_that_need_a_gradient_are_shifted():
    estimator = counting(StatevectorEstimator)
    circuit = real_amplitudes(2, reps=1)
    function = expectation_function(circuit, OBSERVABLES, estimator=estimator)
    rows = rows_for(3, 4)
    (full,) = torch.autograd.grad(function(rows).square().sum(), rows)
    (part,) = torch.autograd.grad(function(rows, columns=[3, 1]).square().sum(), rows)
    np.testing.assert_allclose(part[:, [1, 3]], full[:, [1, 3]], atol=1e-12)
    assert not part[:, [0, 2]].any()
    assert [pubs[0][2].shape for pubs, _ in estimator.jobs] == [(3, 4), (24, 4), (3, 4), (12, 4)]
    (none,) = torch.autograd.grad(function(rows, columns=[]).square().sum(), rows)
    assert not none.any()
    assert len(estimator.jobs) == 5


def test_perturbations_need_two_rows_a_sample():
    estimator = counting(StatevectorEstimator)
    rule = partial(PerturbationRule, epsilon=1e-3, batch_size=300, seed=np.random.default_rng(2))
    function = expectation_function(composed(), OBSERVABLES, estimator=estimator, gradient=rule)
    rows = rows_for(2)
    (found,) = torch.autograd.grad(function(rows).sum(), rows)
    plain = expectation_function(composed(), OBSERVABLES, estimator=StatevectorEstimator())
    (exact,) = torch.autograd.grad(plain(rows).sum(), rows)
    np.testing.assert_allclose(found, exact, atol=4 * exact.norm(dim=1).max() / np.sqrt(300))
    assert [pubs[0][2].shape for pubs, _ in estimator.jobs] == [(2, 2), (2 * 600, 2)]
    named = expectation_function(composed(), OBSERVABLES, estimator=estimator, gradient="spsa")
    named(rows).sum().backward()
    assert estimator.jobs[-1][0][0][2].shape == (4, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_dtype_is_kept(dtype):
    rows = rows_for(2, dtype=dtype)
    values = expectation_function(composed(), OBSERVABLES, estimator=StatevectorEstimator())(rows)
    values.sum().backward()
    assert values.dtype == rows.grad.dtype == dtype
    np.testing.assert_allclose(values.detach(), exact_expectations(composed(), rows), atol=1e-6)


def test_no_samples_cost_nothing():
    estimator = counting(StatevectorEstimator)
    function = expectation_function(composed(), OBSERVABLES, estimator=estimator)
    rows = torch.zeros(0, 2, requires_grad=True)
    values = function(rows)
    values.sum().backward()
    assert values.shape == (0, 3)
    assert rows.grad.shape == (0, 2)
    assert not estimator.jobs


def test_a_circuit_without_parameters():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    rows = torch.zeros(3, 0, requires_grad=True)
    values = expectation_function(circuit, [SparsePauliOp("IX")], estimator=StatevectorEstimator())(rows)
    np.testing.assert_allclose(values.detach(), np.ones((3, 1)), atol=1e-12)
    values.sum().backward()
    assert rows.grad.shape == (3, 0)
    values = probability_function(circuit, [0, 1], sampler=QMLSampler())(rows)
    np.testing.assert_allclose(values.detach(), [[0.5, 0.5, 0, 0]] * 3, atol=1e-12)


def test_second_derivatives_are_refused():
    rows = rows_for(2)
    function = expectation_function(composed(), OBSERVABLES, estimator=StatevectorEstimator())
    (gradient,) = torch.autograd.grad(function(rows).sum(), rows, create_graph=True)
    with pytest.raises(GradientError, match="first derivatives only"):
        gradient.square().sum().backward()


def test_torch_func_takes_gradients_but_refuses_to_map():
    function = expectation_function(composed(), OBSERVABLES, estimator=StatevectorEstimator())
    rows = rows_for(2).detach()
    leaf = rows.clone().requires_grad_()
    (expected,) = torch.autograd.grad(function(leaf).sum(), leaf)
    torch.testing.assert_close(torch.func.grad(lambda x: function(x).sum())(rows), expected)
    with pytest.raises(GradientError, match=r"torch.func.vmap, which jacrev uses too, cannot map"):
        torch.func.jacrev(function)(rows)
    with pytest.raises(GradientError, match=r"torch.func.vmap, which jacrev uses too, cannot map"):
        torch.func.vmap(function)(rows[:, None])
    with pytest.raises(GradientError, match="no forward-mode derivatives"):
        torch.func.jvp(function, (rows,), (rows,))
    with pytest.raises(GradientError, match="first derivatives only"):
        torch.func.grad(lambda x: torch.func.grad(lambda y: function(y).sum())(x).sum())(rows)


def test_shot_noise_of_a_gradient():
    """A row has the precision as its standard deviation, so a sum over outputs of (f+ - f-) / 2 has precision
    sqrt(outputs / 2), for an angle that is the parameter itself.
    """
    samples, precision = 200, 0.1
    circuit = real_amplitudes(2, reps=1)
    rows = torch.tensor([[0.3, -0.2, 0.9, 0.4]] * samples, dtype=torch.float64, requires_grad=True)
    estimator = StatevectorEstimator(default_precision=precision, seed=np.random.default_rng(1))
    noisy = expectation_function(circuit, OBSERVABLES, estimator=estimator)
    exact = expectation_function(circuit, OBSERVABLES, estimator=StatevectorEstimator())
    values = noisy(rows)
    np.testing.assert_allclose((values - exact(rows)).detach().std(0), precision, rtol=0.2)
    deviation = torch.autograd.grad(values.sum(), rows)[0] - torch.autograd.grad(exact(rows).sum(), rows)[0]
    np.testing.assert_allclose(deviation.std(0), precision * np.sqrt(3 / 2), rtol=0.2)
    np.testing.assert_allclose(deviation.mean(0), 0, atol=4 * precision * np.sqrt(3 / 2 / samples))


def test_shots_give_probabilities_within_their_noise():
    circuit, rows = composed(), rows_for(3)
    sampler = StatevectorSampler(default_shots=20_000, seed=np.random.default_rng(1))
    function = probability_function(circuit, [1, 0], sampler=sampler)
    values = function(rows)
    np.testing.assert_allclose(values.detach(), exact_probabilities(circuit, rows, [1, 0]), atol=0.02)
    np.testing.assert_allclose(values.detach().sum(1), 1)
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    (found,) = torch.autograd.grad((values * weights).sum(), rows)
    exact = probability_function(circuit, [1, 0], sampler=QMLSampler())(rows)
    np.testing.assert_allclose(found, torch.autograd.grad((exact * weights).sum(), rows)[0], atol=0.15)


def test_aer_gives_the_same_values_and_gradients():
    aer = pytest.importorskip("qiskit_aer.primitives")
    circuit, rows = composed(), rows_for(3)  # its controlled rotation would be wrong, were it sent as it is
    function = expectation_function(circuit, OBSERVABLES, estimator=aer.EstimatorV2())
    np.testing.assert_allclose(function(rows).detach(), exact_expectations(circuit, rows), atol=1e-9)
    assert torch.autograd.gradcheck(function, (rows,))
    sampler = aer.SamplerV2(default_shots=20_000, seed=1)
    values = probability_function(circuit, [1, 0], sampler=sampler)(rows)
    np.testing.assert_allclose(values.detach(), exact_probabilities(circuit, rows, [1, 0]), atol=0.02)


class Failing(StatevectorEstimator):
    def _run(self, pubs):  # noqa: ARG002
        raise ConnectionResetError("the device went away")


def test_the_failure_of_a_primitive_keeps_its_type():
    function = expectation_function(composed(), OBSERVABLES, estimator=Failing())
    with pytest.raises(ConnectionResetError, match="the device went away"):
        function(rows_for(1))


def test_wrong_options_are_refused():
    with pytest.raises(ArgumentError, match="`gradient` must be one of 'param_shift', 'spsa', but is 'adjoint'"):
        expectation_function(composed(), OBSERVABLES, estimator=StatevectorEstimator(), gradient="adjoint")
