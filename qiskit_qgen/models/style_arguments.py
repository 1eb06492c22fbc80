"""The rules for a StyleQGAN's arguments, and the sizes that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from torch import nn

from qiskit_qgen._checks import check_choice, check_float, check_int, check_shape, check_type, renamed_arguments
from qiskit_qgen.circuits.observables import check_paulis
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.networks.autoencoder import LATENT_BOUNDS, check_image_shape
from qiskit_qgen.networks.normalizers import LATENT_TRANSFORMS
from qiskit_qgen.networks.quantum_generator import INITS
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS
from qiskit_qgen.training import ReconstructionOptions, WassersteinOptions

CONV_AUTOENCODER, CUSTOM_AUTOENCODER = "conv", "custom"
_DEFAULT_READOUT_STD = 0.25
_DEFAULT_AUTOENCODER_STEPS = 1500
# Where the autoencoder's options are other arguments than those that bear their names.
_AUTOENCODER_NAMES = {name: f"autoencoder_{name}" for name in ("learning_rate", "betas", "weight_decay", "warmup")}

Options = TypeVar("Options", ReconstructionOptions, WassersteinOptions)


def num_readouts(arguments: Mapping[str, Any]) -> int:
    """Number of observables that the circuit offers."""
    return len(arguments["observables"]) * int(arguments["num_qubits"])


def has_autoencoder(arguments: Mapping[str, Any]) -> bool:
    """Whether the generator works in an autoencoder's latent."""
    return arguments["image_shape"] is not None and arguments["autoencoder"] is not None


def has_conv_autoencoder(arguments: Mapping[str, Any]) -> bool:
    """Whether that autoencoder is the built-in one."""
    return has_autoencoder(arguments) and arguments["autoencoder"] == CONV_AUTOENCODER


def latent_size(arguments: Mapping[str, Any]) -> int:
    """Length of the vectors that the generator makes."""
    if arguments["image_shape"] is None:
        return int(arguments["num_features"])
    if arguments["autoencoder"] is None:
        return math.prod(arguments["image_shape"])
    return int(arguments["latent_dim"] or num_readouts(arguments))


def noise_size(arguments: Mapping[str, Any]) -> int:
    """Length of a noise vector."""
    return int(arguments["noise_dim"] or 2 * arguments["num_qubits"])


def readout_std(arguments: Mapping[str, Any]) -> float:
    """The spread of expectation values that the generator maps to 1."""
    if not has_autoencoder(arguments):
        return 1.0
    value = arguments["readout_std"]
    return _DEFAULT_READOUT_STD if value is None else float(value)


def reconstruction_options(arguments: Mapping[str, Any]) -> ReconstructionOptions:
    """How the autoencoder is trained."""
    return _options(ReconstructionOptions, arguments, _AUTOENCODER_NAMES)


def wasserstein_options(arguments: Mapping[str, Any]) -> WassersteinOptions:
    """How generator and critic are trained."""
    return _options(WassersteinOptions, arguments, {})


def _options(kind: type[Options], arguments: Mapping[str, Any], names: Mapping[str, str]) -> Options:
    """Return options of whose fields each is the argument of its name, or of that in ``names``, where there is one."""
    sources = {field.name: names.get(field.name, field.name) for field in fields(kind)}
    with renamed_arguments(names):
        return kind(**{field: arguments[name] for field, name in sources.items() if name in arguments})


def check_autoencoder_steps(
    arguments: Mapping[str, Any], autoencoder_steps: int | None, *, warm_start: bool = False
) -> int:
    """Return the number of steps of the autoencoder.

    Raises:
        ArgumentError: If the number is negative, 0 for a built-in autoencoder that is untrained, or given to a model
            without one or one that keeps its own.
    """
    if warm_start and autoencoder_steps is not None:
        raise ArgumentError(
            "Argument `autoencoder_steps` must be None if `warm_start` is True, which keeps the autoencoder as it is, "
            f"but is {autoencoder_steps!r}."
        )
    if warm_start:
        return 0
    if has_autoencoder(arguments):
        if autoencoder_steps is None:
            return _DEFAULT_AUTOENCODER_STEPS
        steps = check_int("autoencoder_steps", autoencoder_steps, minimum=0)
        if steps == 0 and has_conv_autoencoder(arguments):
            raise ArgumentError(
                "Argument `autoencoder_steps` must be a positive integer for the built-in autoencoder, which would "
                "stay untrained, but is 0: to keep a trained one, pass its module as the model's `autoencoder`."
            )
        return steps
    if autoencoder_steps is not None:
        raise ArgumentError(
            f"Argument `autoencoder_steps` must be None without an autoencoder, but is {autoencoder_steps!r}."
        )
    return 0


def check_arguments(arguments: dict[str, Any], autoencoder: nn.Module | None) -> dict[str, Any]:
    """Return ``arguments`` in the form in which they are saved.

    Args:
        arguments: The constructor's arguments by name.
        autoencoder: The user's own autoencoder, or None.

    Raises:
        ArgumentError: If an argument is out of range, or does not go with another.
        ArgumentTypeError: If ``autoencoder`` lacks ``encode`` or ``decode``, or a name is not a string.
    """
    checked = dict(arguments)
    most = MAX_QUBITS if arguments["generator"] == "quantum" else None
    checked["num_qubits"] = check_int("num_qubits", arguments["num_qubits"], minimum=1, maximum=most)
    for name in ("num_layers", "generator_width", "generator_depth", "autoencoder_width"):
        checked[name] = check_int(name, arguments[name], minimum=1)
    for name in ("autoencoder_hidden", "critic_width", "critic_depth"):
        checked[name] = check_int(name, arguments[name], minimum=1)
    for name in ("noise_dim", "latent_dim"):
        if arguments[name] is not None:
            checked[name] = check_int(name, arguments[name], minimum=1)
    check_float("init_scale", arguments["init_scale"], minimum=0)
    check_type("cyclic_style", arguments["cyclic_style"], bool, "True or False")
    check_choice("init", arguments["init"], INITS)
    check_choice("generator", arguments["generator"], ("quantum", "classical"))
    check_choice("latent_bound", arguments["latent_bound"], LATENT_BOUNDS)
    check_choice("latent_transform", arguments["latent_transform"], LATENT_TRANSFORMS)
    check_choice("scaling", arguments["scaling"], ("range", "quantile"))
    checked["rotations"] = list(check_type("rotations", arguments["rotations"], (list, tuple), "a list of gate names"))
    if arguments["final_rotations"] is not None:
        checked["final_rotations"] = list(
            check_type("final_rotations", arguments["final_rotations"], (list, tuple), "a list of gate names")
        )
    checked["betas"] = list(check_type("betas", arguments["betas"], (list, tuple), "two numbers"))
    check_shape("betas", (len(checked["betas"]),), "(2,)", len(checked["betas"]) == 2)
    check_paulis("observables", arguments["observables"])
    _check_data_kind(checked, autoencoder)
    _check_sizes(checked)
    return checked


def _check_data_kind(checked: dict[str, Any], autoencoder: nn.Module | None) -> None:
    image_shape, num_features = checked["image_shape"], checked["num_features"]
    if image_shape is None:
        if num_features is None:
            raise ArgumentError(
                "Argument `num_features` must be a positive integer if `image_shape` is None, but is None."
            )
        checked["num_features"] = check_int("num_features", num_features, minimum=1)
        if autoencoder is not None:
            raise ArgumentError("Argument `autoencoder` must be left out for tabular data, which have no latent.")
    else:
        checked["image_shape"] = list(check_image_shape(image_shape))
    if autoencoder is not None:
        for method in ("encode", "decode"):
            if not callable(getattr(autoencoder, method, None)):
                raise ArgumentTypeError(
                    f"Argument `autoencoder` must be a module with a method `{method}`, but has none."
                )
    elif checked["autoencoder"] is not None:
        check_choice("autoencoder", checked["autoencoder"], (CONV_AUTOENCODER,))
    if checked["readout_std"] is not None:
        check_float("readout_std", checked["readout_std"], minimum=0, open_minimum=True)


def _check_sizes(checked: Mapping[str, Any]) -> None:
    """Raise unless a quantum generator has a read-out for each number that it must generate."""
    needed, offered = latent_size(checked), num_readouts(checked)
    if checked["generator"] == "quantum" and needed > offered:
        raise ArgumentError(
            f"Argument `num_qubits` must give a read-out for each of the {needed} numbers of a sample, but "
            f"{checked['num_qubits']} qubits with `observables={checked['observables']!r}` give {offered}."
        )
