"""Random circuits of all supported gates against Qiskit's ``Statevector``: 500 by default, 2,000 with the slow ones."""

import numpy as np
import pytest
import torch
from parity import (
    NAMES,
    PARAMETERS,
    ParityTester,
    random_circuit,
    random_expression,
    random_gate,
    random_observables,
    seed_of,
)
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import random_statevector

from qiskit_qgen.simulator import ExpectationValues, lower
from qiskit_qgen.simulator.cpu import layouts

NUM_CIRCUITS, NUM_BY_DEFAULT = 2000, 500
PER_TEST = 50
SIZES = (1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8)


def engine(circuit, observables):
    return ExpectationValues(lower(circuit), observables, threads=1)


def a_gate(rng, name, num_qubits):
    """Return a gate of the given name on at most ``num_qubits`` qubits, or on few more if it needs them."""
    while True:
        gate = random_gate(rng, name, lambda: random_expression(rng, PARAMETERS), num_qubits)
        if gate is not None:
            return gate
        num_qubits += 1


def start(rng, circuit):
    """Begin with resets or a state, of which ``Initialize`` is the one way that Qiskit resets for."""
    qubits = rng.permutation(circuit.num_qubits)[: rng.integers(1, 4)].tolist()
    if rng.random() < 0.5:
        circuit.initialize(random_statevector(2 ** len(qubits), seed=seed_of(rng)).data, qubits)
    else:
        circuit.reset(qubits)


def circuit_of(seed, rng):
    """Return the seed's circuit: each gate is the first of one circuit in a row of as many as there are gates."""
    size = SIZES[rng.integers(len(SIZES))]
    gate = a_gate(rng, NAMES[seed % len(NAMES)], size)
    circuit = QuantumCircuit(max(size, gate.num_qubits))
    if rng.random() < 0.1:
        start(rng, circuit)
    circuit.compose(random_circuit(rng, circuit.num_qubits, int(rng.integers(1, 5))), inplace=True)
    circuit.append(gate, rng.permutation(circuit.num_qubits)[: gate.num_qubits].tolist())
    circuit.compose(random_circuit(rng, circuit.num_qubits, int(rng.integers(1, 5))), inplace=True)
    return circuit


@pytest.mark.parametrize(
    "first",
    [pytest.param(n, marks=pytest.mark.slow if n >= NUM_BY_DEFAULT else ()) for n in range(0, NUM_CIRCUITS, PER_TEST)],
)
def test_random_circuits_agree_with_statevector(first, monkeypatch):
    if first // PER_TEST % 2:  # a sample takes several lanes, as it does in large states
        monkeypatch.setattr(layouts, "_SPLIT_QUBITS", 1)
    tester = ParityTester(torch.float64, gradient_rows=1)
    for seed in range(first, first + PER_TEST):
        rng = np.random.default_rng(seed)
        circuit = circuit_of(seed, rng)
        try:
            tester.check(engine, circuit, random_observables(rng, circuit.num_qubits, 2), rng, 1)
        except Exception as error:
            raise AssertionError(f"The circuit of seed {seed} differs:\n{circuit}") from error
