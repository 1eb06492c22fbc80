"""QuantumDiffusion: its settings, the model, and how its networks are built."""

from qiskit_qgen.models.quantum_diffusion.config import Depolarizing as Depolarizing
from qiskit_qgen.models.quantum_diffusion.config import GaussianDiffusion as GaussianDiffusion
from qiskit_qgen.models.quantum_diffusion.config import QuantumDiffusionConfig as QuantumDiffusionConfig
from qiskit_qgen.models.quantum_diffusion.config import Sampling as Sampling
from qiskit_qgen.models.quantum_diffusion.config import StochasticWalk as StochasticWalk
from qiskit_qgen.models.quantum_diffusion.model import QuantumDiffusion as QuantumDiffusion

__all__ = [
    "Depolarizing",
    "GaussianDiffusion",
    "QuantumDiffusion",
    "QuantumDiffusionConfig",
    "Sampling",
    "StochasticWalk",
]
