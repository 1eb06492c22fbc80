"""Generative models: what users train, sample, evaluate, save and load."""

from qiskit_qgen.models.base import AbstractGenerativeModel as AbstractGenerativeModel
from qiskit_qgen.models.hybrid_gan import HybridGAN as HybridGAN
from qiskit_qgen.models.quantum_diffusion import QuantumDiffusion as QuantumDiffusion
from qiskit_qgen.models.style_qgan import StyleQGAN as StyleQGAN

__all__ = ["AbstractGenerativeModel", "HybridGAN", "QuantumDiffusion", "StyleQGAN"]
