"""Which of a StyleQGAN's arguments have an effect, given the others: the rest must be left out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models.style_arguments import has_autoencoder, has_conv_autoencoder


class _Rule(NamedTuple):
    names: tuple[str, ...]
    """Arguments"""
    effective: Callable[[Mapping[str, Any]], bool]
    """that have an effect if this holds,"""
    otherwise: str
    """and none in this case."""


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

_RULES = (
    _Rule(("num_features", "scaling"), _is_table, "for pictures"),
    _Rule(("generator_width", "generator_depth"), lambda found: not _is_quantum(found), "for generator='quantum'"),
    _Rule(_CIRCUIT + _START, _is_quantum, "for generator='classical'"),
    _Rule(
        ("observables",),
        lambda found: _is_quantum(found) or _sets_latent(found),
        "for generator='classical' unless the length of the latent follows from it",
    ),
    _Rule(
        ("num_qubits",),
        lambda found: _is_quantum(found) or _sets_latent(found) or found["noise_dim"] is None,
        "for generator='classical' unless the length of noise or latent follows from it",
    ),
    _Rule(_LATENT + _AUTOENCODER_TRAINING, has_autoencoder, "without an autoencoder"),
    _Rule(_AUTOENCODER_FORM, has_conv_autoencoder, "without the built-in autoencoder"),
)


def argument_defaults(model_class: type) -> dict[str, Any]:
    """Return the default values of a constructor's arguments, in the form in which they are saved."""
    parameters = inspect.signature(model_class).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}


def refuse_idle(arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raise unless all arguments that have no effect have their defaults.

    Raises:
        ArgumentError: If an argument without effect has another value.
    """
    for name, case in _idle(arguments):
        given, default = arguments[name], defaults[name]
        if type(given) is not type(default) or given != default:
            raise ArgumentError(f"Argument `{name}` has no effect {case}: leave it out.")


def effective_arguments(saved: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return saved arguments completed, with the defaults for those without effect, which could once be given."""
    arguments = {**defaults, **saved}
    return arguments | {name: defaults[name] for name, _ in _idle(arguments)}


def _idle(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the arguments that have no effect, each with the case in which that is so."""
    for rule in _RULES:
        if not rule.effective(arguments):
            yield from ((name, rule.otherwise) for name in rule.names)
