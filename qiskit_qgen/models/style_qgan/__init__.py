"""StyleQGAN: settings, model, networks and training phases."""

from qiskit_qgen.models.style_qgan.config import QuantumGeneratorConfig, StyleQGANConfig, StyleQGANTraining
from qiskit_qgen.models.style_qgan.model import StyleQGAN

__all__ = ["QuantumGeneratorConfig", "StyleQGAN", "StyleQGANConfig", "StyleQGANTraining"]
