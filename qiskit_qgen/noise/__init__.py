"""Sources of random vectors, exchangeable wherever a model asks for noise."""

from qiskit_qgen.noise.base import AbstractNoise as AbstractNoise
from qiskit_qgen.noise.gaussian import GaussianNoise as GaussianNoise
from qiskit_qgen.noise.pool import NoisePool as NoisePool
from qiskit_qgen.noise.quantum_circuit import QuantumCircuitNoise as QuantumCircuitNoise
from qiskit_qgen.noise.quantum_circuit import noise_circuit as noise_circuit
from qiskit_qgen.noise.report import NoiseReport as NoiseReport
from qiskit_qgen.noise.report import noise_report as noise_report
from qiskit_qgen.noise.uniform import UniformNoise as UniformNoise

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
