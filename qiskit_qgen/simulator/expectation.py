"""Batches of expectation values as a function of a circuit's parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.simulator.circuit_function import CircuitFunction
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
        terms, constants = program.terms(observables)
        super().__init__(program, terms, len(constants), threads=threads)
        self._constants = Table(np.array(constants, float)) if any(constants) else None

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return the values.

        Args:
            parameters: Values of the circuit's parameters in Qiskit's order, (B, num_parameters), float32 or float64.

        Returns:
            (B, num_observables), of the dtype and on the device of ``parameters``.
        """
        values = self._values(parameters)
        return values if self._constants is None else values + self._constants.on(values.device, values.dtype)
