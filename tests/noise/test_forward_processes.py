"""Depolarisation against Qiskit's channels; walks against their equations solved in another way."""

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix, Kraus, Pauli
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.noise import DepolarizingProcess, StochasticWalkProcess, sample_by_drowning


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def depolarised(pixel, strength):
    """Probability of 1 of a qubit that holds ``pixel``, after the channel, by Kraus operators."""
    circuit = QuantumCircuit(1)
    circuit.ry(2 * np.arcsin(pixel**0.5), 0)
    weights = {"I": 1 - 3 * strength / 4, "X": strength / 4, "Y": strength / 4, "Z": strength / 4}
    channel = Kraus([weight**0.5 * Pauli(word).to_matrix() for word, weight in weights.items()])
    return DensityMatrix(circuit).evolve(channel).probabilities()[1]


def test_pixels_have_the_mean_and_variance_of_depolarised_qubits():
    process = DepolarizingProcess(10, shots=4)
    x0 = torch.tensor([0.0, 0.2, 0.5, 0.9])
    for step in (0, 4, 9):
        drawn = process.add_noise(x0.expand(20000, 4), torch.full((20000,), step), generator(step)).numpy()
        strength = np.sin(np.pi / 2 * (step + 1) / 10) ** 2
        expected = np.array([depolarised(pixel, strength) for pixel in x0.tolist()])
        np.testing.assert_allclose(drawn.mean(0), expected, atol=0.01)
        np.testing.assert_allclose(drawn.var(0), expected * (1 - expected) / 4, atol=0.004)
        assert set(np.unique(drawn)) <= {0, 0.25, 0.5, 0.75, 1}
    assert process.prior((4000, 2), generator()).mean() == pytest.approx(0.5, abs=0.02)


def ring(levels):
    one = np.eye(levels)
    return np.roll(one, 1, 0) + np.roll(one, -1, 0)


def test_a_classical_walk_is_a_markov_chain():
    process = StochasticWalkProcess(4, levels=6, mixing=1.0, duration=2.0)
    rates = ring(6) - 2 * np.eye(6)
    for step in range(4):
        np.testing.assert_allclose(process.transitions[step], expm(rates * 2.0 * (step + 1) / 4), atol=1e-10)


def test_an_almost_quantum_walk_is_that_of_schroedinger():
    process = StochasticWalkProcess(3, levels=5, mixing=1e-9, duration=1.5)
    expected = np.abs(expm(-1j * ring(5) * 1.5)) ** 2
    np.testing.assert_allclose(process.transitions[-1], expected, atol=1e-7)
    assert np.abs(process.transitions[-1].numpy() - expm((ring(5) - 2 * np.eye(5)) * 1.5)).max() > 0.1


def test_a_mixed_walk_solves_lindblads_equation():
    mixing, hamiltonian = 0.4, ring(3)

    def change(_, flat):
        rho = flat.reshape(3, 3)
        result = -1j * (1 - mixing) * (hamiltonian @ rho - rho @ hamiltonian)
        for j in range(3):
            for k in range(3):
                if j != k:
                    hop = np.zeros((3, 3))
                    hop[j, k] = 1
                    gone = hop.T @ hop
                    result += mixing * (hop @ rho @ hop.T - (gone @ rho + rho @ gone) / 2)
        return result.ravel()

    rho = np.zeros((3, 3), complex)
    rho[1, 1] = 1
    solved = solve_ivp(change, (0, 0.7), rho.ravel(), rtol=1e-10, atol=1e-12).y[:, -1].reshape(3, 3)
    process = StochasticWalkProcess(7, levels=3, mixing=mixing, duration=0.7)
    np.testing.assert_allclose(process.transitions[-1, 1], solved.diagonal().real, atol=1e-8)


def test_walkers_are_found_as_often_as_the_transitions_say_and_end_anywhere():
    process = StochasticWalkProcess(20, levels=5, mixing=0.3)
    drawn = process.add_noise(torch.full((20000, 1, 1, 1), 0.76), torch.full((20000,), 2), generator())
    shares = [float((drawn == level / 4).float().mean()) for level in range(5)]
    np.testing.assert_allclose(shares, process.transitions[2, 3], atol=0.015)
    np.testing.assert_allclose(process.transitions[-1], 0.2, atol=0.005)
    np.testing.assert_allclose(process.transitions.sum(-1), 1, atol=1e-12)
    assert process.prior((4000,), generator()).unique().tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("process", [DepolarizingProcess(20, shots=32), StochasticWalkProcess(20, levels=5)])
def test_a_perfect_network_leads_back(process):
    target = torch.tensor([0.0, 0.25, 1.0, 0.5]).view(1, 1, 2, 2).expand(3, 1, 2, 2)
    seen = []

    def model(x, steps):
        seen.append(int(steps[0]))
        assert x.shape == target.shape
        return target

    torch.testing.assert_close(sample_by_drowning(model, process, (3, 1, 2, 2), generator()), target)
    assert seen == list(range(19, -1, -1))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: DepolarizingProcess(0), "num_steps"),
        (lambda: DepolarizingProcess(shots=0), "shots"),
        (lambda: StochasticWalkProcess(levels=2), "levels"),
        (lambda: StochasticWalkProcess(mixing=0), "mixing"),
        (lambda: StochasticWalkProcess(duration=0), "duration"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ArgumentError, match=f"`{name}`"):
        call()
