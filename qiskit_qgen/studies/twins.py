"""The classical twin of a quantum model: all else equal, as nearly as many parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.models import ClassicalGeneratorConfig, HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.models.base import AbstractGenerativeModel, count
from qiskit_qgen.networks.bottleneck_gates import ChannelGate, QuantumBottleneck, SqueezeExcitation

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
    multilayer perceptron of two hidden layers; both have the nearest number of parameters that
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
        >>> twin = classical_twin(HybridGAN(image_shape=(1, 8, 8), quantum_in="generator", backbone="conv"))
        >>> print(twin)
        generator: 15 quantum, 15 classical parameters, ratio 1.000
    """
    if isinstance(model, HybridGAN):
        return _of_hybrid(model)
    if isinstance(model, StyleQGAN):
        return _of_style(model)
    if isinstance(model, QuantumDiffusion):
        return _of_diffusion(model)
    raise ArgumentTypeError(
        "Argument `model` must be a StyleQGAN, a HybridGAN or a QuantumDiffusion, but is of type "
        f"{type(model).__name__}."
    )


def _of_hybrid(model: HybridGAN) -> ClassicalTwin:
    parts = model.config.quantum_parts
    if not parts:
        raise ArgumentError("Argument `model` must have a quantum block, but `quantum_in` is 'none'.")
    twin = HybridGAN.from_config(replace(model.config, quantum_in="none"))
    return ClassicalTwin(twin, _blocks(model, parts), _blocks(twin, parts))


def _of_style(model: StyleQGAN) -> ClassicalTwin:
    config, sizes = model.config, ClassicalGeneratorConfig()
    if model.circuit is None:
        raise ArgumentError("Argument `model` must have a quantum generator, but `generator` is 'classical'.")
    wanted = count(model.networks["generator"])
    width = _nearest_width(config.noise_size, config.sample_size, sizes.depth, wanted)
    changed: dict[str, Any] = {"generator": replace(sizes, width=width), "noise_dim": config.noise_size}
    if config.has_autoencoder:
        changed["latent_dim"] = config.sample_size
    if isinstance(config.autoencoder, nn.Module):
        changed["autoencoder"] = model.networks["autoencoder"]
    twin = StyleQGAN.from_config(replace(config, **changed))
    return ClassicalTwin(twin, {"generator": wanted}, {"generator": count(twin.networks["generator"])})


def _of_diffusion(model: QuantumDiffusion) -> ClassicalTwin:
    gate = model.config.bottleneck
    if not isinstance(gate, QuantumBottleneck):
        raise ArgumentError(f"Argument `model` must have a quantum bottleneck, but `bottleneck` is {gate.kind!r}.")
    twin = QuantumDiffusion.from_config(replace(model.config, bottleneck=SqueezeExcitation(width=gate.num_qubits)))
    return ClassicalTwin(twin, {"bottleneck": _gates(model)}, {"bottleneck": _gates(twin)})


def _gates(model: QuantumDiffusion) -> int:
    return sum(count(module) for module in model.modules() if isinstance(module, ChannelGate))


def _nearest_width(inputs: int, outputs: int, depth: int, wanted: int) -> int:
    """Return the width of ``depth`` hidden layers whose weights and biases are nearest to ``wanted`` in number."""

    def count(width: int) -> int:
        return (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs

    return min(range(1, _WIDEST + 1), key=lambda width: abs(count(width) - wanted))


def _blocks(model: HybridGAN, parts: tuple[str, ...]) -> dict[str, int]:
    return {part: count(model.get_submodule(f"{part}.block")) for part in parts}
