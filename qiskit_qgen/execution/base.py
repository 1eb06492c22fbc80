"""What every execution offers to the layers above."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import ClassVar, Self, TypeAlias

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.gradients import BaseEstimatorGradient, BaseSamplerGradient

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.arguments import check_circuit, check_observables, check_qubits, checked
from qiskit_qgen.execution.cost import CostEstimate
from qiskit_qgen.execution.primitive_functions import Gradient, expectation_function, probability_function
from qiskit_qgen.gradients.broadcast_estimator import (
    BroadcastParamShiftEstimatorGradient,
    BroadcastSPSAEstimatorGradient,
)
from qiskit_qgen.gradients.broadcast_sampler import BroadcastParamShiftSamplerGradient
from qiskit_qgen.gradients.perturbation_rule import PerturbationRule

Expectation: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Parameter values (B, num_parameters), in the order of ``QuantumCircuit.parameters``, to expectation values (B,
num_observables) or probabilities (B, num_outcomes).
"""


class AbstractExecution(ABC):
    """A way to run circuits: on the built-in simulator, on Aer or on a device.

    All executions are context managers, which matters for those that hold a batch or session open on a device.

    An execution of your own needs :meth:`estimator` and :meth:`sampler`. The rest follows from them: one PUB in one job
    for a whole batch, and one for its gradient, by the rule that :attr:`gradient` names. One that computes values in
    another way overrides ``_expectation`` and ``_probabilities``, which get checked arguments.
    """

    has_cost: ClassVar[bool] = False
    """Whether running circuits is billed, or would be on the device that is simulated."""
    gradient: str = "param_shift"
    """"param_shift", the exact parameter-shift rule, or "spsa", two rows per sample and gradient."""

    @abstractmethod
    def estimator(self) -> BaseEstimatorV2:
        """Return the V2 estimator of this execution."""

    @abstractmethod
    def sampler(self) -> BaseSamplerV2:
        """Return the V2 sampler of this execution."""

    def estimator_gradient(self) -> BaseEstimatorGradient:
        """Return the gradient that fits :meth:`estimator`, for a stock ``EstimatorQNN``: one PUB in one job."""
        if self.gradient == "spsa":
            return BroadcastSPSAEstimatorGradient(self.estimator(), seed=self._directions())
        return BroadcastParamShiftEstimatorGradient(self.estimator())

    def sampler_gradient(self) -> BaseSamplerGradient:
        """Return the gradient that fits :meth:`sampler`, for a stock ``SamplerQNN``: parameter shifts, in one PUB."""
        return BroadcastParamShiftSamplerGradient(self.sampler())

    def expectation(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> Expectation:
        """Return the expectation values as a differentiable function of the circuit's parameters.

        Args:
            circuit: The circuit, without measurements.
            observables: Operators on all the circuit's qubits, with real coefficients; at least one.

        Returns:
            A function to (B, len(observables)), of the dtype and on the device of the parameters.

        Raises:
            ArgumentTypeError: If ``circuit`` is not a circuit or ``observables`` not a sequence of SparsePauliOp; from
                the function, if its argument is not a tensor.
            ArgumentError: If there are no observables, or one has another width or complex coefficients; from the
                function, if its argument has another shape than (B, num_parameters) or no floating-point dtype.
            UnsupportedCircuitError: If the circuit has measurements, or cannot be run in this way.
            GradientError: If the gradient's rule does not fit the circuit.
        """
        check_circuit(circuit)
        function = self._expectation(circuit, check_observables(circuit, observables))
        return checked(function, circuit.num_parameters)

    def probabilities(self, circuit: QuantumCircuit, qubits: Sequence[int]) -> Expectation:
        """Return the probabilities of what some qubits measure as a differentiable function of the parameters.

        Args:
            circuit: The circuit, without measurements.
            qubits: The qubits to measure; bit i of an outcome is ``qubits[i]``.

        Returns:
            A function to (B, 2**len(qubits)), of the dtype and on the device of the parameters.

        Raises:
            ArgumentTypeError: If ``circuit`` is not a circuit or ``qubits`` not a sequence of numbers; from the
                function, if its argument is not a tensor.
            ArgumentError: If a qubit is out of range or named twice, or there are none or more than 24; from the
                function, if its argument has another shape than (B, num_parameters) or no floating-point dtype.
            UnsupportedCircuitError: If the circuit has measurements, or cannot be run in this way.
            GradientError: If the gradient's rule does not fit the circuit.
        """
        check_circuit(circuit)
        function = self._probabilities(circuit, check_qubits(circuit, qubits))
        return checked(function, circuit.num_parameters)

    def _expectation(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> Expectation:
        return expectation_function(circuit, observables, estimator=self.estimator(), gradient=self._rule())

    def _probabilities(self, circuit: QuantumCircuit, qubits: Sequence[int]) -> Expectation:
        return probability_function(circuit, qubits, sampler=self.sampler(), gradient=self._rule())

    def _rule(self) -> Gradient:
        return partial(PerturbationRule, seed=self._directions()) if self.gradient == "spsa" else self.gradient

    def _directions(self) -> np.random.Generator | int | None:
        """Return the seed of SPSA's directions; None for another one each time."""
        return None

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
