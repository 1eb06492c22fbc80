"""StyleQGAN: its settings, the model, and how its networks and phases are built."""

from qiskit_qgen.models.style_qgan.config import QuantumGeneratorConfig as QuantumGeneratorConfig
from qiskit_qgen.models.style_qgan.config import StyleQGANConfig as StyleQGANConfig
from qiskit_qgen.models.style_qgan.config import StyleQGANTraining as StyleQGANTraining
from qiskit_qgen.models.style_qgan.model import StyleQGAN as StyleQGAN

__all__ = ["QuantumGeneratorConfig", "StyleQGAN", "StyleQGANConfig", "StyleQGANTraining"]
