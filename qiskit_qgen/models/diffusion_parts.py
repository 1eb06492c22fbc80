"""The rules for a QuantumDiffusion's arguments, and the parts that follow from them."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_choice, check_float, check_int, check_shape, check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen.diffusion import (
    NoiseSchedule,
    data_spectrum,
    ddim_sample,
    ddpm_sample,
    dpm_solver_sample,
    information_beta_schedule,
)
from qiskit_qgen.diffusion.noise_schedule import SCHEDULE_NAMES
from qiskit_qgen.exceptions import ArgumentError, DatasetError, GradientError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.networks import AbstractDenoiser, ChannelGate, PublishedUNet, UNet
from qiskit_qgen.networks.bottleneck_gates import BOTTLENECKS, QUANTUM
from qiskit_qgen.noise import AbstractNoise, GaussianNoise, QuantumCircuitNoise
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS
from qiskit_qgen.training.denoising import DenoisingOptions
from qiskit_qgen.training.gradient_audit import GradientReport, audit_module

_LOGGER = logging.getLogger(__name__)

CUSTOM = "custom"
NOISES = ("gaussian", "quantum", CUSTOM)
SCHEDULES = (*SCHEDULE_NAMES, "information")
SAMPLERS = ("ddim", "dpm-solver", "ddpm")
ARCHITECTURES = ("default", "published")
_INITIAL_WEIGHTS_STREAM, _AUDIT_STREAM = 0x64696666, 0x61756469
_AUDIT_ROWS = 2
_MOST_CHANNELS = 4


class Schedule(nn.Module):
    """The variances of a schedule as a part of a model, so that they are saved with it."""

    betas: Tensor

    def __init__(self, name: str, num_steps: int) -> None:
        super().__init__()
        # What is fitted to data starts as something valid, and is filled in by the training or from a file.
        chosen = NoiseSchedule.named(name if name in SCHEDULE_NAMES else "cosine", num_steps)
        self.register_buffer("betas", chosen.betas)

    @torch.no_grad()
    def fit(self, images: Tensor) -> None:
        """Fit the schedule to pictures (N, C, H, W) in [-1, 1]."""
        self.betas.copy_(information_beta_schedule(data_spectrum(images), len(self.betas)))

    def schedule(self) -> NoiseSchedule:
        """Return the schedule."""
        return NoiseSchedule(self.betas)


def check_arguments(arguments: Mapping[str, Any], own_noise: AbstractNoise | None) -> dict[str, Any]:
    """Return ``arguments`` in the form in which they are saved.

    Raises:
        ArgumentError: If an argument is out of range, or does not go with another.
        ArgumentTypeError: If an argument has the wrong type.
    """
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
    check_choice("noise", arguments["noise"], NOISES)
    check_choice("schedule", arguments["schedule"], SCHEDULES)
    check_choice("sampler", arguments["sampler"], SAMPLERS)
    for name in ("num_layers", "num_steps", "width"):
        check_int(name, arguments[name], minimum=2 if name == "num_steps" else 1)
    if arguments["architecture"] == "published" and arguments["width"] != 32:
        raise ArgumentError(f"Argument `width` must be 32 in the published network, but is {arguments['width']!r}.")
    check_int("sampling_steps", arguments["sampling_steps"], minimum=1, maximum=arguments["num_steps"])
    if arguments["num_classes"] is not None:
        check_int("num_classes", arguments["num_classes"], minimum=1)
    check_float("guidance", arguments["guidance"], minimum=0)
    checked["betas"] = list(check_type("betas", arguments["betas"], (list, tuple), "two numbers"))
    check_shape("betas", (len(checked["betas"]),), "(2,)", len(checked["betas"]) == 2)
    if own_noise is not None and own_noise.dim != math.prod(shape):
        raise ArgumentError(
            f"Argument `noise` must have as many components as a picture, {math.prod(shape)}, but has {own_noise.dim}."
        )
    return checked


def denoising_options(arguments: Mapping[str, Any]) -> DenoisingOptions:
    """How the network is trained."""
    names = ("prediction", "min_snr_gamma", "label_dropout", "learning_rate", "clip_norm", "ema_decay", "lr_schedule")
    given = {name: arguments[name] for name in (*names, "warmup")}
    return DenoisingOptions(betas=(arguments["betas"][0], arguments["betas"][1]), **given)


def build_noise(arguments: Mapping[str, Any]) -> AbstractNoise:
    """Return the source of noise that ``arguments`` name."""
    dim = math.prod(arguments["image_shape"])
    return QuantumCircuitNoise(dim) if arguments["noise"] == "quantum" else GaussianNoise(dim)


def build_networks(arguments: Mapping[str, Any], *, seed: int) -> dict[str, nn.Module]:
    """Return the networks with fresh weights, which depend on ``seed`` alone."""
    options = {
        "bottleneck": arguments["bottleneck"],
        "num_qubits": arguments["num_qubits"],
        "reps": arguments["num_layers"],
        "num_classes": arguments["num_classes"],
    }
    channels = arguments["image_shape"][0]
    # Layers draw their weights from torch's global generator, whose state is put back afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(torch_generator(seed, _INITIAL_WEIGHTS_STREAM).initial_seed())
        denoiser: AbstractDenoiser
        if arguments["architecture"] == "published":
            denoiser = PublishedUNet(channels, **options)
        else:
            denoiser = UNet(channels, width=arguments["width"], **options)
    return {"schedule": Schedule(arguments["schedule"], arguments["num_steps"]), "denoiser": denoiser}


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


def check_labels(labels: Any, number: int, num_classes: int) -> Tensor:
    """Return labels as int64 (number,).

    Raises:
        ArgumentError: If they are missing or have another shape.
        DatasetError: If they are no integers, or out of range.
    """
    if labels is None:
        raise ArgumentError(f"Argument `labels` must be given for a model with {num_classes} classes.")
    found = torch.as_tensor(labels)
    check_shape("labels", found.shape, f"({number},)", tuple(found.shape) == (number,))
    whole = not found.is_floating_point() and found.dtype != torch.bool
    if not whole or int(found.min()) < 0 or int(found.max()) >= num_classes:
        raise DatasetError(f"Argument `labels` must hold integers from 0 to {num_classes - 1}.")
    return found.long()


def quantum_gate(denoiser: Any) -> ChannelGate:
    """Return the gate that runs a network's circuit.

    Raises:
        ArgumentError: If the network runs no circuit.
    """
    gate = denoiser.gate
    if not isinstance(gate, ChannelGate) or gate.kind not in QUANTUM:
        raise ArgumentError("Argument `execution` must be None for a classical bottleneck, which runs no circuit.")
    return gate


@contextmanager
def executed_on(denoiser: nn.Module, execution: AbstractExecution | None) -> Iterator[None]:
    """Run the circuit of ``denoiser`` on ``execution`` while the context lasts; None changes nothing.

    Raises:
        ArgumentError: If the network runs no circuit.
    """
    if execution is None:
        yield
        return
    layer: Any = quantum_gate(denoiser).core
    former = layer.execution
    layer.execution = execution
    try:
        yield
    finally:
        layer.execution = former


def audit(denoiser: Any, bottleneck: str, *, strict: bool) -> None:
    """Warn of circuit parameters of a network that cannot be trained, or raise.

    Raises:
        GradientError: If ``strict`` is True and there are inert or detached ones.
    """
    if bottleneck not in QUANTUM:
        return
    batch = denoiser.example_inputs(_AUDIT_ROWS, torch_generator(0, _AUDIT_STREAM))
    report = GradientReport(tuple(audit_module(denoiser, batch, num_draws=2, seed=0)), 2)
    if report.inert or report.detached:
        if strict:
            raise GradientError(f"The audit of the gradients failed: {report.summary}")
        _LOGGER.warning("The audit of the gradients: %s", report.summary)


def draw_pictures(
    networks: Mapping[str, Any],
    noise: AbstractNoise,
    number: int,
    generator: torch.Generator,
    labels: Tensor | None,
    arguments: Mapping[str, Any],
) -> Tensor:
    """Draw pictures (number, C, H, W) in [-1, 1].

    Args:
        networks: The model's networks by name.
        noise: The source of noise.
        number: Number of pictures.
        generator: Source of randomness.
        labels: Labels (number,); None draws them, if the model has classes.
        arguments: The model's arguments, or others for this draw.
    """
    count, strength = arguments["num_classes"], arguments["guidance"]
    if count is not None and labels is None:
        labels = torch.randint(count, (number,), generator=generator)

    def fresh(shape: Sequence[int]) -> Tensor:
        return noise.sample(shape[0], generator).view(tuple(shape))

    def model(x: Tensor, steps: Tensor) -> Tensor:
        output: Tensor = networks["denoiser"](x, steps, labels)
        if labels is None or strength == 1:
            return output
        free: Tensor = networks["denoiser"](x, steps, torch.full_like(labels, count))
        return free + strength * (output - free)

    schedule, kind = networks["schedule"].schedule(), arguments["prediction"]
    start = fresh((number, *arguments["image_shape"]))
    if arguments["sampler"] == "ddpm":
        return ddpm_sample(model, start, schedule, noise=fresh, prediction=kind)
    few = {"ddim": ddim_sample, "dpm-solver": dpm_solver_sample}[arguments["sampler"]]
    return few(model, start, schedule, num_steps=arguments["sampling_steps"], prediction=kind)
