import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import ClassicalBlock, UpsamplingGenerator


def generator(shape, **options):
    return UpsamplingGenerator(ClassicalBlock(5, 5, 15, activation="tanh"), shape, **options)


@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (3, 16, 16), (3, 32, 32), (4, 64, 64), (3, 128, 128), (1, 28, 28), (3, 9, 33)]
)
def test_images_of_each_size_and_channel_count(shape):
    images = generator(shape, width=16)(torch.randn(2, 5))
    assert images.shape == (2, *shape)
    assert 0 <= images.min() < images.max() <= 1


@pytest.mark.parametrize(("side", "sides"), [(8, [4, 8]), (32, [4, 8, 16, 32]), (20, [4, 8, 16, 32])])
def test_each_stage_doubles_the_size_from_four(side, sides):
    network = generator((3, side, side), width=16)
    seen = []
    for module in network.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.register_forward_hook(lambda _, __, output: seen.append(output.shape[-1]))
    network(torch.randn(1, 5))
    assert seen == sides


def test_each_image_depends_on_its_own_noise_alone():
    network, z = generator((3, 16, 16)), torch.randn(4, 5)
    assert torch.allclose(network(z)[1], network(z[1:2])[0], atol=1e-5)
    assert torch.equal(network.decode(network.latents(z)), network(z))


def test_small_vectors_give_the_same_images_as_large_ones_in_their_direction():
    network, latents = generator((1, 16, 16)), torch.randn(4, 5)
    assert torch.allclose(network.decode(0.1 * latents), network.decode(latents), atol=1e-2)
    assert (network.decode(latents)[1:] - network.decode(latents)[:1]).abs().max() > 0.05


def test_noise_of_another_length_is_led_to_the_block_by_a_linear_map():
    network, z = generator((1, 8, 8), noise_dim=9), torch.randn(4, 9)
    assert torch.allclose(network.latents(z), network.block(z @ network.entry.weight.T), atol=1e-6)
    assert sum(p.numel() for p in network.entry.parameters()) == 45


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 8, 8), r"`image_shape\[0\]` must be 1, 3 or 4 channels, but is 2"),
        ((5, 8, 8), r"`image_shape\[0\]` must be 1, 3 or 4 channels"),
        ((1, 4, 8), r"`image_shape\[1\]` must be an integer from 8 to 128"),
        ((1, 8, 129), r"`image_shape\[2\]` must be an integer from 8 to 128"),
        ((8, 8), r"`image_shape` must have shape \(C, H, W\)"),
    ],
)
def test_other_shapes_are_refused(shape, message):
    with pytest.raises(ArgumentError, match=message):
        generator(shape)


def test_other_bad_arguments_are_refused():
    with pytest.raises(ArgumentError, match="`width` must be a multiple of 8"):
        generator((1, 8, 8), width=20)
    with pytest.raises(ArgumentError, match=r"`latents` must have shape \(N, 5\)"):
        generator((1, 8, 8)).decode(torch.zeros(2, 4))


def test_a_category_passes_the_block_by_and_joins_what_it_gives():
    torch.manual_seed(0)
    block = ClassicalBlock(3, 4, 20)
    generator = UpsamplingGenerator(block, (1, 8, 8), noise_dim=3, num_categories=2, width=16)
    z = torch.randn(5, 5)
    latents = generator.latents(z)
    assert generator.num_latents == 6
    assert torch.equal(latents, torch.cat([block(z[:, :3]), z[:, 3:]], 1))
    assert torch.equal(generator(z), generator.decode(latents))
    assert generator.example_inputs(7, torch.Generator())[0].shape == (7, 5)
    other = z.clone()
    other[:, 3:] = 1 - other[:, 3:]
    assert not torch.equal(generator(other), generator(z))
