"""Sources of random vectors, exchangeable wherever a model asks for noise."""

from qiskit_qgen.noise.base import AbstractNoise
from qiskit_qgen.noise.independent import GaussianNoise, UniformNoise
from qiskit_qgen.noise.pool import NoisePool
from qiskit_qgen.noise.quantum_circuit import QuantumCircuitNoise, noise_circuit
from qiskit_qgen.noise.report import NoiseReport, noise_report

__all__ = [
    "AbstractNoise",
    "GaussianNoise",
    "NoisePool",
    "NoiseReport",
    "QuantumCircuitNoise",
    "UniformNoise",
    "noise_circuit",
    "noise_report",
]
