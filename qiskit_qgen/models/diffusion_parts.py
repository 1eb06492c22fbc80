"""The parts of a QuantumDiffusion: networks, sources of noise, and where its circuit runs."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from qiskit_qgen._random import torch_generator
from qiskit_qgen.circuits import ParametrizedCircuit, bottleneck_ansatz
from qiskit_qgen.diffusion import (
    AbstractForwardProcess,
    DepolarizingProcess,
    NoiseSchedule,
    StochasticWalkProcess,
    data_spectrum,
    information_beta_schedule,
)
from qiskit_qgen.diffusion.noise_schedule import SCHEDULE_NAMES
from qiskit_qgen.exceptions import ArgumentError, GradientError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers.gradient_audit import GradientReport, audit_module
from qiskit_qgen.networks import AbstractDenoiser, ChannelGate, PublishedUNet, UNet
from qiskit_qgen.networks.bottleneck_gates import QUANTUM
from qiskit_qgen.noise import AbstractNoise, GaussianNoise, QuantumCircuitNoise
from qiskit_qgen.training.corruption import AbstractCorruption, GaussianCorruption, ProcessCorruption

_LOGGER = logging.getLogger(__name__)

_INITIAL_WEIGHTS_STREAM, _AUDIT_STREAM = 0x64696666, 0x61756469
_AUDIT_ROWS = 2


class Sources(NamedTuple):
    """What pictures drown in."""

    noise: AbstractNoise
    """The noise of the Gaussian process."""
    process: AbstractForwardProcess | None
    """The process in its place, if there is one."""


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


def build_noise(arguments: Mapping[str, Any]) -> AbstractNoise:
    """Return the source of noise that ``arguments`` name."""
    dim = math.prod(arguments["image_shape"])
    return QuantumCircuitNoise(dim) if arguments["noise"] == "quantum" else GaussianNoise(dim)


def build_process(arguments: Mapping[str, Any]) -> AbstractForwardProcess | None:
    """Return the forward process that ``arguments`` name; None for the Gaussian one."""
    kinds = {"depolarizing": DepolarizingProcess, "stochastic_walk": StochasticWalkProcess}
    kind = kinds.get(arguments["process"])
    return None if kind is None else kind(arguments["num_steps"])


def build_corruption(arguments: Mapping[str, Any], schedule: NoiseSchedule, sources: Sources) -> AbstractCorruption:
    """Return what drowns the training pictures."""
    if sources.process is not None:
        return ProcessCorruption(sources.process)
    return GaussianCorruption(schedule, sources.noise, arguments["prediction"], arguments["min_snr_gamma"])


def build_circuit(arguments: Mapping[str, Any]) -> ParametrizedCircuit | None:
    """Return the bottleneck's circuit; None for a classical one."""
    kind = arguments["bottleneck"]
    if kind not in QUANTUM:
        return None
    return bottleneck_ansatz(arguments["num_qubits"], arguments["num_layers"], published=kind == "quantum_published")


def build_networks(arguments: Mapping[str, Any], sources: Sources, *, seed: int) -> dict[str, nn.Module]:
    """Return the networks with fresh weights, which depend on ``seed`` alone."""
    options = {
        "bottleneck": arguments["bottleneck"],
        "num_qubits": arguments["num_qubits"],
        "reps": arguments["num_layers"],
        "num_classes": arguments["num_classes"],
        "num_outputs": 1 if sources.process is None else sources.process.num_outputs,
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


@torch.no_grad()
def fit_to_data(networks: Mapping[str, Any], images: Tensor, arguments: Mapping[str, Any], sources: Sources) -> None:
    """Fit what is not trained step by step to pictures (N, C, H, W) in [-1, 1]."""
    if arguments["schedule"] == "information":
        networks["schedule"].fit(images)
    if sources.process is not None:
        networks["denoiser"].last.bias.copy_(sources.process.constant_output((images + 1) / 2))


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
