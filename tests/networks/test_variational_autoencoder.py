import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import VariationalAutoencoder, VariationalAutoencoderConfig


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 27, 33), (4, 28, 28)])
def test_every_size_and_channel_count_goes_through(shape):
    torch.manual_seed(0)
    network = VariationalAutoencoder(shape, 5, VariationalAutoencoderConfig(width=4, hidden=8))
    images = torch.rand(6, *shape)
    means, spreads = network.posterior(images)
    assert means.shape == spreads.shape == (6, 5)
    assert (spreads > 0).all()
    rebuilt = network.decode(means + spreads * torch.randn(6, 5))
    assert rebuilt.shape == images.shape
    assert rebuilt.min() >= 0
    assert rebuilt.max() <= 1
    ((rebuilt - images).square().mean() + spreads.log().mean()).backward()
    assert all(weight.grad.abs().sum() > 0 for weight in network.parameters())


def test_latents_are_the_means():
    network = VariationalAutoencoder((1, 8, 8), 3, VariationalAutoencoderConfig(width=4, hidden=8)).eval()
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(network.encode(images), network.posterior(images)[0])
    assert torch.equal(network(images), network.decode(network.encode(images)))


def test_other_images_are_refused():
    with pytest.raises(ArgumentError, match=r"`images` must have shape \(N, 1, 8, 8\), but has shape \(2, 1, 8, 9\)"):
        VariationalAutoencoder((1, 8, 8), 3).encode(torch.rand(2, 1, 8, 9))
    with pytest.raises(ArgumentError, match=r"`image_shape\[1\]` must be an integer from 8 to 64, but is 7"):
        VariationalAutoencoder((1, 7, 8), 3)
