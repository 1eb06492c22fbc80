"""Ways between noise vectors."""

import pytest
import torch
from scipy.spatial import geometric_slerp

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.noise import CategoricalNoise, GaussianNoise, QuantumCircuitNoise, UniformNoise


@pytest.mark.parametrize("source", [GaussianNoise(6), QuantumCircuitNoise(6)])
def test_directions_are_those_of_scipy_and_lengths_change_evenly(source):
    start, end = torch.randn(2, 6, generator=torch.Generator().manual_seed(0)).double()
    places = torch.linspace(0, 1, 7).double()
    found = source.between(start.expand(7, 6), end.expand(7, 6), places)
    units = geometric_slerp((start / start.norm()).numpy(), (end / end.norm()).numpy(), places.numpy())
    lengths = (1 - places) * start.norm() + places * end.norm()
    assert found.numpy() == pytest.approx(units * lengths[:, None].numpy(), abs=1e-7)
    assert torch.equal(found[0], start)
    assert torch.equal(found[-1], end)


def test_normal_vectors_keep_their_usual_length_on_the_way():
    rows = torch.randn(400, 64, generator=torch.Generator().manual_seed(0))
    found = GaussianNoise(64).between(rows[:200], rows[200:], torch.full((200,), 0.5))
    assert float(found.norm(dim=1).mean()) == pytest.approx(8, rel=0.02)


def test_near_and_zero_vectors_have_a_way():
    start = torch.tensor([[1.0, 0, 0], [0, 0, 0], [2, 0, 0]])
    end = torch.tensor([[1.0, 1e-6, 0], [0, 2, 0], [2, 0, 0]])
    found = GaussianNoise(3).between(start, end, torch.full((3,), 0.5))
    assert found.isfinite().all()
    assert found[0].tolist() == pytest.approx([1, 5e-7, 0], abs=1e-7)
    assert found[2].tolist() == pytest.approx([2, 0, 0])


def test_uniform_noise_stays_in_its_cube_and_one_component_goes_straight():
    corner, other = torch.tensor([[1.0, 1]]), torch.tensor([[1.0, -1]])
    assert UniformNoise(2).between(corner, other, torch.tensor([0.5])).tolist() == [[1, 0]]
    assert GaussianNoise(1).between(torch.tensor([[1.0]]), torch.tensor([[-1.0]]), torch.tensor([0.25])).item() == 0.5
    mixed = CategoricalNoise(UniformNoise(2), torch.ones(2))
    start, end = torch.tensor([[1.0, 1, 1, 0]]), torch.tensor([[1.0, -1, 0, 1]])
    assert mixed.between(start, end, torch.tensor([0.25])).tolist() == [[1, 0.5, 0.75, 0.25]]


def test_shapes_and_opposite_directions_are_refused():
    noise = GaussianNoise(2)
    with pytest.raises(ArgumentError, match=r"`end` must have shape \(N, 2\), as `start` has, but has shape \(1, 3\)"):
        noise.between(torch.zeros(1, 2), torch.zeros(1, 3), torch.zeros(1))
    with pytest.raises(ArgumentError, match=r"`places` must have shape \(1,\)"):
        noise.between(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(2))
    with pytest.raises(ArgumentError, match="must not point in opposite directions"):
        noise.between(torch.ones(1, 2), -torch.ones(1, 2), torch.zeros(1))
