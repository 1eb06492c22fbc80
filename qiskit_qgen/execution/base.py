"""What every execution offers to the layers above."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias

import torch
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.gradients import BaseEstimatorGradient, BaseSamplerGradient

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.primitive_functions import expectation_function, probability_function
from qiskit_qgen.gradients.broadcast_estimator import BroadcastParamShiftEstimatorGradient
from qiskit_qgen.gradients.broadcast_sampler import BroadcastParamShiftSamplerGradient

if TYPE_CHECKING:
    from qiskit_qgen.primitives.runtime import CostEstimate

Expectation: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Parameter values (B, num_parameters), in the order of ``QuantumCircuit.parameters``, to expectation values (B,
num_observables) or probabilities (B, num_outcomes).
"""


class AbstractExecution(ABC):
    """A way to run circuits: on the built-in simulator, on Aer or on a device.

    All executions are context managers, which matters for those that hold a batch or session open on a device.

    An execution of your own needs :meth:`estimator` and :meth:`sampler`. The rest follows from them, with the exact
    parameter-shift rule for gradients: one PUB in one job for a whole batch, and one for its gradient.
    """

    has_cost: ClassVar[bool] = False
    """Whether running circuits is billed, or would be on the device that is simulated."""

    @abstractmethod
    def estimator(self) -> BaseEstimatorV2:
        """Return the V2 estimator of this execution."""

    @abstractmethod
    def sampler(self) -> BaseSamplerV2:
        """Return the V2 sampler of this execution."""

    def estimator_gradient(self) -> BaseEstimatorGradient:
        """Return the gradient that fits :meth:`estimator`, for a stock ``EstimatorQNN``."""
        return BroadcastParamShiftEstimatorGradient(self.estimator())

    def sampler_gradient(self) -> BaseSamplerGradient:
        """Return the gradient that fits :meth:`sampler`, for a stock ``SamplerQNN``."""
        return BroadcastParamShiftSamplerGradient(self.sampler())

    def expectation(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> Expectation:
        """Return the expectation values as a differentiable function of the circuit's parameters."""
        return expectation_function(circuit, observables, estimator=self.estimator())

    def probabilities(self, circuit: QuantumCircuit, qubits: Sequence[int]) -> Expectation:
        """Return the probabilities of what some qubits measure as a differentiable function of the parameters.

        Args:
            circuit: The circuit, without measurements.
            qubits: The qubits to measure; bit i of an outcome is ``qubits[i]``.

        Returns:
            A function to (B, 2**len(qubits)).
        """
        return probability_function(circuit, qubits, sampler=self.sampler())

    def estimate_cost(
        self,
        circuit: QuantumCircuit,  # noqa: ARG002
        observables: Sequence[SparsePauliOp],  # noqa: ARG002
        num_rows: int,  # noqa: ARG002
        *,
        gradient: bool = False,  # noqa: ARG002
    ) -> CostEstimate:
        """Return what ``num_rows`` rows of a circuit's parameters would cost, without submitting anything.

        Args:
            circuit: The circuit.
            observables: The operators to read out.
            num_rows: Rows of parameters.
            gradient: Whether a backward pass follows.

        Raises:
            ArgumentError: If this execution costs nothing, see :attr:`has_cost`.
        """
        raise ArgumentError(
            f"Argument `execution` must be one that is billed, such as RuntimeExecution, but is {type(self).__name__}, "
            "which costs nothing."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None
