import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import efficient_su2, real_amplitudes, zz_feature_map
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp, Statevector
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.gradients import (
    LinCombEstimatorGradient,
    ParamShiftEstimatorGradient,
    SPSAEstimatorGradient,
)
from qiskit_machine_learning.neural_networks import EstimatorQNN

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, GradientError
from qiskit_qgen.gradients import (
    BroadcastParamShiftEstimatorGradient,
    BroadcastSPSAEstimatorGradient,
)

A, B = Parameter("a"), Parameter("b")


class CountingEstimator(StatevectorEstimator):
    """Qiskit's, writing down the PUBs and the precision of each job."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.jobs = []

    def run(self, pubs, *, precision=None):
        pubs = list(pubs)
        self.jobs.append((pubs, precision))
        return super().run(pubs, precision=precision)


def composed():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.ry(A + 2 * B, 0)
    circuit.cry(A * B, 0, 1)
    circuit.rz(A, 1)
    circuit.rxx(B.sin(), 0, 1)
    return circuit


CIRCUITS = {
    "real_amplitudes": real_amplitudes(3, reps=1),
    "efficient_su2": efficient_su2(2, reps=1),
    "zz_feature_map": zz_feature_map(2, reps=2),
    "composed": composed(),
}


def observable_for(circuit, seed):
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("IXYZ"), circuit.num_qubits)) for _ in range(3)]
    return SparsePauliOp(words, rng.normal(size=3))


def rows_for(circuit, samples, seed=8):
    return np.random.default_rng(seed).uniform(-3, 3, (samples, circuit.num_parameters))


def by_finite_differences(circuit, observable, row):
    def value(numbers):
        return Statevector(circuit.assign_parameters(numbers)).expectation_value(observable).real

    return [(value(row + step) - value(row - step)) / 2e-5 for step in 1e-5 * np.eye(len(row))]


def assert_same(found, expected, tolerance=1e-10):
    assert len(found.gradients) == len(expected.gradients)
    for one, other in zip(found.gradients, expected.gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)
    assert [list(each["parameters"]) for each in found.metadata] == [
        list(each["parameters"]) for each in expected.metadata
    ]


@pytest.mark.parametrize("stock", [ParamShiftEstimatorGradient, LinCombEstimatorGradient])
@pytest.mark.parametrize("name", CIRCUITS)
def test_the_same_answer_as_the_stock_gradients_in_one_pub(name, stock):
    circuit = CIRCUITS[name]
    first, second = observable_for(circuit, 1), observable_for(circuit, 2)
    call = ([circuit] * 6, [first, first, first, second, second, second], np.tile(rows_for(circuit, 3), (2, 1)))
    estimator = CountingEstimator()
    found = BroadcastParamShiftEstimatorGradient(estimator).run(*call).result()
    assert_same(found, stock(StatevectorEstimator()).run(*call).result())
    truth = [by_finite_differences(circuit, observable, row) for _, observable, row in zip(*call, strict=True)]
    np.testing.assert_allclose(found.gradients, truth, atol=1e-8)
    (((pub,), _),) = estimator.jobs
    assert pub[1].shape == (2, 1)
    assert pub[2].shape == (3 * 2 * pub[0].num_parameters, pub[0].num_parameters)


def test_observables_at_different_samples_keep_to_their_own():
    circuit = CIRCUITS["composed"]
    first, second = observable_for(circuit, 1), observable_for(circuit, 2)
    for observables in ([first, second, second, first], [first, first, first, second]):
        call = ([circuit] * 4, observables, rows_for(circuit, 4))
        estimator = CountingEstimator()
        found = BroadcastParamShiftEstimatorGradient(estimator).run(*call).result()
        assert_same(found, ParamShiftEstimatorGradient(StatevectorEstimator()).run(*call).result())
        assert [len(pubs) for pubs, _ in estimator.jobs] == [1]


def test_subsets_of_parameters_and_several_circuits_in_one_job():
    one, other = CIRCUITS["composed"], CIRCUITS["real_amplitudes"]
    w = other.parameters
    call = ([one, other, one, one, other], [observable_for(c, 3) for c in (one, other, one, one, other)])
    rows = [rows_for(circuit, 1, seed)[0] for seed, circuit in enumerate(call[0])]
    chosen = [[A], [w[3], w[0]], None, [B, A], None]
    estimator = CountingEstimator()
    found = BroadcastParamShiftEstimatorGradient(estimator).run(*call, rows, parameters=chosen).result()
    stock = ParamShiftEstimatorGradient(StatevectorEstimator())
    assert_same(found, stock.run(*call, rows, parameters=chosen).result())
    ((pubs, _),) = estimator.jobs
    assert sorted(len(pub[2].reshape(-1, pub[2].shape[-1])) for pub in pubs) == [4, 8, 10, 10, 12]
    assert len({id(pub[0]) for pub in pubs}) == 2


def test_distinct_copies_of_a_circuit_are_one_pub_each_and_one_lowered_circuit():
    circuit = CIRCUITS["composed"]
    estimator = CountingEstimator()
    operator = observable_for(circuit, 1)
    call = ([circuit, circuit.copy()], [operator, operator], rows_for(circuit, 2))
    found = BroadcastParamShiftEstimatorGradient(estimator).run(*call).result()
    assert_same(found, ParamShiftEstimatorGradient(StatevectorEstimator()).run(*call).result())
    ((pubs, _),) = estimator.jobs
    assert len(pubs) == 2
    assert pubs[0][0] is pubs[1][0]


@pytest.mark.parametrize("operator", [Pauli("XZ"), SparseObservable("ZZ"), SparsePauliOp("YX", 0.5)])
def test_one_circuit_one_observable(operator):
    circuit = CIRCUITS["composed"]
    row = rows_for(circuit, 1)
    observables = [operator] if isinstance(operator, SparseObservable) else operator
    found = BroadcastParamShiftEstimatorGradient(StatevectorEstimator()).run(circuit, observables, row).result()
    matrix = (
        SparsePauliOp.from_sparse_observable(operator)
        if isinstance(operator, SparseObservable)
        else SparsePauliOp(operator)
    )
    np.testing.assert_allclose(found.gradients, [by_finite_differences(circuit, matrix, row[0])], atol=1e-8)


def test_a_gradient_without_rows_sends_nothing():
    circuit = QuantumCircuit(1, global_phase=A)
    circuit.rx(B, 0)
    estimator = CountingEstimator()
    gradient = BroadcastParamShiftEstimatorGradient(estimator)
    result = gradient.run([circuit] * 2, [SparsePauliOp("Z")] * 2, [[1, 2], [3, 4]], parameters=[[A], []]).result()
    assert [list(each) for each in result.gradients] == [[0.0], []]
    assert not estimator.jobs
    result = gradient.run(circuit, SparsePauliOp("Z"), [[1, 2]]).result()
    np.testing.assert_allclose(result.gradients, [[0, -np.sin(2)]], atol=1e-14)


def qnn_for(gradient, estimator, *, num_observables=3, input_gradients=False):
    x, w = ParameterVector("x", 2), ParameterVector("w", 4)
    circuit = QuantumCircuit(3)
    circuit.compose(zz_feature_map(2, reps=1).assign_parameters(x), [0, 1], inplace=True)
    for number in range(3):
        circuit.ry(w[number] * x[0] + w[3], number)
    circuit.cry(w[0], 0, 1)
    circuit.crz(w[1], 1, 2)
    return EstimatorQNN(
        circuit=circuit,
        estimator=estimator,
        gradient=gradient,
        observables=[observable_for(circuit, seed) for seed in range(num_observables)],
        input_params=list(x),
        weight_params=list(w),
        input_gradients=input_gradients,
        default_precision=0.0,
    )


@pytest.mark.parametrize("input_gradients", [False, True])
@pytest.mark.parametrize("samples", [1, 5])
@pytest.mark.parametrize("num_observables", [1, 4])
def test_a_backward_pass_of_a_stock_network_is_one_pub_in_one_job(num_observables, samples, input_gradients):
    settings = {"num_observables": num_observables, "input_gradients": input_gradients}
    estimator = CountingEstimator()
    qnn = qnn_for(BroadcastParamShiftEstimatorGradient(estimator), estimator, **settings)
    plain = StatevectorEstimator()
    stock = qnn_for(ParamShiftEstimatorGradient(plain), plain, **settings)
    x, w = np.random.default_rng(1).normal(size=(samples, 2)), np.random.default_rng(2).normal(size=4)
    for found, expected in zip(qnn.backward(x, w), stock.backward(x, w), strict=True):
        if expected is None:
            assert found is None
        else:
            np.testing.assert_allclose(found, expected, atol=1e-12)
    assert [len(pubs) for pubs, _ in estimator.jobs] == [1]
    qnn.backward(x + 1, w)
    circuits = [id(pubs[0][0]) for pubs, _ in estimator.jobs]
    assert circuits[0] == circuits[1]  # made once


def test_a_hybrid_network_trains_with_two_jobs_a_step():
    torch.manual_seed(0)
    estimator = CountingEstimator()
    gradient = BroadcastParamShiftEstimatorGradient(estimator)
    layer = TorchConnector(qnn_for(gradient, estimator, input_gradients=True))
    front = torch.nn.Linear(3, 2)
    layer(front(torch.randn(4, 3))).square().sum().backward()
    assert [len(pubs) for pubs, _ in estimator.jobs] == [3, 1]  # the stock forward has one PUB for each observable
    assert front.weight.grad.abs().sum() > 0
    assert layer.weight.grad.abs().sum() > 0


def test_the_precision_is_carried():
    circuit, operator = CIRCUITS["composed"], SparsePauliOp("ZZ")
    estimator = CountingEstimator(seed=1)
    gradient = BroadcastParamShiftEstimatorGradient(estimator, precision=0.25)
    assert gradient.options.precision == 0.25
    result = gradient.run(circuit, operator, rows_for(circuit, 1)).result()
    assert result.options.precision == 0.25
    gradient.run(circuit, operator, rows_for(circuit, 1), precision=0.5).result()
    gradient.update_default_options(precision=0.125)
    gradient.run(circuit, operator, rows_for(circuit, 1)).result()
    BroadcastParamShiftEstimatorGradient(estimator).run(circuit, operator, rows_for(circuit, 1)).result()
    assert [precision for _, precision in estimator.jobs] == [0.25, 0.5, 0.125, None]


def test_shot_noise_of_an_angle_is_the_precision_over_root_two():
    """And independent between samples: their differences have no common part."""
    circuit = real_amplitudes(2, reps=1)
    samples = 200
    rows = np.repeat(rows_for(circuit, 1), samples, 0)
    gradient = BroadcastParamShiftEstimatorGradient(StatevectorEstimator(seed=np.random.default_rng(5)), precision=0.1)
    found = np.array(gradient.run([circuit] * samples, [SparsePauliOp("ZX")] * samples, rows).result().gradients)
    exact = by_finite_differences(circuit, SparsePauliOp("ZX"), rows[0])
    deviations = found - exact
    np.testing.assert_allclose(deviations.std(0), 0.1 / np.sqrt(2), rtol=0.2)
    np.testing.assert_allclose(deviations.mean(0), 0, atol=4 * 0.1 / np.sqrt(2 * samples))
    correlations = np.corrcoef(deviations.T) - np.eye(circuit.num_parameters)
    assert np.abs(correlations).max() < 0.3


def test_perturbations_are_those_of_the_stock_gradient():
    circuit, operator = CIRCUITS["efficient_su2"], observable_for(CIRCUITS["efficient_su2"], 1)
    call = ([circuit] * 3, [operator] * 3, rows_for(circuit, 3))
    estimator = CountingEstimator()
    ours = BroadcastSPSAEstimatorGradient(estimator, epsilon=0.2, batch_size=3, seed=7)
    stock = SPSAEstimatorGradient(StatevectorEstimator(), epsilon=0.2, batch_size=3, seed=7)
    for _ in range(2):  # both generators advance
        assert_same(ours.run(*call).result(), stock.run(*call).result())
    assert [pubs[0][2].shape for pubs, _ in estimator.jobs] == [(3 * 2 * 3, circuit.num_parameters)] * 2
    assert [len(pubs) for pubs, _ in estimator.jobs] == [1, 1]
    assert estimator.jobs[0][0][0][0] is circuit


def test_perturbations_are_shared_by_observables_and_own_to_samples():
    circuit = CIRCUITS["efficient_su2"]
    first, second = observable_for(circuit, 1), observable_for(circuit, 2)
    rows = np.repeat(rows_for(circuit, 1), 2, 0)
    estimator = CountingEstimator()
    gradient = BroadcastSPSAEstimatorGradient(estimator, seed=3)
    found = gradient.run([circuit] * 4, [first, first, second, second], np.tile(rows, (2, 1))).result().gradients
    sent = estimator.jobs[0][0][0][2]
    assert sent.shape == (4, circuit.num_parameters)
    np.testing.assert_allclose(np.abs(sent - rows[0]), 0.1)
    assert not np.array_equal(sent[:2], sent[2:])
    for sample in range(2):  # all observables move along the sample's own direction
        direction = np.sign(sent[2 * sample] - rows[0])
        for gradient in (found[sample], found[2 + sample]):
            np.testing.assert_allclose(np.abs(gradient @ direction), np.linalg.norm(gradient) * np.sqrt(len(gradient)))


def test_perturbations_spare_the_parameters_not_asked_for():
    circuit = CIRCUITS["efficient_su2"]
    w = circuit.parameters
    estimator = CountingEstimator()
    gradient = BroadcastSPSAEstimatorGradient(estimator, epsilon=0.5, seed=3)
    row = rows_for(circuit, 1)
    result = gradient.run(circuit, SparsePauliOp("ZZ"), row, parameters=[[w[5], w[2]]]).result()
    assert np.flatnonzero(np.abs(estimator.jobs[0][0][0][2] - row).sum(0)).tolist() == [2, 5]
    assert result.gradients[0].shape == (2,)


def test_the_mean_of_perturbations_is_the_gradient():
    circuit, operator = CIRCUITS["composed"], SparsePauliOp("ZZ")
    row = rows_for(circuit, 1)
    gradient = BroadcastSPSAEstimatorGradient(StatevectorEstimator(), epsilon=1e-3, batch_size=400, seed=2)
    (found,) = gradient.run(circuit, operator, row).result().gradients
    exact = by_finite_differences(circuit, operator, row[0])
    np.testing.assert_allclose(found, exact, atol=4 * np.linalg.norm(exact) / np.sqrt(400))


def test_a_network_with_perturbations_is_one_pub_in_one_job():
    estimator = CountingEstimator()
    qnn = qnn_for(BroadcastSPSAEstimatorGradient(estimator, seed=1, precision=0.5), estimator)
    _, gradient = qnn.backward(np.zeros((4, 2)), np.ones(4))
    assert gradient.shape == (4, 3, 4)
    ((pubs, precision),) = estimator.jobs
    assert (len(pubs), pubs[0][2].shape, precision) == (1, (8, 6), 0.5)


def test_aer_gives_the_same_gradients():
    aer = pytest.importorskip("qiskit_aer.primitives")
    circuit = CIRCUITS["composed"]  # its controlled rotation would be wrong, were it sent as it is
    operator = observable_for(circuit, 1)
    call = ([circuit] * 3, [operator] * 3, rows_for(circuit, 3))
    found = BroadcastParamShiftEstimatorGradient(aer.EstimatorV2()).run(*call).result()
    assert_same(found, ParamShiftEstimatorGradient(StatevectorEstimator()).run(*call).result(), tolerance=1e-9)


class FailingEstimator(StatevectorEstimator):
    def _run(self, pubs):  # noqa: ARG002
        raise ConnectionResetError("the device went away")


def test_the_failure_of_a_primitive_keeps_its_type():
    circuit = CIRCUITS["composed"]
    job = BroadcastParamShiftEstimatorGradient(FailingEstimator()).run(circuit, SparsePauliOp("ZZ"), [[1.0, 2.0]])
    with pytest.raises(ConnectionResetError, match="the device went away"):
        job.result()


def test_wrong_calls_are_refused():
    circuit, operator = CIRCUITS["composed"], SparsePauliOp("ZZ")
    gradient = BroadcastParamShiftEstimatorGradient(StatevectorEstimator())
    with pytest.raises(ArgumentError, match=r"\['shots'\] are not options of this gradient, which has `precision`"):
        gradient.run(circuit, operator, [[1, 2]], shots=5)
    with pytest.raises(ValueError, match="does not match"):
        gradient.run(circuit, operator, [[1, 2, 3]])
    with pytest.raises(ValueError, match="qubits"):
        gradient.run(circuit, SparsePauliOp("Z"), [[1, 2]])
    with pytest.raises(ValueError, match="not parameterised"):
        gradient.run(QuantumCircuit(2), operator, [[]])
    with pytest.raises(ValueError, match="not present"):
        gradient.run(circuit, operator, [[1, 2]], parameters=[[Parameter("c")]])
    delayed = QuantumCircuit(1)
    delayed.delay(A, 0)
    with pytest.raises(GradientError, match="`delay`"):
        gradient.run(delayed, SparsePauliOp("Z"), [[1]])


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"epsilon": 0.0}, "epsilon"),
        ({"batch_size": 0}, "batch_size"),
        ({"seed": -1}, "seed"),
        ({"precision": -0.1}, "precision"),
    ],
)
def test_wrong_options_are_refused(settings, name):
    with pytest.raises(ArgumentError, match=f"`{name}`"):
        BroadcastSPSAEstimatorGradient(StatevectorEstimator(), **settings)


def test_an_estimator_is_needed():
    with pytest.raises(ArgumentTypeError, match="`estimator` must be a V2 estimator"):
        BroadcastParamShiftEstimatorGradient(None)


def test_a_circuit_that_was_changed_is_read_anew():
    circuit = QuantumCircuit(1)
    circuit.ry(A, 0)
    gradient = BroadcastParamShiftEstimatorGradient(StatevectorEstimator())
    for factor in (1, 2):
        found = gradient.run([circuit], [SparsePauliOp("Z")], [[0.3]]).result().gradients[0]
        assert found == pytest.approx([-factor * np.sin(0.3 * factor)])
        circuit.ry(A, 0)
