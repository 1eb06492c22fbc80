"""Expectation values from samples, for the older estimator program."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen.testing.loopback.components import derived_seed, sample

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.primitives import PubResult
    from qiskit.primitives.containers.estimator_pub import EstimatorPub
    from qiskit.quantum_info import PauliList

    from qiskit_qgen.testing.loopback.devices import Device


def _observables(pub: EstimatorPub) -> NDArray[np.object_]:
    """Return the observables of a PUB, each a dictionary from Pauli strings to coefficients."""
    observables = np.empty(pub.observables.shape, dtype=object)
    for index in np.ndindex(observables.shape):
        observable = pub.observables[index]
        observables[index] = observable if isinstance(observable, dict) else dict(observable.to_list())
    return observables


def measured_bases(pub: EstimatorPub) -> list[PauliList]:
    """Return the sets of Pauli strings of a PUB that one circuit measures together."""
    from qiskit.quantum_info import PauliList

    labels = {label for observable in _observables(pub).ravel() for label in observable}
    bases: list[PauliList] = PauliList(sorted(labels)).group_qubit_wise_commuting()
    return bases


def estimate(pub: EstimatorPub, device: Device, seed: int) -> PubResult:
    """Run a PUB of the estimator with as many shots as its precision asks for."""
    from qiskit.primitives import DataBin, PubResult

    shots = math.ceil(pub.precision**-2)
    rows = pub.parameter_values.as_array(pub.circuit.parameters)
    means: dict[str, NDArray[np.float64]] = {}
    for number, basis in enumerate(measured_bases(pub)):
        means |= _means(pub.circuit, basis, rows, shots, device, derived_seed(seed, number))
    observables = np.broadcast_to(_observables(pub), pub.shape)
    row_of = np.arange(math.prod(rows.shape[:-1])).reshape(rows.shape[:-1])
    indices = np.broadcast_to(row_of, pub.shape)
    values, variances = np.zeros(pub.shape), np.zeros(pub.shape)
    for index in np.ndindex(pub.shape):
        for label, coefficient in observables.item(*index).items():
            mean = means[label][indices[index]]
            values[index] += np.real(coefficient) * mean
            variances[index] += abs(coefficient) ** 2 * (1 - mean**2) / shots
    data = DataBin(evs=values, stds=np.sqrt(variances), shape=pub.shape)
    return PubResult(data, metadata={"shots": shots, "target_precision": pub.precision, "circuit_metadata": {}})


def _means(
    circuit: QuantumCircuit, basis: PauliList, rows: NDArray[np.float64], shots: int, device: Device, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return for each Pauli string its mean for each row."""
    from qiskit import ClassicalRegister, QuantumCircuit

    support = [qubit for qubit in range(circuit.num_qubits) if (basis.x | basis.z)[:, qubit].any()]
    measured = QuantumCircuit(*circuit.qregs, ClassicalRegister(max(len(support), 1), "c"))
    measured.compose(circuit.remove_final_measurements(inplace=False) or circuit, inplace=True)
    for bit, qubit in enumerate(support):
        x, z = basis.x[:, qubit].any(), basis.z[:, qubit].any()
        if x:  # Y: S^dagger, then H; H = Rz(pi/2) SX Rz(pi/2)
            measured.rz(0.0 if z else math.pi / 2, qubit)
            measured.sx(qubit)
            measured.rz(math.pi / 2, qubit)
        measured.measure(qubit, bit)
    bits = sample(measured, rows, shots, device, seed)["c"].reshape(-1, shots, max(len(support), 1))
    means = {}
    for label, x, z in zip(basis.to_labels(), basis.x, basis.z, strict=True):
        columns = [bit for bit, qubit in enumerate(support) if (x | z)[qubit]]
        means[label] = 1.0 - 2.0 * (bits[:, :, columns].sum(axis=2) % 2).mean(axis=1)
    return means
