import copy

import pytest
import torch
from torch import nn

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import (
    ConvAutoencoder,
    ConvAutoencoderConfig,
)
from qiskit_qgen.training import DecoderPhase, DecoderTraining, Trainer
from qiskit_qgen.training.phases.decoding import decoder_weights

SHAPE = (1, 8, 8)


class Linear(nn.Module):
    """An autoencoder without non-linearities, whose gradients can be reckoned apart."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(64, 2), nn.Linear(2, 64)

    def encode(self, images):
        return self.down(images.flatten(1))

    def decode(self, latents):
        return self.up(latents).unflatten(1, SHAPE)


def small():
    return ConvAutoencoder(SHAPE, 2, ConvAutoencoderConfig(width=4, hidden=8))


def make(autoencoder, *, steps=3, absolute_error=0.0, images=None, labels=None, **options):
    return DecoderPhase(
        autoencoder,
        torch.rand(10, *SHAPE, generator=torch.Generator().manual_seed(1)) if images is None else images,
        labels,
        options=DecoderTraining(steps=steps, width=4, **options),
        absolute_error=absolute_error,
        batch_size=6,
        seed=0,
    )


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class Plane(nn.Module):
    """A discriminator whose gradient is the same everywhere; no optimizer knows its weights."""

    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.randn(64))

    def forward(self, images):
        return images.flatten(1) @ self.slope


def test_the_adversarial_gradient_has_its_share_of_the_length_of_the_errors():
    network = Linear()
    phase = make(network, adversarial_weight=0.5, absolute_error=0.3)
    phase._discriminator = plane = Plane()
    phase.begin()
    images = phase._images[phase._order.batch(0)]
    with torch.no_grad():
        decoded = network.decode(network.encode(images)).requires_grad_()
    difference = decoded - images
    (error,) = torch.autograd.grad(difference.square().mean() + 0.3 * difference.abs().mean(), decoded)
    phase.train_step(0)
    slope = plane.slope.detach()  # -mean(D) of 6 reconstructions and 6 draws: -slope / 12 in each of 12 rows
    expected = error.flatten(1).sum(0) - 0.5 * error.norm() / (slope.norm() / 12**0.5) * slope
    torch.testing.assert_close(network.up.bias.grad, expected)


def test_only_the_decoder_is_trained():
    network = small()
    before = copy.deepcopy(network).state_dict()
    phase = make(network)
    history = Trainer([phase], seed=0, config={}).run()
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in before if name.startswith("decoder.")}
    assert set(history.names("decoder")) == {"squared_error", "discriminator_loss", "decoder_loss"}


def test_details_that_the_latent_leaves_open_become_sharp():
    """One black and one white image share each latent: the best decoding by squares is grey."""

    class Blind(ConvAutoencoder):
        def encode(self, images):
            unused = 0 * super().encode(images)
            pairs = torch.randn(-(-len(images) // 2), 2, generator=torch.Generator().manual_seed(0))
            return unused + pairs.repeat_interleave(2, 0)[: len(images)]

    distances = []
    for weight in (1e-6, 2.0):
        torch.manual_seed(0)
        network = Blind(SHAPE, 2, ConvAutoencoderConfig(width=4, hidden=8))
        plain = torch.tensor([0.0, 1.0] * 5).view(-1, 1, 1, 1).expand(-1, *SHAPE)
        phase = make(network, images=plain, steps=60, adversarial_weight=weight, learning_rate=0.01)
        Trainer([phase], seed=0, config={}).run()
        with torch.no_grad():
            distances.append(float((network.eval().decode(torch.randn(200, 2)) - 0.5).abs().mean()))
    grey, sharp = distances
    assert sharp > 0.2 > 2 * grey


def test_draws_of_a_mixture_by_label_are_decoded_beside_the_reconstructions():
    network = Linear()
    images = torch.cat([torch.zeros(5, *SHAPE), torch.ones(5, *SHAPE)])
    images += 1e-3 * torch.rand(images.shape, generator=torch.Generator().manual_seed(2))
    phase = make(network, images=images, labels=torch.arange(10) // 5)
    phase.begin()
    with torch.no_grad():
        centers = torch.stack([network.encode(part).mean(0) for part in images.split(5)])
    assert torch.cdist(phase._sampled, centers).amin(1).max() < 0.05 * (centers[0] - centers[1]).norm()
    seen = []
    network.up.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    phase.train_step(0)
    torch.testing.assert_close(seen[0][6:], phase._sampled[phase._order.batch(0)])


def test_the_discriminator_scores_patches_with_a_bounded_slope():
    phase = make(small())
    network = phase._discriminator.eval()
    images = torch.rand(5, *SHAPE)
    assert network(images).shape == (5, 2, 2)
    for layer in network.requires_grad_(False).layers[::2]:  # the normalised weights have the largest singular value 1
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) == pytest.approx(1, abs=0.05)


def test_the_discriminator_starts_from_the_seed_alone():
    first, second = (make(small())._discriminator.state_dict() for _ in range(2))
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_an_autoencoder_without_weights_of_its_decoder_alone_is_refused():
    class Tied(Linear):
        def decode(self, latents):
            return (latents @ self.down.weight).unflatten(1, SHAPE)

    images = torch.rand(2, *SHAPE)
    network = Linear()
    assert {id(each) for each in decoder_weights(network, images)} == {id(each) for each in network.up.parameters()}
    for network in (Tied(), Linear().requires_grad_(False)):
        with pytest.raises(ArgumentError, match="`decoder_steps` must be 0 for an autoencoder"):
            make(network)


def test_previews_show_images_beside_their_reconstructions():
    phase = make(small())
    shown = phase.preview(6, 0)
    assert torch.equal(shown[::2], phase._images[:3])


def test_options_without_steps_are_refused():
    with pytest.raises(ArgumentError, match="`width` has no effect with steps=0"):
        DecoderTraining(width=8)
