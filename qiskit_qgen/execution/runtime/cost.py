"""What a request will cost on a device, before it is spent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.providers import BackendV2
from qiskit.quantum_info import PauliList

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.execution.runtime.mitigation import ErrorMitigation

REPETITION_DELAY = 250e-6
"""Seconds between two shots, where the device does not say: the default of IBM's devices."""
DEFAULT_SHOTS = 4096
_PAULIS = str.maketrans("01+-rl", "ZZXXYY")


class JobLimits(Settings):
    """The largest job that is sent; larger requests become several jobs.

    IBM documents the first two; that a job of many megabytes fails is experience.

    Raises:
        ArgumentError: If a limit is not a positive integer.
    """

    max_executions: int = setting("Total shots of all circuits", default=10_000_000, minimum=1)
    max_instructions_per_qubit: int = setting(
        "Total gates on the busiest qubit, over all circuits", default=26_800_000, minimum=1
    )
    max_payload_bytes: int = setting("Size of the submission in bytes", default=50_000_000, minimum=1)


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a circuit adds to a job: for each measured circuit, for each row of parameters, and once."""

    executions: int
    """Shots of a measured circuit."""
    instructions: int
    """Gates of a measured circuit on its busiest qubit."""
    row_bytes: int
    """Bytes of a row of parameters."""
    circuit_bytes: int
    """Bytes of the circuit itself."""
    seconds: float
    """Seconds of a measured circuit, with all its shots."""
    seconds_unmitigated: float
    """Those seconds, were nothing mitigated."""


def load_of(circuit: QuantumCircuit, backend: BackendV2, mitigation: ErrorMitigation, shots: int) -> Load:
    """Return the load of one measured circuit.

    Args:
        circuit: The circuit, in the device's gates.
        backend: The device.
        mitigation: What is done against errors.
        shots: Shots per measured circuit.
    """
    plan = mitigation.plan(shots)
    delay = _repetition_delay(backend)
    gates, readout = circuit_seconds(circuit, backend)
    per_run = plan.randomizations * plan.shots_per_randomization
    seconds = sum(per_run * (delay + factor * gates + readout) for factor in plan.noise_factors) * plan.overhead
    circuits = plan.randomizations * len(plan.noise_factors) * plan.overhead
    # Measured on programs of the client: base64 of compressed numbers, and of what randomises each layer.
    randomised = 5200 * circuit.num_nonlocal_gates() * sum(plan.noise_factors) if plan.twirls_gates else 0
    return Load(
        executions=math.ceil(per_run * len(plan.noise_factors) * plan.overhead),
        instructions=math.ceil(_busiest(circuit) * circuits),
        row_bytes=math.ceil(11 * circuit.num_parameters * len(plan.noise_factors)),
        circuit_bytes=math.ceil(10_000 + 100 * circuit.size() * len(plan.noise_factors) + randomised),
        seconds=seconds,
        seconds_unmitigated=shots * (delay + gates + readout),
    )


def calibration_seconds(backend: BackendV2, mitigation: ErrorMitigation, shots: int) -> tuple[int, float]:
    """Return the shots and seconds of the circuit that learns the readout errors, once per job; none without it."""
    plan = mitigation.plan(shots)
    executions = plan.calibrations * plan.shots_per_randomization
    readout = max((_seconds_of(backend, "measure", (qubit,)) for qubit in range(backend.num_qubits or 0)), default=0.0)
    return executions, executions * (_repetition_delay(backend) + readout)


def count_bases(observables: ObservablesArray, parameters_shape: Sequence[int]) -> int:
    """Return the number of measured circuits: for each row of parameters, the groups measured together.

    Observables are measured together if they commute qubit by qubit.
    """
    shape = np.broadcast_shapes(observables.shape, tuple(parameters_shape))
    rows = np.arange(math.prod(parameters_shape)).reshape(tuple(parameters_shape))
    numbers = np.arange(math.prod(observables.shape)).reshape(observables.shape)
    rows, numbers = (np.broadcast_to(each, shape).ravel() for each in (rows, numbers))
    order = np.argsort(rows, kind="stable")
    starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
    flat = list(observables.ravel().tolist()) if observables.shape else [observables.tolist()]
    known: dict[bytes, int] = {}
    total = 0
    for group in np.split(numbers[order], starts[1:]):
        chosen = np.unique(group)
        key = chosen.tobytes()
        if key not in known:
            known[key] = _groups(label for number in chosen for label in flat[number])
        total += known[key]
    return total


def circuit_seconds(circuit: QuantumCircuit, backend: BackendV2) -> tuple[float, float]:
    """Return the duration of a circuit's gates, along its longest path, and of its readout, in seconds."""
    ends = [0.0] * circuit.num_qubits
    readout = 0.0
    for entry in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in entry.qubits]
        seconds = _seconds_of(backend, entry.name, tuple(qubits))
        if entry.name == "measure":
            readout = max(readout, seconds)
            continue
        end = max((ends[qubit] for qubit in qubits), default=0.0) + seconds
        for qubit in qubits:
            ends[qubit] = end
    if not readout:
        readout = max((_seconds_of(backend, "measure", (qubit,)) for qubit in range(circuit.num_qubits)), default=0.0)
    return max(ends, default=0.0), readout


def _groups(labels: Iterable[str]) -> int:
    paulis = sorted({label.translate(_PAULIS) for label in labels})
    return len(PauliList(paulis).group_commuting(qubit_wise=True)) if paulis else 0


def _busiest(circuit: QuantumCircuit) -> int:
    counts = [1] * circuit.num_qubits
    for entry in circuit.data:
        if entry.name != "barrier":
            for qubit in entry.qubits:
                counts[circuit.find_bit(qubit).index] += 1
    return max(counts, default=0)


def _seconds_of(backend: BackendV2, name: str, qubits: tuple[int, ...]) -> float:
    places: Any = backend.target[name] if name in backend.target.operation_names else None
    found = None if places is None else places.get(qubits)
    return 0.0 if found is None or found.duration is None else float(found.duration)


def _repetition_delay(backend: BackendV2) -> float:
    delay = getattr(backend, "default_rep_delay", None)
    return REPETITION_DELAY if delay is None else float(delay)
