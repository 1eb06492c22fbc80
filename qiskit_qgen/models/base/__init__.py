"""What all models share: a module made of settings, and one way to sample, train, score, save and load."""

from qiskit_qgen.models.base.model import AbstractGenerativeModel, QuantumPass
from qiskit_qgen.models.base.module import count, quantum_layers

__all__ = ["AbstractGenerativeModel", "QuantumPass", "count", "quantum_layers"]
