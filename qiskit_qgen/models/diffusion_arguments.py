"""The rules for a QuantumDiffusion's arguments, and the settings of training that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_float, check_int, check_shape, check_type
from qiskit_qgen.diffusion import AbstractForwardProcess
from qiskit_qgen.diffusion.noise_schedule import SCHEDULE_NAMES
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.models.effects import Rule, refuse_idle
from qiskit_qgen.networks.bottleneck_gates import BOTTLENECKS, QUANTUM
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS
from qiskit_qgen.training.denoising import DenoisingOptions

CUSTOM = "custom"
GAUSSIAN = "gaussian"
PROCESSES = (GAUSSIAN, "depolarizing", "stochastic_walk")
NOISES = (GAUSSIAN, "quantum")
SCHEDULES = (*SCHEDULE_NAMES, "information")
SAMPLERS = ("ddim", "dpm-solver", "ddpm")
ARCHITECTURES = ("default", "published")
_MOST_CHANNELS = 4
_SAMPLING_STEPS = 50


def _is_gaussian(arguments: Mapping[str, Any]) -> bool:
    return bool(arguments["process"] == GAUSSIAN)


RULES = (
    Rule(
        ("noise", "schedule", "prediction", "min_snr_gamma", "sampler"), _is_gaussian, "unless the process is Gaussian"
    ),
    Rule(("num_qubits",), lambda found: found["bottleneck"] != "plain", "for bottleneck='plain'"),
    Rule(("num_layers",), lambda found: found["bottleneck"] in QUANTUM, "for a bottleneck without a circuit"),
    Rule(("label_dropout", "guidance"), lambda found: found["num_classes"] is not None, "without classes"),
)


class Own(NamedTuple):
    """What a user made, which a saved model does not hold."""

    noise: AbstractNoise | None
    process: AbstractForwardProcess | None


def check_arguments(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[dict[str, Any], Own]:
    """Return arguments in the form in which they are saved, and the user's own objects among them.

    Args:
        given: The constructor's arguments by name.
        defaults: The constructor's defaults, which arguments without effect must have.

    Raises:
        ArgumentError: If an argument is out of range, without effect, or does not go with another.
        ArgumentTypeError: If an argument has the wrong type.
    """
    noise, process = given["noise"], given["process"]
    own = Own(
        noise if isinstance(noise, AbstractNoise) else None,
        process if isinstance(process, AbstractForwardProcess) else None,
    )
    arguments = dict(given)
    for name, value in own._asdict().items():
        if value is not None:
            arguments[name] = CUSTOM
        elif arguments[name] == CUSTOM:
            raise ArgumentError(f"Argument `{name}` must be the model's own object in place of its name {CUSTOM!r}.")
    checked = dict(arguments)
    shape = list(check_type("image_shape", arguments["image_shape"], (list, tuple), "three integers (C, H, W)"))
    check_shape("image_shape", (len(shape),), "(3,)", len(shape) == 3)
    check_int("image_shape[0]", shape[0], minimum=1, maximum=_MOST_CHANNELS)
    for index in (1, 2):
        if check_int(f"image_shape[{index}]", shape[index], minimum=4) % 4:
            raise ArgumentError(f"Argument `image_shape` must have sides divisible by 4, but is {tuple(shape)}.")
    checked["image_shape"] = shape
    check_choice("bottleneck", arguments["bottleneck"], BOTTLENECKS)
    most = MAX_QUBITS if arguments["bottleneck"] in QUANTUM else None
    check_int("num_qubits", arguments["num_qubits"], minimum=1, maximum=most)
    check_choice("architecture", arguments["architecture"], ARCHITECTURES)
    for name, known in (("noise", NOISES), ("process", PROCESSES)):
        if arguments[name] != CUSTOM:
            check_choice(name, arguments[name], known)
    check_choice("schedule", arguments["schedule"], SCHEDULES)
    check_choice("sampler", arguments["sampler"], SAMPLERS)
    for name in ("num_layers", "num_steps", "width"):
        check_int(name, arguments[name], minimum=2 if name == "num_steps" else 1)
    if arguments["architecture"] == "published" and arguments["width"] != 32:
        raise ArgumentError(f"Argument `width` must be 32 in the published network, but is {arguments['width']!r}.")
    if arguments["sampling_steps"] is None:
        checked["sampling_steps"] = min(_SAMPLING_STEPS, arguments["num_steps"])
    check_sampling_steps(checked)
    if arguments["num_classes"] is not None:
        check_int("num_classes", arguments["num_classes"], minimum=1)
    check_float("guidance", arguments["guidance"], minimum=0)
    checked["betas"] = list(check_type("betas", arguments["betas"], (list, tuple), "two numbers"))
    check_shape("betas", (len(checked["betas"]),), "(2,)", len(checked["betas"]) == 2)
    refuse_idle(checked, defaults, RULES)
    if own.noise is not None and own.noise.dim != math.prod(shape):
        raise ArgumentError(
            f"Argument `noise` must have as many components as a picture, {math.prod(shape)}, but has {own.noise.dim}."
        )
    if own.process is not None and own.process.num_steps != arguments["num_steps"]:
        raise ArgumentError(
            f"Argument `num_steps` must be that of the process, {own.process.num_steps}, but is "
            f"{arguments['num_steps']}."
        )
    return checked, own


def check_sampling_steps(arguments: Mapping[str, Any]) -> None:
    """Raise :class:`ArgumentError` if there are more steps of sampling than of the process; "ddpm" takes all anyway."""
    most = None if arguments["sampler"] == "ddpm" else arguments["num_steps"]
    check_int("sampling_steps", arguments["sampling_steps"], minimum=1, maximum=most)


def with_own(arguments: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return saved arguments with the user's own objects in their places.

    Raises:
        ArgumentError: If one is missing, or given though the model has none of its own.
    """
    complete = dict(arguments)
    for name, value in own.items():
        custom = arguments.get(name) == CUSTOM
        if custom != (value is not None):
            rule = "the one that the model was made with" if custom else "None: the model has none of its own"
            raise ArgumentError(f"Argument `{name}` must be {rule}, but is {type(value).__name__}.")
        if custom:
            complete[name] = value
    return complete


def denoising_options(arguments: Mapping[str, Any]) -> DenoisingOptions:
    """How the network is trained."""
    names = ("prediction", "min_snr_gamma", "label_dropout", "learning_rate", "clip_norm", "ema_decay", "lr_schedule")
    given = {name: arguments[name] for name in (*names, "warmup")}
    return DenoisingOptions(betas=(arguments["betas"][0], arguments["betas"][1]), **given)


def check_saved_sizes(arguments: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Raise unless the sizes in ``arguments`` are those of the saved ``tensors``.

    Raises:
        ArgumentError: If one is not.
    """
    first = "stem" if arguments["architecture"] == "default" else "encode.0"
    sizes = {
        "num_steps": ("schedule.betas", 0, arguments["num_steps"]),
        "width": (f"denoiser.{first}.weight", 0, arguments["width"]),
    }
    if arguments["bottleneck"] != "plain":
        sizes["num_qubits"] = ("denoiser.gate.down.weight", 0, arguments["num_qubits"])
    if arguments["bottleneck"] in QUANTUM:
        weights = arguments["num_qubits"] * arguments["num_layers"] * (1 + (arguments["bottleneck"] == "quantum"))
        sizes["num_layers"] = ("denoiser.gate.core.weight", 0, weights)
    if arguments["num_classes"] is not None:
        sizes["num_classes"] = ("denoiser.label.weight", 0, arguments["num_classes"] + 1)
    for name, (key, axis, expected) in sizes.items():
        if key not in tensors or tensors[key].dim() <= axis or tensors[key].shape[axis] != expected:
            raise ArgumentError(f"Argument `{name}` must fit the saved weights, but is {arguments[name]!r}.")


def training_labels(data: Any, labels: Any, number: int, num_classes: int | None) -> Tensor | None:
    """Return the labels (number,) to train on, those given or those of a data set; None without classes.

    Raises:
        ArgumentError: If they are missing, of another shape or without use.
        DatasetError: If they are no integers, or out of range.
    """
    if num_classes is None:
        _refuse_labels(labels)
        return None
    found = getattr(data, "labels", None) if labels is None else labels
    if found is None:
        raise ArgumentError(f"Argument `labels` must be given for a model with {num_classes} classes.")
    return _checked_labels(_as_labels(found), number, num_classes)


def sampling_labels(labels: Any, number: int, num_classes: int | None) -> Tensor | None:
    """Return the labels (number,) to sample, one for all or one for each; None if none are given.

    Raises:
        ArgumentError: If they are of another shape or without use.
        DatasetError: If they are no integers, or out of range.
    """
    if num_classes is None:
        _refuse_labels(labels)
    if labels is None or num_classes is None:
        return None
    found = _as_labels(labels)
    return _checked_labels(found.expand(number) if found.dim() == 0 else found, number, num_classes)


def _refuse_labels(labels: Any) -> None:
    if labels is not None:
        raise ArgumentError("Argument `labels` must be None for a model without classes.")


def _as_labels(labels: Any) -> Tensor:
    try:
        return torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentTypeError(
            f"Argument `labels` must be a label or an array of labels, but is of type {type(labels).__name__}."
        ) from error


def _checked_labels(labels: Tensor, number: int, num_classes: int) -> Tensor:
    check_shape("labels", labels.shape, f"({number},)", tuple(labels.shape) == (number,))
    whole = not labels.is_floating_point() and labels.dtype != torch.bool
    if not whole or int(labels.min()) < 0 or int(labels.max()) >= num_classes:
        raise DatasetError(f"Argument `labels` must hold integers from 0 to {num_classes - 1}.")
    return labels.long()
