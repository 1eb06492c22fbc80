"""Circuits in a device's own gates: made once per circuit and device, kept in memory and on disk."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager

from qiskit_qgen.exceptions import CheckpointError
from qiskit_qgen.execution.aer.circuit_noise import device_simulator
from qiskit_qgen.execution.devices import check_width, restricted_backend
from qiskit_qgen.execution.runtime.backends import is_aer, is_local
from qiskit_qgen.execution.runtime.digests import circuit_digest, digest, with_numbered_parameters
from qiskit_qgen.persistence import atomic_write, circuit_bytes, parse_circuit

OPTIMIZATION_LEVEL = 2
SEED = 0
_FORMAT = "1"
_AER_GATES = ["rz", "sx", "x", "cx"]  # Aer binds the angles of other controlled gates wrongly


@dataclass(frozen=True, kw_only=True)
class IsaCircuit:
    """A circuit in a device's gates.

    Args:
        circuit: The circuit, with parameters of its own.
        key: A digest of the circuit that was asked for, of the device and of the transpiler's options.
        columns: For each parameter of ``circuit``, its number among those of the circuit that was asked for.
        positions: For each qubit of the circuit that was asked for, the qubit of ``circuit`` that holds it at the end.
        backend: The device, or the part of it that is simulated.
    """

    circuit: QuantumCircuit
    key: str
    columns: tuple[int, ...]
    positions: tuple[int, ...]
    backend: BackendV2 = field(repr=False)

    def observables(self, observables: ObservablesArray) -> ObservablesArray:
        """Return the observables on the qubits of :attr:`circuit`."""
        return observables.apply_layout(list(self.positions), self.circuit.num_qubits)

    def values(self, values: np.ndarray) -> np.ndarray:
        """Return the values (..., num_parameters) of the circuit that was asked for as those of :attr:`circuit`."""
        return values[..., list(self.columns)]

    @cached_property
    def simulator(self) -> Any:
        """What simulates :attr:`backend` on this computer; made once, since Aer takes a while to model its noise."""
        return self.backend if is_aer(self.backend) else device_simulator(self.backend)

    @property
    def num_two_qubit_gates(self) -> int:
        """The number of gates on two qubits."""
        return int(self.circuit.num_nonlocal_gates())


class Transpiler:
    """Transpiles each circuit once for one device.

    Args:
        backend: The device.
        folder: Where transpiled circuits are kept as QPY files; None keeps them in memory only.
        whole: Whether a local device is simulated with all its qubits, instead of those that a circuit uses.
    """

    def __init__(self, backend: BackendV2, folder: Path | None = None, *, whole: bool = False) -> None:
        self._backend = backend
        self._folder = folder
        self._restricts = not whole and is_local(backend) and not is_aer(backend)
        self._device = _device_digest(backend) + str(self._restricts)
        self._by_key: dict[str, IsaCircuit] = {}

    def __call__(self, circuit: QuantumCircuit) -> IsaCircuit:
        """Return the circuit in the device's gates.

        Raises:
            ArgumentError: If the circuit is wider than the device.
            UnsupportedCircuitError: If an instruction has no definition.
        """
        check_width(circuit.num_qubits, self._backend)
        key = digest(_FORMAT, circuit_digest(circuit), self._device, str(OPTIMIZATION_LEVEL), str(SEED))
        if key not in self._by_key:
            self._by_key[key] = self._stored(key) or self._made(circuit, key)
        return self._by_key[key]

    def _made(self, circuit: QuantumCircuit, key: str) -> IsaCircuit:
        plain = with_numbered_parameters(circuit)
        isa = _pass_manager(self._backend).run(plain)
        positions = range(plain.num_qubits) if isa.layout is None else isa.layout.final_index_layout()
        numbers = {parameter.name: number for number, parameter in enumerate(plain.parameters)}
        columns = [numbers[parameter.name] for parameter in isa.parameters]
        qubits = list(range(isa.num_qubits))
        if self._restricts:
            isa, qubits = _compacted(isa, list(positions))
        place = {qubit: number for number, qubit in enumerate(qubits)}
        isa.name = "circuit"
        isa.metadata = {"columns": columns, "positions": [place[qubit] for qubit in positions], "qubits": qubits}
        if self._folder is not None:
            content = circuit_bytes(isa)
            with contextlib.suppress(OSError):  # what finds no room is made again by the next process
                self._folder.mkdir(parents=True, exist_ok=True)
                atomic_write(self._folder / f"{key}.{digest(key, content)}.qpy", content)
        return self._described(isa, key)

    def _stored(self, key: str) -> IsaCircuit | None:
        """Return the circuit on disk; one that is not as it was written is made again."""
        for path in [] if self._folder is None else self._folder.glob(f"{key}.*.qpy"):
            with contextlib.suppress(OSError, CheckpointError):
                content = path.read_bytes()
                if path.name == f"{key}.{digest(key, content)}.qpy":
                    return self._described(parse_circuit(content, f"File {path}"), key)
        return None

    def _described(self, circuit: QuantumCircuit, key: str) -> IsaCircuit:
        facts, circuit.metadata = circuit.metadata, {}
        backend = restricted_backend(self._backend, facts["qubits"]) if self._restricts else self._backend
        return IsaCircuit(
            circuit=circuit,
            key=key,
            columns=tuple(facts["columns"]),
            positions=tuple(facts["positions"]),
            backend=backend,
        )


def _pass_manager(backend: BackendV2) -> PassManager:
    options: dict[str, Any] = {"optimization_level": OPTIMIZATION_LEVEL, "seed_transpiler": SEED}
    if is_aer(backend):
        return generate_preset_pass_manager(basis_gates=_AER_GATES, coupling_map=backend.coupling_map, **options)
    return generate_preset_pass_manager(backend=backend, **options)


def _compacted(circuit: QuantumCircuit, positions: Sequence[int]) -> tuple[QuantumCircuit, list[int]]:
    """Return the circuit on the qubits that it uses, numbered from 0, and those qubits."""
    used = {
        circuit.find_bit(qubit).index for entry in circuit.data for qubit in entry.qubits if entry.name != "barrier"
    }
    qubits = sorted(used | set(positions))
    place = {qubit: number for number, qubit in enumerate(qubits)}
    small = QuantumCircuit(len(qubits), global_phase=circuit.global_phase)
    small.add_bits(circuit.clbits)
    for register in circuit.cregs:
        small.add_register(register)
    for entry in circuit.data:
        wires = [place[index] for qubit in entry.qubits if (index := circuit.find_bit(qubit).index) in place]
        operation = entry.operation if len(wires) == len(entry.qubits) else type(entry.operation)(len(wires))
        small.append(operation, wires, entry.clbits, copy=False)
    return small, qubits


def _device_digest(backend: BackendV2) -> str:
    """Return a digest of the device's name and of which gates it has on which qubits, whatever their calibration."""
    target = backend.target
    gates = sorted((name, sorted(map(str, target[name] or ()))) for name in target.operation_names)
    return digest(backend.name, str(backend.num_qubits), json.dumps(gates))
