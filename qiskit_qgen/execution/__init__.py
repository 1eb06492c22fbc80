"""Where circuits run: which primitive and which gradient, as one object."""

from qiskit_qgen.execution.base import AbstractExecution as AbstractExecution
from qiskit_qgen.execution.base import Expectation as Expectation
from qiskit_qgen.execution.local import LocalExecution as LocalExecution

__all__ = ["AbstractExecution", "Expectation", "LocalExecution"]
