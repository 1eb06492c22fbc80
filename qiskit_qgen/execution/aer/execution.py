"""Circuits on Aer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qiskit_qgen._checks import check_choice, check_float, check_int
from qiskit_qgen._random import SEED_MAXIMUM
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.aer.device import AerDevice, AerOptions
from qiskit_qgen.execution.aer.estimator import AerEstimator
from qiskit_qgen.execution.aer.sampler import AerSampler
from qiskit_qgen.execution.base import AbstractExecution


@dataclass(frozen=True, kw_only=True)
class AerExecution(AbstractExecution):
    """Expectation values and probabilities from Aer: exact, with shots, with a device's errors, on CPUs or GPUs.

    Circuits are transpiled once, to gates whose angles Aer binds rightly (0.18 computes wrong values for ``cry``,
    ``cp`` and other controlled gates with angles). A pass over a batch is one run of Aer. With shots, expectation
    values are means of real shots: operators that commute qubit by qubit are measured together, with the errors of the
    readout. Without shots, they are what infinitely many shots would give, also with errors; noisy circuits then need
    a density matrix.

    Raises:
        ArgumentTypeError: If ``noise_model`` has the wrong type.
        ArgumentError: If an option has another value than its description allows, or no effect, or if Aer lacks the
            device or the method; the message lists what it has.

    Example:
        >>> from qiskit_qgen.execution import depolarizing_noise, readout_noise
        >>> noise = depolarizing_noise(one_qubit=3e-4, two_qubit=5e-3) + readout_noise(one_to_zero=0.02)
        >>> AerExecution(shots=1024, noise_model=noise, seed=0).shots
        1024
    """

    device: str = "CPU"
    """The device: "CPU" or "GPU"."""
    method: str = "automatic"
    """Aer's simulation method. "automatic" takes state vectors for circuits without errors. With errors it takes
    density matrices, unless one run per shot is faster: for more than log2(2 shots) qubits, 11 for 1024 shots."""
    shots: int | None = None
    """Shots of each measured circuit; None for exact values."""
    precision: float | None = None
    """Instead of ``shots``, the standard error to aim at, above 0: 1 / precision**2 shots of each measured circuit."""
    noise_model: Any = field(default=None, hash=False)
    """The errors; None for none.

    - Noise of :mod:`qiskit_qgen.execution`, such as ``depolarizing_noise(...)``.
    - Aer's ``NoiseModel``: circuits are transpiled to its basis gates, any two qubits are coupled, and qubit i of a
      circuit is qubit i of the model. If none of its errors is on the gates of the transpiled circuit, which then runs
      without noise, there is a ``UserWarning``.
    - A device or its name, such as "fake_torino": circuits are transpiled to its gates, laid out and routed on its
      qubits, which have their own errors. Names that do not begin with ``fake_`` are looked up with the saved account.
    """
    seed: int | None = None
    """Seed of the shots and of SPSA's directions: of one stream, that goes on from call to call, so that each pass has
    shots of its own. None for another one each time."""
    gradient: str = "param_shift"
    """"param_shift", exact up to shots, or "spsa", two rows per sample and gradient."""
    threads: int | None = None
    """The number of threads; None for one per core. Aer takes at most as many as OpenMP offers: one per core, or
    ``OMP_NUM_THREADS``."""
    custatevec: bool = False
    """Whether NVIDIA's cuStateVec simulates, on a GPU."""
    batched_shots: bool | None = None
    """Whether the rows or shots of small circuits run in batches on a GPU; None leaves it to Aer."""
    target_gpus: tuple[int, ...] | None = None
    """The numbers of the GPUs to use; None for all."""
    _generator: np.random.Generator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_choice("gradient", self.gradient, ("param_shift", "spsa"))
        if self.shots is not None:
            check_int("shots", self.shots, minimum=1)
        if self.precision is not None:
            check_float("precision", self.precision, minimum=0.0, open_minimum=True)
            if self.shots is not None:
                raise ArgumentError("Arguments `shots` and `precision` exclude each other: give one of them.")
        if self.seed is not None:
            check_int("seed", self.seed, minimum=0, maximum=SEED_MAXIMUM)
        self._options()
        object.__setattr__(self, "_generator", np.random.default_rng(self.seed))

    def estimator(self) -> AerEstimator:
        """Return the V2 estimator."""
        return AerEstimator(self._device())

    def sampler(self) -> AerSampler:
        """Return the V2 sampler."""
        return AerSampler(self._device())

    @property
    def _num_shots(self) -> int | None:
        return self.shots if self.precision is None else math.ceil(1 / self.precision**2)

    def _options(self) -> AerOptions:
        return AerOptions(
            device=self.device,
            method=self.method,
            noise_model=self.noise_model,
            threads=self.threads,
            custatevec=self.custatevec,
            batched_shots=self.batched_shots,
            target_gpus=self.target_gpus,
        )

    def _device(self) -> AerDevice:
        return AerDevice(self._options(), shots=self._num_shots, seed=self._generator)

    def _directions(self) -> np.random.Generator:
        return np.random.default_rng(self._generator.integers(2**63))
