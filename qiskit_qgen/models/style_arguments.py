"""The rules for a StyleQGAN's arguments, and the sizes that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from qiskit_qgen._checks import check_choice, check_float, check_int, check_shape, check_type
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.networks.autoencoder import LATENT_BOUNDS, check_image_shape
from qiskit_qgen.networks.normalizers import LATENT_TRANSFORMS
from qiskit_qgen.networks.quantum_generator import INITS
from qiskit_qgen.simulator.lowering import MAX_QUBITS
from qiskit_qgen.training import ReconstructionOptions, WassersteinOptions

CUSTOM_AUTOENCODER = "custom"
_DEFAULT_READOUT_STD = 0.25
_DEFAULT_AUTOENCODER_STEPS = 1500


def num_readouts(arguments: Mapping[str, Any]) -> int:
    """Number of observables that the circuit offers."""
    return len(arguments["observables"]) * int(arguments["num_qubits"])


def has_autoencoder(arguments: Mapping[str, Any]) -> bool:
    """Whether the generator works in an autoencoder's latent."""
    return arguments["image_shape"] is not None and arguments["autoencoder"] is not None


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
    return ReconstructionOptions(
        learning_rate=arguments["autoencoder_learning_rate"],
        weight_decay=arguments["autoencoder_weight_decay"],
        absolute_error=arguments["absolute_error"],
        latent_noise=arguments["latent_noise"],
        latent_shape=arguments["latent_shape"],
        lr_schedule=arguments["lr_schedule"],
        warmup=arguments["autoencoder_warmup"],
    )


def wasserstein_options(arguments: Mapping[str, Any]) -> WassersteinOptions:
    """How generator and critic are trained."""
    return WassersteinOptions(
        n_critic=arguments["n_critic"],
        gradient_penalty=arguments["gradient_penalty"],
        replay=arguments["replay"],
        generator_batch_size=arguments["generator_batch_size"],
        generator_learning_rate=arguments["generator_learning_rate"],
        critic_learning_rate=arguments["critic_learning_rate"],
        betas=(arguments["betas"][0], arguments["betas"][1]),
        clip_norm=arguments["clip_norm"],
        ema_decay=arguments["ema_decay"],
        lr_schedule=arguments["lr_schedule"],
        warmup=arguments["warmup"],
    )


def check_autoencoder_steps(arguments: Mapping[str, Any], autoencoder_steps: int | None) -> int:
    """Return the number of steps of the autoencoder.

    Raises:
        ArgumentError: If the number is negative, or given to a model without an autoencoder.
    """
    if has_autoencoder(arguments):
        if autoencoder_steps is None:
            return _DEFAULT_AUTOENCODER_STEPS
        return check_int("autoencoder_steps", autoencoder_steps, minimum=0)
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
    letters = check_type("observables", arguments["observables"], str, "a string of Pauli letters")
    if not letters or len(set(letters)) < len(letters) or set(letters) - set("XYZ"):
        raise ArgumentError(f"Argument `observables` must be different letters of 'X', 'Y', 'Z', but is {letters!r}.")
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
        if autoencoder is not None or checked["latent_dim"] is not None:
            name = "latent_dim" if autoencoder is None else "autoencoder"
            raise ArgumentError(f"Argument `{name}` must be left out for tabular data, which have no latent.")
    elif num_features is not None:
        raise ArgumentError(f"Argument `num_features` must be None for pictures, but is {num_features!r}.")
    else:
        checked["image_shape"] = list(check_image_shape(image_shape))
    if autoencoder is not None:
        for method in ("encode", "decode"):
            if not callable(getattr(autoencoder, method, None)):
                raise ArgumentTypeError(
                    f"Argument `autoencoder` must be a module with a method `{method}`, but has none."
                )
    elif checked["autoencoder"] is not None:
        check_choice("autoencoder", checked["autoencoder"], ("conv",))
    if checked["readout_std"] is not None:
        check_float("readout_std", checked["readout_std"], minimum=0, open_minimum=True)
        if not has_autoencoder(checked):
            raise ArgumentError("Argument `readout_std` must be None without an autoencoder, which it belongs to.")


def _check_sizes(checked: Mapping[str, Any]) -> None:
    """Raise unless a quantum generator has a read-out for each number that it must generate."""
    needed, offered = latent_size(checked), num_readouts(checked)
    if checked["generator"] == "quantum" and needed > offered:
        raise ArgumentError(
            f"Argument `num_qubits` must give a read-out for each of the {needed} numbers of a sample, but "
            f"{checked['num_qubits']} qubits with `observables={checked['observables']!r}` give {offered}."
        )
