"""Circuits on the built-in simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_simulation_options
from qiskit_qgen.execution.base import AbstractExecution, Expectation
from qiskit_qgen.gradients import ReverseEstimatorGradient, ReverseSamplerGradient
from qiskit_qgen.primitives import BatchedStatevectorEstimator, BatchedStatevectorSampler
from qiskit_qgen.simulator import ExpectationValues, lower
from qiskit_qgen.simulator.probabilities import Probabilities


@dataclass(frozen=True, kw_only=True)
class LocalExecution(AbstractExecution):
    """Exact expectation values and probabilities on the built-in simulator, with adjoint gradients.

    Raises:
        ArgumentError: If an option has another value than its description allows.
    """

    device: str = "cpu"
    """The device that simulates, as torch names it."""
    dtype: torch.dtype = torch.float32
    """The precision of the simulation, ``torch.float32`` or ``torch.float64``."""
    threads: int | None = None
    """The number of threads on the CPU; None for as many as torch uses, ``torch.get_num_threads()``."""

    def __post_init__(self) -> None:
        check_simulation_options(self.device, self.dtype, self.threads)

    def expectation(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> Expectation:
        """Return exact expectation values, of the dtype and on the device of the parameters.

        Differentiable any number of times.
        """
        return self._simulated(ExpectationValues(lower(circuit), observables, threads=self.threads))

    def probabilities(self, circuit: QuantumCircuit, qubits: Sequence[int]) -> Expectation:
        """Return exact probabilities of what some qubits measure, of the dtype and on the device of the parameters.

        Differentiable any number of times.

        Args:
            circuit: The circuit, without measurements.
            qubits: The qubits to measure; bit i of an outcome is ``qubits[i]``.

        Returns:
            A function to (B, 2**len(qubits)).
        """
        return self._simulated(Probabilities(lower(circuit), qubits, threads=self.threads))

    def _simulated(self, values: Expectation) -> Expectation:
        def function(parameters: torch.Tensor) -> torch.Tensor:
            return values(parameters.to(self.device, self.dtype)).to(parameters)

        return function

    def estimator(self) -> BatchedStatevectorEstimator:
        """Return the estimator of the built-in simulator."""
        return BatchedStatevectorEstimator(device=self.device, dtype=self.dtype, threads=self.threads)

    def sampler(self) -> BatchedStatevectorSampler:
        """Return the sampler of the built-in simulator; it gives exact probabilities where no shots are named."""
        return BatchedStatevectorSampler(device=self.device, dtype=self.dtype, threads=self.threads, default_shots=None)

    def estimator_gradient(self) -> ReverseEstimatorGradient:
        """Return the adjoint gradient of expectation values."""
        return ReverseEstimatorGradient(device=self.device, dtype=self.dtype, threads=self.threads)

    def sampler_gradient(self) -> ReverseSamplerGradient:
        """Return the exact gradient of probabilities."""
        return ReverseSamplerGradient(device=self.device, dtype=self.dtype, threads=self.threads)
