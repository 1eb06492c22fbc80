"""Circuits in a device's own gates: made once per circuit and device, kept in memory and on disk."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.providers import BackendV2
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_qgen.exceptions import CheckpointError, UnsupportedCircuitError
from qiskit_qgen.execution.aer.circuit_noise import device_simulator, noise_on
from qiskit_qgen.execution.devices import check_width, gate_by_gate, is_laid_out, restricted_backend
from qiskit_qgen.execution.runtime.backends import is_aer, is_local, own_noise
from qiskit_qgen.execution.runtime.digests import circuit_digest, digest, with_numbered_parameters
from qiskit_qgen.persistence import atomic_write, circuit_bytes, parse_circuit

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
        level: Qiskit's level of optimisation.
        whole: Whether a local device is simulated with all its qubits, instead of those that a circuit uses.
    """

    def __init__(self, backend: BackendV2, folder: Path | None = None, *, level: int = 2, whole: bool = False) -> None:
        self._backend = backend
        self._level = level
        self._folder = folder
        self._restricts = not whole and is_local(backend) and not is_aer(backend)
        self._device = _device_digest(backend) + str(self._restricts)
        self._by_key: dict[str, IsaCircuit] = {}

    def __call__(self, circuit: QuantumCircuit) -> IsaCircuit:
        """Return the circuit in the device's gates.

        Raises:
            ArgumentError: If the circuit is wider than the device.
            UnsupportedCircuitError: If an instruction cannot be expressed in the device's gates.
        """
        check_width(circuit.num_qubits, self._backend)
        noise = own_noise(self._backend)
        as_it_is = (noise is not None or not is_aer(self._backend)) and is_laid_out(circuit, self._backend)
        way = "as it is" if as_it_is else str(self._level) if noise is None else f"gate by gate {noise.basis_gates}"
        key = digest(_FORMAT, circuit_digest(circuit), self._device, way, str(SEED))
        if key not in self._by_key:
            self._by_key[key] = self._stored(key) or self._made(circuit, key, as_it_is)
        return self._by_key[key]

    def _made(self, circuit: QuantumCircuit, key: str, as_it_is: bool) -> IsaCircuit:
        plain = with_numbered_parameters(circuit)
        isa = plain.copy() if as_it_is else self._run(plain)
        self._warn_of_inert_noise(isa)
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

    def _run(self, circuit: QuantumCircuit) -> QuantumCircuit:
        backend, noise = self._backend, own_noise(self._backend)
        device: dict[str, Any] = {"backend": backend}
        if is_aer(backend):
            gates = _AER_GATES if noise is None else [*noise.basis_gates, "measure", "reset", "delay"]
            device = {"basis_gates": gates, "coupling_map": backend.coupling_map}
        if noise is None:
            manager = generate_preset_pass_manager(optimization_level=self._level, seed_transpiler=SEED, **device)
        else:
            manager = gate_by_gate(**device)
        try:
            return manager.run(circuit)
        except QiskitError as error:
            raise UnsupportedCircuitError(
                f"The circuit cannot be expressed in the gates of {backend.name}: {str(error.message).strip()}"
            ) from error

    def _warn_of_inert_noise(self, isa: QuantumCircuit) -> None:
        """Warn of errors of an Aer simulator that do not act: of any of a model, of all of a device's."""
        model = own_noise(self._backend)
        if model is None:
            return
        noise = noise_on(model, range(isa.num_qubits))
        inert = noise.gates - noise.acting_on(isa)
        if inert and (inert == noise.gates or self._backend.coupling_map is None):
            warnings.warn(
                f"The errors of {self._backend.name} on {sorted(inert)} do not act on the circuit, which is run as "
                f"{sorted(isa.count_ops())}: give errors to these, or the circuit in gates that have them.",
                stacklevel=2,
            )

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
