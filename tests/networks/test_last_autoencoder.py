import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import LastAutoencoder


def counts(network):
    numbers = [sum(weight.numel() for weight in layer.parameters()) for layer in network]
    return [number for number in numbers if number]


def test_the_layers_are_those_of_the_public_code():
    network = LastAutoencoder((1, 28, 28), 20)
    convolutions = [1 * 16 * 64 + 64, 64 * 16 * 128 + 128]
    assert counts(network.encoder) == [*convolutions, 2 * 128, 6272 * 1024 + 1024, 2 * 1024, 1024 * 20 + 20]
    transposed = [128 * 16 * 64 + 64, 2 * 64, 64 * 16 * 1 + 1]
    assert counts(network.decoder) == [20 * 1024 + 1024, 2 * 1024, 1024 * 6272 + 6272, 2 * 128, *transposed]


def test_latents_are_bounded_and_images_have_their_shape():
    network = LastAutoencoder((4, 8, 12), 5)
    latents = network.encode(torch.rand(3, 4, 8, 12))
    assert latents.shape == (3, 5)
    assert latents.abs().max() < 1
    images = network(torch.rand(3, 4, 8, 12))
    assert images.shape == (3, 4, 8, 12)
    assert 0 <= images.min() <= images.max() <= 1


def test_other_sides_are_refused():
    with pytest.raises(ArgumentError, match="`image_shape` must have sides divisible by 4 for this autoencoder, but"):
        LastAutoencoder((1, 28, 30), 20)
    with pytest.raises(ArgumentError, match=r"`images` must have shape \(N, 1, 8, 8\), but has shape \(2, 3, 8, 8\)"):
        LastAutoencoder((1, 8, 8), 3).encode(torch.rand(2, 3, 8, 8))
