"""Circuits on IBM's devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import NoReturn

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_choice
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.execution.base import AbstractExecution
from qiskit_qgen.execution.cost import CostEstimate
from qiskit_qgen.execution.primitive_functions import make_rule
from qiskit_qgen.execution.runtime.device import RuntimeDevice
from qiskit_qgen.execution.runtime.estimator import RuntimeEstimator
from qiskit_qgen.execution.runtime.options import RuntimeOptions
from qiskit_qgen.execution.runtime.sampler import RuntimeSampler


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RuntimeExecution(RuntimeOptions, AbstractExecution):
    """Expectation values and probabilities from IBM's devices, or from their fake twins on this computer.

    Circuits are transpiled once. A pass over a batch is one PUB in one job, in which observables that commute qubit by
    qubit are measured together; only a request above a job's limits becomes several jobs. Each job is recorded on disk
    before it is waited for: after a crash the same call waits for the same job, and a result that was had is never
    paid for again. As a context manager it holds one batch or session open, and closes it on every way out that Python
    sees; what a killed process (SIGKILL, or SIGTERM without a handler) left open is closed by the next execution with
    the same ledger and device.

    Raises:
        ArgumentTypeError: If an argument has the wrong type.
        ArgumentError: If an argument has another value than its description allows, or no effect here.
        ExecutionError: If no account is saved, or the service refuses it or cannot be reached.

    Example:
        >>> from qiskit_qgen.circuits import pauli_observables, style_ansatz
        >>> with RuntimeExecution("fake_manila", shots=1000, seed=0) as execution:
        ...     cost = execution.estimate_cost(style_ansatz(3, 1).circuit, pauli_observables(3, "XZ"), num_rows=8)
        >>> cost.circuits, cost.jobs
        (16, 1)
    """

    gradient: str = "spsa"
    """"spsa", two rows per sample and gradient, or "param_shift", exact up to shots."""
    has_cost = True
    _device: RuntimeDevice = field(init=False)

    def __post_init__(self) -> None:
        check_choice("gradient", self.gradient, ("spsa", "param_shift"))
        super().__post_init__()
        device = RuntimeDevice(self)
        if self.seed is not None and not device.local and self.gradient != "spsa":
            raise ArgumentError('Argument `seed` must be None on a device unless `gradient` is "spsa".')
        object.__setattr__(self, "_device", device)
        for name in ("backend", "shots", "mitigation", "ledger"):  # as they are now known
            object.__setattr__(self, name, getattr(device, name))

    def estimator(self) -> RuntimeEstimator:
        """Return the V2 estimator of this device."""
        return RuntimeEstimator(self._device)

    def sampler(self) -> RuntimeSampler:
        """Return the V2 sampler of this device.

        Raises:
            ArgumentError: If the mitigation acts on expectation values only.
        """
        return RuntimeSampler(self._device)

    def estimate_cost(
        self,
        circuit: QuantumCircuit,
        observables: Sequence[SparsePauliOp],
        num_rows: int,
        *,
        gradient: bool = False,
        shots: int | None = None,
    ) -> CostEstimate:
        """Return what ``num_rows`` rows of a circuit's parameters would cost, without submitting anything.

        Args:
            circuit: The circuit.
            observables: The operators to read out.
            num_rows: Rows of parameters.
            gradient: Whether a backward pass follows.
            shots: Shots per measured circuit; None for this execution's.

        Raises:
            ArgumentError: If the circuit is wider than the device or a number is not positive.
        """
        forward = self.estimator().estimate_cost(circuit, observables, num_rows, shots=shots)
        if not gradient:
            return forward
        rule = make_rule(circuit, self._rule())
        shifted = rule.shifted(np.zeros((1, circuit.num_parameters)), range(circuit.num_parameters)).rows.shape[1]
        return forward + self.estimator().estimate_cost(rule.circuit, observables, num_rows * shifted, shots=shots)

    def close(self) -> None:
        """Close the batch or session, if one is open."""
        self._device.connection.close()

    def __enter__(self) -> RuntimeExecution:
        self._device.connection.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._device.connection.exit()

    def __deepcopy__(self, memo: dict[int, object]) -> RuntimeExecution:
        return self  # copies of a model share the device, its session and its ledger

    def __reduce__(self) -> NoReturn:
        raise ArgumentTypeError(
            "A RuntimeExecution must not be pickled, since it holds a connection and an account: give the model "
            "another execution first, such as LocalExecution()."
        )

    def __repr__(self) -> str:
        device = self._device
        return f"RuntimeExecution({device.backend.name!r}, mode={device.connection.mode!r}, shots={device.shots})"

    def _directions(self) -> int | None:
        return self.seed
