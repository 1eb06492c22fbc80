"""An audit of the gradients of whatever has a quantum circuit in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from qiskit.circuit import QuantumCircuit
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_shape, check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models.base import AbstractGenerativeModel
from qiskit_qgen.training.gradient_audit import (
    GradientFinding,
    GradientReport,
    audit_layer,
    audit_module,
    quantum_layers,
)

_BATCH = 4
_INPUT_STREAM = 2


def audit_gradients(
    target: QuantumLayer | ParametrizedCircuit | QuantumCircuit | nn.Module | AbstractGenerativeModel,
    *,
    num_draws: int = 32,
    seed: int = 0,
    inputs: Tensor | Iterable[Tensor] | None = None,
) -> GradientReport:
    """Find the quantum parameters and inputs that no training can use.

    The parameters of each circuit, weights and inputs, are drawn uniformly from [-pi, pi], and the exact gradient of
    every read-out is computed. *Inert* is what has no gradient in any draw; the report says why where the circuit's
    structure tells, such as a diagonal gate before a diagonal observable. *Vanishing* is what has a gradient whose
    variance is at most three times that of a barren plateau of as many qubits, ``d^2 / (2 (d + 1)^2 (d - 1))`` with
    ``d = 2^n``, and below 0.005, if that holds for more than half of the circuit's parameters; if for fewer, it is
    called *weak*, which is told but is no fault. *Detached* is what changes the values of a
    module's quantum layer or output, while autograd has lost its way there, and what belongs to a layer that the module
    does not run, or whose output it does not use. Weights that do not require a gradient are called *frozen*, which is
    no fault either.

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
    kinds = (QuantumCircuit, ParametrizedCircuit, nn.Module, AbstractGenerativeModel)
    check_type("target", target, kinds, "a circuit, a module with a QuantumLayer or a model")
    if isinstance(target, QuantumCircuit):
        target = QuantumLayer(target, input_params=[], weight_params=list(target.parameters))
    elif isinstance(target, ParametrizedCircuit):
        target = QuantumLayer(target)
    if isinstance(target, QuantumLayer):
        if inputs is not None:
            raise ArgumentError("Argument `inputs` must be None for a circuit or a layer, whose inputs are drawn.")
        alone = audit_layer(target, num_draws=num_draws, seed=seed)
        if not alone:
            raise ArgumentError("Argument `target` must have at least one parameter, but its circuit has none.")
        return GradientReport(tuple(alone), num_draws)
    parts = target.networks.items() if isinstance(target, AbstractGenerativeModel) else [("", target)]
    findings: list[GradientFinding] = []
    for name, module in parts:
        if any(True for _ in quantum_layers(module)):
            batch = _batch(module, inputs, seed)
            prefix = f"{name}." if name else ""
            findings += audit_module(module, batch, num_draws=num_draws, seed=seed, prefix=prefix)
    if not findings:
        raise ArgumentError("Argument `target` must hold at least one QuantumLayer with parameters, but holds none.")
    return GradientReport(tuple(findings), num_draws)


def _batch(module: Any, inputs: Tensor | Iterable[Tensor] | None, seed: int) -> list[Tensor]:
    """What a module is called with."""
    if inputs is not None:
        several = [inputs] if isinstance(inputs, Tensor) else inputs
        return [_with_rows(check_type("inputs", each, Tensor, "a tensor or a list of tensors")) for each in several]
    example = getattr(module, "example_inputs", None)
    if not callable(example):
        raise ArgumentError("Argument `inputs` must be given for a module: what it is called with, a small batch.")
    generator: torch.Generator = torch_generator(seed, _INPUT_STREAM)
    return list(example(_BATCH, generator))


def _with_rows(batch: Tensor) -> Tensor:
    check_shape("inputs", batch.shape, "(N, ...), of at least one row", batch.ndim == 0 or len(batch) > 0)
    return batch
