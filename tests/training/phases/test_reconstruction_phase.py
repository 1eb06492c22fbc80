import pytest
import torch
from scipy import stats
from torch import nn

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import (
    ConvAutoencoder,
    ConvAutoencoderConfig,
    VariationalAutoencoder,
    VariationalAutoencoderConfig,
)
from qiskit_qgen.training import AutoencoderTraining, ReconstructionPhase, Trainer
from qiskit_qgen.training.phases.reconstruction import _sliced_distance


class Linear(nn.Module):
    """An autoencoder without non-linearities, whose losses can be reckoned apart."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(16, 2), nn.Linear(2, 16)

    def encode(self, images):
        return self.down(images.flatten(1))

    def decode(self, latents):
        return self.up(latents).unflatten(1, (1, 4, 4))


def make(autoencoder=None, images=None, num_steps=3, **options):
    torch.manual_seed(0)
    images = torch.rand(10, 1, 4, 4) if images is None else images
    options = AutoencoderTraining(steps=num_steps, **options)
    return ReconstructionPhase(autoencoder or Linear(), images, options=options, batch_size=4, seed=0)


def test_the_loss_is_the_sum_of_its_parts():
    phase = make(absolute_error=0.3, latent_noise=0.0, latent_shape=0.0)
    images = phase._images[phase._order.batch(0)]
    with torch.no_grad():
        difference = phase._autoencoder.decode(phase._autoencoder.encode(images)) - images
    losses = phase.train_step(0)
    assert losses.keys() == {"loss", "squared_error"}
    assert losses["squared_error"].item() == pytest.approx(difference.square().mean().item())
    expected = difference.square().mean() + 0.3 * difference.abs().mean()
    assert losses["loss"].item() == pytest.approx(expected.item())


def test_latent_noise_and_shape_enter_the_loss():
    plain = make(latent_noise=0.0, latent_shape=0.0).train_step(0)
    noisy = make(latent_noise=5.0, latent_shape=0.0).train_step(0)
    shaped = make(latent_noise=0.0, latent_shape=2.0).train_step(0)
    assert noisy["squared_error"] > 2 * plain["squared_error"]
    assert shaped["squared_error"] == plain["squared_error"]
    assert shaped["loss"].item() == pytest.approx(plain["loss"].item() + 2 * shaped["latent_shape"].item(), rel=1e-5)


def test_a_variational_autoencoder_is_trained_by_the_evidence_bound():
    network = VariationalAutoencoder((1, 8, 8), 3, VariationalAutoencoderConfig(width=4, hidden=8))
    phase = make(network, torch.rand(10, 1, 8, 8), kl_weight=0.5, absolute_error=0.0)
    images = phase._images[phase._order.batch(0)]
    with torch.no_grad():
        network.train()
        means, spreads = network.posterior(images)
        noise = torch.randn(4, 3, generator=phase.step_generator(0))
        squares = (network.decode(means + spreads * noise) - images).square().sum((1, 2, 3))
    normal = torch.distributions.Normal
    divergence = torch.distributions.kl_divergence(normal(means, spreads), normal(0.0, 1.0)).sum(1)
    losses = phase.train_step(0)
    assert losses.keys() == {"loss", "squared_error", "kl_divergence"}
    assert losses["kl_divergence"].item() == pytest.approx(divergence.mean().item(), rel=1e-5)
    # -ln p(x | v) of 64 pixels of variance 0.25 is squares / 0.5, up to a constant: the bound times 0.5 / 64.
    expected = (squares / 0.5 + divergence).mean() * 0.5 / 64
    assert losses["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_heavy_divergence_brings_the_latents_to_the_normal_distribution():
    network = VariationalAutoencoder((1, 8, 8), 2, VariationalAutoencoderConfig(width=4, hidden=16))
    phase = make(network, torch.rand(10, 1, 8, 8), num_steps=60, kl_weight=100.0, learning_rate=0.01)
    first, *_, last = (phase.train_step(step)["kl_divergence"].item() for step in range(60))
    assert last < 0.1 * first


def test_an_autoencoder_may_have_a_batch_of_its_own():
    phase = make(batch_size=7)
    sizes = []
    phase._autoencoder.down.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    phase.train_step(0)
    assert sizes == [7]


def test_the_sliced_distance_is_small_for_normal_latents_only_and_agrees_with_scipy():
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(2000, 3, generator=generator)
    assert _sliced_distance(normal, torch.Generator().manual_seed(1)).item() < 0.02
    # A shift by m moves each projection by m times its direction's component: on average |m|^2 / D.
    shifted = _sliced_distance(normal + torch.tensor([3.0, 0.0, 0.0]), torch.Generator().manual_seed(1)).item()
    assert shifted == pytest.approx(3.0, rel=0.25)
    line = torch.rand(2000, 1, generator=generator) * 4
    other = torch.Generator().manual_seed(2)
    torch.randn(1, 64, generator=other)
    drawn = torch.randn(2000, 1, generator=other)
    mine = _sliced_distance(line, torch.Generator().manual_seed(2)).item()
    # In one dimension all directions are +1 or -1, and W2 >= W1.
    assert (
        mine**0.5
        >= min(
            stats.wasserstein_distance(sign * line[:, 0].numpy(), sign2 * drawn[:, 0].numpy())
            for sign in (1, -1)
            for sign2 in (1, -1)
        )
        - 1e-3
    )


def test_training_lowers_the_error_and_fills_the_history():
    images = torch.rand(3, 1, 8, 8).repeat(10, 1, 1, 1)
    phase = make(ConvAutoencoder((1, 8, 8), 2, ConvAutoencoderConfig(width=4, hidden=16)), images, num_steps=60)
    history = Trainer([phase], seed=0, config={}).run()
    errors = history.values("autoencoder", "squared_error")
    assert sum(errors[-5:]) < 0.7 * sum(errors[:5])


def test_previews_show_images_beside_their_reconstructions_and_leave_the_mode_alone():
    phase = make(ConvAutoencoder((1, 8, 8), 2, ConvAutoencoderConfig(width=2, hidden=4)), torch.rand(10, 1, 8, 8))
    phase._autoencoder.train()
    state = [tensor.clone() for tensor in phase._autoencoder.state_dict().values()]
    shown = phase.preview(6, 0)
    assert shown.shape == (6, 1, 8, 8)
    assert torch.equal(shown[::2], phase._images[:3])
    assert phase._autoencoder.training
    assert all(torch.equal(a, b) for a, b in zip(state, phase._autoencoder.state_dict().values(), strict=True))


def test_steps_without_a_weight_to_train_are_refused():
    with pytest.raises(ArgumentError, match="`steps` must be 0 if no weight of the autoencoder can be trained"):
        make(Linear().requires_grad_(False))
    assert not make(Linear().requires_grad_(False), num_steps=0).optimizers
