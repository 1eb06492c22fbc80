"""Build the networks of a StyleQGAN and its training phases from its settings."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_shape, renamed_arguments
from qiskit_qgen._settings import Settings
from qiskit_qgen.circuits import ParametrizedCircuit, style_ansatz
from qiskit_qgen.circuits.observables import build_observables
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models.base.categories import categorizer
from qiskit_qgen.models.base.codecs import PixelCodec, RowCodec, decode, encode
from qiskit_qgen.models.style_qgan.config import QuantumGeneratorConfig, StyleQGANConfig, StyleQGANTraining
from qiskit_qgen.networks import (
    AbstractNormalizer,
    ClassicalGenerator,
    ConvAutoencoder,
    ConvAutoencoderConfig,
    ConvCritic,
    ConvCriticConfig,
    Critic,
    LastAutoencoder,
    LastAutoencoderConfig,
    LatentNormalizer,
    PowerNormalizer,
    QuantileNormalizer,
    QuantumStyleGenerator,
    RangeNormalizer,
    VariationalAutoencoder,
    VariationalAutoencoderConfig,
)
from qiskit_qgen.networks.quantum_generator import WIDEST_START, last_rotations
from qiskit_qgen.noise import AbstractNoise, GaussianNoise, QuantumCircuitNoise
from qiskit_qgen.training import AbstractPhase, DecoderPhase, ReconstructionPhase, WassersteinPhase
from qiskit_qgen.training.distributed import share_tensors

_LATENT_SPREAD = 0.25  # of expectation values, for one standard deviation of a latent


def build_circuit(config: StyleQGANConfig) -> ParametrizedCircuit | None:
    """Return the generator's ansatz, or None for a classical generator.

    Raises:
        ArgumentError: If the ansatz does not exist, or its last gates do not fit the initialization.
    """
    generator = config.generator
    if not isinstance(generator, QuantumGeneratorConfig):
        return None
    circuit = generator.ansatz or style_ansatz(
        generator.num_qubits,
        generator.num_layers,
        rotations=generator.rotations,
        entanglement=generator.entanglement,
        entangler=generator.entangler,
        final_rotations=generator.final_rotations,
    )
    if generator.init == "gaussian":
        last_rotations(circuit)
    return circuit


def build_codec(config: StyleQGANConfig) -> nn.Module:
    """Return the codec between data and the vectors that the generator learns."""
    if config.image_shape is None:
        return RowCodec()
    if config.autoencoder is None:
        return PixelCodec(config.image_shape)
    if isinstance(config.autoencoder, ConvAutoencoderConfig):
        return ConvAutoencoder(config.image_shape, config.sample_size, config.autoencoder)
    if isinstance(config.autoencoder, VariationalAutoencoderConfig):
        return VariationalAutoencoder(config.image_shape, config.sample_size, config.autoencoder)
    if isinstance(config.autoencoder, LastAutoencoderConfig):
        return LastAutoencoder(config.image_shape, config.sample_size)
    return copy.deepcopy(config.autoencoder)


def build_normalizer(config: StyleQGANConfig) -> AbstractNormalizer:
    """Return the map from these vectors to the generator's space."""
    if config.image_shape is not None:
        return LatentNormalizer(config.sample_size, config.latent_transform if config.has_autoencoder else "none")
    if config.scaling == "none":
        return LatentNormalizer(config.sample_size, "none")
    kinds: dict[str, Callable[[int], AbstractNormalizer]] = {
        "range": RangeNormalizer,
        "quantile": QuantileNormalizer,
        "power": PowerNormalizer,
    }
    return kinds[config.scaling](config.sample_size)


def build_generator(config: StyleQGANConfig, circuit: ParametrizedCircuit | None) -> nn.Module:
    """Return the generator."""
    options = config.generator
    if not isinstance(options, QuantumGeneratorConfig) or circuit is None:
        assert not isinstance(options, QuantumGeneratorConfig)  # noqa: S101 - it has a circuit
        start = 1.0 if config.has_autoencoder else WIDEST_START  # that of a circuit in its place
        return ClassicalGenerator(
            config.noise_size, config.sample_size, options, start_std=start, num_categories=config.num_categories
        )
    usual = _LATENT_SPREAD if config.has_autoencoder else 1.0
    return QuantumStyleGenerator(
        circuit,
        noise_dim=config.noise_size,
        observables=build_observables(options.observables, options.num_qubits)[: config.sample_size],
        readout_std=usual if options.readout_std is None else options.readout_std,
        init=options.init,
        init_scale=options.init_scale,
        style=options.style,
        control=options,
        num_categories=config.num_categories,
    )


def build_critic(config: StyleQGANConfig) -> nn.Module:
    """Return the critic."""
    seen = config.sample_size + config.num_categories
    return ConvCritic(seen) if isinstance(config.critic, ConvCriticConfig) else Critic(seen, config.critic)


def build_noise(config: StyleQGANConfig) -> AbstractNoise:
    """Return the noise source, without the category."""
    if isinstance(config.noise, AbstractNoise):
        return config.noise
    return (QuantumCircuitNoise if config.noise == "quantum" else GaussianNoise)(config.continuous_size)


def build_phases(
    config: StyleQGANConfig,
    networks: dict[str, Any],
    samples: Tensor,
    labels: Tensor | None,
    noise: AbstractNoise,
    training: StyleQGANTraining,
    seed: int,
    *,
    warm_start: bool,
) -> list[AbstractPhase]:
    """Return the phases of the autoencoder and its decoder, if trained, and the adversarial phase on its latents.

    Args:
        config: The model's settings.
        networks: The model's networks by name.
        samples: Training data, checked.
        labels: Their labels (N,), of a model with classes.
        noise: The generator's source of noise.
        training: How to train.
        seed: Seed of the run.
        warm_start: Whether to keep autoencoder, normalizer and clusters.
    """
    codec, normalizer = networks["autoencoder"], networks["normalizer"]
    device = next(networks["generator"].parameters()).device
    _check_autoencoder_training(config, training, warm_start=warm_start)
    if isinstance(config.autoencoder, nn.Module):
        _check_own_autoencoder(config, codec, samples[:2].to(device))

    def latents() -> Tensor:
        encoded = encode(codec, samples.to(device))
        if not warm_start:
            normalizer.fit(encoded)
            share_tensors(normalizer.state_dict().values())  # the signs of components may differ between computers
        normalized: Tensor = normalizer(encoded)
        return normalized

    def to_images(generated: Tensor) -> Tensor:
        return decode(codec, normalizer.inverse(generated), is_image=True)

    adversarial = WassersteinPhase(
        networks["generator"],
        networks["critic"],
        noise,
        latents,
        options=training,
        sample_shape=(config.sample_size,),
        seed=seed,
        modules={name: networks[name] for name in ("normalizer", "categories") if name in networks},
        categories=categorizer(networks.get("categories"), labels, warm_start=warm_start),
        to_images=None if config.image_shape is None else to_images,
    )
    if not config.has_autoencoder:
        return [adversarial]
    steps = 0 if warm_start else training.autoencoder.steps
    with renamed_arguments({"steps": "autoencoder_steps"}):
        first = ReconstructionPhase(
            codec, samples, options=training.autoencoder, num_steps=steps, batch_size=training.batch_size, seed=seed
        )
    if not training.decoder.steps:
        return [first, adversarial]
    with renamed_arguments({"batch_size": "decoder_batch_size"}):
        second = DecoderPhase(
            codec,
            samples,
            labels,
            options=training.decoder,
            absolute_error=training.autoencoder.absolute_error,
            batch_size=max(training.batch_size // 4, 2),
            seed=seed,
        )
    return [first, second, adversarial]


@torch.no_grad()
def _check_own_autoencoder(config: StyleQGANConfig, codec: Any, images: Tensor) -> None:
    """Raise unless the caller's module maps images to latents and back.

    Raises:
        ArgumentError: If its result has another shape.
    """
    codec.eval()
    latents = codec.encode(images)
    expected = (len(images), config.sample_size)
    check_shape("autoencoder", latents.shape, f"{expected} of what `encode` returns", tuple(latents.shape) == expected)
    decoded = codec.decode(latents)
    fits = tuple(decoded.shape) == tuple(images.shape)
    check_shape("autoencoder", decoded.shape, f"{tuple(images.shape)} of what `decode` returns", fits)


def _check_autoencoder_training(config: StyleQGANConfig, training: StyleQGANTraining, *, warm_start: bool) -> None:
    """Raise unless the autoencoder's training settings have an effect, and the autoencoder is trained if necessary."""
    if warm_start:
        training.refuse(("autoencoder", "decoder"), "with `warm_start`, which keeps the autoencoder as it is")
    if not config.has_autoencoder:
        training.refuse(("autoencoder", "decoder"), "without an autoencoder")
    elif isinstance(config.autoencoder, VariationalAutoencoderConfig):
        training.autoencoder.refuse(("latent_noise", "latent_shape"), "with a variational autoencoder")
    else:
        training.autoencoder.refuse(("kl_weight",), "without a variational autoencoder")
    if isinstance(config.autoencoder, Settings) and training.autoencoder.steps == 0:
        raise ArgumentError(
            "Argument `autoencoder_steps` must be a positive integer for the built-in autoencoder, which would stay "
            "untrained, but is 0: to keep a trained one, pass its module as the model's `autoencoder`."
        )
