"""Batches of outcome probabilities as a function of a circuit's parameters."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from qiskit_qgen.simulator.circuit_function import CircuitFunction
from qiskit_qgen.simulator.programs.program import Program
from qiskit_qgen.simulator.tables import Table


class Probabilities(CircuitFunction):
    """The probabilities of measuring some qubits of a circuit, as a function of the circuit's parameters.

    ``values[b, k]`` is the probability that the qubits are found in the bits of k, bit i being that of ``qubits[i]``.

    Args:
        program: The lowered circuit.
        qubits: Numbers of distinct qubits of the circuit; those that nothing acts on are found in 0.
        threads: How many threads to use on the CPU; None for as many as torch uses, ``torch.get_num_threads()``.
    """

    def __init__(self, program: Program, qubits: Sequence[int], *, threads: int | None = None) -> None:
        super().__init__(program, threads=threads)
        self._outcomes = Table(program.outcomes(qubits))
        self._num_outcomes = 1 << len(qubits)

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return the probabilities.

        Args:
            parameters: Values of the circuit's parameters in Qiskit's order, (B, num_parameters), float32 or float64.

        Returns:
            (B, 2**len(qubits)), of the dtype and on the device of ``parameters``.
        """
        by_row = self._values(parameters)
        empty = by_row.new_zeros(len(by_row), self._num_outcomes)
        return empty.index_add(1, self._outcomes.on(by_row.device, torch.int64), by_row)
