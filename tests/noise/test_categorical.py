import numpy as np
import pytest
import torch
from scipy import stats

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.noise import CategoricalNoise, GaussianNoise, QuantumCircuitNoise


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_vectors_are_noise_of_the_source_and_a_unit_vector_of_the_given_frequency():
    frequencies = [0.5, 0.0, 0.2, 0.3]
    noise = CategoricalNoise(GaussianNoise(3), torch.tensor(frequencies))
    assert (noise.dim, noise.num_categories, GaussianNoise(3).num_categories) == (7, 4, 0)
    drawn = noise.sample(4000, generator())
    assert torch.equal(drawn[:, 3:].sum(1), torch.ones(4000))
    counts = drawn[:, 3:].sum(0).numpy()
    assert counts[1] == 0
    kept = [0, 2, 3]
    assert stats.chisquare(counts[kept], 4000 * np.array(frequencies)[kept]).pvalue > 0.001
    assert stats.kstest(drawn[:, :3].flatten().numpy(), "norm").pvalue > 0.001
    assert torch.equal(noise.sample(9, generator(3)), noise.sample(9, generator(3)))


def test_categories_can_be_asked_for_and_replaced():
    noise = CategoricalNoise(GaussianNoise(2), torch.ones(3))
    asked = torch.tensor([2, 0, 0, 1])
    drawn = noise.sample_of(asked, generator())
    assert torch.equal(drawn[:, 2:].argmax(1), asked)
    other = noise.with_categories(drawn, torch.tensor([1, 1, 1, 1]))
    assert torch.equal(other[:, :2], drawn[:, :2])
    assert torch.equal(other[:, 2:], torch.tensor([[0.0, 1.0, 0.0]]).expand(4, 3))


def test_probabilities_may_be_filled_later():
    frequencies = torch.ones(2)
    noise = CategoricalNoise(GaussianNoise(1), frequencies)
    frequencies.copy_(torch.tensor([0.0, 1.0]))
    assert noise.sample(50, generator())[:, 2].min() == 1


def test_a_circuit_may_feed_the_continuous_part():
    source = QuantumCircuitNoise(4, num_qubits=4, bits=6)
    drawn = CategoricalNoise(source, torch.ones(2)).sample(500, generator())
    assert torch.equal(drawn[:, :4], source.sample(500, generator()))


@pytest.mark.parametrize("probabilities", [[], [0.0, 0.0], [0.5, -0.1], [float("nan"), 1.0], [[1.0]]])
def test_bad_probabilities_are_refused(probabilities):
    with pytest.raises(ArgumentError, match="`probabilities` must be a vector of finite numbers, none negative"):
        CategoricalNoise(GaussianNoise(2), torch.tensor(probabilities))


def test_a_source_is_needed():
    with pytest.raises(ArgumentTypeError, match="`continuous` must be a source of noise, but is of type int"):
        CategoricalNoise(2, torch.ones(2))
