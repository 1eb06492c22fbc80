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


def test_a_generator_with_a_skip_starts_as_its_noise_and_learns():
    torch.manual_seed(0)
    generator = ClassicalGenerator(3, 5, ClassicalGeneratorConfig(width=4), start_std=0.5)
    z = torch.randn(7, 3)
    assert torch.equal(generator(z), 0.5 * z[:, [0, 1, 2, 0, 1]])
    assert torch.equal(ClassicalGenerator(5, 2)(torch.ones(1, 5)), torch.ones(1, 2))
    generator(z).square().sum().backward()
    last = generator.layers[-1]
    assert last.weight.grad.abs().min() > 0
    with torch.no_grad():
        last.weight -= 0.1 * last.weight.grad
    generator(z).square().sum().backward()
    assert generator.layers[0].weight.grad.abs().max() > 0


def test_without_a_skip_it_is_the_layers_alone():
    generator = ClassicalGenerator(3, 5, ClassicalGeneratorConfig(width=4, skip=False))
    z = torch.randn(7, 3)
    assert torch.equal(generator(z), generator.layers(z))
    assert generator.layers[-1].weight.abs().min() > 0


def test_the_critic_values_each_sample_by_itself():
    torch.manual_seed(0)
    critic, samples = Critic(3), torch.randn(7, 3)
    values = critic.train()(samples)
    assert torch.allclose(values[:1], critic(samples[:1]), atol=1e-6)
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in critic.modules())
