"""Small primitives on Aer, a circuit, observables and noise."""

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.execution import depolarizing_noise, readout_noise
from qiskit_qgen.execution.aer.device import AerDevice
from qiskit_qgen.execution.aer.estimator import AerEstimator
from qiskit_qgen.execution.aer.options import AerOptions
from qiskit_qgen.execution.aer.sampler import AerSampler

P = ParameterVector("p", 4)


NOISE = depolarizing_noise(one_qubit=0.02, two_qubit=0.1) + readout_noise(zero_to_one=0.05, one_to_zero=0.2)


def ansatz():
    circuit = QuantumCircuit(2)
    circuit.ry(P[0], 0)
    circuit.ry(P[1], 1)
    circuit.cry(P[2], 0, 1)
    circuit.rz(P[3], 0)
    return circuit


ROWS = np.random.default_rng(5).uniform(-3, 3, (3, 4))


OBSERVABLES = [*pauli_observables(2, "XZ"), SparsePauliOp(["YX", "II", "ZZ"], [1.0, 0.25, -0.5])]


def estimator(shots=None, seed=0, **options):
    return AerEstimator(AerDevice(AerOptions(shots=shots, seed=seed, **options)))


def sampler(shots=None, seed=0, **options):
    return AerSampler(AerDevice(AerOptions(shots=shots, seed=seed, **options)))


def values(primitive, circuit=None, observables=OBSERVABLES, rows=ROWS, **options):
    pub = (circuit or ansatz(), [[each] for each in observables], rows)
    return primitive.run([pub], **options).result()[0].data
