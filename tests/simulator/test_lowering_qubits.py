"""Qubits that need no simulation, transpiled circuits, and resets and states at the start."""

import numpy as np
import pytest
import torch
from parity import random_observables, truth
from qiskit import transpile
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp, Statevector, random_statevector
from qiskit.transpiler import CouplingMap

from qiskit_qgen.exceptions import ArgumentTypeError, UnsupportedCircuitError
from qiskit_qgen.simulator import ExpectationValues, lower


def values_of(circuit, observables, rows):
    return ExpectationValues(lower(circuit), observables)(torch.from_numpy(rows)).numpy()


@pytest.mark.parametrize("basis", [("rz", "sx", "x", "ecr"), ("rz", "sx", "x", "cz"), ("rz", "rx", "rzz", "cz")])
def test_a_transpiled_circuit_of_127_qubits_runs(basis):
    rng = np.random.default_rng(3)
    circuit = efficient_su2(5, reps=2, entanglement="circular")
    isa = transpile(
        circuit,
        basis_gates=list(basis),
        coupling_map=CouplingMap.from_line(127),
        initial_layout=[40, 37, 41, 42, 43],
        seed_transpiler=1,
        optimization_level=1,
    )
    isa.barrier()
    isa.delay(100, 126)
    program = lower(isa)
    touched = {isa.find_bit(qubit).index for item in isa.data if item.name not in ("barrier", "delay")
               for qubit in item.qubits}  # fmt: skip
    assert isa.num_qubits == program.num_qubits == 127
    assert set(program.active) == touched
    observables = random_observables(rng, 5, 4)
    rows = rng.uniform(-3, 3, (2, circuit.num_parameters))
    moved = [observable.apply_layout(isa.layout) for observable in observables]
    np.testing.assert_allclose(values_of(isa, moved, rows), truth(circuit, observables, rows), rtol=0, atol=1e-12)


def test_qubits_without_gates_are_not_simulated():
    circuit = QuantumCircuit(100)
    circuit.id(7)
    circuit.delay(5, 8)
    circuit.barrier()
    circuit.reset(9)
    assert lower(circuit).active == (0,)
    circuit.append(QuantumCircuit(100).to_instruction(), range(100))
    inner = QuantumCircuit(100)
    inner.swap(90, 50)
    inner.ry(0.3, 50)
    circuit.append(inner.to_instruction(), range(99, -1, -1))
    program = lower(circuit)
    assert program.active == (9, 49)
    observables = [SparsePauliOp.from_sparse_list([(word, qubits, 1.0)], 100) for word, qubits in
                   (("Z", [49]), ("Z", [9]), ("Z", [20]), ("X", [20]), ("XZ", [49, 0]), ("XX", [49, 0]))]  # fmt: skip
    values = values_of(circuit, observables, np.zeros((1, 0)))[0]
    np.testing.assert_allclose(values, [np.cos(0.3), 1, 1, 0, np.sin(0.3), 0], atol=1e-15)


def test_the_limit_counts_the_qubits_with_gates():
    circuit = QuantumCircuit(30)
    for qubit in range(6, 30):
        circuit.x(qubit)
    assert lower(circuit).width == 24
    circuit.x(0)
    with pytest.raises(UnsupportedCircuitError) as error:
        lower(circuit)
    assert str(error.value) == (
        "The built-in simulator runs circuits of 1 to 24 qubits, but this one has 25 with gates: "
        "reduce it, or run the circuit on Aer instead."
    )


STATES = [
    random_statevector(8, seed=1).data.tolist(),
    random_statevector(8, seed=2).data.real / np.linalg.norm(random_statevector(8, seed=2).data.real),
    np.eye(8)[5],
    "01+",
    "-rl",
    6,
]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_state_at_the_start(state):
    """Other qubits may have had gates before."""
    rng = np.random.default_rng(1)
    for method in ("initialize", "prepare_state"):
        circuit = QuantumCircuit(4)
        circuit.h(2)
        getattr(circuit, method)(state, [3, 0, 1])
        circuit.cx(2, 3)
        circuit.ry(Parameter("a"), 1)
        observables, rows = random_observables(rng, 4, 8), rng.normal(size=(2, 1))
        expected = truth(circuit, observables, rows)
        np.testing.assert_allclose(values_of(circuit, observables, rows), expected, rtol=0, atol=1e-12)


def test_a_reset_at_the_start_does_nothing():
    circuit = QuantumCircuit(2)
    circuit.reset([0, 1])
    circuit.h(0)
    circuit.barrier()
    circuit.reset(1)
    circuit.cx(0, 1)
    assert values_of(circuit, [SparsePauliOp("XX")], np.zeros((1, 0))) == pytest.approx(
        Statevector(circuit).expectation_value(SparsePauliOp("XX")).real
    )
    circuit.reset(1)
    with pytest.raises(UnsupportedCircuitError, match="holds `reset`: remove it, or run the circuit on Aer"):
        lower(circuit)


@pytest.mark.parametrize("value", ["circuit", None, SparsePauliOp("Z")])
def test_what_is_no_circuit_is_refused(value):
    with pytest.raises(ArgumentTypeError) as error:
        lower(value)
    assert str(error.value) == f"Argument `circuit` must be a QuantumCircuit, but is of type {type(value).__name__}."
