"""Circuits on Aer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from qiskit.circuit import QuantumCircuit

from qiskit_qgen._checks import check_choice
from qiskit_qgen.execution.aer.circuit_noise import warn_of_replaced
from qiskit_qgen.execution.aer.device import AerDevice
from qiskit_qgen.execution.aer.estimator import AerEstimator
from qiskit_qgen.execution.aer.options import AerOptions
from qiskit_qgen.execution.aer.sampler import AerSampler
from qiskit_qgen.execution.base import AbstractExecution
from qiskit_qgen.execution.primitive_functions import Gradient
from qiskit_qgen.gradients.shift_rule import ShiftRule


@dataclass(frozen=True, kw_only=True)
class AerExecution(AerOptions, AbstractExecution):
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

    gradient: str = "param_shift"
    """"param_shift", exact up to shots, or "spsa", two rows per sample and gradient."""
    _device: AerDevice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("gradient", self.gradient, ("param_shift", "spsa"))
        object.__setattr__(self, "_device", AerDevice(self))

    def estimator(self) -> AerEstimator:
        """Return the V2 estimator."""
        return AerEstimator(self._device)

    def sampler(self) -> AerSampler:
        """Return the V2 sampler."""
        return AerSampler(self._device)

    def _rule(self) -> Gradient:
        return partial(_shift_rule, noise=self.noise_model) if self.gradient == "param_shift" else super()._rule()

    def _directions(self) -> np.random.Generator:
        return self._device.next_seeds()


def _shift_rule(circuit: QuantumCircuit, *, noise: Any) -> ShiftRule:
    """Return the rule; what it replaces by gates with errors is told, and a delay without errors needs no rule."""
    from qiskit_aer.noise import NoiseModel

    if isinstance(noise, NoiseModel):
        warn_of_replaced(circuit, noise, lambda each: ShiftRule(each).circuit)
    return ShiftRule(circuit, inert=() if noise is not None else ("delay",))
