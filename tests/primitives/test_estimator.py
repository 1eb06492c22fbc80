import copy
import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import efficient_su2, real_amplitudes
from qiskit.primitives import BaseEstimatorV2, StatevectorEstimator
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from scipy.optimize import minimize

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, UnsupportedCircuitError
from qiskit_qgen.gradients import ReverseEstimatorGradient
from qiskit_qgen.primitives import BatchedStatevectorEstimator

RNG = np.random.default_rng(3)
FOUR = real_amplitudes(2, reps=1)  # 4 parameters
EIGHT = efficient_su2(2, reps=1)
BOUND = FOUR.assign_parameters([0.1, 0.2, 0.3, 0.4])
OPS = [SparsePauliOp(["ZZ", "XI"], [0.5, -1.5]), SparsePauliOp("IY"), SparsePauliOp("II", 2.0)]


def values(*shape):
    return RNG.uniform(-3, 3, shape)


PUBS = {
    "one row, one observable": (FOUR, OPS[0], values(4)),
    "one row of many": (FOUR, OPS[0], values(1, 4)),
    "rows": (FOUR, OPS[0], values(5, 4)),
    "an array of rows": (FOUR, OPS[1], values(2, 3, 4)),
    "observables": (FOUR, OPS, values(4)),
    "rows with observables in step": (FOUR, OPS, values(3, 4)),
    "rows against observables": (FOUR, [[op] for op in OPS], values(5, 4)),
    "observables against rows": (FOUR, [OPS], values(5, 1, 4)),
    "a grid of observables": (FOUR, [OPS, OPS[::-1]], values(2, 1, 4)),
    "no rows": (FOUR, OPS[0], values(0, 4)),
    "no parameters": (BOUND, OPS[0]),
    "no parameters, observables": (BOUND, OPS),
    "no parameters, empty values": (BOUND, OPS[0], []),
    "a mapping of values": (
        EIGHT,
        "XZ",
        {tuple(EIGHT.parameters[:2]): values(3, 2), tuple(EIGHT.parameters[2:]): values(3, 6)},
    ),
    "a mapping of terms": (FOUR, {"ZZ": 0.3, "XY": -0.7}, values(4)),
    "a word": (FOUR, "ZX", values(4)),
    "a Pauli": (FOUR, Pauli("YX"), values(4)),
    "repeated words": (FOUR, SparsePauliOp(["ZZ", "ZZ", "XX"], [1, 0.5, 0.25]), values(4)),
    "its own precision of zero": (FOUR, OPS[0], values(4), 0.0),
}


@pytest.fixture
def exact():
    return BatchedStatevectorEstimator(dtype=torch.float64)


def assert_same_result(found, expected, atol=1e-12):
    assert found.metadata == expected.metadata
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert set(one.data) == set(other.data) == {"evs", "stds"}
        assert one.data.shape == other.data.shape
        assert one.metadata == other.metadata
        for name in ("evs", "stds"):
            assert isinstance(one.data[name], np.ndarray)
            assert one.data[name].dtype == other.data[name].dtype
            np.testing.assert_allclose(one.data[name], other.data[name], rtol=0, atol=atol)
            assert one.data[name].shape == other.data[name].shape


@pytest.mark.parametrize("name", PUBS)
def test_the_same_answer_as_qiskits_estimator(exact, name):
    assert_same_result(exact.run([PUBS[name]]).result(), StatevectorEstimator().run([PUBS[name]]).result())


def test_several_pubs_in_one_job(exact):
    pubs = list(PUBS.values())
    assert_same_result(exact.run(pubs).result(), StatevectorEstimator().run(pubs).result())
    assert_same_result(exact.run(iter(pubs)).result(), StatevectorEstimator().run(pubs).result())
    assert len(exact.run([]).result()) == 0


def test_single_precision():
    pub = PUBS["rows against observables"]
    assert_same_result(
        BatchedStatevectorEstimator(dtype=torch.float32).run([pub]).result(),
        StatevectorEstimator().run([pub]).result(),
        2e-6,
    )


@pytest.mark.parametrize("method", ["SLSQP", "L-BFGS-B", "BFGS"])
def test_optimisers_that_difference_reach_the_minimum_with_the_defaults(method):
    """Their steps are 1e-8, which single precision does not see."""
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    circuit.rz(Parameter("b"), 0)
    observable, estimator = SparsePauliOp(["X", "Y", "Z"], [0.6, -0.3, 0.2]), BatchedStatevectorEstimator()

    def energy(point):
        return float(estimator.run([(circuit, observable, point)]).result()[0].data.evs)

    found = minimize(energy, [0.4, 0.3], method=method)
    assert found.fun == pytest.approx(-np.linalg.norm([0.6, -0.3, 0.2]), abs=1e-5)


def test_the_seed_and_the_options_can_be_read():
    estimator = BatchedStatevectorEstimator(seed=3, default_precision=0.5)
    assert (estimator.seed, estimator.options.seed, estimator.options.default_precision) == (3, 3, 0.5)
    estimator.options.update_options(default_precision=0.0)  # of a copy, as QML's gradients do
    assert estimator.options.default_precision == estimator.default_precision == 0.5
    assert ParamShiftEstimatorGradient(estimator)._get_local_options({"precision": 0.1}).seed == 3


def test_metadata_of_the_circuit(exact):
    circuit = QuantumCircuit(1, metadata={"name": "mine"})
    result = exact.run([(circuit, "Z")]).result()
    assert result[0].metadata == {"target_precision": 0.0, "circuit_metadata": {"name": "mine"}}


@pytest.mark.parametrize(
    ("label", "value"),
    [("0", np.cos(0.15) ** 2), ("1", np.sin(0.15) ** 2), ("+", (1 + np.sin(0.3)) / 2), ("r", 0.5), ("Z", np.cos(0.3))],
)
def test_projectors(exact, label, value):
    circuit = QuantumCircuit(2)
    circuit.ry(0.3, 0)
    observable = SparseObservable.from_list([("I" + label, 2.0)])
    assert exact.run([(circuit, observable)]).result()[0].data.evs == pytest.approx(2 * value)


def test_nan_goes_through(exact):
    rows = np.array([[0.1, 0.2, 0.3, 0.4], [np.nan, 0.2, 0.3, 0.4]])
    evs = exact.run([(FOUR, "ZZ", rows)]).result()[0].data.evs
    assert np.isnan(evs).tolist() == [False, True]


def test_the_job(exact):
    job = exact.run([(BOUND, "ZZ")])
    job.result()
    assert job.done()
    assert isinstance(job.job_id(), str)
    assert isinstance(exact, BaseEstimatorV2)


ROWS = np.tile([0.1, 0.2, 0.3, 0.4], (20000, 1))


def noise(estimator, precision=0.1, **options):
    pub = (FOUR, "ZZ", ROWS, precision)
    data = estimator.run([pub], **options).result()[0].data
    return data.evs - estimator.run([(FOUR, "ZZ", ROWS[0])], precision=0).result()[0].data.evs, data.stds


def test_the_noise_has_the_stated_deviation():
    """20,000 draws: mean and deviation within 4 sigma; that of the deviation is 0.1 / sqrt(2 n)."""
    deviations, stds = noise(BatchedStatevectorEstimator(seed=5, dtype=torch.float64))
    assert abs(deviations.mean()) < 4 * 0.1 / np.sqrt(20000)
    assert abs(deviations.std() - 0.1) < 4 * 0.1 / np.sqrt(40000)
    assert np.unique(deviations).size == 20000
    np.testing.assert_array_equal(stds, 0.1)


def test_an_integer_seed_gives_a_reproducible_stream():
    first, again, other = (BatchedStatevectorEstimator(seed=seed) for seed in (7, 7, 8))
    calls = [noise(first)[0] for _ in range(2)]
    assert not np.array_equal(*calls)
    for call in calls:
        np.testing.assert_array_equal(noise(again)[0], call)
        assert not np.array_equal(noise(other)[0], call)


def test_no_seed_gives_fresh_noise():
    assert not np.array_equal(noise(BatchedStatevectorEstimator())[0], noise(BatchedStatevectorEstimator())[0])


def test_jobs_draw_in_the_order_of_their_submission():
    def draw(wait):
        estimator = BatchedStatevectorEstimator(seed=9)
        jobs = []
        for _ in range(6):
            jobs.append(estimator.run([(FOUR, "ZZ", ROWS, 0.1)]))
            if wait:
                jobs[-1].result()
        return [job.result()[0].data.evs for job in jobs]

    for together, alone in zip(draw(wait=False), draw(wait=True), strict=True):
        np.testing.assert_array_equal(together, alone)


def test_exact_runs_do_not_draw():
    estimators = [BatchedStatevectorEstimator(seed=7) for _ in range(2)]
    estimators[0].run([(BOUND, "ZZ")]).result()
    np.testing.assert_array_equal(noise(estimators[0])[0], noise(estimators[1])[0])


def test_a_generator_is_advanced():
    generator, copied = np.random.default_rng(4), np.random.default_rng(4)
    first = noise(BatchedStatevectorEstimator(seed=generator))[0]
    second = noise(BatchedStatevectorEstimator(seed=generator))[0]
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(noise(BatchedStatevectorEstimator(seed=copied))[0], first)


def test_the_pubs_precision_comes_before_the_jobs():
    estimator = BatchedStatevectorEstimator(seed=1)
    pubs = [(BOUND, "ZZ", [], 0.25), (BOUND, "ZZ"), (BOUND, "ZZ", [], 0.0)]
    results = estimator.run(pubs, precision=0.5).result()
    assert [float(result.data.stds) for result in results] == [0.25, 0.5, 0.0]
    assert [result.metadata["target_precision"] for result in results] == [0.25, 0.5, 0.0]
    assert results[2].data.evs == estimator.run([(BOUND, "ZZ")]).result()[0].data.evs


def test_the_default_precision_is_for_calls_that_name_none():
    estimator = BatchedStatevectorEstimator(seed=1, default_precision=0.5)
    assert estimator.default_precision == 0.5
    assert BatchedStatevectorEstimator().default_precision == 0
    found = estimator.run([(BOUND, "ZZ"), (BOUND, "ZZ", [], 0.25)]).result()
    assert [float(result.data.stds) for result in found] == [0.5, 0.25]
    assert estimator.run([(BOUND, "ZZ")], precision=0).result()[0].data.stds == 0


@pytest.fixture
def simulations(monkeypatch):
    """The numbers of rows and of observables of each simulation."""
    found = []
    original = BatchedStatevectorEstimator._simulate
    monkeypatch.setattr(
        BatchedStatevectorEstimator,
        "_simulate",
        lambda self, circuit, terms, rows: (
            found.append((len(rows), len(terms))) or original(self, circuit, terms, rows)
        ),
    )
    return found


def test_pubs_of_the_same_rows_are_simulated_together(exact, simulations):
    """As a stock network asks."""
    rows = values(5, 4)
    pubs = [(FOUR, op, rows.copy()) for op in OPS]
    assert_same_result(exact.run(pubs).result(), StatevectorEstimator().run(pubs).result())
    assert simulations == [(5, 3)]


def test_pubs_of_the_same_observables_are_simulated_together(exact, simulations):
    """As a stock gradient asks; equal rows are simulated once."""
    rows = [*values(4, 4), values(3, 4)]
    pubs = [(FOUR, op, row) for op in OPS for row in rows]
    assert_same_result(exact.run(pubs).result(), StatevectorEstimator().run(pubs).result())
    assert simulations == [(7, 3)]


def test_pubs_with_nothing_in_common(exact, simulations):
    pubs = [(FOUR, OPS[0], values(2, 4)), (FOUR, OPS[1], values(3, 4)), (FOUR.copy(), OPS[0], values(1, 4))]
    assert_same_result(exact.run(pubs).result(), StatevectorEstimator().run(pubs).result())
    assert sorted(simulations) == [(1, 1), (2, 1), (3, 1)]


def measured():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    return circuit


def reset():
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.reset(0)
    return circuit


def wide():
    circuit = QuantumCircuit(25)
    circuit.h(range(25))
    return circuit


def conditional():
    circuit = QuantumCircuit(1, 1)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    return circuit


@pytest.mark.parametrize(
    ("circuit", "label", "named"),
    [
        (measured(), "Z", "or run the circuit on Aer instead."),
        (reset(), "Z", "holds `reset`: remove it, or run the circuit on Aer instead."),
        (conditional(), "Z", "holds `if_else`: remove it, or run the circuit on Aer instead."),
        (wide(), "Z" * 25, "this one has 25: reduce it, or run the circuit on Aer instead."),
    ],
)
def test_what_it_cannot_run_is_refused_by_name(exact, circuit, label, named):
    with pytest.raises(UnsupportedCircuitError) as error:
        exact.run([(circuit, label)]).result()
    assert str(error.value).endswith(named)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "Argument `seed` must be a non-negative integer, but is -1."),
        ({"seed": "a"}, "Argument `seed` must be a non-negative integer, but is 'a'."),
        ({"default_precision": -1}, "Argument `default_precision` must be a number in [0, inf), but is -1."),
        ({"dtype": torch.float16}, "Argument `dtype` must be torch.float32 or torch.float64, but is torch.float16."),
        ({"dtype": "float32"}, "Argument `dtype` must be torch.float32 or torch.float64, but is float32."),
        ({"threads": 0}, "Argument `threads` must be a positive integer, but is 0."),
        ({"threads": 1.5}, "Argument `threads` must be a positive integer, but is 1.5."),
    ],
)
def test_bad_options(arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        BatchedStatevectorEstimator(**arguments)
    assert str(error.value) == message


def test_a_device_that_is_none():
    with pytest.raises(ArgumentError, match=r"`device` must be .*'cpu'.* but is 'abacus'"):
        BatchedStatevectorEstimator(device="abacus")


@pytest.mark.parametrize("precision", [-0.1, np.nan, np.inf, "0.1"])
def test_bad_precision(exact, precision):
    with pytest.raises(ArgumentTypeError if precision == "0.1" else ArgumentError) as error:
        exact.run([(BOUND, "ZZ")], precision=precision)
    assert str(error.value) == f"Argument `precision` must be a number in [0, inf), but is {precision!r}."


@pytest.mark.parametrize(
    "pub",
    [
        (FOUR, "ZZ"),
        (FOUR, "ZZ", values(3)),
        (FOUR, "ZZZ", values(4)),
        (FOUR, OPS, values(2, 4)),
        (FOUR, SparsePauliOp("ZZ", 1j), values(4)),
        (FOUR, SparsePauliOp("ZZ", 0), values(4)),
        (FOUR, "ZZ", values(4), -1.0),
        "FOUR",
    ],
)
def test_bad_pubs_are_refused_when_submitted(exact, pub):
    """By Qiskit's own container."""
    with pytest.raises((ValueError, TypeError)) as expected:
        StatevectorEstimator().run([pub])
    with pytest.raises(type(expected.value)):
        exact.run([pub])


def test_a_coerced_pub_is_taken_as_it_is(exact):
    pub = EstimatorPub.coerce((FOUR, "ZZ", ROWS[0]), 0.0)
    assert exact.run([pub]).result()[0].data.evs == exact.run([(FOUR, "ZZ", ROWS[0])]).result()[0].data.evs


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda estimator: pickle.loads(pickle.dumps(estimator))])  # noqa: S301
def test_copies_work(exact, copied):
    pub = (FOUR, "ZZ", ROWS[0])
    expected = exact.run([pub]).result()[0].data.evs
    assert copied(exact).run([pub]).result()[0].data.evs == expected


def test_a_circuit_changed_between_calls_is_read_anew(exact):
    angle = Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    assert exact.run([(circuit, "Z", [0.3])]).result()[0].data.evs == pytest.approx(np.cos(0.3))
    circuit.ry(2 * angle, 0)
    assert exact.run([(circuit, "Z", [0.3])]).result()[0].data.evs == pytest.approx(np.cos(0.9))


MANY_PROJECTORS = (
    "Argument `observables` must have at most 10 projectors (0, 1, +, -, r, l) in a term, which is a sum of "
    "2**projectors Pauli words, but has 14 in one: read the probability out of a sampler."
)


@pytest.mark.parametrize(("letter", "chance"), [("0", 0.5), ("1", 0.5), ("+", 1), ("-", 0), ("r", 0.5), ("l", 0.5)])
def test_terms_of_many_projectors_are_refused(letter, chance):
    """They are sums of many Pauli words."""
    circuit = QuantumCircuit(14)
    circuit.h(range(14))
    estimator = BatchedStatevectorEstimator(dtype=torch.float64)
    (result,) = estimator.run([(circuit, SparseObservable.from_list([("IIII" + letter * 10, 2.0)]))]).result()
    assert result.data.evs == pytest.approx(2 * chance**10)
    turned = circuit.copy()
    turned.ry(Parameter("a"), 0)
    with pytest.raises(ArgumentError) as error:
        estimator.run([(circuit, SparseObservable.from_list([("I" * 13 + letter, 1.0), (letter * 14, 1.0)]))]).result()
    assert str(error.value) == MANY_PROJECTORS
    with pytest.raises(ArgumentError) as error:
        ReverseEstimatorGradient().run([turned], [SparseObservable(letter * 14)], [[0.1]]).result()
    assert str(error.value) == MANY_PROJECTORS
