"""Sources of noise, exchangeable wherever a model asks for random vectors."""

from qiskit_qgen.noise.base import AbstractNoise as AbstractNoise
from qiskit_qgen.noise.gaussian import GaussianNoise as GaussianNoise

__all__ = ["AbstractNoise", "GaussianNoise"]
