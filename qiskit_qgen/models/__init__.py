"""Generative models to train, sample, evaluate, save and load."""

from qiskit_qgen.models.base import AbstractGenerativeModel
from qiskit_qgen.models.hybrid_gan import HybridGAN, HybridGANConfig
from qiskit_qgen.models.quantum_diffusion import QuantumDiffusion, QuantumDiffusionConfig
from qiskit_qgen.models.style_qgan import QuantumGeneratorConfig, StyleQGAN, StyleQGANConfig, StyleQGANTraining
from qiskit_qgen.networks import (
    ClassicalGeneratorConfig,
    ConvAutoencoderConfig,
    ConvCriticConfig,
    CriticConfig,
    LastAutoencoderConfig,
    VariationalAutoencoderConfig,
)
from qiskit_qgen.training import AdversarialTraining, AutoencoderTraining, DenoisingTraining

__all__ = [
    "AbstractGenerativeModel",
    "AdversarialTraining",
    "AutoencoderTraining",
    "ClassicalGeneratorConfig",
    "ConvAutoencoderConfig",
    "ConvCriticConfig",
    "CriticConfig",
    "DenoisingTraining",
    "HybridGAN",
    "HybridGANConfig",
    "LastAutoencoderConfig",
    "QuantumDiffusion",
    "QuantumDiffusionConfig",
    "QuantumGeneratorConfig",
    "StyleQGAN",
    "StyleQGANConfig",
    "StyleQGANTraining",
    "VariationalAutoencoderConfig",
]
