"""What Qiskit promises of a V2 sampler, asked of ours and of Qiskit's own."""

import warnings
from itertools import combinations

import numpy as np
import pytest
import torch
from qiskit.circuit import ClassicalRegister, Parameter, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import (
    BasePrimitiveJob,
    BaseSamplerV2,
    BitArray,
    DataBin,
    PrimitiveJob,
    PrimitiveResult,
    SamplerPubResult,
    StatevectorSampler,
)
from qiskit.quantum_info import Statevector

from qiskit_qgen.primitives import BatchedStatevectorSampler

ANGLES = [Parameter("a"), Parameter("b")]
SHOTS = 20_000


def entangled():
    """Three qubits, two parameters, no measurement."""
    circuit = QuantumCircuit(3)
    circuit.ry(ANGLES[0], 0)
    circuit.cx(0, 1)
    circuit.ry(ANGLES[1], 2)
    circuit.crx(1.1, 2, 1)
    return circuit


def registers():
    """Qubit 2 in two bits, 0 in one of ten, 1 unmeasured; two registers, one bit each never written."""
    low, high = ClassicalRegister(3, "low"), ClassicalRegister(10, "high")
    circuit = QuantumCircuit(QuantumRegister(3), low, high)
    circuit.compose(entangled(), inplace=True)
    circuit.measure(2, low[0])
    circuit.measure(2, low[2])
    circuit.barrier()
    circuit.measure(0, high[9])
    return circuit


def measured():
    circuit = entangled()
    circuit.measure_all()
    return circuit


ROWS = np.random.default_rng(4).uniform(-3, 3, (2, 3, 2))


def probabilities(row):
    return Statevector(entangled().assign_parameters(row)).probabilities_dict()


def assert_distributed(counts, expected, shots):
    """Each frequency within five standard deviations (and one shot), and nothing that cannot be."""
    assert sum(counts.values()) == shots
    assert set(counts) <= {key for key, value in expected.items() if value > 1e-12}
    for key, value in expected.items():
        assert abs(counts.get(key, 0) / shots - value) < 5 * np.sqrt(value / shots) + 1 / shots


class SamplerTester:
    """Raises AssertionError where a sampler breaks the contract.

    Args:
        make: Called with a seed (None, or a generator) and the default number of shots for a sampler.
    """

    def __init__(self, make):
        self.make = make

    def run(self, *pubs, **options):
        return self.make(np.random.default_rng(8), 1024).run(pubs, **options).result()

    def check_distributions_and_shapes(self):
        for rows in (ROWS[0, 0], ROWS[0], ROWS):
            bits = self.run((measured(), rows), shots=SHOTS)[0].data.meas
            assert isinstance(bits, BitArray)
            assert (bits.shape, bits.num_bits, bits.num_shots) == (rows.shape[:-1], 3, SHOTS)
            assert bits.array.dtype == np.uint8
            for index in np.ndindex(rows.shape[:-1]):
                assert_distributed(bits.get_counts(index), probabilities(rows[index]), SHOTS)

    def check_registers(self):
        result = self.run((registers(), ROWS[0, 0]), shots=SHOTS)[0]
        expected = {"low": {}, "high": {}, "joint": {}}
        for key, weight in probabilities(ROWS[0, 0]).items():
            low, high = key[0] + "0" + key[0], key[2] + "0" * 9
            for name, bits in (("low", low), ("high", high), ("joint", high + low)):
                expected[name][bits] = expected[name].get(bits, 0) + weight
        assert list(result.data) == ["low", "high"]
        assert (result.data.low.num_bits, result.data.high.num_bits) == (3, 10)
        assert result.data.high.array.shape == (SHOTS, 2)
        assert_distributed(result.data.low.get_counts(), expected["low"], SHOTS)
        assert_distributed(result.data.high.get_counts(), expected["high"], SHOTS)
        assert_distributed(result.join_data().get_counts(), expected["joint"], SHOTS)

    def check_values_by_name(self):
        given = {ANGLES[1]: ROWS[0, :, 1], ANGLES[0]: ROWS[0, :, 0]}
        bits = self.run((measured(), given), shots=SHOTS)[0].data.meas
        for index in range(3):
            assert_distributed(bits.get_counts(index), probabilities(ROWS[0, index]), SHOTS)

    def check_empty_arrays(self):
        for rows in (np.zeros((0, 2)), np.zeros((3, 0, 2))):
            bits = self.run((measured(), rows), shots=7)[0].data.meas
            assert (bits.shape, bits.num_bits, bits.num_shots) == (rows.shape[:-1], 3, 7)

    def check_circuits_without_parameters(self):
        circuit = real_amplitudes(2, reps=1).assign_parameters([0.3, 0.5, 0.7, 0.9])
        expected = Statevector(circuit).probabilities_dict()
        circuit.measure_all()
        for pub in (circuit, (circuit,), (circuit, None), (circuit, [])):
            bits = self.run(pub, shots=SHOTS)[0].data.meas
            assert bits.shape == ()
            assert_distributed(bits.get_counts(), expected, SHOTS)

    def check_shots(self):
        sampler = self.make(None, 11)
        circuit = measured()
        pubs = [(circuit, ROWS[0, 0]), (circuit, ROWS[0, 0], 33)]
        for options, expected in (({}, [11, 33]), ({"shots": 22}, [22, 33])):
            result = sampler.run(pubs, **options).result()
            assert [each.data.meas.num_shots for each in result] == expected
            assert [each.metadata["shots"] for each in result] == expected

    def check_shots_come_in_random_order(self):
        bits = self.run((measured(), ROWS[0, 0]), shots=SHOTS)[0].data.meas
        halves = [bits.slice_shots(range(SHOTS // 2)), bits.slice_shots(range(SHOTS // 2, SHOTS))]
        for half in halves:
            assert_distributed(half.get_counts(), probabilities(ROWS[0, 0]), SHOTS // 2)

    def check_jobs_and_results(self):
        sampler = self.make(None, 5)
        assert isinstance(sampler, BaseSamplerV2)
        circuit = measured()
        circuit.metadata = {"name": "mine"}
        job = sampler.run([(circuit, ROWS), (registers(), ROWS[0])])
        assert isinstance(job, BasePrimitiveJob)
        result = job.result()
        assert isinstance(result, PrimitiveResult)
        assert job.done()
        assert isinstance(job.job_id(), str)
        assert result.metadata == {"version": 2}
        assert [list(each.data) for each in result] == [["meas"], ["low", "high"]]
        for each in result:
            assert isinstance(each, SamplerPubResult)
            assert isinstance(each.data, DataBin)
        assert result[0].metadata == {"shots": 5, "circuit_metadata": {"name": "mine"}}
        assert result[0].data.shape == (2, 3)
        assert len(sampler.run([]).result()) == 0

    def check_draws_are_independent(self):
        """Equal rows, equal PUBs and equal calls differ; the same generator gives the same again."""
        pub = (measured(), np.tile(ROWS[0, 0], (2, 1)))

        def calls():
            sampler = self.make(np.random.default_rng(6), 100)
            results = [sampler.run([pub, pub]).result() for _ in range(2)]
            return [each.data.meas.array[row] for result in results for each in result for row in range(2)]

        draws = calls()
        for one, other in combinations(draws, 2):
            assert not np.array_equal(one, other)
        for one, other in zip(draws, calls(), strict=True):
            np.testing.assert_array_equal(one, other)

    def check_a_circuit_without_registers_is_warned_of(self):
        with pytest.warns(UserWarning, match="no output classical registers"):
            result = self.run((entangled(), ROWS[0]))
        assert list(result[0].data) == []
        assert result[0].data.shape == (3,)

    def check_a_circuit_that_measures_nothing(self):
        circuit = QuantumCircuit(1, 2)
        circuit.h(0)
        assert self.run(circuit, shots=9)[0].data.c.get_counts() == {"00": 9}

    def check_errors(self):
        circuit = measured()
        middle = QuantumCircuit(1, 1)
        middle.measure(0, 0)
        middle.h(0)
        for pub, options, error in (
            ((circuit,), {}, ValueError),
            ((circuit, ROWS[..., :1]), {}, ValueError),
            ((circuit, ROWS, 0), {}, ValueError),
            ((circuit, ROWS), {"shots": -1}, ValueError),
            ((circuit, ROWS, 1.5), {}, TypeError),
            ((circuit, ROWS), {"shots": True}, TypeError),
            ((circuit, ROWS, 5, 5), {}, ValueError),
            ((circuit.data[0],), {}, (TypeError, ValueError, AttributeError)),
            ((middle,), {}, Exception),
        ):
            try:
                self.run(pub, **options)
            except error:
                continue
            raise AssertionError(f"accepted {pub} with {options}")


CHECKS = [name for name in dir(SamplerTester) if name.startswith("check_")]


def ours(seed, shots):
    return BatchedStatevectorSampler(seed=seed, dtype=torch.float64, default_shots=shots)


def qiskits(seed, shots):
    return StatevectorSampler(seed=seed, default_shots=shots)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("make", [ours, qiskits])
def test_it_keeps_the_contract(make, check):
    getattr(SamplerTester(make), check)()


class Replaying(StatevectorSampler):
    """Draws the same shots for each row, as Qiskit's sampler does with an integer seed."""

    def __init__(self, seed, shots):  # noqa: ARG002
        super().__init__(seed=7, default_shots=shots)


class Altered(BatchedStatevectorSampler):
    """Ours, with one thing in its results changed."""

    def __init__(self, seed, shots):
        super().__init__(seed=seed, dtype=torch.float64, default_shots=shots)

    def run(self, pubs, *, shots=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            inner = super().run(pubs, shots=shots)
        job = PrimitiveJob(lambda: PrimitiveResult([self.altered(each) for each in inner.result()], {"version": 2}))
        job._submit()
        return job

    def altered(self, result):
        data = {name: self.alter(bits) for name, bits in result.data.items()}
        return SamplerPubResult(DataBin(**data, shape=result.data.shape), result.metadata)


class Reversed(Altered):
    def alter(self, bits):
        return bits.slice_bits(range(bits.num_bits - 1, -1, -1))


class Sorted(Altered):
    def alter(self, bits):
        return BitArray(np.sort(bits.array, axis=-2), bits.num_bits)


class Trimmed(Altered):
    """Leaves out bits that nothing is measured into."""

    def alter(self, bits):
        written = [place for place in range(bits.num_bits) if bits.slice_bits([place]).array.any()]
        return bits.slice_bits(written) if written else bits


class OneRow(Altered):
    def alter(self, bits):
        array = bits.array
        return BitArray(np.broadcast_to(array[(0,) * bits.ndim], array.shape).copy(), bits.num_bits)


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        (Replaying, "check_draws_are_independent"),
        (Reversed, "check_distributions_and_shapes"),
        (Reversed, "check_registers"),
        (Sorted, "check_shots_come_in_random_order"),
        (Trimmed, "check_registers"),
        (OneRow, "check_distributions_and_shapes"),
        (OneRow, "check_draws_are_independent"),
        (OneRow, "check_values_by_name"),
    ],
)
def test_the_tester_rejects_wrong_samplers(wrong, check):
    with pytest.raises(AssertionError):
        getattr(SamplerTester(wrong), check)()


def test_the_tester_wants_the_warning():
    with pytest.raises(pytest.fail.Exception):
        SamplerTester(Reversed).check_a_circuit_without_registers_is_warned_of()
