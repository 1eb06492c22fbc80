"""What Qiskit promises of a V2 estimator, asked of ours and of Qiskit's own."""

from itertools import combinations

import numpy as np
import pytest
import torch
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import (
    BaseEstimatorV2,
    BasePrimitiveJob,
    DataBin,
    PrimitiveJob,
    PrimitiveResult,
    PubResult,
    StatevectorEstimator,
)
from qiskit.quantum_info import Pauli, PauliList, SparseObservable, SparsePauliOp, Statevector

from qiskit_qgen.primitives import BatchedStatevectorEstimator

CIRCUIT = real_amplitudes(2, reps=1)
BOUND = CIRCUIT.assign_parameters([0.1, 0.2, 0.3, 0.4])
OPS = [SparsePauliOp(["ZZ", "XI"], [0.5, -1.5]), SparsePauliOp("IY"), SparsePauliOp("XX", 2.0)]
ROWS = np.random.default_rng(2).uniform(-3, 3, (5, 1, 4))
DRAWS = 4000


def value(row, observable):
    return Statevector(CIRCUIT.assign_parameters(row)).expectation_value(observable).real


def truth(rows, observables):
    """By a loop over the broadcast arrays: rows (..., 4), observables an array of objects."""
    numbers = np.arange(rows[..., 0].size).reshape(rows.shape[:-1])
    numbers, observables = np.broadcast_arrays(numbers, observables)
    flat = rows.reshape(-1, 4)
    found = [value(flat[number], observable) for number, observable in zip(numbers.flat, observables.flat, strict=True)]
    return np.array(found, float).reshape(numbers.shape)


def array_of(*operators, shape=None):
    found = np.empty(len(operators), object)
    found[:] = operators
    return found.reshape(shape or found.shape)


class EstimatorTester:
    """Raises AssertionError where an estimator breaks the contract.

    Args:
        make: Called with a seed (None, or a generator) for an estimator.
    """

    def __init__(self, make):
        self.make = make

    def run(self, *pubs, **options):
        return self.make(None).run(pubs, **options).result()

    def check_values_and_shapes(self):
        for rows, observables in (
            (ROWS[0, 0], array_of(*OPS)),
            (ROWS, array_of(OPS[0], shape=())),
            (ROWS, array_of(*OPS)),
            (ROWS[:3, 0], array_of(*OPS)),
            (ROWS[:2, 0], array_of(*OPS, *OPS[::-1], shape=(3, 2))),
            (ROWS[:0], array_of(*OPS)),
            (ROWS[:, :0], array_of(OPS[0])),
        ):
            expected = truth(rows, observables)
            data = self.run((CIRCUIT, observables.tolist() if observables.shape else OPS[0], rows))[0].data
            assert data.shape == data.evs.shape == data.stds.shape == expected.shape
            np.testing.assert_allclose(data.evs, expected, rtol=0, atol=1e-10)
            np.testing.assert_array_equal(data.stds, 0)
            assert data.evs.dtype == data.stds.dtype == np.float64

    def check_no_observables(self):
        data = self.run((CIRCUIT, np.empty((0, 1), object), ROWS[:3, 0]))[0].data
        assert data.evs.shape == data.stds.shape == (0, 3)

    def check_kinds_of_observables(self):
        row, word = ROWS[0, 0], "YX"
        for same in (word, Pauli(word), SparsePauliOp(word), SparseObservable(word), {word: 1.0}, PauliList([word])[0]):
            found = self.run((CIRCUIT, same, row))[0].data.evs
            assert found.shape == ()
            np.testing.assert_allclose(found, value(row, Pauli(word)), atol=1e-10)

    def check_values_by_name(self):
        first, *others = CIRCUIT.parameters
        given = {tuple(reversed(others)): ROWS[:3, 0, :0:-1], first: ROWS[:3, 0, 0]}
        found = self.run((CIRCUIT, OPS[0], given))[0].data.evs
        np.testing.assert_allclose(found, truth(ROWS[:3, 0], array_of(OPS[0], shape=())), atol=1e-10)

    def check_jobs_and_results(self):
        estimator = self.make(None)
        assert isinstance(estimator, BaseEstimatorV2)
        job = estimator.run([(CIRCUIT, OPS, ROWS), (BOUND, "ZZ")])
        assert isinstance(job, BasePrimitiveJob)
        result = job.result()
        assert isinstance(result, PrimitiveResult)
        assert job.done()
        assert not job.running()
        assert not job.cancelled()
        assert isinstance(job.job_id(), str)
        assert len(result) == 2
        for each in result:
            assert isinstance(each, PubResult)
            assert isinstance(each.data, DataBin)
            assert set(each.data) == {"evs", "stds"}
        assert result.metadata["version"] == 2
        assert len(estimator.run([]).result()) == 0

    def check_metadata(self):
        circuit = BOUND.copy()
        circuit.metadata = {"name": "mine"}
        result = self.run((circuit, "ZZ"), (BOUND, "ZZ", None, 0.25), precision=0.5)
        assert result[0].metadata == {"target_precision": 0.5, "circuit_metadata": {"name": "mine"}}
        assert result[1].metadata["target_precision"] == 0.25

    def check_errors(self):
        for pub, error in (
            ((CIRCUIT, "ZZ"), ValueError),
            ((CIRCUIT, "ZZ", ROWS[0, 0, :3]), ValueError),
            ((CIRCUIT, "ZZZ", ROWS), ValueError),
            ((CIRCUIT, OPS, ROWS[:2, 0]), ValueError),
            ((CIRCUIT, SparsePauliOp("ZZ", 1j), ROWS), ValueError),
            ((CIRCUIT, "ZZ", ROWS, -0.5), ValueError),
            ((CIRCUIT, "ZZ", ROWS, "exact"), TypeError),
            (("ZZ", CIRCUIT, ROWS), (TypeError, ValueError, AttributeError)),
        ):
            try:
                self.make(None).run([pub]).result()
            except error:
                continue
            raise AssertionError(f"accepted {pub}")

    def check_noise(self):
        """Means and deviations within five standard deviations; all draws of one job, and of two, are different."""
        estimator = self.make(np.random.default_rng(3))
        pub = (CIRCUIT, "ZZ", np.tile(ROWS[0, 0], (DRAWS, 1)), 0.1)
        calls = [estimator.run([pub, pub]).result() for _ in range(2)]
        draws = [result.data.evs for call in calls for result in call]
        for each in draws:
            deviations = each - value(ROWS[0, 0], Pauli("ZZ"))
            assert abs(deviations.mean()) < 5 * 0.1 / DRAWS**0.5
            assert abs(deviations.std() - 0.1) < 5 * 0.1 / (2 * DRAWS) ** 0.5
        for one, other in combinations(draws, 2):
            assert not np.array_equal(one, other)
        assert np.unique(draws[0]).size == DRAWS
        again = self.make(np.random.default_rng(3)).run([pub, pub]).result()
        np.testing.assert_array_equal(again[0].data.evs, draws[0])


CHECKS = [name for name in dir(EstimatorTester) if name.startswith("check_")]


def ours(seed):
    return BatchedStatevectorEstimator(seed=seed, dtype=torch.float64)


def qiskits(seed):
    return StatevectorEstimator(seed=seed)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("make", [ours, qiskits])
def test_it_keeps_the_contract(make, check):
    getattr(EstimatorTester(make), check)()


class Replaying(StatevectorEstimator):
    """Draws the same noise at each call, as Qiskit's estimator does with an integer seed."""

    def __init__(self, seed):  # noqa: ARG002
        super().__init__(seed=7)


class Altered(BatchedStatevectorEstimator):
    """Ours, with one thing in its results changed."""

    def __init__(self, seed):
        super().__init__(seed=seed, dtype=torch.float64)

    def run(self, pubs, *, precision=None):
        inner = super().run(pubs, precision=precision)
        job = PrimitiveJob(lambda: PrimitiveResult([self.alter(each) for each in inner.result()], {"version": 2}))
        job._submit()
        return job


class Flat(Altered):
    def alter(self, result):
        evs, stds = result.data.evs.reshape(-1), result.data.stds.reshape(-1)
        return PubResult(DataBin(evs=evs, stds=stds, shape=evs.shape), result.metadata)


class Transposed(Altered):
    def alter(self, result):
        evs = result.data.evs
        return PubResult(DataBin(evs=evs.T.reshape(evs.shape), stds=result.data.stds, shape=evs.shape), result.metadata)


class Silent(Altered):
    def alter(self, result):
        return PubResult(result.data, {})


class Lenient(Altered):
    def alter(self, result):
        return result

    def run(self, pubs, *, precision=None):
        return super().run([pub if len(pub) < 4 or pub[3] != -0.5 else pub[:3] for pub in pubs], precision=precision)


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        (Replaying, "check_noise"),
        (Flat, "check_values_and_shapes"),
        (Flat, "check_kinds_of_observables"),
        (Transposed, "check_values_and_shapes"),
        (Silent, "check_metadata"),
        (Lenient, "check_errors"),
    ],
)
def test_the_tester_rejects_wrong_estimators(wrong, check):
    with pytest.raises(AssertionError):
        getattr(EstimatorTester(wrong), check)()


@pytest.mark.parametrize("label", ["0", "1", "+", "-", "r", "l"])
def test_projectors(label):
    """Qiskit's estimator takes none: the state vector's own value is the truth."""
    observable = SparseObservable.from_list([(f"{label}Z", 1.5)])
    found = ours(None).run([(CIRCUIT, [observable, "ZZ"], ROWS[0, 0])]).result()[0].data.evs
    expected = value(ROWS[0, 0], SparsePauliOp.from_sparse_observable(observable))
    np.testing.assert_allclose(found[0], expected, atol=1e-10)


def test_an_integer_seed_is_a_stream():
    estimator = BatchedStatevectorEstimator(seed=7)
    calls = [estimator.run([(BOUND, "ZZ")] * 2, precision=0.1).result() for _ in range(2)]
    assert len({float(result.data.evs) for call in calls for result in call}) == 4
