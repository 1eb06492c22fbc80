"""A small circuit of inputs and weights with observables, and its expectation values."""

import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_qgen.execution import LocalExecution

EXACT = LocalExecution(dtype=torch.float64)


X, W = ParameterVector("x", 2), ParameterVector("w", 3)


OBSERVABLES = [SparsePauliOp(["ZI", "XY"], [1, 0.5]), SparsePauliOp("IX"), SparsePauliOp("YY"), SparsePauliOp("ZZ")]


START = [0.25, -1.0, 0.75]  # numbers that float32 holds too


def hybrid_circuit():
    circuit = QuantumCircuit(2)
    circuit.ry(X[0], 0)
    circuit.ry(X[1] * W[2], 1)
    circuit.crx(W[0], 0, 1)
    circuit.rz(W[1] + X[0], 1)
    circuit.rx(W[2], 1)
    return circuit


def expected_outputs(x, weights=START):
    bound = hybrid_circuit().assign_parameters({X[1]: x[0], X[0]: x[1], **dict(zip(W, weights, strict=True))})
    return [Statevector(bound).expectation_value(observable).real for observable in OBSERVABLES]
