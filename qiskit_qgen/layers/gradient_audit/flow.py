"""Where autograd loses its way through a module to or from its quantum layers, and which of these do not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from qiskit_qgen._random import torch_generator
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.layers.quantum_layer import QuantumLayer

NOT_RUN = "the module does not run the layer when it is called with these inputs in evaluation mode"
_CUT = "the module's output depends on the weights, but no gradient reaches them"
_UNUSED = "no gradient reaches the weights, and changing them does not change the module's output"
_DETACHED = "the layer's input depends on the module's, but is detached from it"
_STREAM = 1


def quantum_layers(module: nn.Module) -> dict[str, QuantumLayer]:
    """Return a module's quantum layers by name."""
    return {name: part for name, part in module.named_modules() if isinstance(part, QuantumLayer)}


def find_cuts(module: nn.Module, inputs: Sequence[Tensor], seed: int) -> dict[tuple[str, str], str]:
    """Return where no gradient passes although values do, or nothing passes: (layer, "input" or "weight") to why.

    Args:
        module: The module, which is called a few times and left as it was.
        inputs: What it is called with, a small batch.
        seed: Seed of how far the inputs are moved.

    Raises:
        ArgumentError: If the module returns no tensor.
    """
    layers = quantum_layers(module)
    generator = torch_generator(seed, _STREAM)
    first = _Pass(module, layers, inputs)
    moved = [
        value + 0.5 * torch.randn(value.shape, generator=generator).to(value) if value.is_floating_point() else value
        for value in inputs
    ]
    second = _Pass(module, layers, moved)
    found = {}
    for name, layer in layers.items():
        weight, runs = layer.weight, name in first.received
        if weight.numel() and (weight.requires_grad or not runs) and not first.reaches(weight):
            matters = _matters(module, layers, inputs, weight, first)
            found[name, "weight"] = _CUT if matters else _UNUSED if runs else NOT_RUN
        if not runs and (not weight.numel() or found.get((name, "weight")) == NOT_RUN):
            found[name, "input"] = NOT_RUN
        came, comes = first.received.get(name), second.received.get(name)
        if came is None or comes is None or not layer.num_inputs:
            continue
        if not came.requires_grad and not torch.equal(came, comes):
            found[name, "input"] = _DETACHED
    return found


class _Pass:
    """One forward pass, with which quantum layers ran, what came to each and what came out."""

    def __init__(self, module: nn.Module, layers: Mapping[str, QuantumLayer], inputs: Sequence[Tensor]) -> None:
        self.received: dict[str, Tensor | None] = {}
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
            tensors = [value for value in (*arguments, *named.values()) if isinstance(value, Tensor)]
            self.received[name] = tensors[-1] if tensors else None

        return keep

    def reaches(self, weight: Tensor) -> bool:
        """Whether autograd has a way from the output to ``weight``."""
        if not (self.output.requires_grad and weight.requires_grad):
            return False
        (gradient,) = torch.autograd.grad(self.output.sum(), weight, retain_graph=True, allow_unused=True)
        return gradient is not None


def _matters(
    module: nn.Module, layers: Mapping[str, QuantumLayer], inputs: Sequence[Tensor], weight: Tensor, first: _Pass
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
    """Yield the tensors in what a module returns; all else is passed over."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, Mapping | tuple | list):
        for each in result.values() if isinstance(result, Mapping) else result:
            yield from _tensors(each)
