"""A small circuit of inputs and weights that is measured, and its probabilities."""

import torch
from qiskit.circuit import ClassicalRegister, ParameterVector, QuantumCircuit, QuantumRegister
from qiskit.quantum_info import Statevector

from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.layers import QuantumLayer

EXACT = LocalExecution(dtype=torch.float64)


X, W = ParameterVector("x", 2), ParameterVector("w", 3)


START = [0.25, -1.0, 0.75]


ROWS = [[0.2, 0.5], [-1.0, 2.0], [3.0, -0.4]]


def hybrid_circuit():
    """Three qubits, two inputs, three weights."""
    circuit = QuantumCircuit(3)
    circuit.ry(X[0], 0)
    circuit.ry(X[1] * W[2], 1)
    circuit.crx(W[0], 0, 1)
    circuit.rz(W[1] + X[0], 1)
    circuit.rx(W[2], 1)
    circuit.cry(X[0] * W[0], 1, 2)
    return circuit


def measured(bits=(0, 1, 2), *registers):
    """With qubit bits[i] in the classical bit i."""
    registers = registers or (ClassicalRegister(len(bits), "meas"),)
    circuit = QuantumCircuit(QuantumRegister(3), *registers)
    circuit.compose(hybrid_circuit(), inplace=True)
    circuit.measure(bits, range(len(bits)))
    return circuit


def expected(row, bits=(0, 1, 2), weights=START):
    bound = hybrid_circuit().assign_parameters(dict(zip([*X, *W], [*row, *weights], strict=True)))
    return Statevector(bound).probabilities(list(bits))


def layer_over(circuit, **options):
    options = {"weight_params": W, "execution": EXACT, "initial_weights": START, **options}
    return QuantumLayer(circuit, **options).double()


def parity(outcome):
    return outcome.bit_count() % 2


def two_ways(outcome):
    return outcome & 1, (outcome >> 1).bit_count()
