import pytest
import torch
from torch import nn

from qiskit_qgen.networks import ClassicalGenerator, ClassicalGeneratorConfig, ConvCritic, Critic, CriticConfig
from qiskit_qgen.networks.critic import SeededDropout, dropout_from


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


def test_a_category_is_left_out_of_the_skip():
    generator = ClassicalGenerator(5, 4, num_categories=2)
    z = torch.randn(6, 5)
    assert torch.equal(generator(z), z[:, [0, 1, 2, 0]])


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


def test_a_halving_critic_of_the_public_last_qgan_code():
    critic = Critic(20, CriticConfig(width=112, depth=2, halving=True, slope=0.01, dropout=0.1, bias=False))
    assert [tuple(each.weight.shape) for each in critic.modules() if isinstance(each, nn.Linear)] == [
        (112, 20),
        (56, 112),
        (1, 56),
    ]
    assert all(each.bias is None for each in critic.modules() if isinstance(each, nn.Linear))
    assert {each.negative_slope for each in critic.modules() if isinstance(each, nn.LeakyReLU)} == {0.01}
    assert [each.rate for each in critic.modules() if isinstance(each, SeededDropout)] == [0.1, 0.1]


def test_the_convolutional_critic_is_the_published_discriminator():
    torch.manual_seed(0)
    critic = ConvCritic(3)
    dense = 200 * 3
    convolutions = [(2 * 9 + 0) * 64 + 64, 64 * 9 * 32 + 32, 32 * 9 * 16 + 16, 16 * 9 * 8 + 8]
    counts = [sum(p.numel() for p in each.parameters()) for each in critic.layers]
    assert [number for number in counts if number] == [dense, *convolutions, 8 * 100 + 1]
    assert critic(torch.randn(5, 3)).shape == (5,)
    first, conv = critic.layers[0].weight, critic.layers[4].weight
    assert first.abs().max() <= (6 / 203) ** 0.5  # Glorot, uniform
    assert conv.std().item() == pytest.approx((2 / (9 * 64 + 9 * 32)) ** 0.5, rel=0.03)  # Glorot, normal


def test_dropout_follows_its_generator_and_keeps_the_mean():
    layer, x = SeededDropout(0.3), torch.ones(2000, 10)
    state = torch.get_rng_state()
    with dropout_from(layer, torch.Generator().manual_seed(1)):
        first = layer(x)
    with dropout_from(layer, torch.Generator().manual_seed(1)):
        assert torch.equal(layer(x), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert first.mean().item() == pytest.approx(1, abs=0.02)
    halves = []
    for index in range(2):
        with dropout_from(layer, torch.Generator().manual_seed(1), (index, 2)):
            halves.append(layer(x[:1000]))
    assert torch.equal(torch.cat(halves), first)
    assert torch.equal(layer.eval()(x), x)
