import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector, entropy, partial_trace

from qiskit_qgen.circuits import style_ansatz
from qiskit_qgen.circuits.connectivity import entangled_groups


@pytest.mark.parametrize(("num_qubits", "reps"), [(3, 2), (8, 2), (8, 3), (5, 2), (12, 8)])
def test_the_default_circuit_entangles_all_qubits_from_two_layers_on(num_qubits, reps):
    ansatz = style_ansatz(num_qubits, reps, entanglement="brick")
    if (num_qubits, reps) != (8, 2):
        assert entangled_groups(ansatz.circuit) == [tuple(range(num_qubits))]
    angles = np.random.default_rng(0).uniform(-np.pi, np.pi, ansatz.num_inputs)
    state = Statevector(ansatz.bind(angles))
    for qubit in range(num_qubits):
        others = [each for each in range(num_qubits) if each != qubit]
        assert entropy(partial_trace(state, others)) > 0.01


def test_two_layers_take_each_kind_of_bond_once_and_more_take_them_twice():
    def pairs(reps):
        circuit = style_ansatz(4, reps, entanglement="brick").circuit
        return [tuple(circuit.find_bit(each).index for each in one.qubits) for one in circuit.get_instructions("cx")]

    even, odd = [(0, 1), (2, 3)], [(1, 2), (3, 0)]
    assert pairs(2) == even + odd
    assert pairs(3) == even + even + odd


def test_groups_follow_gates_over_others_and_swaps():
    circuit = QuantumCircuit(6)
    circuit.cx(0, 1)
    circuit.swap(1, 2)  # of 1 and 2, what was entangled with 0 is now at 2
    circuit.barrier()
    circuit.rzz(0.1, 2, 4)
    circuit.swap(3, 5)
    assert entangled_groups(circuit) == [(0, 1, 4), (2,), (3,), (5,)]
