"""What all models share: a module made of settings, and one way to sample, train, score, save and load."""

from qiskit_qgen.models.base.model import AbstractGenerativeModel as AbstractGenerativeModel
from qiskit_qgen.models.base.model import QuantumPass as QuantumPass
from qiskit_qgen.models.base.module import count as count
from qiskit_qgen.models.base.module import quantum_layers as quantum_layers

__all__ = ["AbstractGenerativeModel", "QuantumPass", "count", "quantum_layers"]
