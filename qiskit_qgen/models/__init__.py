"""Generative models: what users train, sample, evaluate, save and load."""

from qiskit_qgen.models.base import AbstractGenerativeModel as AbstractGenerativeModel
from qiskit_qgen.models.hybrid_gan import HybridGAN as HybridGAN
from qiskit_qgen.models.hybrid_gan import HybridGANConfig as HybridGANConfig
from qiskit_qgen.models.quantum_diffusion import QuantumDiffusion as QuantumDiffusion
from qiskit_qgen.models.quantum_diffusion import QuantumDiffusionConfig as QuantumDiffusionConfig
from qiskit_qgen.models.style_qgan import QuantumGeneratorConfig as QuantumGeneratorConfig
from qiskit_qgen.models.style_qgan import StyleQGAN as StyleQGAN
from qiskit_qgen.models.style_qgan import StyleQGANConfig as StyleQGANConfig
from qiskit_qgen.models.style_qgan import StyleQGANTraining as StyleQGANTraining
from qiskit_qgen.networks import ClassicalGeneratorConfig as ClassicalGeneratorConfig
from qiskit_qgen.networks import ConvAutoencoderConfig as ConvAutoencoderConfig
from qiskit_qgen.networks import CriticConfig as CriticConfig
from qiskit_qgen.training import AdversarialTraining as AdversarialTraining
from qiskit_qgen.training import AutoencoderTraining as AutoencoderTraining
from qiskit_qgen.training import DenoisingTraining as DenoisingTraining

__all__ = [
    "AbstractGenerativeModel",
    "AdversarialTraining",
    "AutoencoderTraining",
    "ClassicalGeneratorConfig",
    "ConvAutoencoderConfig",
    "CriticConfig",
    "DenoisingTraining",
    "HybridGAN",
    "HybridGANConfig",
    "QuantumDiffusion",
    "QuantumDiffusionConfig",
    "QuantumGeneratorConfig",
    "StyleQGAN",
    "StyleQGANConfig",
    "StyleQGANTraining",
]
