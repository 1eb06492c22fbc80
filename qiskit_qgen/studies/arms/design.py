"""What is compared in a study of arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qiskit_qgen.models import HybridGAN, QuantumDiffusion
from qiskit_qgen.models.hybrid_arguments import QUANTUM_IN
from qiskit_qgen.networks.bottleneck_gates import BOTTLENECKS
from qiskit_qgen.studies.build import build_diffusion, build_hybrid


@dataclass(frozen=True, kw_only=True)
class ArmDesign:
    """The arms of a study, the model that has them, and how they are compared."""

    name: str
    """Name of the study and of its files."""
    known: tuple[str, ...]
    """All arms that there are."""
    baseline: str
    """The arm that all others are compared with."""
    further: tuple[tuple[str, str], ...] = ()
    """Further comparisons: an arm, and what it is compared with."""
    copies_in: Literal["pixels", "features"]
    """Where an image counts as a copy: in its pixels, or in the extractor's features."""
    build: Callable[[Sequence[int], str, Mapping[str, Any] | None], HybridGAN | QuantumDiffusion]
    """Takes the shape of the images, an arm and the model's further arguments, and returns the untrained model."""


PLACEMENT = ArmDesign(name="placement", known=QUANTUM_IN, baseline="none", copies_in="features", build=build_hybrid)
"""A :class:`~qiskit_qgen.models.HybridGAN` with circuits in generator, discriminator, both or neither."""
LOW_DATA = ArmDesign(
    name="low_data",
    known=BOTTLENECKS,
    baseline="plain",
    further=(("quantum", "se"),),  # what the circuit adds to a classical gate of the same size
    copies_in="pixels",
    build=build_diffusion,
)
"""A :class:`~qiskit_qgen.models.QuantumDiffusion` with one bottleneck or another."""
DESIGNS = {design.name: design for design in (PLACEMENT, LOW_DATA)}
"""The designs by name."""
