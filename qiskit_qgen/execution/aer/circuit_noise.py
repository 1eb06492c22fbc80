"""The part of an Aer noise model that acts on some of its qubits."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2

from qiskit_qgen.exceptions import ArgumentError

TRAJECTORY_OPTIONS = {"fusion_threshold": 1}
"""Aer's options for noisy circuits that are run shot by shot: gates are merged with the errors that follow them into
one operation, for circuits of any width. Aer leaves that to 14 qubits and more; at 12 it is five times faster."""


@dataclass(frozen=True, eq=False)
class CircuitNoise:
    """A noise model on the qubits of one circuit."""

    model: Any
    """Aer's ``NoiseModel``, on qubits numbered from 0."""
    without_readout: Any
    """The same without the errors of the readout."""
    confusions: NDArray[np.float64]
    """The readout's probabilities of each qubit, [qubit][true value][value read]."""
    in_gates: bool
    """Whether gates have errors."""
    in_measurements: bool
    """Whether measurements have errors other than of their readout."""

    def may_act(self, name: str) -> bool:
        """Return whether a gate has errors on any qubit."""
        return name in self.model._default_quantum_errors or name in self.model._local_quantum_errors

    def acts_on(self, circuit: QuantumCircuit) -> bool:
        """Return whether a circuit's gates, or the measurement of its qubits, have errors."""
        if self.in_measurements or (self.confusions != np.eye(2)).any():
            return True
        return any(
            entry.name in self.model._default_quantum_errors
            or tuple(circuit.find_bit(qubit).index for qubit in entry.qubits)
            in self.model._local_quantum_errors.get(entry.name, {})
            for entry in circuit.data
        )


def device_simulator(backend: BackendV2) -> Any:
    """Return Aer's simulator of a device, with its noise."""
    from qiskit_aer import AerSimulator

    return AerSimulator.from_backend(backend, **TRAJECTORY_OPTIONS)


def noise_on(model: Any, qubits: Sequence[int]) -> CircuitNoise:
    """Return what a noise model does to some of its qubits, numbered anew in the order given.

    Aer converts all of a model's errors for each circuit anew, which for a device of 133 qubits takes half a second.

    Args:
        model: Aer's ``NoiseModel``.
        qubits: The qubits that a circuit uses.

    Raises:
        ArgumentError: If a readout error is of several qubits, which Aer does not apply to measurements of one.
    """
    from qiskit_aer.noise import NoiseModel

    position = {qubit: number for number, qubit in enumerate(qubits)}
    kept = NoiseModel(basis_gates=model.basis_gates)
    noisy = set()
    for name, error in model._default_quantum_errors.items():
        kept.add_all_qubit_quantum_error(error, name, warnings=False)
        noisy.add(name)
    for name, errors in model._local_quantum_errors.items():
        for place, error in errors.items():
            if position.keys() >= set(place):
                kept.add_quantum_error(error, name, [position[qubit] for qubit in place], warnings=False)
                noisy.add(name)
    without_readout = deepcopy(kept)
    confusions = np.tile(np.eye(2), (len(position), 1, 1))
    if model._default_readout_error is not None:
        kept.add_all_qubit_readout_error(_of_one_qubit(model._default_readout_error), warnings=False)
        confusions[:] = model._default_readout_error.probabilities
    for place, error in model._local_readout_errors.items():
        _of_one_qubit(error)
        if place[0] in position:
            kept.add_readout_error(error, [position[place[0]]], warnings=False)
            confusions[position[place[0]]] = error.probabilities
    return CircuitNoise(
        model=kept,
        without_readout=without_readout,
        confusions=confusions,
        in_gates=bool(noisy - {"measure"}),
        in_measurements="measure" in noisy,
    )


def _of_one_qubit(error: Any) -> Any:
    if error.number_of_qubits != 1:
        raise ArgumentError(
            f"Argument `noise_model` must have readout errors of single qubits, but has one of "
            f"{error.number_of_qubits}, which Aer does not apply to a measurement of one qubit."
        )
    return error
