"""The gradient audit of circuits and of modules that contain them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_shape, check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.circuits.inert_gates import inert_reasons
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.layers.gradient_audit.flow import NOT_RUN, find_cuts, quantum_layers
from qiskit_qgen.layers.gradient_audit.report import GradientFinding, GradientReport
from qiskit_qgen.layers.quantum_layer import QuantumLayer
from qiskit_qgen.layers.readout import ProbabilityReadout

ZERO = 1e-9
"""Gradients below it in all draws, in float64, are identically zero."""
PLATEAU_FACTOR, PLATEAU_MOST, PLATEAU_SHARE = 3.0, 5e-3, 0.5
"""A variance is weak if it is at most so many times a barren plateau's, and at most so large; a circuit is on a
plateau, and its weak gradients are vanishing, if so large a share of its parameters is weak (our choice)."""
_MOST_OUTPUTS = 32
_BATCH = 4
_CIRCUIT_STREAM, _INPUT_STREAM = 0, 2


class _HasNetworks(Protocol):
    """A model, whose networks are audited one by one."""

    @property
    def networks(self) -> Mapping[str, nn.Module]: ...


@runtime_checkable
class _HasExampleInputs(Protocol):
    """A module that knows what it can be called with."""

    def example_inputs(self, num_rows: int, generator: torch.Generator, /) -> Iterable[Tensor]: ...


def audit_gradients(
    target: QuantumLayer | ParametrizedCircuit | QuantumCircuit | nn.Module | _HasNetworks,
    *,
    num_draws: int = 32,
    seed: int = 0,
    inputs: Tensor | Iterable[Tensor] | None = None,
) -> GradientReport:
    """Find the quantum parameters and inputs that no training can use.

    The parameters of each circuit, weights and inputs, are drawn uniformly from [-pi, pi], and the exact gradient of
    every expectation value is computed. *Inert* parameters have no gradient in any draw; the report gives the reason if
    it follows from the circuit's structure, such as a diagonal gate before a diagonal observable. *Vanishing* is what
    has a gradient whose variance is at most three times that of a barren plateau of as many qubits, ``d^2 / (2 (d +
    1)^2 (d - 1))`` with ``d = 2^n``, and below 0.005, if that holds for more than half of the circuit's parameters; if
    for fewer, it is called *weak*, which is reported but is not a fault. *Detached* is what changes the values of a
    module's quantum layer or output, while autograd has lost its way there, and what belongs to a layer that the module
    does not run, or whose output it does not use. Weights that do not require a gradient are *frozen*, which is not a
    fault either.

    Args:
        target: A circuit, with Z of each qubit read out unless it is measured; a layer; a module that holds layers; or
            a model.
        num_draws: Draws of the parameters.
        seed: Seed of the draws.
        inputs: For a module: what it is called with, a small batch. None for one that has a method
            ``example_inputs(num_rows, generator)``.

    Returns:
        The findings: ``.inert``, ``.vanishing``, ``.detached``, ``.weak`` and ``.frozen`` are names, ``.reasons`` says
        why, ``.table`` holds all.

    Raises:
        ArgumentError: If ``target`` has no quantum parameter or, as a module, returns no tensor, if ``inputs`` are
            missing, without rows or without use, or if ``num_draws`` is not positive.
        ArgumentTypeError: If ``target`` is of another type.

    Example:
        >>> from qiskit.circuit import Parameter
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.rx(Parameter("a"), 0), circuit.rz(Parameter("b"), 0)
        >>> audit_gradients(circuit).inert
        ['b']
    """
    check_int("num_draws", num_draws, minimum=1)
    check_int("seed", seed, minimum=0)
    networks = getattr(target, "networks", None)
    if not isinstance(networks, Mapping):
        kinds = (QuantumCircuit, ParametrizedCircuit, nn.Module)
        networks = {"": check_type("target", target, kinds, "a circuit, a module with a QuantumLayer or a model")}
    if isinstance(target, QuantumCircuit):
        target = QuantumLayer(target, input_params=[], weight_params=list(target.parameters))
    elif isinstance(target, ParametrizedCircuit):
        target = QuantumLayer(target)
    if isinstance(target, QuantumLayer):
        if inputs is not None:
            raise ArgumentError("Argument `inputs` must be None for a circuit or a layer, whose inputs are drawn.")
        alone = _audit_layer(target, num_draws, seed)
        if not alone:
            raise ArgumentError("Argument `target` must have at least one parameter, but its circuit has none.")
        return GradientReport(tuple(alone), num_draws)
    findings: list[GradientFinding] = []
    for name, module in networks.items():
        if quantum_layers(module):
            batch = _batch(module, inputs, seed)
            prefix = f"{name}." if name else ""
            findings += audit_module(module, batch, num_draws=num_draws, seed=seed, prefix=prefix)
    if not findings:
        raise ArgumentError("Argument `target` must hold at least one QuantumLayer with parameters, but holds none.")
    return GradientReport(tuple(findings), num_draws)


def audit_module(
    module: nn.Module, inputs: Sequence[Tensor], *, num_draws: int, seed: int, prefix: str = ""
) -> list[GradientFinding]:
    """Return the findings on all quantum layers of a module, and on what flows through it.

    Args:
        module: The module.
        inputs: What it is called with, a small batch.
        num_draws: Draws of the circuits' parameters.
        seed: Seed of the draws.
        prefix: What names begin with.

    Raises:
        ArgumentError: If the module returns no tensor.
    """
    findings: list[GradientFinding] = []
    cuts = find_cuts(module, inputs, seed)
    for name, layer in quantum_layers(module).items():
        for finding in _audit_layer(layer, num_draws, seed, f"{prefix}{name}." if name else prefix):
            reason = cuts.get((name, finding.kind))
            if reason is None or (finding.verdict == "inert" and reason != NOT_RUN):
                findings.append(finding)
            else:
                findings.append(replace(finding, verdict="detached", reason=reason))
    return findings


def plateau_variance(num_qubits: int) -> float:
    """Return the variance of a gradient where the circuit before and behind the gate are random (2-designs).

    ``d^2 / (2 (d + 1)^2 (d - 1))`` with ``d = 2^n``, of a Pauli observable by the angle of a Pauli rotation: about
    ``2^-(n+1)``, the barren plateau of arXiv 1803.11173.
    """
    size = 2.0**num_qubits
    return size**2 / (2 * (size + 1) ** 2 * (size - 1))


def _audit_layer(layer: QuantumLayer, num_draws: int, seed: int, prefix: str = "") -> list[GradientFinding]:
    """Return the findings on a layer's circuit, whose parameters are all drawn uniformly from [-pi, pi].

    The gradients are exact ones, of the built-in simulator in float64, wherever the layer runs otherwise.
    """
    parameters = list(layer.circuit.parameters)
    if not parameters:
        return []
    generator = torch_generator(seed, _CIRCUIT_STREAM)
    rows = math.pi * (2 * torch.rand(num_draws, len(parameters), generator=generator, dtype=torch.float64) - 1)
    gradients = _gradients(layer, rows, generator)
    largest = gradients.abs().amax((0, 1))
    variances = gradients.var(1).amax(0) if num_draws > 1 else gradients.square().amax((0, 1))
    plateau = plateau_variance(layer.circuit.num_qubits)
    reasons = inert_reasons(*_read_out(layer))
    weights = {parameter.name for parameter in layer._ansatz.weight_params}
    is_weak = (variances < min(PLATEAU_FACTOR * plateau, PLATEAU_MOST)) & (largest >= ZERO)
    on_plateau = int(is_weak.sum()) > PLATEAU_SHARE * int((largest >= ZERO).sum())
    findings = []
    for parameter, variance, most, weak in zip(
        parameters, variances.tolist(), largest.tolist(), is_weak.tolist(), strict=True
    ):
        kind = "weight" if parameter.name in weights else "input"
        verdict, reason = "ok", ""
        if kind == "weight" and not layer.weight.requires_grad:
            verdict, reason = "frozen", "the layer's weights are frozen: they do not require a gradient"
        elif most < ZERO:
            verdict = "inert"
            reason = reasons.get(parameter, "zero in all draws, for no reason that the circuit's structure shows")
        elif weak:
            verdict = "vanishing" if on_plateau else "weak"
            reason = f"a variance of {variance:.2g}, where a barren plateau of as many qubits has {plateau:.2g}"
        name = prefix + parameter.name
        findings.append(GradientFinding(name, kind, variance, most, plateau, verdict, reason))
    return findings


def _read_out(layer: QuantumLayer) -> tuple[QuantumCircuit, list[SparsePauliOp]]:
    """The circuit without its measurements, and what is read out: Z of each measured qubit stands for probabilities."""
    readout = layer._readout
    if not isinstance(readout, ProbabilityReadout):
        return layer.circuit, layer.observables or []
    width = readout.unitary.num_qubits
    operators = [SparsePauliOp.from_sparse_list([("Z", [each], 1)], width) for each in readout.qubits]
    return readout.unitary, operators


def _gradients(layer: QuantumLayer, rows: Tensor, generator: torch.Generator) -> Tensor:
    """Gradients of the outputs, or of as many random mixtures of them, (outputs, draws, parameters)."""
    rows.requires_grad_()
    with torch.enable_grad():
        outputs = layer._readout.function(LocalExecution(dtype=torch.float64))(rows)
    mixtures = torch.eye(outputs.shape[1], dtype=torch.float64)
    if len(mixtures) > _MOST_OUTPUTS:
        mixtures = torch.randn(_MOST_OUTPUTS, len(mixtures), generator=generator, dtype=torch.float64)
    found = [torch.autograd.grad(outputs, rows, each.expand_as(outputs), retain_graph=True)[0] for each in mixtures]
    return torch.stack(found)


def _batch(module: nn.Module, inputs: Tensor | Iterable[Tensor] | None, seed: int) -> list[Tensor]:
    """Return what a module is called with."""
    if inputs is None:
        if not isinstance(module, _HasExampleInputs):
            raise ArgumentError("Argument `inputs` must be given for a module: what it is called with, a small batch.")
        return list(module.example_inputs(_BATCH, torch_generator(seed, _INPUT_STREAM)))
    batch = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for each in batch:
        check_type("inputs", each, Tensor, "a tensor or a list of tensors")
        check_shape("inputs", each.shape, "(N, ...), of at least one row", each.ndim == 0 or len(each) > 0)
    return batch
