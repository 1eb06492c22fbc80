"""Defines what a study of arms compares."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from torch import Tensor

from qiskit_qgen._random import torch_generator
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import AbstractGenerativeModel, HybridGAN, HybridGANConfig, QuantumDiffusion
from qiskit_qgen.models import QuantumDiffusionConfig as DiffusionConfig
from qiskit_qgen.models.hybrid_gan.config import QUANTUM_IN
from qiskit_qgen.models.quantum_diffusion.config import GaussianDiffusion
from qiskit_qgen.networks.bottleneck_gates import (
    FrozenSqueezeExcitation,
    PlainBottleneck,
    PublishedBottleneck,
    QuantumBottleneck,
    SqueezeExcitation,
)
from qiskit_qgen.noise import (
    AbstractNoise,
    DirichletMultinomialNoise,
    GaussianCopulaNoise,
    QuantumCircuitNoise,
    ShuffledNoise,
)
from qiskit_qgen.studies.arms.images import ImageSelection
from qiskit_qgen.studies.arms.settings import ALL, ArmSettings

_RIVALS: dict[str, Callable[[Tensor], AbstractNoise]] = {
    "shuffled": ShuffledNoise,
    "dirichlet": DirichletMultinomialNoise.fit,
    "copula": GaussianCopulaNoise,
}
_FITTED = 2000  # number of the circuit's vectors
_NOISE_STREAM = 0x726976
_CONTROLS = ("dense", "unentangled", "frozen", "fourier")  # the words of `CircuitControl.control`
_PLACES = tuple(place for place in QUANTUM_IN if place != "none")
_BOTTLENECKS: dict[str, Callable[[QuantumBottleneck], Any]] = {
    "plain": lambda _: PlainBottleneck(),
    "se": lambda quantum: SqueezeExcitation(width=quantum.num_qubits),
    "se_frozen": lambda quantum: FrozenSqueezeExcitation(width=quantum.num_qubits),
    "quantum": lambda quantum: quantum,
    "quantum_published": lambda quantum: PublishedBottleneck(
        num_qubits=quantum.num_qubits, num_layers=quantum.num_layers
    ),
}


def _with_gate_or_noise(config: DiffusionConfig, arm: str) -> DiffusionConfig:
    """Return the settings of an arm: a bottleneck, or "noise SOURCE" or "schedule NAME" with a plain bottleneck."""
    if type(config.bottleneck) is not QuantumBottleneck or config.bottleneck.control is not None:
        raise ArgumentError(
            f"Argument `model` must have the bottleneck 'quantum', whose sizes all arms share, but has "
            f"{config.bottleneck!r}."
        )
    *kind, word = arm.split(" ")
    if not kind:
        if word in _CONTROLS:
            return replace(config, bottleneck=replace(config.bottleneck, control=cast(Any, word)))
        return replace(config, bottleneck=_BOTTLENECKS[word](config.bottleneck))
    if kind == ["schedule"]:
        if not config.is_gaussian:
            raise ArgumentError(
                f"Argument `model` must have the Gaussian process with the arm {arm!r}, but has {config.process!r}."
            )
        process = replace(cast(GaussianDiffusion, config.process), schedule=cast(Any, word))
        return replace(config, bottleneck=PlainBottleneck(), process=process)
    config.refuse(("noise",), "in `model` with arms of other noise: the study sets it")
    return replace(config, bottleneck=PlainBottleneck(), noise=_noise(word, math.prod(config.image_shape)))


@functools.cache
def _noise(word: str, dim: int) -> AbstractNoise:
    """Return a source: the circuit, or a classical rival fitted to a fixed set of its vectors."""
    source = QuantumCircuitNoise(dim)
    if word == "quantum":
        return source
    return _RIVALS[word](source.sample(_FITTED, torch_generator(0, _NOISE_STREAM)))


def _with_block(config: HybridGANConfig, arm: str) -> HybridGANConfig:
    """Return the settings of an arm: a place of the circuits, or "CONTROL PLACE" for a control in their place."""
    if config.block.control is not None:
        raise ArgumentError("Argument `control` has no effect in `model`: the study sets it.")
    *control, place = arm.split(" ")
    block = replace(config.block, control=cast(Any, control[0])) if control else config.block
    return replace(config, quantum_in=cast(Any, place), block=block)


@dataclass(frozen=True, kw_only=True)
class ArmDesign:
    """The arms of a study, the model that has them, and how they are compared."""

    name: str
    """Name of the study and of its files."""
    model: type[AbstractGenerativeModel]
    """The model's class."""
    configure: Callable[[Any, str], Any]
    """Maps the model's settings and an arm to the settings of that arm."""
    set_here: tuple[str, ...]
    """The model settings that the study sets."""
    known: tuple[str, ...]
    """All available arms."""
    defaults: ArmSettings
    """The study's default settings."""
    phase: str
    """The training phase that trains the image generator."""
    baseline: str
    """The arm that all others are compared with."""
    further: tuple[tuple[str, str], ...] = ()
    """Further comparisons: an arm, and the arm that it is compared with."""
    controls: tuple[str, ...] = ()
    """Arms that are used only for further comparisons."""
    copies_in: Literal["pixels", "features"]
    """Where copies are detected: in pixels, or in the first extractor's features."""
    must_beat_copies: bool = False
    """Whether the question is void unless an arm comes closer to the held-out images than its training images do."""

    def build(self, settings: Mapping[str, Any], image_shape: Sequence[int], arm: str) -> AbstractGenerativeModel:
        """Return the untrained model of an arm, given the model's settings as JSON."""
        given = {**settings, "image_shape": tuple(image_shape)}
        return self.model.from_config(self.configure(self.model.config_class.of(**given), arm))

    def pairs(self, arms: Sequence[str]) -> list[tuple[str, str]]:
        """Return the planned comparisons of arms: those with the baseline, and the further ones."""
        first = [(arm, self.baseline) for arm in arms if arm != self.baseline and arm not in self.controls]
        return [pair for pair in (*first, *self.further) if set(pair) <= set(arms)]

    def backbone(self, settings: Mapping[str, Any]) -> str | None:
        """Return the kind of the model's pretrained network; None if it has none.

        An extractor whose name begins with this kind uses the same network. A model trained against that network's
        features must not be judged by them alone.
        """
        return getattr(getattr(self.model.config_class.of(**settings), "backbone", None), "kind", None)


PLACEMENT = ArmDesign(
    name="placement",
    model=HybridGAN,
    configure=_with_block,
    set_here=("image_shape", "quantum_in"),
    known=(*QUANTUM_IN, *(f"{control} {place}" for control in _CONTROLS for place in _PLACES)),
    defaults=ArmSettings(
        images=ImageSelection(side=32, held_out=300),
        arms=(*QUANTUM_IN, *(f"dense {place}" for place in _PLACES)),
        sizes=(40, 400),
        seeds=(0, 1, 2, 3, 4),
        steps=400,
        score_every=50,
        batch_size=16,
        num_samples=200,
        extractors=("efficientnet-lite0-64px", "labels"),
    ),
    phase="adversarial",
    baseline="none",
    further=(
        *((place, f"{control} {place}") for control in _CONTROLS for place in _PLACES),
        ("both", "generator"),  # what the second circuit adds
    ),
    controls=tuple(f"{control} {place}" for control in _CONTROLS for place in _PLACES),
    copies_in="features",
)
"""A :class:`~qiskit_qgen.models.HybridGAN` with circuits in generator, discriminator, both or neither.

In arms of two words, the first word is the control that replaces the circuits.
"""
LOW_DATA = ArmDesign(
    name="low_data",
    model=QuantumDiffusion,
    configure=_with_gate_or_noise,
    set_here=("image_shape", "num_classes"),
    known=(
        *_BOTTLENECKS,
        *_CONTROLS,
        "schedule information",
        "noise quantum",
        *(f"noise {rival}" for rival in _RIVALS),
    ),
    defaults=ArmSettings(
        arms=("plain", "se", "se_frozen", "quantum"),
        sizes=(10, 25, 50, 100, 250, 500, 1000, ALL),
        seeds=(0, 1, 2, 3, 4),
        steps=2000,
        score_every=200,
        batch_size=64,
    ),
    phase="denoising",
    baseline="plain",
    # The circuit against a classical gate of the same size and against controls without it; its noise against rivals.
    further=(
        ("quantum", "se"),
        *(("quantum", control) for control in _CONTROLS),
        *(("noise quantum", f"noise {rival}") for rival in _RIVALS),
    ),
    controls=(*_CONTROLS, *(f"noise {rival}" for rival in _RIVALS)),
    copies_in="pixels",
    must_beat_copies=True,
)
"""A :class:`~qiskit_qgen.models.QuantumDiffusion` with different bottlenecks or different noise.

Arms named "noise ..." have a plain bottleneck and the noise of a circuit, or of a classical rival fitted to 2,000 of
its vectors; their baseline has Gaussian noise. "schedule information" has a plain bottleneck and the schedule fitted to
the training images.
"""
DESIGNS = {design.name: design for design in (PLACEMENT, LOW_DATA)}
"""The designs by name."""
