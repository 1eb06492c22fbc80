"""A program in three parts is the program: held against Qiskit's ``Statevector``, and counted."""

import numpy as np
import pytest
from parity import random_circuit, random_observables
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import real_amplitudes
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.simulator import lower
from qiskit_qgen.simulator.programs.folding import Word, split

NAMES = ("h", "rx", "ry", "rz", "rzz", "rxx", "cx", "swap", "cp", "cry", "crz", "ccx", "u", "sx")


def parity(rows, sign):
    return np.bitwise_count(rows & sign) & 1


def matrix(word, size):
    """i**odd (-1)**parity from row r to row r XOR flip."""
    rows, result = np.arange(size), np.zeros((size, size), complex)
    result[rows ^ word.flip, rows] = 1j**word.odd * (1 - 2.0 * parity(rows, word.sign))
    return result


def applied(state, operation):
    """exp(-i angle/2 P) on the rows where all controls hold; constant angles."""
    rows = np.arange(len(state))
    holds = np.ones(len(state), bool)
    for control in operation.controls:
        holds &= parity(rows, control.sign) == control.value
    half = operation.angle.offset / 2
    word = matrix(Word(operation.flip, operation.sign), len(state))
    return np.where(holds, np.cos(half) * state - 1j * np.sin(half) * (word @ state), state)


def run_in_three(program, terms, num_outputs):
    """Values by the definition of a split: start and middle on a state, the end on the words' values."""
    operations, parts = program.operations, split(program.operations, terms)
    state = np.zeros(1 << program.width, complex)
    state[0] = 1
    for number in (*parts.start, *parts.middle):
        state = applied(state, operations[number])
    values = np.array([(state.conj() @ matrix(word, len(state)) @ state).real for word in parts.words])
    for turn in parts.turns:
        angle = operations[turn.operation].angle.offset
        low, high = values[turn.low], values[turn.high]
        values[turn.low] = np.cos(angle) * low - np.sin(angle) * high
        values[turn.high] = np.sin(angle) * low + np.cos(angle) * high
    totals = np.zeros(num_outputs)
    place = {word: number for number, word in enumerate(parts.words)}
    for term in terms:
        totals[term.output] += term.coefficient * values[place[Word(term.flip, term.sign)]]
    return parts, totals


def bound(circuit, seed):
    rng = np.random.default_rng(seed)
    return circuit.assign_parameters(rng.uniform(-3, 3, circuit.num_parameters))


def check(circuit, observables):
    program = lower(circuit)
    terms, constants = program.terms(observables)
    parts, found = run_in_three(program, terms, len(observables))
    numbers = (*parts.start, *parts.middle, *parts.folded, *parts.invisible)
    assert sorted(numbers) == list(range(len(program.operations)))
    expected = [Statevector(circuit).expectation_value(observable).real for observable in observables]
    np.testing.assert_allclose(found + constants, expected, rtol=0, atol=1e-12)
    return parts


@pytest.mark.parametrize("seed", range(30))
def test_random_circuits(seed):
    rng = np.random.default_rng(seed)
    num_qubits = 1 + seed % 5
    circuit = bound(random_circuit(rng, num_qubits, 25, names=NAMES), seed)
    check(circuit, random_observables(rng, num_qubits))


@pytest.mark.parametrize("rotations", [("ry",), ("ry", "rz"), ("rx", "ry", "rz"), ("rz", "rx")])
@pytest.mark.parametrize("paulis", ["X", "Y", "Z", "XZ", "XYZ"])
def test_first_and_last_layers(rotations, paulis):
    """Whatever the entanglers between, and whatever the rotations."""
    circuit = bound(style_ansatz(4, 3, rotations=rotations).circuit, 1)
    parts = check(circuit, pauli_observables(4, paulis))
    assert len(parts.words) <= 3 * 4
    flips = [lower(circuit).operations[number].flip for number in parts.middle]
    assert sum(map(bool, flips)) <= 2 * 4 * sum(name != "rz" for name in rotations)  # two of four layers


def test_the_reference_workload():
    """A layer at the begin and one at the end, RY and RZ of each qubit; X, Y and Z are measured in place of X and Z."""
    program = lower(style_ansatz(12, 8).circuit)
    parts = split(program.operations, program.terms(pauli_observables(12))[0])
    assert (len(parts.start), len(parts.middle), len(parts.folded), len(parts.words)) == (24, 7 * 24, 24, 36)


def test_folding_stops_where_the_words_would_be_many():
    """A string of eight Y becomes 3**8 words behind three rotations of each qubit."""
    circuit = QuantumCircuit(8)
    circuit.compose(real_amplitudes(8, reps=1), inplace=True)
    for qubit, parameter in enumerate(ParameterVector("a", 8)):
        circuit.rx(parameter, qubit)
    parts = check(bound(circuit, 2), [SparsePauliOp("YZYZYZYZ"), *random_observables(np.random.default_rng(3), 8)])
    assert len(parts.words) < 100


def test_what_no_observable_sees_is_left_out():
    angles = ParameterVector("a", 6)
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.cry(angles[0], 0, 1)
    circuit.cry(angles[1], 0, 2)  # neither qubit is measured any more
    circuit.rz(angles[2], 1)
    circuit.rzz(angles[3], 1, 2)
    circuit.cp(angles[4], 0, 2)
    circuit.rz(angles[5], 1)
    parts = check(bound(circuit, 4), [SparsePauliOp("IZI")])
    program = lower(circuit)
    kept = [program.operations[number] for number in parts.middle]
    assert [operation.angle.slot for operation in kept] == [0]
    probabilities = split(program.operations, None)
    assert all(not program.operations[number].flip for number in probabilities.invisible)
    assert all(program.operations[number].flip for number in probabilities.middle)  # phases come last, or first


def test_words_multiply_as_matrices_do():
    program = lower(bound(random_circuit(np.random.default_rng(5), 3, 30, names=("rx", "ry", "rz", "rzz", "rxx")), 5))
    rng = np.random.default_rng(6)
    for operation in program.operations:
        word = Word(*(int(mask) for mask in rng.integers(0, 8, 2)))
        if not word.commutes_with(operation):
            product, sign = word.times(operation)
            direct = -1j * matrix(word, 8) @ matrix(Word(operation.flip, operation.sign), 8)
            np.testing.assert_array_equal(direct, sign * matrix(product, 8))
