"""Circuits on IBM's devices."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_choice
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.execution.base import AbstractExecution
from qiskit_qgen.execution.primitive_functions import make_rule
from qiskit_qgen.execution.runtime.cost import CostEstimate, JobLimits
from qiskit_qgen.execution.runtime.device import RuntimeDevice
from qiskit_qgen.execution.runtime.estimator import RuntimeEstimator
from qiskit_qgen.execution.runtime.failures import RetryPolicy
from qiskit_qgen.execution.runtime.ledger import Ledger
from qiskit_qgen.execution.runtime.mitigation import ErrorMitigation
from qiskit_qgen.execution.runtime.sampler import RuntimeSampler


class RuntimeExecution(AbstractExecution):
    """Expectation values and probabilities from IBM's devices, or from their fake twins on this computer.

    Circuits are transpiled once. A pass over a batch is one PUB in one job, in which observables that commute qubit by
    qubit are measured together; only a request above a job's limits becomes several jobs. Each job is recorded on disk
    before it is waited for: after a crash the same call waits for the same job, and a result that was had is never
    paid for again. As a context manager it holds one batch or session open, and closes it on every way out that Python
    sees; what a killed process (SIGKILL, or SIGTERM without a handler) left open is closed by the next execution with
    the same ledger and device.

    Args:
        backend: A device's name, "least_busy", a fake device's name ("fake_torino") or a device object. Fake devices
            and ``AerSimulator`` run on this computer.
        mode: "job", "batch" or "session". Outside a ``with`` block, "batch" opens one for requests of several jobs, and
            "session" is refused. Accounts of the open plan get a batch instead of a session, with a warning.
        service: A ``QiskitRuntimeService``; None for the account saved on this computer.
        shots: Shots per measured circuit; None for 4096. Twirling and mitigation may raise them, see
            :class:`ErrorMitigation`.
        mitigation: What is done against errors; None for nothing.
        ledger: A folder, or a file ending with ".jsonl", for the record of jobs and their results. A request that it
            knows is not submitted again, so that other shots of the same request need another ledger. None takes a
            folder of the user's cache for devices, and none for local ones.
        max_cost: The most QPU seconds that each request may be estimated to need: one forward or backward pass over a
            batch of at most 512 samples. A sampling or a training is several, with nothing that adds them up: use
            ``model.estimate_cost`` for the whole. None for no limit.
        gradient: "spsa", two rows per sample and gradient, or "param_shift", exact up to shots.
        seed: Seed of SPSA's directions, and of the simulation of a local device.
        limits: The largest job; None for IBM's limits.
        retry: How often and how long a failing service is asked again; None for the defaults.
        primitives: "executor" for Runtime's client-side primitives, "legacy" for ``EstimatorV2`` and ``SamplerV2``;
            None for the first that is installed.

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

    has_cost = True

    def __init__(
        self,
        backend: str | BackendV2,
        *,
        mode: str = "batch",
        service: Any = None,
        shots: int | None = None,
        mitigation: ErrorMitigation | None = None,
        ledger: PathLike | None = None,
        max_cost: float | None = None,
        gradient: str = "spsa",
        seed: int | None = None,
        limits: JobLimits | None = None,
        retry: RetryPolicy | None = None,
        primitives: str | None = None,
    ) -> None:
        self.gradient = check_choice("gradient", gradient, ("spsa", "param_shift"))
        self._device = RuntimeDevice(
            backend,
            mode=mode,
            service=service,
            shots=shots,
            mitigation=mitigation,
            ledger=ledger,
            max_cost=max_cost,
            seed=seed,
            limits=limits,
            retry=retry,
            primitives=primitives,
        )
        if seed is not None and not self._device.local and gradient != "spsa":
            raise ArgumentError('Argument `seed` must be None on a device unless `gradient` is "spsa".')
        self._seed = seed
        self._estimator = RuntimeEstimator(self._device)

    @property
    def backend(self) -> BackendV2:
        """The device."""
        return self._device.backend

    @property
    def mode(self) -> str:
        """The mode in which jobs run: "job", "batch" or "session"."""
        return self._device.connection.mode

    @property
    def mitigation(self) -> ErrorMitigation:
        """What is done against errors."""
        return self._device.mitigation

    @property
    def shots(self) -> int:
        """Shots per measured circuit."""
        return self._device.shots

    @property
    def ledger(self) -> Ledger | None:
        """The record of jobs; None for a local device without one."""
        return self._device.ledger

    def estimator(self) -> RuntimeEstimator:
        """Return the V2 estimator of this device."""
        return self._estimator

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
        forward = self._estimator.estimate_cost(circuit, observables, num_rows, shots=shots)
        if not gradient:
            return forward
        rule = make_rule(circuit, self._rule())
        shifted = rule.shifted(np.zeros((1, circuit.num_parameters)), range(circuit.num_parameters)).rows.shape[1]
        return forward + self._estimator.estimate_cost(rule.circuit, observables, num_rows * shifted, shots=shots)

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
        return f"RuntimeExecution({self.backend.name!r}, mode={self.mode!r}, shots={self.shots})"

    def _directions(self) -> int | None:
        return self._seed
