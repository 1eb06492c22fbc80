"""Circuits on the built-in simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_int
from qiskit_qgen._random import resolve_seed
from qiskit_qgen.execution.base import AbstractExecution, Expectation
from qiskit_qgen.execution.shot_noise import PauliShots, drawn_frequencies
from qiskit_qgen.gradients import ReverseEstimatorGradient, ReverseSamplerGradient
from qiskit_qgen.primitives import BatchedStatevectorEstimator, BatchedStatevectorSampler
from qiskit_qgen.simulator import ExpectationValues, lower
from qiskit_qgen.simulator.options import check_simulation_options
from qiskit_qgen.simulator.probabilities import Probabilities

_MAX_SHOTS = 10**12


@dataclass(frozen=True, kw_only=True)
class LocalExecution(AbstractExecution):
    """The built-in simulator: exact values or shot noise, with adjoint gradients.

    With ``shots``, each Pauli word of an observable is measured so many times in every sample, in a circuit of its own:
    its mean is 2 k / shots - 1 with k from the binomial distribution of ``shots`` trials of probability (1 + <P>) / 2,
    and the variance of an observable sum_P c_P P is sum_P c_P^2 (1 - <P>^2) / shots. Probabilities become frequencies
    among ``shots`` outcomes. Gradients, of any order, are those of the exact values, which are the mean.

    Raises:
        ArgumentError: If an option has another value than its description allows.
    """

    device: str | None = None
    """Where the simulation runs: "cpu", or a GPU that torch has, such as "cuda" or "cuda:1".

    A ``torch.device`` is taken by its name. None is where the input is, and the CPU for :meth:`estimator`,
    :meth:`sampler` and their gradients, whose input has no device.
    """
    dtype: torch.dtype = torch.float32
    """The precision of the simulation, ``torch.float32`` or ``torch.float64``, also of the primitives made here."""
    threads: int | None = None
    """The number of threads on the CPU; None for as many as torch uses, ``torch.get_num_threads()``."""
    shots: int | None = None
    """The number of shots, at most 10**12; None for exact values."""
    seed: int | None = None
    """Seed of the shots: of one stream, that goes on from call to call. None for another one each time.

    Without ``shots``, :meth:`sampler` and :meth:`estimator` draw from it where a call names shots or a precision.
    """
    gradient = "adjoint"
    _generator: np.random.Generator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        device = check_simulation_options("cpu" if self.device is None else self.device, self.dtype, self.threads)
        if self.device is not None:
            object.__setattr__(self, "device", device)
        if self.shots is not None:
            check_int("shots", self.shots, minimum=1, maximum=_MAX_SHOTS)
        object.__setattr__(self, "_generator", np.random.default_rng(resolve_seed(self.seed)))

    @property
    def precision(self) -> float | None:
        """The standard deviation of a Pauli word whose mean is 0, 1 / sqrt(shots); None for exact values."""
        return None if self.shots is None else 1 / sqrt(self.shots)

    def _expectation(self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> Expectation:
        program = lower(circuit)
        if self.shots is None:
            return self._simulated(ExpectationValues(program, observables, threads=self.threads))
        noise = PauliShots(observables, self.shots, self._generator)
        words = ExpectationValues(program, noise.words, threads=self.threads)
        return self._simulated(lambda parameters: noise(words(parameters)))

    def _probabilities(self, circuit: QuantumCircuit, qubits: Sequence[int]) -> Expectation:
        exact = Probabilities(lower(circuit), qubits, threads=self.threads)
        shots, generator = self.shots, self._generator
        if shots is None:
            return self._simulated(exact)
        return self._simulated(lambda parameters: drawn_frequencies(exact(parameters), shots, generator))

    def _simulated(self, values: Expectation) -> Expectation:
        def function(parameters: torch.Tensor) -> torch.Tensor:
            return values(parameters.to(self.device or parameters.device, self.dtype)).to(parameters)

        return function

    def _options(self) -> dict[str, Any]:
        return {"device": self.device or "cpu", "dtype": self.dtype, "threads": self.threads}

    def estimator(self) -> BatchedStatevectorEstimator:
        """Return the estimator of the built-in simulator.

        With ``shots``, its default precision is 1 / sqrt(shots); its noise is normal, as that of Qiskit's
        ``StatevectorEstimator``.
        """
        return BatchedStatevectorEstimator(
            seed=self._generator.spawn(1)[0],
            default_precision=self.precision or 0.0,
            **self._options(),
        )

    def sampler(self) -> BatchedStatevectorSampler:
        """Return the sampler of the built-in simulator; without ``shots``, it gives exact probabilities."""
        return BatchedStatevectorSampler(
            seed=self._generator.spawn(1)[0],
            default_shots=self.shots,
            **self._options(),
        )

    def estimator_gradient(self) -> ReverseEstimatorGradient:
        """Return the adjoint gradient of expectation values, the exact ones."""
        return ReverseEstimatorGradient(**self._options())

    def sampler_gradient(self) -> ReverseSamplerGradient:
        """Return the gradient of probabilities, the exact ones."""
        return ReverseSamplerGradient(**self._options())
