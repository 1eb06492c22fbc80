"""What is compared in a study of arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import AbstractGenerativeModel, HybridGAN, QuantumDiffusion
from qiskit_qgen.models import QuantumDiffusionConfig as DiffusionConfig
from qiskit_qgen.models.hybrid_gan.config import QUANTUM_IN
from qiskit_qgen.networks.bottleneck_gates import (
    FrozenSqueezeExcitation,
    PlainBottleneck,
    PublishedBottleneck,
    QuantumBottleneck,
    SqueezeExcitation,
)
from qiskit_qgen.studies.arms.images import ImageSelection
from qiskit_qgen.studies.arms.settings import ALL, ArmSettings

_BOTTLENECKS: dict[str, Callable[[QuantumBottleneck], Any]] = {
    "plain": lambda _: PlainBottleneck(),
    "se": lambda quantum: SqueezeExcitation(width=quantum.num_qubits),
    "se_frozen": lambda quantum: FrozenSqueezeExcitation(width=quantum.num_qubits),
    "quantum": lambda quantum: quantum,
    "quantum_published": lambda quantum: PublishedBottleneck(
        num_qubits=quantum.num_qubits, num_layers=quantum.num_layers
    ),
}


def _with_bottleneck(config: DiffusionConfig, arm: str) -> DiffusionConfig:
    if type(config.bottleneck) is not QuantumBottleneck:
        raise ArgumentError(
            f"Argument `model` must have the bottleneck 'quantum', whose sizes all arms share, but has "
            f"{config.bottleneck.kind!r}."
        )
    return replace(config, bottleneck=_BOTTLENECKS[arm](config.bottleneck))


@dataclass(frozen=True, kw_only=True)
class ArmDesign:
    """The arms of a study, the model that has them, and how they are compared."""

    name: str
    """Name of the study and of its files."""
    model: type[AbstractGenerativeModel]
    """The model's class."""
    configure: Callable[[Any, str], Any]
    """Takes the model's settings and an arm, and returns the settings of that arm."""
    set_here: tuple[str, ...]
    """Settings of the model that the study sets."""
    known: tuple[str, ...]
    """All arms that there are."""
    defaults: ArmSettings
    """The study's settings where none are given."""
    scored_on_the_way: bool
    """Whether its training can be scored before its end."""
    baseline: str
    """The arm that all others are compared with."""
    further: tuple[tuple[str, str], ...] = ()
    """Further comparisons: an arm, and what it is compared with."""
    copies_in: Literal["pixels", "features"]
    """Where an image counts as a copy: in its pixels, or in the extractor's features."""

    def build(self, settings: Mapping[str, Any], image_shape: Sequence[int], arm: str) -> AbstractGenerativeModel:
        """Return the untrained model of an arm, of the model's settings as JSON holds them."""
        given = {**settings, "image_shape": tuple(image_shape)}
        return self.model.from_config(self.configure(self.model.config_class.of(**given), arm))


PLACEMENT = ArmDesign(
    name="placement",
    model=HybridGAN,
    configure=lambda config, place: replace(config, quantum_in=place),
    set_here=("image_shape", "quantum_in"),
    known=QUANTUM_IN,
    defaults=ArmSettings(
        images=ImageSelection(side=32, held_out=300),
        arms=QUANTUM_IN,
        sizes=(40, 400),
        seeds=(0, 1, 2),
        steps=400,
        score_every=50,
        batch_size=16,
        num_samples=128,
        extractor="efficientnet-lite0-64px",
    ),
    scored_on_the_way=True,
    baseline="none",
    copies_in="features",
)
"""A :class:`~qiskit_qgen.models.HybridGAN` with circuits in generator, discriminator, both or neither."""
LOW_DATA = ArmDesign(
    name="low_data",
    model=QuantumDiffusion,
    configure=_with_bottleneck,
    set_here=("image_shape", "num_classes"),
    known=tuple(_BOTTLENECKS),
    defaults=ArmSettings(
        arms=("plain", "se", "se_frozen", "quantum"),
        sizes=(10, 25, 50, 100, 250, 500, 1000, ALL),
        seeds=(0, 1, 2, 3, 4),
        steps=2000,
        batch_size=64,
    ),
    scored_on_the_way=False,
    baseline="plain",
    further=(("quantum", "se"),),  # what the circuit adds to a classical gate of the same size
    copies_in="pixels",
)
"""A :class:`~qiskit_qgen.models.QuantumDiffusion` with one bottleneck or another."""
DESIGNS = {design.name: design for design in (PLACEMENT, LOW_DATA)}
"""The designs by name."""
