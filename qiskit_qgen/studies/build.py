"""The models of studies, built from a study's settings: the one place that knows the models' arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast

from torch import nn

from qiskit_qgen._checks import check_choice, check_type
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.networks.bottleneck_gates import QUANTUM, Bottleneck

AUTOENCODER_OPTIONS = (
    "latent_dim", "autoencoder_width", "autoencoder_hidden", "latent_bound", "autoencoder_learning_rate",
    "autoencoder_weight_decay", "autoencoder_warmup", "absolute_error", "latent_noise", "latent_shape",
)  # fmt: skip
"""The arguments of StyleQGAN that concern the autoencoder."""
_SET_BY_STUDY: dict[type, tuple[str, ...]] = {
    HybridGAN: ("image_shape", "quantum_in"),
    QuantumDiffusion: ("image_shape", "bottleneck", "num_classes", "label_dropout", "guidance"),
    StyleQGAN: (
        "image_shape", "num_qubits", "num_layers", "num_features", "generator", "generator_width", "autoencoder",
        "scaling", "critic_width", *AUTOENCODER_OPTIONS,
    ),
}  # fmt: skip


def further_arguments(model_class: type, given: Any, *, name: str = "model") -> dict[str, Any]:
    """Return a study's further arguments of a model, whose names are known and not set by the study itself.

    Args:
        model_class: The model's class.
        given: A mapping of arguments, or None for none.
        name: What the study calls ``given``.

    Raises:
        ArgumentError: If a name is unknown.
        ArgumentTypeError: If ``given`` is no mapping.
    """
    arguments = dict(check_type(name, {} if given is None else given, Mapping, "a mapping of arguments"))
    known = [each for each in inspect.signature(model_class).parameters if each not in _SET_BY_STUDY[model_class]]
    for each in arguments:
        check_choice(name, each, known)
    return arguments


def build_hybrid(image_shape: Sequence[int], place: str, options: Any) -> HybridGAN:
    """Return an untrained model with its circuits in ``place``."""
    shape: Any = tuple(image_shape)
    return HybridGAN(shape, cast("Any", place), **further_arguments(HybridGAN, options))


def build_diffusion(image_shape: Sequence[int], bottleneck: str, options: Any) -> QuantumDiffusion:
    """Return an untrained model with a bottleneck; what makes a gate or a circuit is left out where there is none."""
    idle = {"plain": ("num_qubits", "num_layers")}.get(bottleneck, () if bottleneck in QUANTUM else ("num_layers",))
    given = further_arguments(QuantumDiffusion, options)
    kept = {name: value for name, value in given.items() if name not in idle}
    channels, height, width = image_shape
    return QuantumDiffusion((channels, height, width), cast("Bottleneck", bottleneck), **kept)


def build_autoencoder(image_shape: Sequence[int], options: Mapping[str, Any]) -> StyleQGAN:
    """Return an untrained model with the autoencoder of these options; its generator is of no use.

    Raises:
        ArgumentError: If an option is none of the autoencoder's, or out of range.
    """
    channels, height, width = image_shape
    if unknown := [name for name in options if name not in AUTOENCODER_OPTIONS]:
        raise ArgumentError(
            "Argument `autoencoder` must hold options of the autoencoder only, which are "
            f"{', '.join(AUTOENCODER_OPTIONS)}, but holds `{unknown[0]}`."
        )
    return StyleQGAN((channels, height, width), generator="classical", **options)


def arguments_by_kind(model: Any, quantum_model: Any, classical_model: Any) -> dict[str, dict[str, Any]]:
    """Return the further arguments of models with a quantum and with a classical generator.

    Args:
        model: Those of both.
        quantum_model: Those of a quantum generator only; they come before ``model``.
        classical_model: Those of a classical one only.

    Raises:
        ArgumentError: If a name is unknown, or set by the study itself.
        ArgumentTypeError: If one is neither a mapping nor None.
    """
    both = further_arguments(StyleQGAN, model)
    return {
        "quantum": both | further_arguments(StyleQGAN, quantum_model, name="quantum_model"),
        "classical": both | further_arguments(StyleQGAN, classical_model, name="classical_model"),
    }


def build_capacity_model(
    configuration: Mapping[str, Any], autoencoder: nn.Module, latent_dim: int, image_shape: Sequence[int]
) -> StyleQGAN:
    """Return the untrained model of a trial of the capacity study."""
    quantum = configuration["generator"] == "quantum"
    names = ("num_qubits", "num_layers") if quantum else ("generator_width",)
    channels, height, width = image_shape
    return StyleQGAN(
        (channels, height, width),
        generator=configuration["generator"],
        autoencoder=autoencoder,
        latent_dim=latent_dim,
        critic_width=configuration["critic_width"],
        **{name: configuration[name] for name in names},
        **configuration["training"]["model"][configuration["generator"]],
    )


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
