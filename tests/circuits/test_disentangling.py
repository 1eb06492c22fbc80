"""Circuits without entanglement: products of states, with all their parameters."""

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Statevector, partial_trace

from qiskit_qgen.circuits import (
    ParametrizedCircuit,
    bottleneck_ansatz,
    hardware_efficient_ansatz,
    strongly_entangling_ansatz,
    style_ansatz,
    without_entanglement,
)
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError


def purities(circuit, seed=0):
    rng = np.random.default_rng(seed)
    state = Statevector(circuit.bind(rng.normal(size=circuit.num_inputs), rng.normal(size=circuit.num_weights)))
    others = [[other for other in range(circuit.num_qubits) if other != qubit] for qubit in range(circuit.num_qubits)]
    return [partial_trace(state, each).purity().real for each in others]


@pytest.mark.parametrize(
    "circuit",
    [
        hardware_efficient_ansatz(4, 2),
        hardware_efficient_ansatz(3, 2, entangler=("crx", "cry", "crz", "cp", "rxx", "ryy", "rzz", "swap")),
        strongly_entangling_ansatz(3, 2),
        bottleneck_ansatz(4, 2),
        style_ansatz(3, 2, entangler=("cry", "crz"), rotations=("ry", "rz")),
    ],
)
def test_qubits_stay_pure_and_all_parameters_stay(circuit):
    bare = without_entanglement(circuit)
    assert max(purities(circuit)) < 0.999
    assert np.allclose(purities(bare), 1)
    assert (bare.input_params, bare.weight_params) == (circuit.input_params, circuit.weight_params)


def test_what_acts_on_one_qubit_is_left_alone():
    a, b, c = map(Parameter, "abc")
    circuit = QuantumCircuit(3)
    circuit.ry(a, 0)
    circuit.cx(0, 1)
    circuit.crx(b, 0, 2)
    circuit.rzx(c, 2, 1)
    expected = QuantumCircuit(3)
    expected.ry(a, 0)
    expected.rx(b, 2)
    expected.rx(c, 1)
    assert without_entanglement(ParametrizedCircuit(circuit, (), (a, b, c))).circuit == expected


def test_other_gates_with_parameters_are_refused():
    circuit = QuantumCircuit(2)
    circuit.append(QuantumCircuit(2).to_gate(), [0, 1])
    assert not without_entanglement(ParametrizedCircuit(circuit)).circuit.data
    a = Parameter("a")
    inner = QuantumCircuit(2, name="mine")
    inner.cry(a, 0, 1)
    circuit.append(inner.to_gate(), [0, 1])
    with pytest.raises(ArgumentError, match="RZZ and RZX, but has 'mine'"):
        without_entanglement(ParametrizedCircuit(circuit, (a,)))
    with pytest.raises(ArgumentTypeError, match="must be a ParametrizedCircuit"):
        without_entanglement(circuit)
