"""Batches of expectation values as a function of a circuit's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.simulator.circuit_function import CircuitFunction
from qiskit_qgen.simulator.cpu.sweeps import Kept
from qiskit_qgen.simulator.programs.program import Program
from qiskit_qgen.simulator.tables import Table


class ExpectationValues(CircuitFunction):
    """The expectation values of some observables on a circuit, as a function of the circuit's parameters.

    ``values[b, k] = <0| U(parameters[b])^dagger O_k U(parameters[b]) |0>``. A backward pass is one sweep back for all
    observables and all parameters together.

    Args:
        program: The lowered circuit.
        observables: Hermitian operators on the circuit's qubits.
        threads: How many threads to use on the CPU; None for as many as torch uses, ``torch.get_num_threads()``.

    Raises:
        ArgumentError: If an observable does not fit the circuit or has complex coefficients.
    """

    def __init__(self, program: Program, observables: Sequence[SparsePauliOp], *, threads: int | None = None) -> None:
        self._terms, constants = program.terms(observables)
        self._constants = Table(np.array(constants, float))
        self._num_outputs = len(constants)
        super().__init__(program, self._terms, self._num_outputs, threads)

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return the values.

        Args:
            parameters: Values of the circuit's parameters in Qiskit's order, (B, num_parameters), float32 or float64.

        Returns:
            (B, num_observables), of the dtype and on the device of ``parameters``.
        """
        return self._values(parameters)

    def sweep(self, slots: NDArray[Any], *, keep: bool) -> tuple[NDArray[Any], Kept]:
        """Return the values on the CPU kernels."""
        values, kept = self.sweeps.forward(slots, threads=self.threads, keep=keep)
        return values + self._constants.numbers.astype(values.dtype), kept

    def sweep_back(self, kept: Kept, cotangent: NDArray[Any]) -> NDArray[Any]:
        """Return the derivative by the slots."""
        return self.sweeps.backward(kept, threads=self.threads, cotangent=cotangent)

    def on_tensors(self, slots: torch.Tensor) -> torch.Tensor:
        """Return the values on the tensor kernels."""
        values = self.tensors.expectation(slots, self._terms, self._num_outputs)
        return values + self._constants.on(values.device, values.dtype)

    def pull_back_on_tensors(self, slots: torch.Tensor, cotangent: torch.Tensor) -> torch.Tensor:
        """Return the derivative by the slots, differentiable."""
        return self.tensors.vector_jacobian_product(slots, self._terms, self._num_outputs, cotangent)
