"""Where circuits run: which primitive and which gradient, as one object."""

from qiskit_qgen.execution.aer.execution import AerExecution
from qiskit_qgen.execution.aer.noise_models import (
    HardwareNoise,
    amplitude_damping_noise,
    depolarizing_noise,
    readout_noise,
)
from qiskit_qgen.execution.base import AbstractExecution, Expectation
from qiskit_qgen.execution.cost import CostEstimate
from qiskit_qgen.execution.local import LocalExecution
from qiskit_qgen.execution.runtime.cost import JobLimits
from qiskit_qgen.execution.runtime.execution import RuntimeExecution
from qiskit_qgen.execution.runtime.failures import RetryPolicy
from qiskit_qgen.execution.runtime.mitigation import ErrorMitigation

__all__ = [
    "AbstractExecution",
    "AerExecution",
    "CostEstimate",
    "ErrorMitigation",
    "Expectation",
    "HardwareNoise",
    "JobLimits",
    "LocalExecution",
    "RetryPolicy",
    "RuntimeExecution",
    "amplitude_damping_noise",
    "depolarizing_noise",
    "readout_noise",
]
