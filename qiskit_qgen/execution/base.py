"""What every execution offers to the layers above."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.gradients import BaseEstimatorGradient

Expectation: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Parameter values (B, num_parameters), in the order of ``QuantumCircuit.parameters``, to expectation values (B,
num_observables).
"""


class AbstractExecution(ABC):
    """A way to run circuits: on the built-in simulator, on Aer or on a device."""

    @abstractmethod
    def expectation(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> Expectation:
        """Return the expectation values as a differentiable function of the circuit's parameters."""

    @abstractmethod
    def estimator(self) -> BaseEstimatorV2:
        """Return the V2 estimator of this execution."""

    @abstractmethod
    def estimator_gradient(self) -> BaseEstimatorGradient:
        """Return the gradient that fits :meth:`estimator`."""
