"""The backends that the server offers: fake devices of qiskit-ibm-runtime under the names of real ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel
    from qiskit_ibm_runtime.fake_provider.fake_backend import FakeBackendV2

MAX_DENSITY_MATRIX_QUBITS = 8
"""Up to so many qubits noisy circuits are simulated as density matrices; wider ones by trajectories."""


@cache
def _fake_backends() -> dict[str, type[FakeBackendV2]]:
    from qiskit_ibm_runtime import fake_provider

    found = {}
    for name in fake_provider.__all__ if hasattr(fake_provider, "__all__") else dir(fake_provider):
        backend = getattr(fake_provider, name)
        if name.startswith("Fake") and (label := getattr(backend, "backend_name", "")):
            found[label.removeprefix("fake_")] = backend
    return found


@cache
def _noise_model(label: str) -> NoiseModel:
    from qiskit_aer.noise import NoiseModel

    return NoiseModel.from_backend(_fake_backends()[label]())


@cache
def _transfer_matrix(label: str | None, gate: str, qubits: tuple[int, ...]) -> NDArray[np.float64] | None:
    from qiskit.circuit.library import get_standard_gate_name_mapping
    from qiskit.quantum_info import PTM

    matrix: NDArray[np.float64] | None = None if gate == "rz" else PTM(get_standard_gate_name_mapping()[gate]).data.real
    if label is None or (error := _noise_model(label)._local_quantum_errors.get(gate, {}).get(qubits)) is None:
        return matrix
    noisy: NDArray[np.float64] = PTM(error).data.real
    return noisy if matrix is None else noisy @ matrix


def _noise_of(label: str, qubits: tuple[int, ...]) -> NoiseModel:
    """Return the noise of these qubits, numbered 0, 1, ... in their order."""
    from qiskit_aer.noise import NoiseModel

    whole = _noise_model(label)
    number = {qubit: index for index, qubit in enumerate(qubits)}
    noise = NoiseModel(basis_gates=whole.basis_gates)
    for name, errors in whole._local_quantum_errors.items():
        for acted_on, error in errors.items():
            if number.keys() >= set(acted_on):
                noise.add_quantum_error(error, name, [number[qubit] for qubit in acted_on])
    for acted_on, error in whole._local_readout_errors.items():
        if number.keys() >= set(acted_on):
            noise.add_readout_error(error, [number[qubit] for qubit in acted_on])
    return noise


@dataclass
class Device:
    """One backend.

    Args:
        label: Name of a fake device without "fake_", such as "kolkata".
        prefix: "ibm" for a device, "mock" for its stand-in of dry runs.
        noise: Whether its gates and measurements err as the fake device's.
    """

    label: str
    prefix: str = "ibm"
    noise: bool = True
    status: dict[str, Any] = field(default_factory=lambda: {"state": True, "status": "active"})

    def __post_init__(self) -> None:
        if self.label not in _fake_backends():
            raise ValueError(
                f"There is no fake device {self.label!r}; there are {', '.join(sorted(_fake_backends()))}."
            )

    @property
    def name(self) -> str:
        """The backend's name, such as "ibm_kolkata"."""
        return f"{self.prefix}_{self.label}"

    @property
    def is_mock(self) -> bool:
        """Whether this is the stand-in of dry runs."""
        return self.prefix == "mock"

    @property
    def num_qubits(self) -> int:
        """Number of qubits."""
        return int(self._raw_configuration["n_qubits"])

    @cached_property
    def _raw_configuration(self) -> dict[str, Any]:
        return self._read("conf_filename")

    def _read(self, attribute: str) -> dict[str, Any]:
        backend = _fake_backends()[self.label]
        content: dict[str, Any] = json.loads((Path(backend.dirname) / getattr(backend, attribute)).read_text())
        return content

    def summary(self, queue_length: int) -> dict[str, Any]:
        """Return its entry in the list of backends."""
        online = self.status["state"] and self.status["status"] == "active"
        return {
            "name": self.name,
            "class": "mock" if self.is_mock else "qpu",
            "qubits": self.num_qubits,
            "physical_qubits": self.num_qubits,
            "queue_length": queue_length,
            "status": {"name": "online" if online else "paused", "reason": self.status["status"]},
        }

    def configuration(self) -> dict[str, Any]:
        """Return the body of its configuration."""
        return self._raw_configuration | {"backend_name": self.name}

    @cached_property
    def _raw_properties(self) -> dict[str, Any]:
        return self._read("props_filename")

    def properties(self) -> dict[str, Any]:
        """Return the body of its calibration."""
        return self._raw_properties | {"backend_name": self.name}

    def simulator(self, qubits: Sequence[int], seed: int) -> AerSimulator:
        """Return an Aer simulator that stands for these qubits of this device, numbered 0, 1, ... in their order."""
        from qiskit_aer import AerSimulator

        if not self.noise:
            return AerSimulator(seed_simulator=seed, max_parallel_threads=1)
        method = "density_matrix" if len(qubits) <= MAX_DENSITY_MATRIX_QUBITS else "automatic"
        return AerSimulator(
            noise_model=_noise_of(self.label, tuple(qubits)), method=method, seed_simulator=seed, max_parallel_threads=1
        )

    def transfer_matrix(self, gate: str, qubits: tuple[int, ...]) -> NDArray[np.float64] | None:
        """Return a gate and its error in the Pauli basis, for Rz the error alone; None changes nothing."""
        return _transfer_matrix(self.label if self.noise else None, gate, qubits if self.noise else ())

    def readout_error(self, qubit: int) -> NDArray[np.float64]:
        """Return the probabilities to read the columns in the states of the rows, shape (2, 2)."""
        if not self.noise or (error := _noise_model(self.label)._local_readout_errors.get((qubit,))) is None:
            return np.eye(2)
        return np.asarray(error.probabilities)
