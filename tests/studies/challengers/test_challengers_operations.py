"""Operations against torch's own counter, and against a count on paper."""

import pytest
import torch
from qiskit import QuantumCircuit
from torch.utils.flop_counter import FlopCounterMode

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.networks import (
    ClassicalBlock,
    ClassicalGenerator,
    ClassicalGeneratorConfig,
    FourierSurrogate,
    QuantumStyleGenerator,
)
from qiskit_qgen.studies.challengers.operations import circuit_operations, forward_operations


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (ClassicalGenerator(5, 7, ClassicalGeneratorConfig(width=11, depth=3)), 5),
        (ClassicalBlock(5, 5, 90), 5),
        (FourierSurrogate(style_ansatz(2, 1), 3, num_frequencies=9), 8),
    ],
)
def test_classical_networks_take_what_torchs_counter_counts(network, inputs):
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, inputs))
    assert forward_operations(network) == counter.get_total_flops() > 0


def test_gates_take_the_arithmetic_of_their_matrices():
    circuit = QuantumCircuit(3)
    circuit.cx(0, 1)  # a permutation
    circuit.cz(1, 2)  # signs
    assert circuit_operations(circuit) == 0
    circuit.ry(0.1, 0)  # 8 amplitudes: two products of 6 and a sum of 2 each
    assert circuit_operations(circuit) == 8 * (2 * 6 + 2)
    circuit.crx(0.1, 0, 1)  # the same for the 4 amplitudes whose control is 1
    assert circuit_operations(circuit) == 8 * 14 + 4 * 14
    circuit.rxx(0.1, 0, 1)  # four products and three sums for each of 8
    assert circuit_operations(circuit) == 8 * 14 + 4 * 14 + 8 * (4 * 6 + 3 * 2)


def test_a_style_generator_takes_its_map_and_its_circuit():
    circuit = style_ansatz(3, 2)
    generator = QuantumStyleGenerator(circuit, noise_dim=6, observables=pauli_observables(3))
    assert forward_operations(generator) == 2 * 18 * 6 + 18 * 14 * 8
