"""QuantumDiffusion: its settings, the model, and how its networks are built."""

from qiskit_qgen.models.quantum_diffusion.config import Depolarizing as Depolarizing
from qiskit_qgen.models.quantum_diffusion.config import FrozenSqueezeExcitation as FrozenSqueezeExcitation
from qiskit_qgen.models.quantum_diffusion.config import GaussianDiffusion as GaussianDiffusion
from qiskit_qgen.models.quantum_diffusion.config import PlainBottleneck as PlainBottleneck
from qiskit_qgen.models.quantum_diffusion.config import PublishedBottleneck as PublishedBottleneck
from qiskit_qgen.models.quantum_diffusion.config import PublishedUNetConfig as PublishedUNetConfig
from qiskit_qgen.models.quantum_diffusion.config import QuantumBottleneck as QuantumBottleneck
from qiskit_qgen.models.quantum_diffusion.config import QuantumDiffusionConfig as QuantumDiffusionConfig
from qiskit_qgen.models.quantum_diffusion.config import Sampling as Sampling
from qiskit_qgen.models.quantum_diffusion.config import SqueezeExcitation as SqueezeExcitation
from qiskit_qgen.models.quantum_diffusion.config import StochasticWalk as StochasticWalk
from qiskit_qgen.models.quantum_diffusion.config import UNetConfig as UNetConfig
from qiskit_qgen.models.quantum_diffusion.model import QuantumDiffusion as QuantumDiffusion

__all__ = [
    "Depolarizing",
    "FrozenSqueezeExcitation",
    "GaussianDiffusion",
    "PlainBottleneck",
    "PublishedBottleneck",
    "PublishedUNetConfig",
    "QuantumBottleneck",
    "QuantumDiffusion",
    "QuantumDiffusionConfig",
    "Sampling",
    "SqueezeExcitation",
    "StochasticWalk",
    "UNetConfig",
]
