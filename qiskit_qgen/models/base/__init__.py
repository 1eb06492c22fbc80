"""What all models share: a module built from settings, and one interface to sample, train, score and save."""

from qiskit_qgen.models.base.model import AbstractGenerativeModel, QuantumPass
from qiskit_qgen.models.base.module import count, quantum_layers

__all__ = ["AbstractGenerativeModel", "QuantumPass", "count", "quantum_layers"]
