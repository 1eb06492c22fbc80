"""Sources of random vectors, exchangeable wherever a model asks for noise."""

from qiskit_qgen.noise.base import AbstractNoise
from qiskit_qgen.noise.categorical import CategoricalNoise
from qiskit_qgen.noise.comparison import NoiseComparison, compare_noise
from qiskit_qgen.noise.independent import GaussianNoise, UniformNoise
from qiskit_qgen.noise.pool import NoisePool
from qiskit_qgen.noise.quantum_circuit import QuantumCircuitNoise, noise_circuit
from qiskit_qgen.noise.report import NoiseReport, noise_report
from qiskit_qgen.noise.rivals import DirichletMultinomialNoise, GaussianCopulaNoise, ShuffledNoise, noise_rivals

__all__ = [
    "AbstractNoise",
    "CategoricalNoise",
    "DirichletMultinomialNoise",
    "GaussianCopulaNoise",
    "GaussianNoise",
    "NoiseComparison",
    "NoisePool",
    "NoiseReport",
    "QuantumCircuitNoise",
    "ShuffledNoise",
    "UniformNoise",
    "compare_noise",
    "noise_circuit",
    "noise_report",
    "noise_rivals",
]
