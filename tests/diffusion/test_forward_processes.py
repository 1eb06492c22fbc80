"""Depolarisation against Qiskit's channels; walks against their equations solved in another way."""

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix, Kraus, Pauli
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from qiskit_qgen.diffusion import DepolarizingProcess, StochasticWalkProcess, process_sample
from qiskit_qgen.exceptions import ArgumentError


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
        np.testing.assert_allclose(process.transitions[step], expm(rates * 2.0 * ((step + 1) / 4) ** 2), atol=1e-10)


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
    drawn = process.add_noise(torch.full((20000, 1, 1, 1), 0.75), torch.full((20000,), 2), generator())
    shares = [float((drawn == level / 4).float().mean()) for level in range(5)]
    np.testing.assert_allclose(shares, process.transitions[2, 3], atol=0.015)
    np.testing.assert_allclose(process.transitions[-1], 0.2, atol=0.005)
    np.testing.assert_allclose(process.transitions.sum(-1), 1, atol=1e-12)
    assert process.prior((4000,), generator()).unique().tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("process", [DepolarizingProcess(20, shots=4), StochasticWalkProcess(20, levels=5, mixing=0.3)])
@pytest.mark.parametrize(("step", "earlier"), [(19, 15), (12, 11), (9, 2), (1, 0)])
def test_going_back_from_what_was_drowned_gives_what_was_drowned_less(process, step, earlier):
    x0 = torch.tensor([0.0, 0.25, 0.6, 1.0]).expand(20000, 4)
    drowned = process.add_noise(x0, torch.full((20000,), step), generator(1))
    back = process.go_back(drowned, x0, step, earlier, generator(2))
    expected = process.add_noise(x0, torch.full((20000,), earlier), generator(3))
    for level in (0, 0.25, 0.5, 0.75, 1):
        shares = [(each == level).double().mean(0) for each in (back, expected)]
        torch.testing.assert_close(*shares, atol=0.02, rtol=0)
    # Near steps are near: a shot or a walker mostly stays where it was.
    if step - earlier == 1 and step > 5:
        assert float((back == drowned).float().mean()) > 0.6


def test_pixels_between_two_levels_keep_their_mean():
    process = StochasticWalkProcess(10, levels=3, mixing=1.0, duration=1e-9)
    drawn = process.add_noise(torch.full((20000, 1), 0.15), torch.zeros(20000, dtype=torch.int64), generator())
    assert drawn.unique().tolist() == [0, 0.5]
    assert drawn.mean() == pytest.approx(0.15, abs=0.01)


def said_of(process, x0):
    """What a perfect network says if the clean image is ``x0``."""
    if process.num_outputs == 1:
        return 2 * x0 - 1
    levels = (x0 * (process.levels - 1)).long()
    return torch.nn.functional.one_hot(levels, process.levels).movedim(-1, 2).flatten(1, 2) * 100.0


@pytest.mark.parametrize("process", [DepolarizingProcess(20, shots=32), StochasticWalkProcess(20, levels=5)])
def test_a_perfect_network_leads_back(process):
    target = torch.tensor([0.0, 0.25, 1.0, 0.5]).view(1, 1, 2, 2).expand(3, 2, 2, 2)
    seen = []

    def model(x, steps):
        seen.append(int(steps[0]))
        assert x.shape == target.shape
        return said_of(process, target)

    end = process.prior(tuple(target.shape), generator())
    torch.testing.assert_close(process_sample(model, process, end, generator()), target)
    assert seen == list(range(19, -1, -1))
    seen.clear()
    process_sample(model, process, end, generator(), steps=[19, 9, 3])
    assert seen == [19, 9, 3]
    torch.testing.assert_close(process.error(model(target, torch.zeros(3)), target), torch.zeros(3))


def test_the_scores_of_levels_are_probabilities_that_are_drawn():
    process = StochasticWalkProcess(20, levels=4)
    scores = torch.tensor([0.1, 0.2, 0.3, 0.4]).log().view(1, 4, 1, 1).expand(20000, 4, 1, 1)
    drawn = process.clean(scores, generator()).flatten()
    shares = [float(((drawn * 3).round() == level).float().mean()) for level in range(4)]
    np.testing.assert_allclose(shares, [0.1, 0.2, 0.3, 0.4], atol=0.012)
    torch.testing.assert_close(process.clean(scores[:1], None).item(), (0.2 + 2 * 0.3 + 3 * 0.4) / 3)
    pixels = torch.tensor([0.0, 0.0, 1.0, 0.5]).view(4, 1, 1, 1)
    constant = process.constant_output(pixels).exp()
    torch.testing.assert_close(constant, torch.tensor([0.5, 0.125, 0.125, 0.25]))
    # Half-way between two levels, the best that can be said is one half of each.
    error = process.error(scores[:1], torch.full((1, 1, 1, 1), 0.5))
    torch.testing.assert_close(error, -torch.tensor([0.2, 0.3]).log().mean().view(1))


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


@pytest.mark.parametrize("levels", [3, 8])
@pytest.mark.parametrize(("step", "earlier"), [(8, 7), (6, 1)])
def test_walkers_that_started_between_two_levels_go_back_to_where_they_were(levels, step, earlier):
    process = StochasticWalkProcess(20, levels=levels, mixing=0.2)
    places = torch.tensor([0.5, 1.3, levels - 1.1], dtype=torch.float64)  # in units of a level
    x0 = (places / (levels - 1)).expand(30000, 3)
    drowned = process.add_noise(x0, torch.full((30000,), step), generator(4))
    back = (process.go_back(drowned, x0, step, earlier, generator(5)) * (levels - 1)).round().long()
    found = torch.stack([(back == level).double().mean(0) for level in range(levels)], 1)
    low = places.floor().long()
    rows = process.transitions[earlier]
    expected = torch.lerp(rows[low], rows[low + 1], (places - low)[:, None])
    torch.testing.assert_close(found, expected, atol=0.012, rtol=0)
