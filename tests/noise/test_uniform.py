import torch
from scipy import stats

from qiskit_qgen.noise import UniformNoise


def test_components_are_uniform_and_independent():
    noise = UniformNoise(3)
    vectors = noise.sample(4000, torch.Generator().manual_seed(0))
    assert vectors.shape == (4000, 3)
    assert vectors.dtype == torch.float32
    assert stats.kstest(vectors.flatten().numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert (torch.corrcoef(vectors.T) - torch.eye(3)).abs().max() < 0.06
    assert torch.equal(vectors, noise.sample(4000, torch.Generator().manual_seed(0)))
    assert repr(noise) == "UniformNoise(dim=3)"
