"""A circuit with known expectation values, for the tests of the server."""

from __future__ import annotations

from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager

ANGLES = np.array([[0.3], [1.0], [2.0]])
OBSERVABLES = ("IZ", "XX", "YY")


def exact() -> np.ndarray:
    """Return the expectation values after RY(t) on qubit 0 and CX(0, 1), of the state cos(t/2)|00> + sin(t/2)|11>."""
    t = ANGLES[:, 0]
    return np.stack([np.cos(t), np.sin(t), -np.sin(t)])


def logical() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("t"), 0)
    circuit.cx(0, 1)
    return circuit


def transpiled(backend: Any, *, measured: bool = False) -> QuantumCircuit:
    circuit = logical()
    if measured:
        circuit.measure_all()
    return generate_preset_pass_manager(optimization_level=1, backend=backend, seed_transpiler=1).run(circuit)


def estimator_pub(backend: Any) -> tuple[Any, ...]:
    circuit = transpiled(backend)
    observables = [[SparsePauliOp(label).apply_layout(circuit.layout)] for label in OBSERVABLES]
    return circuit, observables, ANGLES


def sampler_pub(backend: Any) -> tuple[Any, ...]:
    return transpiled(backend, measured=True), ANGLES
