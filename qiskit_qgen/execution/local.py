"""Circuits on the built-in simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_simulation_options
from qiskit_qgen.execution.base import AbstractExecution, Expectation
from qiskit_qgen.gradients import ReverseEstimatorGradient
from qiskit_qgen.primitives import BatchedStatevectorEstimator
from qiskit_qgen.simulator import ExpectationValues, lower


@dataclass(frozen=True, kw_only=True)
class LocalExecution(AbstractExecution):
    """Exact expectation values on the built-in simulator, with adjoint gradients.

    Raises:
        ArgumentError: If an option has another value than its description allows.
    """

    device: str = "cpu"
    """The device: "cpu"."""
    dtype: torch.dtype = torch.float32
    """The precision of the simulation, ``torch.float32`` or ``torch.float64``."""
    threads: int | None = None
    """The number of threads, over samples; None for as many as torch uses, ``torch.get_num_threads()``."""

    def __post_init__(self) -> None:
        check_simulation_options(self.device, self.dtype, self.threads)

    def expectation(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> Expectation:
        """Return exact expectation values, differentiable once, of the dtype and on the device of the parameters."""
        values = ExpectationValues(lower(circuit), observables, threads=self.threads)

        def function(parameters: torch.Tensor) -> torch.Tensor:
            return values(parameters.to("cpu", self.dtype)).to(parameters)

        return function

    def estimator(self) -> BatchedStatevectorEstimator:
        """Return the estimator of the built-in simulator."""
        return BatchedStatevectorEstimator(dtype=self.dtype, threads=self.threads)

    def estimator_gradient(self) -> ReverseEstimatorGradient:
        """Return the adjoint gradient."""
        return ReverseEstimatorGradient(dtype=self.dtype, threads=self.threads)
