import torch
from torch import nn

from qiskit_qgen.networks import ClassicalGenerator, ClassicalGeneratorConfig, Critic, CriticConfig


def test_sizes_and_parameter_counts():
    critic = Critic(24, CriticConfig(width=16, depth=2))
    assert critic(torch.zeros(5, 24)).shape == (5,)
    assert sum(p.numel() for p in critic.parameters()) == (24 * 16 + 16) + (16 * 16 + 16) + (16 + 1)
    generator = ClassicalGenerator(6, 24, ClassicalGeneratorConfig(width=10, depth=3))
    assert generator(torch.zeros(5, 6)).shape == (5, 24)
    assert sum(p.numel() for p in generator.parameters()) == (6 * 10 + 10) + 2 * (10 * 10 + 10) + (10 * 24 + 24)


def test_the_critic_values_each_sample_by_itself():
    torch.manual_seed(0)
    critic, samples = Critic(3), torch.randn(7, 3)
    values = critic.train()(samples)
    assert torch.allclose(values[:1], critic(samples[:1]), atol=1e-6)
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in critic.modules())
