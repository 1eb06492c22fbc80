"""Batches of outcome probabilities as a differentiable torch function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from qiskit_qgen.simulator.expressions import SlotEvaluator
from qiskit_qgen.simulator.program import Program
from qiskit_qgen.simulator.sweeps import Sweeps


class Probabilities:
    """The probabilities of measuring some qubits of a circuit, as a function of the circuit's parameters.

    ``values[b, k]`` is the probability that the qubits are found in the bits of k, bit i being that of ``qubits[i]``.
    Differentiable by adjoint differentiation (arXiv 2009.02823).

    Args:
        program: The lowered circuit.
        qubits: Numbers of distinct qubits of the circuit; those that nothing acts on are found in 0.
        threads: How many threads to use; None for as many as torch uses, ``torch.get_num_threads()``.
    """

    def __init__(self, program: Program, qubits: Sequence[int], *, threads: int | None = None) -> None:
        self._sweeps = Sweeps(program, [], 0)
        self._outcomes = torch.from_numpy(program.outcomes(qubits))
        self._num_outcomes = 1 << len(qubits)
        self._threads = threads
        self._evaluate = SlotEvaluator(program.parameters, program.expressions)

    def __call__(self, parameters: torch.Tensor) -> torch.Tensor:
        """Return the probabilities.

        Args:
            parameters: Values of the circuit's parameters in Qiskit's order, (B, num_parameters), float32 or float64,
                on the CPU.

        Returns:
            (B, 2**len(qubits)), of the dtype of ``parameters``.
        """
        threads = self._threads or torch.get_num_threads()
        by_row = _AdjointProbabilities.apply(self._evaluate(parameters), self._sweeps, threads)
        empty = by_row.new_zeros(len(by_row), self._num_outcomes)
        return empty.index_add(1, self._outcomes, by_row)


class _AdjointProbabilities(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, slots: torch.Tensor, sweeps: Sweeps, threads: int) -> torch.Tensor:
        keep = ctx.needs_input_grad[0]
        values, ctx.kept = sweeps.probabilities(slots.detach().numpy(), threads=threads, keep=keep)
        ctx.sweeps, ctx.threads = sweeps, threads
        return torch.from_numpy(values)

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        weights = np.asarray(cotangent.detach().numpy())
        return torch.from_numpy(ctx.sweeps.backward(ctx.kept, threads=ctx.threads, weights=weights)), None, None
