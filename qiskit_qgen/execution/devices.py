"""Devices as Qiskit describes them: whether a circuit fits, is laid out, and the part that a simulator needs."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import isclass
from typing import Any

from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import StagedPassManager, Target, generate_preset_pass_manager

from qiskit_qgen.exceptions import ArgumentError


def check_width(num_qubits: int, backend: BackendV2) -> None:
    """Raise ArgumentError if a circuit is wider than the device."""
    if backend.num_qubits is not None and num_qubits > backend.num_qubits:
        raise ArgumentError(
            f"Argument `backend` must have at least {num_qubits} qubits, as many as the circuit, but {backend.name} "
            f"has {backend.num_qubits}: choose a larger device or a smaller circuit."
        )


def is_laid_out(circuit: QuantumCircuit, backend: BackendV2) -> bool:
    """Return whether a circuit is in the device's gates already, on the device's qubits."""
    if circuit.num_qubits != backend.num_qubits:
        return False
    return all(
        entry.name == "barrier"
        or backend.target.instruction_supported(
            entry.name, tuple(circuit.find_bit(qubit).index for qubit in entry.qubits)
        )
        for entry in circuit.data
    )


def gate_by_gate(**device: Any) -> StagedPassManager:
    """Return what lays a circuit out and routes it well, but translates each gate by itself.

    Qiskit's optimisation merges and cancels gates, and their errors with them: folded and mirrored circuits come out
    short.

    Args:
        **device: The device, as ``generate_preset_pass_manager`` takes it.
    """
    manager, best = (
        generate_preset_pass_manager(optimization_level=level, seed_transpiler=0, **device) for level in (0, 2)
    )
    manager.layout, manager.routing = best.layout, best.routing
    return manager


def restricted_backend(backend: BackendV2, qubits: Sequence[int]) -> BackendV2:
    """Return a device of these qubits only, with their gates, errors and times, for local simulation.

    The client measures every qubit of a device, which a simulator of a large device cannot do.
    """
    if list(qubits) == list(range(backend.num_qubits)):
        return backend
    return RestrictedBackend(backend, qubits)


class RestrictedBackend(BackendV2):
    """Some of a device's qubits, numbered from 0.

    Args:
        backend: The device.
        qubits: Its qubits that stay.
    """

    def __init__(self, backend: BackendV2, qubits: Sequence[int]) -> None:
        super().__init__(name=backend.name, backend_version=backend.backend_version)
        self._target = _restricted_target(backend.target, list(qubits))

    @property
    def target(self) -> Target:
        """The instructions of the qubits that stayed."""
        return self._target

    @property
    def max_circuits(self) -> int | None:
        """The number of circuits per job: any."""
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: Any, **options: Any) -> Any:
        """Refuse: the device's noise is simulated through a primitive."""
        raise NotImplementedError("Use a primitive of qiskit_ibm_runtime on this device.")


def _restricted_target(target: Target, qubits: list[int]) -> Target:
    position = {qubit: number for number, qubit in enumerate(qubits)}
    properties = target.qubit_properties
    restricted = Target(
        num_qubits=len(qubits),
        dt=target.dt,
        granularity=target.granularity,
        min_length=target.min_length,
        pulse_alignment=target.pulse_alignment,
        acquire_alignment=target.acquire_alignment,
        qubit_properties=None if properties is None else [properties[qubit] for qubit in qubits],
    )
    for name in target.operation_names:
        operation, places = target.operation_from_name(name), target[name]
        if isclass(operation):
            restricted.add_instruction(operation, name=name)
            continue
        kept = {
            tuple(position[qubit] for qubit in place): value
            for place, value in places.items()
            if place is not None and position.keys() >= set(place)
        }
        if kept or None in places:
            restricted.add_instruction(operation, kept or None, name=name)
    return restricted
