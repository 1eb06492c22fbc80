"""The phases of a StyleQGAN's training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from qiskit_qgen._checks import renamed_arguments
from qiskit_qgen.models.codecs import decode, encode
from qiskit_qgen.models.style_arguments import has_autoencoder, latent_size
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training import (
    AbstractPhase,
    ReconstructionOptions,
    ReconstructionPhase,
    WassersteinOptions,
    WassersteinPhase,
)
from qiskit_qgen.training.distributed import share_tensors


def build_phases(
    arguments: Mapping[str, Any],
    networks: dict[str, Any],
    samples: Tensor,
    noise: AbstractNoise,
    options: tuple[ReconstructionOptions, WassersteinOptions],
    budget: Mapping[str, int],
    *,
    warm_start: bool,
) -> list[AbstractPhase]:
    """Return the autoencoder's phase, if there is one, and the adversarial phase on its latents.

    Args:
        arguments: The model's arguments, checked.
        networks: The model's networks by name.
        samples: Training data, checked.
        noise: The generator's source of noise.
        options: How each phase trains.
        budget: `autoencoder_steps`, `steps`, `batch_size` and `seed`.
        warm_start: Whether the normalizer is kept as it is, in place of being fitted to the data.
    """
    batch_size, seed = budget["batch_size"], budget["seed"]
    codec, normalizer = networks["autoencoder"], networks["normalizer"]
    modules: dict[str, nn.Module] = {"normalizer": normalizer}

    def latents() -> Tensor:
        encoded = encode(codec, samples)
        if not warm_start:
            normalizer.fit(encoded)
            share_tensors(normalizer.state_dict().values())  # the signs of components may differ between computers
        normalized: Tensor = normalizer(encoded)
        return normalized

    def to_images(generated: Tensor) -> Tensor:
        return decode(codec, normalizer.inverse(generated), is_image=True)

    second = WassersteinPhase(
        networks["generator"],
        networks["critic"],
        noise,
        latents,
        options=options[1],
        sample_shape=(latent_size(arguments),),
        num_steps=budget["steps"],
        batch_size=batch_size,
        seed=seed,
        modules=modules,
        to_images=None if arguments["image_shape"] is None else to_images,
    )
    if not has_autoencoder(arguments):
        return [second]
    with renamed_arguments({"num_steps": "autoencoder_steps"}):
        first = ReconstructionPhase(
            codec,
            samples,
            options=options[0],
            num_steps=budget["autoencoder_steps"],
            batch_size=batch_size,
            seed=seed,
        )
    return [first, second]
