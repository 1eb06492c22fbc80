"""Which of a StyleQGAN's arguments have an effect, given the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qiskit_qgen.models.effects import Rule
from qiskit_qgen.models.style_arguments import has_autoencoder, has_conv_autoencoder


def _is_quantum(arguments: Mapping[str, Any]) -> bool:
    return bool(arguments["generator"] == "quantum")


def _is_table(arguments: Mapping[str, Any]) -> bool:
    return arguments["image_shape"] is None


def _sets_latent(arguments: Mapping[str, Any]) -> bool:
    """Whether the length of the latent follows from the number of read-outs."""
    return has_autoencoder(arguments) and arguments["latent_dim"] is None


_CIRCUIT = ("num_layers", "rotations", "final_rotations", "entanglement", "entangler")
_START = ("cyclic_style", "init", "init_scale", "readout_std")
_LATENT = ("latent_dim", "latent_transform", "readout_std")
_AUTOENCODER_FORM = ("autoencoder_width", "autoencoder_hidden", "latent_bound")
_AUTOENCODER_TRAINING = (
    *("autoencoder_learning_rate", "autoencoder_weight_decay", "autoencoder_warmup"),
    *("absolute_error", "latent_noise", "latent_shape"),
)

RULES = (
    Rule(("num_features", "scaling"), _is_table, "for pictures"),
    Rule(("generator_width", "generator_depth"), lambda found: not _is_quantum(found), "for generator='quantum'"),
    Rule(_CIRCUIT + _START, _is_quantum, "for generator='classical'"),
    Rule(
        ("observables",),
        lambda found: _is_quantum(found) or _sets_latent(found),
        "for generator='classical' unless the length of the latent follows from it",
    ),
    Rule(
        ("num_qubits",),
        lambda found: _is_quantum(found) or _sets_latent(found) or found["noise_dim"] is None,
        "for generator='classical' unless the length of noise or latent follows from it",
    ),
    Rule(_LATENT + _AUTOENCODER_TRAINING, has_autoencoder, "without an autoencoder"),
    Rule(_AUTOENCODER_FORM, has_conv_autoencoder, "without the built-in autoencoder"),
)
