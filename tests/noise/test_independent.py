import pytest
import torch
from scipy import stats

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.noise import AbstractNoise, GaussianNoise, UniformNoise


def test_samples_are_standard_normal_and_independent():
    noise = GaussianNoise(4)
    z = noise.sample(20_000, torch.Generator().manual_seed(0))
    assert isinstance(noise, AbstractNoise)
    assert z.shape == (20_000, 4)
    assert z.dtype == torch.float32
    for column in z.T:
        assert stats.kstest(column.numpy(), "norm").pvalue > 1e-3
    correlations = torch.corrcoef(z.T) - torch.eye(4)
    assert correlations.abs().max() < 4 / 20_000**0.5


def test_samples_depend_on_the_generator_alone():
    noise, state = GaussianNoise(3), torch.get_rng_state()
    first = noise.sample(5, torch.Generator().manual_seed(1))
    assert torch.equal(first, noise.sample(5, torch.Generator().manual_seed(1)))
    assert not torch.equal(first, noise.sample(5, torch.Generator().manual_seed(2)))
    assert torch.equal(state, torch.get_rng_state())


def test_bad_sizes_are_refused():
    with pytest.raises(ArgumentError, match="`dim` must be a positive integer, but is 0"):
        GaussianNoise(0)
    with pytest.raises(ArgumentError, match="`num_samples` must be a positive integer, but is -1"):
        GaussianNoise(2).sample(-1, torch.Generator())


def test_components_are_uniform_and_independent():
    noise = UniformNoise(3)
    vectors = noise.sample(4000, torch.Generator().manual_seed(0))
    assert vectors.shape == (4000, 3)
    assert vectors.dtype == torch.float32
    assert stats.kstest(vectors.flatten().numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert (torch.corrcoef(vectors.T) - torch.eye(3)).abs().max() < 0.06
    assert torch.equal(vectors, noise.sample(4000, torch.Generator().manual_seed(0)))
    assert repr(noise) == "UniformNoise(dim=3)"
