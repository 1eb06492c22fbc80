import pytest
import torch
from torch.nn import functional as F

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import ConvAutoencoder, ConvAutoencoderConfig

SHAPES = [(1, 8, 8), (3, 27, 33), (4, 28, 28), (1, 64, 64), (2, 8, 64), (3, 9, 15), (1, 33, 32), (1, 11, 8), (3, 63, 8)]


@pytest.mark.parametrize("latent_bound", ["tanh", "norm"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_size_and_channel_count_goes_through(shape, latent_bound):
    torch.manual_seed(0)
    network = ConvAutoencoder(shape, 5, ConvAutoencoderConfig(width=4, hidden=8, latent_bound=latent_bound))
    images = torch.rand(6, *shape)
    latents = network.encode(images)
    rebuilt = network.decode(latents)
    assert latents.shape == (6, 5)
    assert rebuilt.shape == images.shape
    assert rebuilt.min() >= 0
    assert rebuilt.max() <= 1
    if latent_bound == "tanh":
        assert latents.abs().max() <= 1
    else:
        assert latents.mean(0).abs().max() < 1e-5
        assert torch.allclose(latents.var(0, correction=0), torch.ones(5), atol=1e-2)
    F.mse_loss(rebuilt, images).backward()
    assert all(
        weight.grad is not None and weight.grad.abs().sum() > 0
        for weight in network.parameters()
        if weight.requires_grad
    )


@pytest.mark.parametrize("size", range(8, 65))
def test_every_side_comes_back(size):
    network = ConvAutoencoder((1, size, 72 - size), 2, ConvAutoencoderConfig(width=1, hidden=2)).eval()
    assert network(torch.rand(1, 1, size, 72 - size)).shape == (1, 1, size, 72 - size)


def test_two_images_are_learnt():
    torch.manual_seed(0)
    images = torch.rand(2, 1, 8, 8).repeat(4, 1, 1, 1)
    network = ConvAutoencoder((1, 8, 8), 2, ConvAutoencoderConfig(width=8, hidden=16))
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(150):
        loss = F.mse_loss(network(images), images)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # Two images that differ by nothing but noise are distinguished: far below the error of their mean.
    assert loss.item() < 0.1 * (images[0] - images[1]).square().mean().item() / 4


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((1, 7, 28), r"`image_shape\[1\]` must be an integer from 8 to 64, but is 7"),
        ((1, 28, 65), r"`image_shape\[2\]` must be an integer from 8 to 64, but is 65"),
        ((0, 28, 28), r"`image_shape\[0\]` must be a positive integer, but is 0"),
        ((28, 28), r"`image_shape` must have shape \(C, H, W\) as three integers"),
        (28, r"`image_shape` must have shape \(C, H, W\) as three integers"),
    ],
)
def test_bad_image_shapes_are_refused(shape, text):
    with pytest.raises(ArgumentError, match=text):
        ConvAutoencoder(shape, 4)


def test_images_of_another_shape_are_refused():
    with pytest.raises(ArgumentError, match=r"`images` must have shape \(N, 1, 8, 8\), but has shape \(2, 1, 8, 9\)"):
        ConvAutoencoder((1, 8, 8), 4).encode(torch.zeros(2, 1, 8, 9))
