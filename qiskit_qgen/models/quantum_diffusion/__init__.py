"""QuantumDiffusion: settings, model and networks."""

from qiskit_qgen.models.quantum_diffusion.config import (
    Depolarizing,
    GaussianDiffusion,
    QuantumDiffusionConfig,
    Sampling,
    StochasticWalk,
)
from qiskit_qgen.models.quantum_diffusion.model import QuantumDiffusion

__all__ = [
    "Depolarizing",
    "GaussianDiffusion",
    "QuantumDiffusion",
    "QuantumDiffusionConfig",
    "Sampling",
    "StochasticWalk",
]
