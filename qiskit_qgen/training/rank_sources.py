"""The executions and noise of each process in data-parallel training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparsePauliOp
from torch import Tensor

from qiskit_qgen._random import torch_generator
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution, AerExecution, LocalExecution
from qiskit_qgen.execution.base import Expectation
from qiskit_qgen.execution.first_order import PrimitiveFunction
from qiskit_qgen.noise import AbstractNoise
from qiskit_qgen.training.distributed import gather_objects, is_main, on_main, rank, world_size

_SEED_STREAM = 0x72616E6B
_SEED_BITS = 31  # what Aer takes


def rank_execution(execution: AbstractExecution | None) -> AbstractExecution | None:
    """Return the execution on which this process runs circuits.

    Only rank 0 uses a billed execution, for the rows of all ranks. A simulator with a seed gets a different seed on
    every rank, since equal shots for different samples would not be independent. With a single process, it is
    ``execution`` itself.
    """
    if execution is None or world_size() == 1:
        return execution
    if execution.has_cost:
        return GatheredExecution(execution)
    if isinstance(execution, (LocalExecution, AerExecution)) and execution.seed is not None and rank() > 0:
        own = torch_generator(execution.seed, _SEED_STREAM, rank()).initial_seed() % (1 << _SEED_BITS)
        return replace(execution, seed=own)
    return execution


def check_may_bill(execution: AbstractExecution | None) -> None:
    """Raise unless ``execution`` is free or this is rank 0: otherwise all would pay for the same samples.

    Raises:
        ArgumentError: If it is billed and this is another rank.
    """
    if is_main() or execution is None:
        return
    if execution.has_cost:
        raise ArgumentError(
            "Argument `execution` must cost nothing where several processes draw the same samples, but is billed: draw "
            "them on rank 0 alone."
        )


def draw_noise(noise: AbstractNoise, num_samples: int, generator: torch.Generator) -> Tensor:
    """Draw vectors (num_samples, dim), the same on all ranks; only rank 0 draws from a device."""
    if noise.is_repeatable or world_size() == 1:
        return noise.sample(num_samples, generator)
    drawn, state = on_main(lambda: (noise.sample(num_samples, generator), generator.get_state()))
    generator.set_state(state)
    return drawn


class GatheredExecution(AbstractExecution):
    """An execution on which rank 0 runs equally many rows of all ranks: one job for a whole batch.

    Args:
        execution: The execution; the other ranks only read from theirs what is not billed.
    """

    has_cost = True

    def __init__(self, execution: AbstractExecution) -> None:
        self._execution = execution

    def estimator(self) -> BaseEstimatorV2:
        """Return the execution's own estimator."""
        return self._execution.estimator()

    def sampler(self) -> BaseSamplerV2:
        """Return the execution's own sampler."""
        return self._execution.sampler()

    def _expectation(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> Expectation:
        return _gathered(self._execution.expectation(circuit, observables))

    def _probabilities(self, circuit: QuantumCircuit, qubits: Sequence[int]) -> Expectation:
        return _gathered(self._execution.probabilities(circuit, qubits))

    def __deepcopy__(self, memo: dict[int, object]) -> GatheredExecution:
        return GatheredExecution(copy.deepcopy(self._execution, memo))


def _gathered(function: Any) -> PrimitiveFunction:
    primitive: PrimitiveFunction = function
    return primitive.run_through(_run_on_main)


def _run_on_main(run: Callable[[NDArray[np.float64]], Any], rows: NDArray[np.float64]) -> Any:
    if world_size() == 1:
        return run(rows)
    everything = gather_objects(rows)
    results = on_main(lambda: run(np.concatenate(everything)))
    start = sum(len(each) for each in everything[: rank()])
    return results[start : start + len(rows)]
