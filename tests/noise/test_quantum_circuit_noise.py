"""Quantum noise against Qiskit's state vectors, enumerated sums and other executions."""

import itertools
import statistics

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Pauli, Statevector

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.execution import AerExecution, LocalExecution, readout_noise
from qiskit_qgen.noise import NoisePool, QuantumCircuitNoise, noise_circuit, noise_report


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("num_qubits", [1, 2, 3, 6])
def test_each_qubit_of_the_circuit_is_a_fair_coin_and_neighbours_are_tied(num_qubits):
    state = Statevector(noise_circuit(num_qubits, 2, seed=5))
    for qubit in range(num_qubits):
        word = "".join("Z" if each == qubit else "I" for each in reversed(range(num_qubits)))
        assert abs(state.expectation_value(Pauli(word)).real) < 1e-12
    if num_qubits > 1:
        assert abs(state.expectation_value(Pauli("I" * (num_qubits - 2) + "ZZ")).real) > 0.01


def biased_circuit():
    circuit = QuantumCircuit(2)
    circuit.ry(1.1, 0)
    circuit.cx(0, 1)
    circuit.ry(0.4, 1)
    return circuit


def enumerated(circuit, bits):
    """Every sequence of shots with its probability and the numbers that it gives, by the recipe's words."""
    inverse = statistics.NormalDist().inv_cdf
    weights = Statevector(circuit).probabilities()
    ones = [weights[[outcome >> qubit & 1 == 1 for outcome in range(4)]].sum() for qubit in range(2)]
    chances, numbers = [], []
    for sequence in itertools.product(range(4), repeat=bits):
        chances.append(np.prod([weights[outcome] for outcome in sequence]))
        pair = []
        for qubit in range(2):
            low, high = 0.0, 1.0
            for outcome in sequence:
                middle = low + (high - low) * (1 - ones[qubit])
                low, high = (middle, high) if outcome >> qubit & 1 else (low, middle)
            pair.append(inverse((low + high) / 2))
        numbers.append(pair)
    numbers = np.array(numbers) - np.average(numbers, axis=0, weights=chances)
    numbers /= np.sqrt(np.average(numbers**2, axis=0, weights=chances))
    return np.array(chances), numbers


def test_numbers_and_covariance_are_those_of_the_recipe_enumerated():
    chances, numbers = enumerated(biased_circuit(), bits=3)
    noise = QuantumCircuitNoise(2, circuit=biased_circuit(), bits=3)
    expected = np.einsum("s,si,sj->ij", chances, numbers, numbers)
    np.testing.assert_allclose(noise.covariance, expected, atol=1e-6)
    drawn = noise.sample(40000, generator()).numpy()
    found, counts = np.unique(drawn.round(4), axis=0, return_counts=True)
    table = {}
    for chance, pair in zip(chances, numbers.round(4), strict=True):
        key = tuple(np.float32(pair).round(4).tolist())
        table[key] = table.get(key, 0.0) + chance
    for pair, count in zip(found, counts, strict=True):
        near = min(table, key=lambda key: abs(key[0] - pair[0]) + abs(key[1] - pair[1]))
        assert abs(near[0] - pair[0]) + abs(near[1] - pair[1]) < 1e-3
        error = max((table[near] * (1 - table[near]) / 40000) ** 0.5, 1e-4)
        assert abs(count / 40000 - table[near]) < 5 * error


def test_the_covariance_is_that_of_many_draws():
    noise = QuantumCircuitNoise(6, num_qubits=6, reps=2, seed=3)
    drawn = noise.sample(40000, generator(1)).double().numpy()
    np.testing.assert_allclose(np.cov(drawn.T), noise.covariance, atol=0.03)
    assert np.abs(np.triu(noise.covariance, 1)).max() > 0.1


@pytest.mark.parametrize("circuit", [None, biased_circuit()])
def test_it_passes_its_own_report(circuit):
    noise = QuantumCircuitNoise(2, num_qubits=2, circuit=circuit)
    report = noise_report(noise, 40000)
    assert report.passed, report.table()
    assert report.checks[-1].name == "cross-correlation"
    assert report.checks[-1].p_value < 1e-6


def test_few_numbers_are_projected_to_many_of_variance_one():
    noise = QuantumCircuitNoise(20, num_qubits=4, groups=1, seed=2)
    drawn = noise.sample(20000, generator()).double().numpy()
    assert np.linalg.matrix_rank(drawn, rtol=1e-4) == 4
    np.testing.assert_allclose(drawn.var(0), 1, atol=0.06)
    whole = QuantumCircuitNoise(20, num_qubits=4).sample(500, generator()).double().numpy()
    assert np.linalg.matrix_rank(whole, rtol=1e-4) == 20


def test_the_same_generator_gives_the_same_vectors():
    noise = QuantumCircuitNoise(5, num_qubits=3)
    first = noise.sample(7, generator(4))
    assert first.shape == (7, 5)
    assert first.dtype == torch.float32
    assert torch.equal(first, noise.sample(7, generator(4)))
    assert torch.equal(first, QuantumCircuitNoise(5, num_qubits=3).sample(7, generator(4)))
    assert not torch.equal(first, noise.sample(7, generator(5)))
    assert not torch.equal(first, QuantumCircuitNoise(5, num_qubits=3, seed=1).sample(7, generator(4)))


@pytest.mark.parametrize(
    "execution",
    [LocalExecution(seed=1), AerExecution(noise_model=readout_noise(zero_to_one=0.1, one_to_zero=0.02), seed=1)],
)
def test_it_runs_on_an_execution_and_makes_up_for_its_bias(execution):
    noise = QuantumCircuitNoise(3, num_qubits=3, bits=8, execution=execution)
    drawn = noise.sample(4000, generator()).double().numpy()
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.08)
    np.testing.assert_allclose(drawn.var(0), 1, atol=0.12)
    np.testing.assert_allclose(np.cov(drawn.T), noise.covariance, atol=0.1)


def test_a_pool_keeps_what_was_drawn(tmp_path):
    noise = QuantumCircuitNoise(3, num_qubits=3)
    pool = NoisePool.draw(tmp_path / "pool.npy", noise, 5000, seed=2)
    rows = np.load(tmp_path / "pool.npy")
    assert rows.shape == (5000, 3)
    assert len(pool) == 5000
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(rows.std(0), 1, atol=1e-4)
    raw = NoisePool.draw(tmp_path / "raw.npy", noise, 50, seed=2, normalize=False)
    known = {tuple(row) for row in np.load(raw.path).tolist()}
    drawn = raw.sample(30, generator(7))
    assert {tuple(row) for row in drawn.tolist()} <= known
    assert torch.equal(drawn, NoisePool(tmp_path / "raw.npy").sample(30, generator(7)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pool.npy", "raw.npy"]


def test_a_pool_of_something_else_is_refused(tmp_path):
    np.save(tmp_path / "wrong.npy", np.zeros((3, 2)))
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "noise.npy").write_bytes(b"abc")
    for name in ("wrong.npy", "pickle.npy", "noise.npy", "missing.npy"):
        with pytest.raises(DatasetError, match=name):
            NoisePool(tmp_path / name)
    with pytest.raises(DatasetError, match="could not be written"):
        NoisePool.draw(tmp_path / "no" / "pool.npy", QuantumCircuitNoise(2, num_qubits=2), 5)


def test_bad_arguments_are_named():
    parametrised = QuantumCircuit(1)
    parametrised.rx(Parameter("a"), 0)
    for options, name in [
        ({"bits": 0}, "bits"),
        ({"bits": 21}, "bits"),
        ({"num_qubits": 21}, "num_qubits"),
        ({"reps": 0}, "reps"),
        ({"groups": 0}, "groups"),
        ({"circuit": parametrised}, "circuit"),
        ({"circuit": QuantumCircuit(1, 1)}, "circuit"),
        ({"calibration_shots": 10}, "calibration_shots"),
    ]:
        with pytest.raises(ArgumentError, match=f"`{name}`"):
            QuantumCircuitNoise(4, **options)
    for options, name in [({"circuit": "h"}, "circuit"), ({"execution": "aer"}, "execution")]:
        with pytest.raises(ArgumentTypeError, match=f"`{name}`"):
            QuantumCircuitNoise(4, **options)
