"""Does every quantum parameter, and every input, have a gradient? And if not, why?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from torch import Tensor, nn

from qiskit_qgen._random import torch_generator
from qiskit_qgen.circuits.inert_gates import inert_reasons
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.layers.readout import ProbabilityReadout

ZERO = 1e-9
"""Gradients below it in all draws, in float64, are identically zero."""
PLATEAU_FACTOR, PLATEAU_MOST, PLATEAU_SHARE = 3.0, 5e-3, 0.5
"""A variance is weak if it is at most so many times a barren plateau's, and at most so large; a circuit is on a
plateau, and its weak gradients are vanishing, if so large a share of its parameters is weak (own choice)."""
_MOST_OUTPUTS = 32
_CUT = "the module's output depends on the weights, but no gradient reaches them"
_UNUSED = "no gradient reaches the weights, and changing them does not change the module's output"
_NOT_RUN = "the module does not run the layer when it is called with these inputs in evaluation mode"
_CIRCUIT_STREAM, _FLOW_STREAM = 0, 1


@dataclass(frozen=True)
class GradientFinding:
    """One parameter or input."""

    name: str
    kind: str
    """"weight" or "input"."""
    variance: float
    """Variance of its gradient over the draws, of the read-out where it is largest."""
    largest: float
    """The largest absolute gradient of any draw and read-out."""
    plateau: float
    """The variance on a barren plateau of as many qubits."""
    verdict: str
    """"ok", "weak", "frozen", "inert", "vanishing" or "detached"."""
    reason: str
    """Why, in words; empty if all is well."""


@dataclass(frozen=True)
class GradientReport:
    """What an audit found."""

    findings: tuple[GradientFinding, ...]
    num_draws: int

    @property
    def inert(self) -> list[str]:
        """Names of those whose gradient is identically zero."""
        return self._of("inert")

    @property
    def vanishing(self) -> list[str]:
        """Names of those whose gradient is no larger than on a barren plateau, in circuits that are on one."""
        return self._of("vanishing")

    @property
    def weak(self) -> list[str]:
        """Names of those whose gradient is as small in a circuit most of whose gradients are not: no fault."""
        return self._of("weak")

    @property
    def detached(self) -> list[str]:
        """Names of those that no gradient reaches from the module's output, or whose layer is not run at all."""
        return self._of("detached")

    @property
    def frozen(self) -> list[str]:
        """Names of weights that are not to be trained: no fault."""
        return self._of("frozen")

    @property
    def reasons(self) -> dict[str, str]:
        """Why, by name, of all that is not "ok"."""
        return {finding.name: finding.reason for finding in self.findings if finding.reason}

    @property
    def sound(self) -> bool:
        """Whether all is well."""
        return not (self.inert or self.vanishing or self.detached)

    @property
    def table(self) -> str:
        """The findings as a Markdown table."""
        lines = ["| name | kind | variance | largest | plateau | verdict | reason |", "|---" * 7 + "|"]
        lines += [
            f"| {f.name} | {f.kind} | {f.variance:.3g} | {f.largest:.3g} | {f.plateau:.3g} | {f.verdict} | {f.reason} |"
            for f in self.findings
        ]
        return "\n".join(lines)

    @property
    def summary(self) -> str:
        """One sentence."""
        counts = {name: len(self._of(name)) for name in ("inert", "vanishing", "detached")}
        if self.sound:
            spared = f" but {len(self.frozen)} frozen ones" if self.frozen else ""
            return f"All {len(self.findings)} quantum parameters and inputs{spared} have gradients."
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        first = next(finding for finding in self.findings if counts.get(finding.verdict))
        return f"Of {len(self.findings)} quantum parameters and inputs, {told}; {first.name}: {first.reason}."

    def _of(self, verdict: str) -> list[str]:
        return [finding.name for finding in self.findings if finding.verdict == verdict]


def plateau_variance(num_qubits: int) -> float:
    """Return the variance of a gradient where the circuit before and behind the gate are random (2-designs).

    ``d^2 / (2 (d + 1)^2 (d - 1))`` with ``d = 2^n``, of a Pauli observable by the angle of a Pauli rotation: about
    ``2^-(n+1)``, the barren plateau of arXiv 1803.11173.
    """
    size = 2.0**num_qubits
    return size**2 / (2 * (size + 1) ** 2 * (size - 1))


def audit_layer(layer: QuantumLayer, *, num_draws: int, seed: int, prefix: str = "") -> list[GradientFinding]:
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
    measured = zip(parameters, variances.tolist(), largest.tolist(), is_weak.tolist(), strict=True)
    for parameter, variance, most, weak in measured:
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


def quantum_layers(module: nn.Module) -> Iterator[tuple[str, QuantumLayer]]:
    """Give a module's quantum layers by name."""
    for name, part in module.named_modules():
        if isinstance(part, QuantumLayer):
            yield name, part


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
    cut = _detached(module, inputs, seed)
    for name, layer in quantum_layers(module):
        label = f"{prefix}{name}." if name else prefix
        for finding in audit_layer(layer, num_draws=num_draws, seed=seed, prefix=label):
            reason = cut.get((name, finding.kind))
            if reason is None or (finding.verdict == "inert" and reason != _NOT_RUN):
                findings.append(finding)
            else:
                findings.append(GradientFinding(**{**vars(finding), "verdict": "detached", "reason": reason}))
    return findings


def _detached(module: nn.Module, inputs: Sequence[Tensor], seed: int) -> dict[tuple[str, str], str]:
    """Where the gradient's way is cut although values pass, or nothing passes: (layer, "input" or "weight") to why."""
    layers = dict(quantum_layers(module))
    generator = torch_generator(seed, _FLOW_STREAM)
    first = _Pass(module, layers, inputs)
    moved = [
        value + 0.5 * torch.randn(value.shape, generator=generator).to(value) if value.is_floating_point() else value
        for value in inputs
    ]
    second = _Pass(module, layers, moved)
    found = {}
    for name, layer in layers.items():
        weight, runs = layer.weight, name in first.ran
        if weight.numel() and (weight.requires_grad or not runs) and not first.reaches(weight):
            matters = _matters(module, layers, inputs, weight, first)
            found[name, "weight"] = _CUT if matters else _UNUSED if runs else _NOT_RUN
        if not runs and (not weight.numel() or found.get((name, "weight")) == _NOT_RUN):
            found[name, "input"] = _NOT_RUN
        came, comes = first.received.get(name), second.received.get(name)
        if came is None or comes is None or not layer.num_inputs:
            continue
        if not came.requires_grad and not torch.equal(came, comes):
            found[name, "input"] = "the layer's input depends on the module's, but is detached from it"
    return found


class _Pass:
    """One forward pass, with which quantum layers ran, what came to each and what came out."""

    def __init__(self, module: nn.Module, layers: dict[str, QuantumLayer], inputs: Sequence[Tensor]) -> None:
        self.ran: set[str] = set()
        self.received: dict[str, Tensor] = {}
        hooks = [
            layer.register_forward_pre_hook(self._keeper(name), with_kwargs=True) for name, layer in layers.items()
        ]
        training = module.training
        module.eval()
        try:
            leaves = [
                value.detach().clone().requires_grad_() if value.is_floating_point() else value for value in inputs
            ]
            with torch.enable_grad():
                result = module(*leaves)
        finally:
            module.train(training)
            for hook in hooks:
                hook.remove()
        returned = [each.flatten() for each in _tensors(result)]
        if not returned:
            name = type(module).__name__
            raise ArgumentError(f"Argument `target` must return at least one tensor, but {name} returns none.")
        self.output = torch.cat(returned)

    def _keeper(self, name: str) -> Any:
        def keep(_: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            self.ran.add(name)
            for value in (*arguments, *named.values()):
                if isinstance(value, Tensor):
                    self.received[name] = value

        return keep

    def reaches(self, weight: Tensor) -> bool:
        """Whether autograd has a way from the output to ``weight``."""
        if not (self.output.requires_grad and weight.requires_grad):
            return False
        (gradient,) = torch.autograd.grad(self.output.sum(), weight, retain_graph=True, allow_unused=True)
        return gradient is not None


def _matters(
    module: nn.Module, layers: dict[str, QuantumLayer], inputs: Sequence[Tensor], weight: Tensor, first: _Pass
) -> bool:
    """Whether the module's output changes with ``weight``."""
    kept = weight.detach().clone()
    with torch.no_grad():
        weight += 0.5
    try:
        return not torch.allclose(_Pass(module, layers, inputs).output, first.output, rtol=0, atol=1e-7)
    finally:
        with torch.no_grad():
            weight.copy_(kept)


def _tensors(result: Any) -> Iterator[Tensor]:
    """Give the tensors in what a module returns; all else is passed over."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, Mapping):
        yield from _tensors(list(result.values()))
    elif isinstance(result, tuple | list):
        for each in result:
            yield from _tensors(each)
