"""Where circuits run: which primitive and which gradient, as one object."""

from qiskit_qgen.execution.aer.execution import AerExecution as AerExecution
from qiskit_qgen.execution.aer.noise_models import HardwareNoise as HardwareNoise
from qiskit_qgen.execution.aer.noise_models import amplitude_damping_noise as amplitude_damping_noise
from qiskit_qgen.execution.aer.noise_models import depolarizing_noise as depolarizing_noise
from qiskit_qgen.execution.aer.noise_models import readout_noise as readout_noise
from qiskit_qgen.execution.base import AbstractExecution as AbstractExecution
from qiskit_qgen.execution.base import Expectation as Expectation
from qiskit_qgen.execution.cost import CostEstimate as CostEstimate
from qiskit_qgen.execution.local import LocalExecution as LocalExecution
from qiskit_qgen.execution.runtime.cost import JobLimits as JobLimits
from qiskit_qgen.execution.runtime.execution import RuntimeExecution as RuntimeExecution
from qiskit_qgen.execution.runtime.failures import RetryPolicy as RetryPolicy
from qiskit_qgen.execution.runtime.mitigation import ErrorMitigation as ErrorMitigation

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
