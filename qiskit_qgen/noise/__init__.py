"""Sources of noise: of random vectors, exchangeable wherever a model asks for them, and of a device's errors."""

from qiskit_qgen.noise.base import AbstractNoise as AbstractNoise
from qiskit_qgen.noise.depolarizing import DepolarizingProcess as DepolarizingProcess
from qiskit_qgen.noise.forward import AbstractForwardProcess as AbstractForwardProcess
from qiskit_qgen.noise.forward import process_sample as process_sample
from qiskit_qgen.noise.gaussian import GaussianNoise as GaussianNoise
from qiskit_qgen.noise.hardware import HardwareNoise as HardwareNoise
from qiskit_qgen.noise.hardware import amplitude_damping_noise as amplitude_damping_noise
from qiskit_qgen.noise.hardware import depolarizing_noise as depolarizing_noise
from qiskit_qgen.noise.hardware import readout_noise as readout_noise
from qiskit_qgen.noise.pool import NoisePool as NoisePool
from qiskit_qgen.noise.quantum_circuit import QuantumCircuitNoise as QuantumCircuitNoise
from qiskit_qgen.noise.quantum_circuit import noise_circuit as noise_circuit
from qiskit_qgen.noise.report import NoiseReport as NoiseReport
from qiskit_qgen.noise.report import noise_report as noise_report
from qiskit_qgen.noise.stochastic_walk import StochasticWalkProcess as StochasticWalkProcess
from qiskit_qgen.noise.uniform import UniformNoise as UniformNoise

__all__ = [
    "AbstractForwardProcess",
    "AbstractNoise",
    "DepolarizingProcess",
    "GaussianNoise",
    "HardwareNoise",
    "NoisePool",
    "NoiseReport",
    "QuantumCircuitNoise",
    "StochasticWalkProcess",
    "UniformNoise",
    "amplitude_damping_noise",
    "depolarizing_noise",
    "noise_circuit",
    "noise_report",
    "process_sample",
    "readout_noise",
]
