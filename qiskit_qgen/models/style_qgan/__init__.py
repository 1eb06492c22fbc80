"""StyleQGAN: its settings, the model, and how its networks and phases are built."""

from qiskit_qgen.models.style_qgan.config import QuantumGeneratorConfig, StyleQGANConfig, StyleQGANTraining
from qiskit_qgen.models.style_qgan.model import StyleQGAN

__all__ = ["QuantumGeneratorConfig", "StyleQGAN", "StyleQGANConfig", "StyleQGANTraining"]
