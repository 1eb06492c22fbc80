"""The rules for a HybridGAN's arguments, and the settings of training that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from qiskit_qgen._checks import check_choice, check_float, check_int, check_shape, check_type
from qiskit_qgen.circuits.observables import check_paulis
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import AbstractBackbone
from qiskit_qgen.networks.blocks import ACTIVATIONS
from qiskit_qgen.networks.upsampling import check_picture_shape, check_width
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS
from qiskit_qgen.training import AdversarialOptions

CUSTOM = "custom"
QUANTUM_IN = ("none", "generator", "discriminator", "both")
ANSAETZE = ("hardware_efficient", "strongly_entangling", "data_reuploading")
BACKBONES = ("efficientnet-lite0", "resnet18", "inception_v3", "conv")
NOISES = ("gaussian", "uniform")
DEFAULT_PENALTY = 1.0  # features of pretrained networks differ by about 1
CONV_PENALTY = 10.0  # raw pictures by about 10


def quantum_parts(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The networks that have a quantum block."""
    place = arguments["quantum_in"]
    return ("generator", "discriminator") if place == "both" else () if place == "none" else (place,)


def num_layers(arguments: Mapping[str, Any]) -> int:
    """Number of layers of the block's circuit; by default those that give 15 weights to 5 qubits."""
    given = arguments["num_layers"]
    if given is not None:
        return int(given)
    return 1 if arguments["ansatz"] == "strongly_entangling" else 3


def check_arguments(
    arguments: dict[str, Any], backbone: AbstractBackbone | None, noise: AbstractNoise | None
) -> dict[str, Any]:
    """Return ``arguments`` in the form in which they are saved.

    Args:
        arguments: The constructor's arguments by name.
        backbone: The user's own backbone, or None.
        noise: The user's own source of noise, or None.

    Raises:
        ArgumentError: If an argument is out of range, or without effect.
        ArgumentTypeError: If an argument has the wrong type.
    """
    checked = dict(arguments)
    checked["image_shape"] = list(check_picture_shape(arguments["image_shape"]))
    check_choice("quantum_in", arguments["quantum_in"], QUANTUM_IN)
    checked["num_qubits"] = check_int("num_qubits", arguments["num_qubits"], minimum=1, maximum=MAX_QUBITS)
    for name in ("latent_dim", "discriminator_width"):
        checked[name] = check_int(name, arguments[name], minimum=1)
    checked["generator_width"] = check_width("generator_width", arguments["generator_width"])
    check_paulis("observables", arguments["observables"])
    if arguments["num_layers"] is not None:
        checked["num_layers"] = check_int("num_layers", arguments["num_layers"], minimum=1)
    check_choice("ansatz", arguments["ansatz"], ANSAETZE)
    for name in ("encoding", "rotations", "entangler"):
        if isinstance(arguments[name], (list, tuple)):
            checked[name] = list(arguments[name])
    if arguments["entanglement"] is not None and arguments["ansatz"] == "strongly_entangling":
        raise ArgumentError(
            "Argument `entanglement` must be None with `ansatz='strongly_entangling'`, which has its own."
        )
    check_choice("block_activation", arguments["block_activation"], ACTIVATIONS)
    if backbone is None:
        check_choice("backbone", arguments["backbone"], BACKBONES)
    if arguments["backbone_options"] is not None:
        checked["backbone_options"] = dict(
            check_type("backbone_options", arguments["backbone_options"], Mapping, "a dictionary of options")
        )
        if backbone is not None:
            raise ArgumentError("Argument `backbone_options` must be None for a backbone of your own, which is ready.")
    if noise is None:
        check_choice("noise", arguments["noise"], NOISES)
    elif noise.dim != checked["latent_dim"]:
        raise ArgumentError(
            f"Argument `noise` must give vectors of `latent_dim={checked['latent_dim']}` numbers, but gives "
            f"{noise.dim}."
        )
    check_type("spectral_normalization", arguments["spectral_normalization"], bool, "True or False")
    checked["betas"] = list(check_type("betas", arguments["betas"], (list, tuple), "two numbers"))
    check_shape("betas", (len(checked["betas"]),), "(2,)", len(checked["betas"]) == 2)
    augmentations = check_type("augmentations", arguments["augmentations"], (list, tuple), "a list of names")
    checked["augmentations"] = list(augmentations)
    if arguments["gradient_penalty"] is not None:
        check_float("gradient_penalty", arguments["gradient_penalty"], minimum=0)
        if arguments["loss"] != "wgan-gp":
            raise ArgumentError("Argument `gradient_penalty` must be None unless `loss` is 'wgan-gp'.")
    return checked


def adversarial_options(arguments: Mapping[str, Any]) -> AdversarialOptions:
    """How generator and discriminator are trained.

    Raises:
        ArgumentError: If an argument is out of range.
    """
    penalty = arguments["gradient_penalty"]
    usual = CONV_PENALTY if arguments["backbone"] == "conv" else DEFAULT_PENALTY
    return AdversarialOptions(
        loss=arguments["loss"],
        n_critic=arguments["n_critic"],
        gradient_penalty=usual if penalty is None else penalty,
        generator_learning_rate=arguments["generator_learning_rate"],
        discriminator_learning_rate=arguments["discriminator_learning_rate"],
        betas=(arguments["betas"][0], arguments["betas"][1]),
        clip_norm=arguments["clip_norm"],
        ema_decay=arguments["ema_decay"],
        augmentations=tuple(arguments["augmentations"]),
        lr_schedule=arguments["lr_schedule"],
        warmup=arguments["warmup"],
    )


def check_saved_sizes(arguments: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Raise if networks of these arguments would have more numbers than were saved, before anything is built.

    Raises:
        ArgumentError: If the arguments ask for more.
    """
    least = {
        "generator": 9 * arguments["generator_width"] ** 2 + num_layers(arguments),
        "discriminator": arguments["discriminator_width"] * arguments["num_qubits"],
    }
    if not quantum_parts(arguments):
        least["generator"] -= num_layers(arguments)
    elif "generator" not in quantum_parts(arguments):
        least["generator"] -= num_layers(arguments)
        least["discriminator"] += num_layers(arguments)
    for network, needed in least.items():
        saved = sum(tensor.numel() for name, tensor in tensors.items() if name.startswith(f"{network}."))
        if needed > saved:
            raise ArgumentError(f"its {network} would have {needed:,} numbers or more, but {saved:,} were saved.")
