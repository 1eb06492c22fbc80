"""Where circuits run: which primitive and which gradient, as one object."""

from qiskit_qgen.execution.aer import AerExecution as AerExecution
from qiskit_qgen.execution.base import AbstractExecution as AbstractExecution
from qiskit_qgen.execution.base import Expectation as Expectation
from qiskit_qgen.execution.local import LocalExecution as LocalExecution
from qiskit_qgen.execution.runtime import RuntimeExecution as RuntimeExecution
from qiskit_qgen.primitives.runtime import ErrorMitigation as ErrorMitigation

__all__ = ["AbstractExecution", "AerExecution", "ErrorMitigation", "Expectation", "LocalExecution", "RuntimeExecution"]
