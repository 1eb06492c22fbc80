"""Challengers of a quantum model: one property of the circuit is matched or removed, all else is equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from qiskit_qgen._settings import Settings
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.models import ClassicalGeneratorConfig, HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.models.base import AbstractGenerativeModel, count
from qiskit_qgen.networks.bottleneck_gates import ChannelGate, QuantumBottleneck, SqueezeExcitation
from qiskit_qgen.studies.challengers.operations import exchanged_parts, forward_operations
from qiskit_qgen.studies.challengers.search import TwinSearch, search_twin
from qiskit_qgen.studies.challengers.settings import CONTROLS, TwinSettings

_WIDEST = 4096
Score = Callable[[Tensor, Tensor], float]


@dataclass(frozen=True)
class ClassicalTwin:
    """The result of :func:`classical_twin`."""

    model: AbstractGenerativeModel
    """The twin, untrained."""
    settings: TwinSettings
    """The settings that it was built with."""
    quantum_parameters: dict[str, int]
    """Trainable parameters of each quantum part of the original, by the part's name."""
    classical_parameters: dict[str, int]
    """Trainable parameters of its replacement."""
    quantum_operations: dict[str, int]
    """Floating-point operations of a sample's forward pass through each quantum part, by state-vector simulation."""
    classical_operations: dict[str, int]
    """The same for its replacement."""
    training: Settings | None = None
    """At level 'search', the training of the best candidate, with the search's number of steps; else None."""
    search: TwinSearch | None = None
    """At level 'search', the search; else None."""

    def __str__(self) -> str:
        """Return a line per part with both numbers of parameters and operations, and the search's budget."""
        lines = [
            f"{part}: {wanted:,} quantum, {self.classical_parameters[part]:,} classical parameters, "
            f"ratio {self.classical_parameters[part] / wanted:.3f}; "
            f"operations {self.classical_operations[part] / self.quantum_operations[part]:.3f}"
            for part, wanted in self.quantum_parameters.items()
        ]
        return "\n".join([*lines, *([] if self.search is None else [self.search.budget])])


def classical_twin(
    model: AbstractGenerativeModel,
    level: str = "weights",
    *,
    data: Any = None,
    training: Settings | None = None,
    score: Score | None = None,
    **options: Any,
) -> ClassicalTwin:
    """Return the same model with each circuit replaced by a challenger.

    =================  =============================================================================================
    level              what stands in the circuit's place
    =================  =============================================================================================
    ``"weights"``      a perceptron, two layers or a gate of the nearest number of weights
    ``"width"``        hidden layers as wide as a StyleQGAN's outputs; one layer of the inputs and outputs of a
                       HybridGAN's circuit; a gate as wide as a QuantumDiffusion's qubits
    ``"budget"``       the widest, of at most 4096 units, whose way forward takes no more floating-point operations for
                       a sample than the simulation of the circuit's state vector
    ``"search"``       the best of ``num_trials`` widths, depths and learning rates, by a score on a part of ``data``
                       that trains nothing
    ``"unentangled"``  the same circuit and as many weights, without what entangles its qubits
    ``"frozen"``       the same circuit with random weights that are not trained
    ``"fourier"``      a trigonometric polynomial of the circuit's frequencies
    =================  =============================================================================================

    All else is equal: the layers around the circuit, the noise, and the training that you give the twin. Numbers of
    weights and operations are matched as closely as such layers allow; the result lists all numbers. With equal forward
    operations, steps and batches, two trainings have an equal budget of operations: the backward pass takes about twice
    as many in both.

    The twin is untrained. A HybridGAN's twin starts with the same weights around its blocks if it is trained with the
    same seed. If ``model`` has your own autoencoder, the twin uses it as it is; train it first, so that a search does
    not train it for each candidate.

    Args:
        model: A model with a quantum part, trained or not; it is not changed.
        level: The property to match, or the control.
        data: At level "search", data as for ``fit``, without labels.
        training: At level "search", how candidates are trained, apart from steps, batch size and learning rate; None
            uses the training's defaults.
        score: At level "search", a function of generated and validation samples whose lower values are better; None for
            :func:`~qiskit_qgen.metrics.maximum_mean_discrepancy` of pixels, or of standardised columns.
        **options: Further settings of :class:`TwinSettings`, such as ``depth`` or ``num_trials``.

    Raises:
        ArgumentError: If ``model`` has no quantum part, or an argument is out of range or has no effect.
        ArgumentTypeError: If the model's class is not supported.

    Example:
        >>> twin = classical_twin(HybridGAN(image_shape=(1, 8, 8), quantum_in="generator", backbone="conv"))
        >>> print(twin)
        generator: 15 quantum, 15 classical parameters, ratio 1.000; operations 0.002
    """
    settings = TwinSettings.of(level=level, **options)
    maker = _maker(model)
    if settings.level != "search":
        for name, value in (("data", data), ("training", training), ("score", score)):
            if value is not None:
                raise ArgumentError(f"Argument `{name}` has no effect with level={level!r}: leave it out.")
        return _described(model, maker.at_level(settings), settings)
    if data is None:
        raise ArgumentError("Argument `data` must be given with level='search', but is None.")
    build = maker.of_width
    found = search_twin(build, model, _quantum_parts(model), data, training, score, settings)
    best = build(found.best.width, found.best.depth)
    return replace(_described(model, best, settings), training=found.training, search=found)


def _described(model: AbstractGenerativeModel, twin: AbstractGenerativeModel, settings: TwinSettings) -> ClassicalTwin:
    former, later = exchanged_parts(model), exchanged_parts(twin)
    names = _quantum_parts(model)
    return ClassicalTwin(
        twin,
        settings,
        {name: count(former[name]) for name in names},
        {name: count(later[name]) for name in names},
        {name: forward_operations(former[name]) for name in names},
        {name: forward_operations(later[name]) for name in names},
    )


def _quantum_parts(model: AbstractGenerativeModel) -> tuple[str, ...]:
    if isinstance(model, HybridGAN):
        return model.config.quantum_parts
    return ("generator",) if isinstance(model, StyleQGAN) else ("bottleneck",)


class _Hybrid:
    """Twins of a HybridGAN."""

    def __init__(self, model: HybridGAN) -> None:
        self.config, self.block = model.config, model.config.block
        if not model.config.quantum_parts:
            raise ArgumentError("Argument `model` must have a quantum block, but `quantum_in` is 'none'.")
        _refuse_control(self.block.control)
        part = exchanged_parts(model)[model.config.quantum_parts[0]]
        self.sizes: Any = part
        self.operations = forward_operations(part)

    def at_level(self, settings: TwinSettings) -> HybridGAN:
        if settings.level == "weights":
            return HybridGAN.from_config(replace(self.config, quantum_in="none"))
        if settings.level == "budget":
            return self.of_width(max(min(self.operations // (2 * self._ends), _WIDEST), 1), 1)
        changed = {"control": "dense"} if settings.level == "width" else _control(settings)
        block = replace(self.block, **changed)
        return HybridGAN.from_config(replace(self.config, block=block))

    def of_width(self, width: int, depth: int) -> HybridGAN:  # noqa: ARG002 - a block has one hidden layer
        block = replace(self.block, num_parameters=width * self._ends + self.sizes.num_outputs)
        return HybridGAN.from_config(replace(self.config, quantum_in="none", block=block))

    @property
    def _ends(self) -> int:
        return int(self.sizes.num_inputs + self.sizes.num_outputs)


class _Style:
    """Twins of a StyleQGAN."""

    def __init__(self, model: StyleQGAN) -> None:
        self.model, self.config = model, model.config
        self.options: Any = model.config.generator
        if isinstance(self.options, ClassicalGeneratorConfig):
            raise ArgumentError("Argument `model` must have a quantum generator, but `generator` is 'classical'.")
        _refuse_control(self.options.control)
        self.generator = model.get_submodule("generator")

    def at_level(self, settings: TwinSettings) -> StyleQGAN:
        if settings.level in CONTROLS:
            return self._with(replace(self.options, **_control(settings)))
        ends, depth = (self.config.noise_size, self.config.sample_size), settings.depth
        if settings.level == "weights":
            wanted = count(self.generator)
            width = min(_WIDTHS, key=lambda each: abs(_perceptron(*ends, depth, each)[0] - wanted))
        elif settings.level == "width":
            width = self.config.sample_size
        else:
            most = forward_operations(self.generator)
            width = max((each for each in _WIDTHS if _perceptron(*ends, depth, each)[1] <= most), default=1)
        return self.of_width(width, depth)

    def of_width(self, width: int, depth: int) -> StyleQGAN:
        return self._with(ClassicalGeneratorConfig(width=width, depth=depth))

    def _with(self, generator: Any) -> StyleQGAN:
        changed: dict[str, Any] = {"generator": generator, "noise_dim": self.config.given_noise_dim}
        if self.config.has_autoencoder:
            changed["latent_dim"] = self.config.sample_size
        if isinstance(self.config.autoencoder, nn.Module):
            changed["autoencoder"] = self.model.networks["autoencoder"]
        return StyleQGAN.from_config(replace(self.config, **changed))


class _Diffusion:
    """Twins of a QuantumDiffusion."""

    def __init__(self, model: QuantumDiffusion) -> None:
        self.config, gate = model.config, model.config.bottleneck
        if not isinstance(gate, QuantumBottleneck):
            raise ArgumentError(f"Argument `model` must have a quantum bottleneck, but `bottleneck` is {gate.kind!r}.")
        _refuse_control(gate.control)
        self.gate, self.part = gate, exchanged_parts(model)["bottleneck"]
        self.channels: int = next(each for each in model.modules() if isinstance(each, ChannelGate)).down.in_features

    def at_level(self, settings: TwinSettings) -> QuantumDiffusion:
        if settings.level in CONTROLS:
            return self._with(replace(self.gate, **_control(settings)))
        gates, channels = len(list(self.part.children())), self.channels
        if settings.level == "weights":
            wanted = count(self.part) / gates
            width = min(_WIDTHS, key=lambda each: abs((2 * channels + 1) * each + channels - wanted))
        elif settings.level == "width":
            width = self.gate.num_qubits
        else:
            width = max(min(forward_operations(self.part) // gates // (4 * channels), _WIDEST), 1)
        return self.of_width(width, 1)

    def of_width(self, width: int, depth: int) -> QuantumDiffusion:  # noqa: ARG002 - a gate has one hidden layer
        return self._with(SqueezeExcitation(width=width))

    def _with(self, gate: Any) -> QuantumDiffusion:
        return QuantumDiffusion.from_config(replace(self.config, bottleneck=gate))


_WIDTHS = range(1, _WIDEST + 1)


def _maker(model: AbstractGenerativeModel) -> _Hybrid | _Style | _Diffusion:
    if isinstance(model, HybridGAN):
        return _Hybrid(model)
    if isinstance(model, StyleQGAN):
        return _Style(model)
    if isinstance(model, QuantumDiffusion):
        return _Diffusion(model)
    raise ArgumentTypeError(
        "Argument `model` must be a StyleQGAN, a HybridGAN or a QuantumDiffusion, but is of type "
        f"{type(model).__name__}."
    )


def _refuse_control(control: str | None) -> None:
    if control is not None:
        raise ArgumentError(f"Argument `model` must have its circuit, but has the control {control!r} in its place.")


def _control(settings: TwinSettings) -> dict[str, Any]:
    frequencies = {"num_frequencies": settings.num_frequencies} if settings.level == "fourier" else {}
    return {"control": settings.level, **frequencies}


def _perceptron(inputs: int, outputs: int, depth: int, width: int) -> tuple[int, int]:
    """Return the parameters and the operations of ``depth`` hidden layers."""
    weights = inputs * width + (depth - 1) * width**2 + width * outputs
    return weights + depth * width + outputs, 2 * weights
