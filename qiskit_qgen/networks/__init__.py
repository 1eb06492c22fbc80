"""Networks that models are made of: plain ``torch.nn.Module`` classes."""

from qiskit_qgen.networks.autoencoder import ConvAutoencoder as ConvAutoencoder
from qiskit_qgen.networks.classical_generator import ClassicalGenerator as ClassicalGenerator
from qiskit_qgen.networks.critic import Critic as Critic
from qiskit_qgen.networks.normalizers import AbstractNormalizer as AbstractNormalizer
from qiskit_qgen.networks.normalizers import LatentNormalizer as LatentNormalizer
from qiskit_qgen.networks.normalizers import QuantileNormalizer as QuantileNormalizer
from qiskit_qgen.networks.normalizers import RangeNormalizer as RangeNormalizer
from qiskit_qgen.networks.quantum_generator import QuantumStyleGenerator as QuantumStyleGenerator

__all__ = [
    "AbstractNormalizer",
    "ClassicalGenerator",
    "ConvAutoencoder",
    "Critic",
    "LatentNormalizer",
    "QuantileNormalizer",
    "QuantumStyleGenerator",
    "RangeNormalizer",
]
