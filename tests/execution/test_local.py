import dataclasses
import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import efficient_su2, real_amplitudes, zz_feature_map
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_machine_learning.gradients import BaseEstimatorGradient, BaseSamplerGradient
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.exceptions import ArgumentError, UnsupportedCircuitError
from qiskit_qgen.execution import AbstractExecution, LocalExecution
from qiskit_qgen.gradients import ReverseEstimatorGradient, ReverseSamplerGradient
from qiskit_qgen.primitives import BatchedStatevectorEstimator, BatchedStatevectorSampler

CIRCUIT = efficient_su2(2, reps=1)
OBSERVABLES = [SparsePauliOp(["ZZ", "XI"], [1, 0.5]), SparsePauliOp("YI")]
ROWS = torch.linspace(-3, 3, 24, dtype=torch.float64).reshape(3, 8)


def expected():
    states = [Statevector(CIRCUIT.assign_parameters(row)) for row in ROWS.tolist()]
    return [[state.expectation_value(observable).real for observable in OBSERVABLES] for state in states]


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize("threads", [None, 1, 2])
def test_all_its_ways_give_the_same_values(dtype, atol, threads):
    execution = LocalExecution(dtype=dtype, threads=threads)
    np.testing.assert_allclose(execution.expectation(CIRCUIT, OBSERVABLES)(ROWS), expected(), rtol=0, atol=atol)
    pub = (CIRCUIT, [OBSERVABLES], ROWS[:, None].numpy())
    np.testing.assert_allclose(execution.estimator().run([pub]).result()[0].data.evs, expected(), rtol=0, atol=atol)
    rows = ROWS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(execution.expectation(CIRCUIT, OBSERVABLES)(rows)[:, 0].sum(), rows)
    call = ([CIRCUIT] * 3, [OBSERVABLES[0]] * 3, ROWS.numpy())
    found = execution.estimator_gradient().run(*call).result().gradients
    np.testing.assert_allclose(found, gradient, rtol=0, atol=atol)


def test_the_function_keeps_the_dtype_of_its_parameters():
    for dtype in (torch.float32, torch.float64):
        function = LocalExecution(dtype=dtype).expectation(CIRCUIT, OBSERVABLES)
        assert function(ROWS).dtype == torch.float64
        assert function(ROWS.float()).dtype == torch.float32


def test_its_parts_are_what_qiskit_asks_for():
    execution = LocalExecution()
    assert isinstance(execution, AbstractExecution)
    assert isinstance(execution.estimator(), BaseEstimatorV2)
    assert isinstance(execution.estimator_gradient(), BaseEstimatorGradient)
    assert isinstance(execution.sampler(), BaseSamplerV2)
    assert isinstance(execution.sampler_gradient(), BaseSamplerGradient)


def test_it_is_a_value():
    execution = LocalExecution(dtype=torch.float64, threads=2)
    assert execution == LocalExecution(dtype=torch.float64, threads=2)
    assert hash(execution) == hash(LocalExecution(dtype=torch.float64, threads=2))
    assert execution != LocalExecution()
    assert LocalExecution(shots=5, seed=1) == LocalExecution(shots=5, seed=1) != LocalExecution(shots=5, seed=2)
    assert pickle.loads(pickle.dumps(execution)) == execution  # noqa: S301
    with pytest.raises(dataclasses.FrozenInstanceError):
        execution.threads = 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": torch.bfloat16}, "Argument `dtype` must be torch.float32 or torch.float64, but is torch.bfloat16."),
        ({"threads": 0}, "Argument `threads` must be a positive integer, but is 0."),
        ({"threads": True}, "Argument `threads` must be a positive integer, but is True."),
        ({"shots": 0}, "Argument `shots` must be an integer from 1 to 1000000000000, but is 0."),
        ({"shots": 10.0}, "Argument `shots` must be an integer from 1 to 1000000000000, but is 10.0."),
        ({"shots": 10**19}, f"Argument `shots` must be an integer from 1 to 1000000000000, but is {10**19}."),
        ({"seed": -1}, f"Argument `seed` must be an integer from 0 to {2**63 - 1}, but is -1."),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ArgumentError) as error:
        LocalExecution(**options)
    assert str(error.value) == message


def test_a_circuit_that_it_cannot_run_is_refused_at_once():
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.reset(0)
    with pytest.raises(UnsupportedCircuitError, match="`reset`"):
        LocalExecution().expectation(circuit, [SparsePauliOp("Z")])


@pytest.mark.parametrize(
    ("graphics", "device", "rule"),
    [
        (0, "cuda", "'cpu', the only device that torch has here"),
        (2, "cuda:2", "one of 'cpu', 'cuda', 'cuda:0', 'cuda:1'"),
        (2, "gpu", "one of 'cpu', 'cuda', 'cuda:0', 'cuda:1'"),
        (0, "", "'cpu', the only device that torch has here"),
        (0, "meta", "'cpu', the only device that torch has here"),
    ],
)
def test_devices_that_torch_does_not_have(monkeypatch, graphics, device, rule):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: graphics > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: graphics)
    with pytest.raises(ArgumentError) as error:
        LocalExecution(device=device)
    assert str(error.value) == f"Argument `device` must be {rule}, but is {device!r}."
    for known in ["cpu", "cuda", "cuda:1"][: 1 + graphics]:
        assert LocalExecution(device=known).device == known
        assert LocalExecution(device=torch.device(known)) == LocalExecution(device=known)


def test_the_most_shots_can_be_drawn():
    execution = LocalExecution(shots=10**12, seed=1)
    assert execution.expectation(CIRCUIT, OBSERVABLES)(ROWS).isfinite().all()
    assert execution.probabilities(CIRCUIT, [0, 1])(ROWS).isfinite().all()


def test_a_device_may_be_an_object_of_torch():
    here = {"device": torch.device("cpu"), "dtype": torch.float64}
    execution = LocalExecution(**here)
    assert execution.device == "cpu"
    values = execution.expectation(CIRCUIT, OBSERVABLES)(ROWS)
    pub = (CIRCUIT, [OBSERVABLES], ROWS[:, None].numpy())
    found = BatchedStatevectorEstimator(**here).run([pub]).result()[0].data.evs
    np.testing.assert_allclose(found, values, rtol=0, atol=1e-12)
    for kind in (BatchedStatevectorSampler, ReverseEstimatorGradient, ReverseSamplerGradient):
        assert kind(**here)._device == "cpu"


class OnMetaOnly(TorchDispatchMode):
    """Fails as soon as an operation reads or makes a tensor on another device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for each in tree_flatten((args, kwargs, result))[0]:
            assert not isinstance(each, torch.Tensor) or each.device.type == "meta", f"{func} on {each.device}"
        return result


def on_meta(function, num_parameters):
    rows = torch.zeros(4, num_parameters, device="meta", requires_grad=True)
    (slopes,) = torch.autograd.grad(function(rows).sum(), rows, create_graph=True)
    (second,) = torch.autograd.grad(slopes.square().sum(), rows)
    function(rows).sum().backward()
    return function(rows), slopes, second, rows.grad


@pytest.mark.parametrize("num_qubits", [3, 9])
@pytest.mark.parametrize("execution", [LocalExecution(), LocalExecution(dtype=torch.float64)])
def test_without_a_device_all_happens_where_the_input_is(execution, num_qubits):
    circuit = zz_feature_map(num_qubits, reps=1).compose(real_amplitudes(num_qubits, reps=1))
    for function, outputs in (
        (execution.expectation(circuit, pauli_observables(num_qubits, "XYZ")), 3 * num_qubits),
        (execution.probabilities(circuit, [0, 1]), 4),
    ):
        values = function(torch.zeros(4, circuit.num_parameters))  # on another device before
        on_meta(function, circuit.num_parameters)  # makes the tables
        with OnMetaOnly():
            found = on_meta(function, circuit.num_parameters)
        assert found[0].shape == values.shape == (4, outputs)
        assert {each.device.type for each in found} == {"meta"}
        assert {each.dtype for each in found} == {torch.float32}
    assert execution.estimator().run([(circuit, "Z" * num_qubits, [0.1] * circuit.num_parameters)]).result()


@pytest.mark.gpu
@pytest.mark.parametrize("input_device", ["cpu", "cuda"])
def test_values_come_back_to_the_device_of_the_parameters(input_device):
    execution = LocalExecution(device="cuda", dtype=torch.float64)
    rows = ROWS.to(input_device)
    values = execution.expectation(CIRCUIT, OBSERVABLES)(rows)
    assert values.device == rows.device
    np.testing.assert_allclose(values.cpu(), expected(), rtol=0, atol=1e-10)
    pub = (CIRCUIT, [OBSERVABLES], ROWS[:, None].numpy())
    np.testing.assert_allclose(execution.estimator().run([pub]).result()[0].data.evs, expected(), rtol=0, atol=1e-10)


def exact_probabilities(qubits):
    return [Statevector(CIRCUIT.assign_parameters(row)).probabilities(qubits) for row in ROWS.tolist()]


@pytest.mark.parametrize("qubits", [[0, 1], [1, 0], [1]])
def test_probabilities_and_their_derivatives(qubits):
    execution = LocalExecution(dtype=torch.float64)
    function = execution.probabilities(CIRCUIT, qubits)
    np.testing.assert_allclose(function(ROWS), exact_probabilities(qubits), rtol=0, atol=1e-12)
    rows = ROWS[:1].clone().requires_grad_()
    assert torch.autograd.gradcheck(function, rows)
    assert torch.autograd.gradgradcheck(function, rows)
    assert function(ROWS.float()).dtype == torch.float32


def test_the_sampler_is_exact_without_shots():
    measured = CIRCUIT.copy()
    measured.measure_all()
    data = LocalExecution(dtype=torch.float64).sampler().run([(measured, ROWS.numpy())]).result()[0].data
    found = [[row.get(word, 0) for word in ("00", "01", "10", "11")] for row in data.meas.get_probabilities()]
    np.testing.assert_allclose(found, exact_probabilities([0, 1]), rtol=0, atol=1e-12)


def repeated(function, row, count):
    return function(row.expand(count, -1)).detach().numpy()


def test_expectation_values_have_the_noise_of_shots():
    """Each Pauli word is measured on its own: the variance of a sum is the sum of its words' variances."""
    shots, count = 40, 20_000
    function = LocalExecution(shots=shots, seed=3).expectation(CIRCUIT, OBSERVABLES)
    drawn = repeated(function, ROWS[1], count)
    state = Statevector(CIRCUIT.assign_parameters(ROWS[1].tolist()))
    zz, xi, yi = (state.expectation_value(SparsePauliOp(word)).real for word in ("ZZ", "XI", "YI"))
    variances = np.array([(1 - zz**2) + 0.25 * (1 - xi**2), 1 - yi**2]) / shots
    np.testing.assert_allclose(drawn.mean(0), [zz + 0.5 * xi, yi], rtol=0, atol=5 * np.sqrt(variances.max() / count))
    np.testing.assert_allclose(drawn.var(0), variances, rtol=5 * np.sqrt(2 / count))
    counts = (drawn[:, 1] + 1) * shots / 2
    np.testing.assert_allclose(counts, counts.round(), rtol=0, atol=1e-5)


def test_values_without_a_spread_have_no_noise():
    circuit = QuantumCircuit(2)
    circuit.x(0)
    observable = SparsePauliOp(["II", "IZ", "ZI"], [3, 0.5, 0.25])
    values = LocalExecution(shots=7, seed=0).expectation(circuit, [observable])(torch.zeros(4, 0))
    assert values.tolist() == [[2.75]] * 4


def test_frequencies_have_the_noise_of_shots():
    shots, count = 50, 20_000
    drawn = repeated(LocalExecution(shots=shots, seed=3).probabilities(CIRCUIT, [0, 1]), ROWS[1], count)
    chances = exact_probabilities([0, 1])[1]
    covariance = (np.diag(chances) - np.outer(chances, chances)) / shots
    np.testing.assert_allclose(drawn.sum(1), 1, rtol=0, atol=1e-6)
    np.testing.assert_allclose(drawn.mean(0), chances, rtol=0, atol=5 / np.sqrt(4 * shots * count))
    np.testing.assert_allclose(np.cov(drawn.T), covariance, rtol=0, atol=5 * 0.25 / shots * np.sqrt(2 / count))


@pytest.mark.parametrize("what", ["expectation", "probabilities"])
def test_a_seed_gives_a_stream(what):
    def draws(seed, count=2):
        execution = LocalExecution(shots=100, seed=seed)
        argument = OBSERVABLES if what == "expectation" else [0, 1]
        return [getattr(execution, what)(CIRCUIT, argument)(ROWS) for _ in range(count)]

    first, second = draws(1)
    assert not torch.equal(first, second)
    assert all(torch.equal(left, right) for left, right in zip(draws(1), (first, second), strict=True))
    assert not torch.equal(draws(2)[0], first)
    assert not torch.equal(draws(None)[0], draws(None)[0])


def test_a_pickled_stream_goes_on():
    execution = LocalExecution(shots=100, seed=1)
    execution.expectation(CIRCUIT, OBSERVABLES)(ROWS)
    copied = pickle.loads(pickle.dumps(execution))  # noqa: S301
    functions = [each.expectation(CIRCUIT, OBSERVABLES) for each in (execution, copied)]
    assert torch.equal(functions[0](ROWS), functions[1](ROWS))


@pytest.mark.parametrize("what", ["expectation", "probabilities"])
def test_gradients_of_drawn_values_are_those_of_the_mean(what):
    argument = OBSERVABLES if what == "expectation" else [0, 1]
    gradients = []
    for shots in (None, 10):
        function = getattr(LocalExecution(shots=shots, seed=1, dtype=torch.float64), what)(CIRCUIT, argument)
        rows = ROWS.clone().requires_grad_()
        cotangent = torch.linspace(-1, 2, 3)[:, None].double() * torch.linspace(0, 1, function(rows).shape[1])
        (gradient,) = torch.autograd.grad(function(rows), rows, cotangent, create_graph=True)
        (second,) = torch.autograd.grad(gradient.square().sum(), rows)
        gradients.append((gradient, second))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-12)


def test_the_primitives_draw_too():
    execution = LocalExecution(shots=100, seed=5)
    assert execution.precision == 0.1
    assert LocalExecution().precision is None
    measured = CIRCUIT.copy()
    measured.measure_all()
    assert execution.sampler().run([(measured, ROWS.numpy())]).result()[0].data.meas.num_shots == 100
    rows = ROWS[:1].repeat(4000, 1)
    found = execution.estimator().run([(CIRCUIT, OBSERVABLES[1], rows.numpy())]).result()[0].data
    np.testing.assert_allclose(found.evs.std(), 0.1, rtol=0.1)
    runs = [LocalExecution(shots=100, seed=5), execution]
    again = [each.estimator().run([(CIRCUIT, OBSERVABLES[1], rows.numpy())]).result()[0].data.evs for each in runs]
    assert not np.array_equal(again[0], again[1])  # the second is further on in the stream


def test_drawn_values_under_vmap():
    function = LocalExecution(shots=10, seed=1).expectation(CIRCUIT, OBSERVABLES)
    drawn = torch.func.vmap(function)(torch.stack([ROWS, ROWS]))
    assert drawn.shape == (2, 3, 2)
    assert not torch.equal(drawn[0], drawn[1])


def test_angles_that_are_no_numbers_give_values_that_are_none():
    rows = ROWS.clone()
    rows[1, 0] = torch.nan
    for function in (
        LocalExecution(shots=10).expectation(CIRCUIT, OBSERVABLES),
        LocalExecution(shots=10).probabilities(CIRCUIT, [0, 1]),
    ):
        assert function(rows).isfinite().all(1).tolist() == [True, False, True]


def test_what_shots_cannot_read_is_refused_at_once():
    with pytest.raises(ArgumentError, match="must have real coefficients"):
        LocalExecution(shots=10).expectation(CIRCUIT, [SparsePauliOp("ZZ", 1j)])
    with pytest.raises(ArgumentError, match="must act on the circuit's 2 qubits"):
        LocalExecution(shots=10).expectation(CIRCUIT, [SparsePauliOp("Z")])


def test_probabilities_of_too_many_qubits_are_refused():
    with pytest.raises(ArgumentError) as error:
        LocalExecution().probabilities(QuantumCircuit(127), range(127))
    assert str(error.value) == (
        "Argument `qubits` must name at most 24 qubits, since there are 2**len(qubits) probabilities, but names 127: "
        "measure fewer qubits, or draw shots with `sampler()`."
    )
