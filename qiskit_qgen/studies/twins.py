"""The classical twin of a quantum model: all else equal, as nearly as many parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from torch import nn

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.models.base import AbstractGenerativeModel
from qiskit_qgen.models.diffusion_arguments import RULES as DIFFUSION_RULES
from qiskit_qgen.models.effects import argument_defaults, effective_arguments
from qiskit_qgen.models.hybrid_arguments import CUSTOM, quantum_parts
from qiskit_qgen.models.style_arguments import CUSTOM_AUTOENCODER
from qiskit_qgen.models.style_effects import RULES as STYLE_RULES
from qiskit_qgen.networks.bottleneck_gates import QUANTUM, ChannelGate

_WIDEST = 4096


@dataclass(frozen=True)
class ClassicalTwin:
    """What :func:`classical_twin` returns."""

    model: AbstractGenerativeModel
    """The twin, untrained."""
    quantum_parameters: dict[str, int]
    """Trainable parameters of each quantum part of the original, by the part's name."""
    classical_parameters: dict[str, int]
    """Trainable parameters of what stands in its place."""

    def __str__(self) -> str:
        """Return a line for each part, with both numbers and their ratio."""
        return "\n".join(
            f"{part}: {count:,} quantum, {self.classical_parameters[part]:,} classical parameters, "
            f"ratio {self.classical_parameters[part] / count:.3f}"
            for part, count in self.quantum_parameters.items()
        )


def classical_twin(model: AbstractGenerativeModel) -> ClassicalTwin:
    """Return the same model with each quantum part replaced by a classical one of the same width.

    Of a :class:`~qiskit_qgen.models.HybridGAN`, each circuit becomes a
    :class:`~qiskit_qgen.networks.ClassicalBlock`; of a :class:`~qiskit_qgen.models.StyleQGAN`, the generator becomes a
    multilayer perceptron of as many hidden layers as the model names; both have the nearest number of parameters that
    such layers can have. Of a :class:`~qiskit_qgen.models.QuantumDiffusion`, the gate of the bottleneck loses its
    circuit and keeps its width, so that it has fewer. The result says all numbers.

    The twin is not trained; a HybridGAN's starts with the same weights around its blocks if it is trained with the same
    seed. An autoencoder of your own is taken as it is in ``model``.

    Args:
        model: A model with a quantum part, trained or not; it is not changed.

    Raises:
        ArgumentError: If ``model`` has no quantum part.
        ArgumentTypeError: If it is of a class that this function does not know.

    Example:
        >>> twin = classical_twin(HybridGAN((1, 8, 8), "generator", backbone="conv"))
        >>> print(twin)
        generator: 15 quantum, 15 classical parameters, ratio 1.000
    """
    return _twin(model)


@singledispatch
def _twin(model: Any) -> ClassicalTwin:
    raise ArgumentTypeError(
        "Argument `model` must be a StyleQGAN, a HybridGAN or a QuantumDiffusion, but is of type "
        f"{type(model).__name__}."
    )


@_twin.register
def _of_hybrid(model: HybridGAN) -> ClassicalTwin:
    if model.circuit is None:
        raise ArgumentError("Argument `model` must have a quantum block, but `quantum_in` is 'none'.")
    arguments = {**model.arguments, "quantum_in": "none"}
    for name, part in (("backbone", model.backbone), ("noise", model.noise)):
        if arguments[name] == CUSTOM:
            arguments[name] = part
    twin = HybridGAN(**arguments)
    parts = quantum_parts(model.arguments)
    return ClassicalTwin(twin, _blocks(model, parts), _blocks(twin, parts))


@_twin.register
def _of_style(model: StyleQGAN) -> ClassicalTwin:
    if model.circuit is None:
        raise ArgumentError("Argument `model` must have a quantum generator, but `generator` is 'classical'.")
    generator: Any = model.networks["generator"]
    wanted, depth = _count(generator), model.arguments["generator_depth"]
    width = _nearest_width(generator.style.noise_dim, generator.layer.num_outputs, depth, wanted)
    changed = {**model.arguments, "generator": "classical", "generator_width": width}
    arguments = effective_arguments(changed, argument_defaults(StyleQGAN), STYLE_RULES)
    if arguments["autoencoder"] == CUSTOM_AUTOENCODER:
        arguments["autoencoder"] = model.networks["autoencoder"]
    twin = StyleQGAN(**arguments)
    return ClassicalTwin(twin, {"generator": wanted}, {"generator": _count(twin.networks["generator"])})


@_twin.register
def _of_diffusion(model: QuantumDiffusion) -> ClassicalTwin:
    if model.arguments["bottleneck"] not in QUANTUM:
        raise ArgumentError(
            f"Argument `model` must have a quantum bottleneck, but `bottleneck` is {model.arguments['bottleneck']!r}."
        )
    changed = {**model.arguments, "bottleneck": "se"}
    arguments = effective_arguments(changed, argument_defaults(QuantumDiffusion), DIFFUSION_RULES)
    arguments |= {name: getattr(model, name) for name in ("noise", "process") if arguments[name] == CUSTOM}
    twin = QuantumDiffusion(**arguments)
    return ClassicalTwin(twin, {"bottleneck": _gates(model)}, {"bottleneck": _gates(twin)})


def _gates(model: QuantumDiffusion) -> int:
    modules = [module for network in model.networks.values() for module in network.modules()]
    return sum(_count(module) for module in modules if isinstance(module, ChannelGate))


def _nearest_width(inputs: int, outputs: int, depth: int, wanted: int) -> int:
    """Return the width of ``depth`` hidden layers whose weights and biases are nearest to ``wanted`` in number."""

    def count(width: int) -> int:
        return (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs

    return min(range(1, _WIDEST + 1), key=lambda width: abs(count(width) - wanted))


def _blocks(model: HybridGAN, parts: tuple[str, ...]) -> dict[str, int]:
    networks: dict[str, Any] = model.networks
    return {part: _count(networks[part].block) for part in parts}


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
