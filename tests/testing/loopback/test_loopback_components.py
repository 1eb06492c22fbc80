"""The sampler by components against density matrices of the whole circuit."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qiskit_qgen.testing.loopback.components import MAX_SMALL, components, sample
from qiskit_qgen.testing.loopback.devices import Device

SHOTS = 40_000


def circuit() -> QuantumCircuit:
    """Return a circuit of Manila of two entangled qubits, one that is rotated and one that is only read."""
    x, y = Parameter("x"), Parameter("y")
    circuit = QuantumCircuit(5, 4)
    circuit.sx(0)
    circuit.rz(2 * y + 0.1, 0)
    circuit.sx(0)
    circuit.barrier()
    circuit.sx(2)
    circuit.rz(x, 2)
    circuit.sx(2)
    circuit.cx(2, 1)
    circuit.barrier()
    circuit.measure([0, 1, 2, 4], [3, 0, 1, 2])
    return circuit


def frequencies(bits: np.ndarray) -> np.ndarray:
    """Return how often each bit string is there, bit 0 the least significant."""
    values = bits @ (1 << np.arange(bits.shape[-1]))
    return np.bincount(values, minlength=1 << bits.shape[-1]) / len(values)


def test_components():
    assert components(circuit()) == [[0], [1, 2], [4]]
    dynamic = QuantumCircuit(3, 1)
    dynamic.measure(0, 0)
    with dynamic.if_test((0, 1)):
        dynamic.x(2)
    assert components(dynamic) == [[0, 2]]


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("noise", [False, True])
def test_distribution_is_that_of_the_whole_circuit(noise, at_once, monkeypatch):
    monkeypatch.setitem(MAX_SMALL, noise, 8 if at_once else 0)
    rows = np.array([[0.4, 1.1], [2.0, -0.3]])  # x, y
    bits = sample(circuit(), rows, SHOTS, Device("manila", noise=noise), seed=3)["c"]
    assert bits.shape == (2, SHOTS, 4)
    for row, values in zip(bits, rows, strict=True):
        bound = circuit().assign_parameters(values)
        if noise:  # a run of Aer on all qubits at once
            simulator = AerSimulator(
                method="density_matrix", noise_model=NoiseModel.from_backend(FakeManilaV2()), seed_simulator=5
            )
            counts = simulator.run(transpile(bound, optimization_level=0), shots=SHOTS).result().get_counts()
            expected = np.array([counts.get(f"{value:04b}", 0) for value in range(16)]) / SHOTS
        else:
            expected = Statevector(bound.remove_final_measurements(inplace=False)).probabilities([1, 2, 4, 0])
        deviation = np.sqrt(2 * np.maximum(expected, 1e-4) / SHOTS)
        assert (np.abs(frequencies(row) - expected) < 5 * deviation).all()


def test_rows_and_seeds_are_independent():
    coin = QuantumCircuit(2, 2)
    coin.sx(0)
    coin.cx(0, 1)
    coin.measure([0, 1], [0, 1])
    device = Device("manila", noise=False)
    bits = [sample(coin, np.zeros((2, 0)), 1000, device, seed)["c"][..., 0] for seed in (1, 2, 1)]
    np.testing.assert_array_equal(bits[0], bits[2])
    assert bits[0].mean(axis=1) == pytest.approx([0.5, 0.5], abs=0.08)
    for first, second in ((bits[0][0], bits[0][1]), (bits[0][0], bits[1][0])):
        assert np.mean(first == second) == pytest.approx(0.5, abs=0.08)


def test_errors_of_a_lone_qubit_add_up_as_on_aer():
    long = QuantumCircuit(1, 1)
    for _ in range(301):
        long.x(0)
        long.barrier()
    long.measure(0, 0)
    noise = NoiseModel.from_backend(FakeManilaV2())
    simulator = AerSimulator(method="density_matrix", noise_model=noise, seed_simulator=7, fusion_enable=False)
    expected = simulator.run(long, shots=SHOTS).result().get_counts()["1"] / SHOTS
    bits = sample(long, np.zeros((1, 0)), SHOTS, Device("manila"), seed=3)["c"]
    assert expected < 0.95
    assert bits.mean() == pytest.approx(expected, abs=5 * np.sqrt(0.5 / SHOTS))
