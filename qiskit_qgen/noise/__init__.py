"""Sources of noise: of random vectors, exchangeable wherever a model asks for them, and of a device's errors."""

from qiskit_qgen.noise.base import AbstractNoise as AbstractNoise
from qiskit_qgen.noise.gaussian import GaussianNoise as GaussianNoise
from qiskit_qgen.noise.hardware import HardwareNoise as HardwareNoise
from qiskit_qgen.noise.hardware import amplitude_damping_noise as amplitude_damping_noise
from qiskit_qgen.noise.hardware import depolarizing_noise as depolarizing_noise
from qiskit_qgen.noise.hardware import readout_noise as readout_noise

__all__ = [
    "AbstractNoise",
    "GaussianNoise",
    "HardwareNoise",
    "amplitude_damping_noise",
    "depolarizing_noise",
    "readout_noise",
]
