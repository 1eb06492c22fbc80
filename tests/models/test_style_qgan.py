"""StyleQGAN: what it learns, its circuit, its parts; what it shares with the others is in test_base_*.py."""

import numpy as np
import pytest
import torch
from scipy import stats
from small import images, style, table, train, trained

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import StyleQGAN


@pytest.mark.parametrize("generator", ["quantum", "classical"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 12), (4, 8, 10)])
def test_images_of_any_kind_are_learnt_and_sampled(generator, shape):
    model = style(generator, shape)
    history = train(model, images(shape=shape))
    assert history.phases == ("autoencoder", "adversarial")
    assert history.steps("adversarial", "generator_loss") == [1, 2, 3]
    assert model.sample(5, seed=1).shape == (5, *shape)


@pytest.mark.parametrize("kind", ["variational", "last-qgan"])
def test_other_autoencoders_are_trained_saved_and_loaded(kind, tmp_path):
    model = trained(style(autoencoder=kind))
    assert model.reconstruct(images(3)).shape == (3, 1, 8, 8)
    model.save_pretrained(tmp_path / "model")
    again = StyleQGAN.from_pretrained(tmp_path / "model")
    assert again.config == model.config
    assert torch.equal(again.sample(4, seed=0), model.sample(4, seed=0))


def test_what_does_not_belong_to_a_variational_autoencoder_is_refused():
    with pytest.raises(ArgumentError, match="`kl_weight` has no effect without a variational autoencoder: leave it"):
        train(style(), kl_weight=0.1)
    with pytest.raises(ArgumentError, match="`latent_noise` has no effect with a variational autoencoder: leave it"):
        train(style(autoencoder="variational"), latent_noise=0.1)
    assert "kl_divergence" in train(style(autoencoder="variational"), kl_weight=0.1).names("autoencoder")


def test_the_decoder_is_trained_between_the_autoencoder_and_the_generator():
    plain, model = style("classical"), style("classical")
    train(plain)
    history = train(model, decoder_steps=3, decoder_width=4)
    assert history.phases == ("autoencoder", "decoder", "adversarial")
    encoded, expected = (each.encoded(images()) for each in (model, plain))
    assert torch.equal(encoded, expected)  # the encoder is left alone, and with it what the generator learns
    assert torch.equal(model.sample_latents(4, seed=0), plain.sample_latents(4, seed=0))
    assert not torch.equal(model.decode_latents(encoded), plain.decode_latents(encoded))


def test_a_training_of_the_decoder_that_cannot_be_is_refused():
    with pytest.raises(ArgumentError, match="`decoder` has no effect with `warm_start`"):
        train(trained(style("classical")), decoder_steps=3, warm_start=True)
    for model, data in ((style("classical", autoencoder=None, latent_dim=None), images()), (table(), torch.rand(9, 2))):
        with pytest.raises(ArgumentError, match="`decoder` has no effect without an autoencoder"):
            train(model, data, decoder_steps=3)


def test_the_generator_learns_the_latents_distribution():
    # Two kinds of images, dark and bright: the samples' mean brightness must have both modes.
    generator = torch.Generator().manual_seed(0)
    levels = torch.where(torch.rand(200, 1, 1, 1, generator=generator) < 0.5, 0.1, 0.9)
    data = (levels + 0.05 * torch.randn(200, 1, 8, 8, generator=generator)).clamp(0, 1)
    model = style("classical", critic_width=96)
    train(model, data, steps=250, autoencoder_steps=150, batch_size=64)
    brightness = model.sample(400, seed=0).mean((1, 2, 3))
    assert 0.2 < (brightness < 0.4).float().mean() < 0.8
    assert 0.2 < (brightness > 0.6).float().mean() < 0.8


@pytest.mark.parametrize("control", ["unentangled", "frozen", "fourier"])
def test_controls_of_the_circuit_are_trained_saved_and_told(control, tmp_path):
    model = style(control=control)
    train(model, images())
    assert (model.circuit is None) == (control == "fourier")
    assert f"{control}, 2 qubits" in str(model.summary())
    model.save_pretrained(tmp_path / "model")
    assert torch.equal(StyleQGAN.from_pretrained(tmp_path / "model").sample(3, seed=0), model.sample(3, seed=0))


@pytest.mark.parametrize("scaling", ["range", "quantile", "power"])
@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_tables_come_back_in_their_own_units(scaling, generator):
    rows = np.random.default_rng(0).normal([1000.0, -5.0], [50.0, 0.1], (100, 2))
    model = table(generator=generator, scaling=scaling)
    assert train(model, rows, batch_size=16).phases == ("adversarial",)
    samples = model.sample(50, seed=0)
    assert samples.shape == (50, 2)
    assert (samples[:, 0] > 500).all()
    assert (samples[:, 1] < 0).all()
    if generator == "quantum":
        assert (samples.double().numpy() >= rows.min(0) - 1e-3).all()
        assert (samples.double().numpy() <= rows.max(0) + 1e-3).all()
    with pytest.raises(ArgumentError, match="has no autoencoder"):
        model.reconstruct(rows)


@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_a_table_is_learnt(generator):
    rows = np.random.default_rng(0).beta(6, 2, (500, 2)) * 8 - 3
    distances = []
    for steps in (1, 250 if generator == "quantum" else 1000):
        model = table(generator=generator, critic_width=96)
        train(model, rows, steps=steps, batch_size=64, generator_learning_rate=3e-3)
        samples = model.sample(500, seed=0).numpy()
        distances.append(max(stats.wasserstein_distance(samples[:, i], rows[:, i]) for i in range(2)))
    assert distances[1] < 0.3 * distances[0]


def test_pixels_can_be_generated_without_an_autoencoder():
    model = StyleQGAN(image_shape=(1, 8, 8), autoencoder=None, generator="classical", critic_width=8)
    assert train(model).phases == ("adversarial",)
    assert model.sample(3).shape == (3, 1, 8, 8)


def test_brick_entanglement_takes_even_and_odd_bonds_in_turn():
    even, odd = [(0, 1), (2, 3), (4, 5)], [(1, 2), (3, 4), (5, 0)]
    layers = [even, even, odd, odd]
    layers += [[(b, a) for a, b in pairs] for pairs in layers]
    circuit = style(num_qubits=6, num_layers=8).circuit.circuit
    pairs = [tuple(circuit.find_bit(q).index for q in g.qubits) for g in circuit.data if g.operation.name == "cx"]
    assert pairs == [pair for layer in layers for pair in layer]
    for num_qubits in (1, 2, 3):
        style(num_qubits=num_qubits, num_layers=9)


def test_lengths_follow_from_the_qubits_unless_they_are_given():
    assert (StyleQGAN().noise_dim, StyleQGAN().config.sample_size) == (24, 24)
    assert (style(num_qubits=3).noise_dim, style(num_qubits=3, observables="XYZ").config.sample_size) == (6, 9)
    assert (style(latent_dim=3, noise_dim=5).noise_dim, style(latent_dim=3).config.sample_size) == (5, 3)
    classical = StyleQGAN(image_shape=(1, 8, 8), generator="classical")
    assert (classical.noise_dim, classical.config.sample_size) == (24, 24)


def test_the_published_style_qgan_can_be_built():
    # arXiv 2110.06933: RY RZ RY RZ and a CRY ring per layer, a last RY; 10 D L + 2 D trainable numbers.
    gates = {"rotations": ("ry", "rz", "ry", "rz"), "final_rotations": ("ry",), "entangler": "cry"}
    sizes = {"num_qubits": 3, "num_layers": 2, "noise_dim": 5, "observables": "Z"}
    model = table(3, entanglement="ring", style="cyclic", **gates, **sizes)
    assert sum(p.numel() for p in model.networks["generator"].parameters()) == 10 * 3 * 2 + 2 * 3
    assert trained(model, torch.randn(20, 3)).sample(4).shape == (4, 3)
