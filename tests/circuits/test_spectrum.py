"""Spectra against closed forms, and against the discrete Fourier transform of what circuits give."""

import math

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_qgen.circuits import (
    ParametrizedCircuit,
    data_reuploading,
    frequency_spectrum,
    hardware_efficient_ansatz,
    style_ansatz,
)
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError

X, Y, THETA = Parameter("x"), Parameter("y"), Parameter("theta")


def one_gate(name, *qubits, angle=X, start="h"):
    circuit = QuantumCircuit(2)
    getattr(circuit, start)([0, 1])
    getattr(circuit, name)(angle, *qubits)
    return ParametrizedCircuit(circuit, (X,), tuple(circuit.parameters - {X}))


@pytest.mark.parametrize(
    ("name", "qubits", "frequencies", "shares"),
    [
        ("rx", (0,), (-1, 0, 1), (0.25, 0.5, 0.25)),
        ("rz", (0,), (-1, 0, 1), (0.25, 0.5, 0.25)),
        ("p", (0,), (-1, 0, 1), (0.25, 0.5, 0.25)),
        ("rzz", (0, 1), (-1, 0, 1), (0.25, 0.5, 0.25)),
        ("cp", (0, 1), (-1, 0, 1), (3 / 16, 10 / 16, 3 / 16)),
        ("cry", (0, 1), (-1, -0.5, 0, 0.5, 1), (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)),
    ],
)
def test_a_gates_spectrum_is_that_of_the_eigenvalues_of_its_generator(name, qubits, frequencies, shares):
    found = frequency_spectrum(one_gate(name, *qubits))
    assert found.frequencies == (frequencies,)
    assert np.allclose(found.shares[0], shares)


def test_a_factor_stretches_the_spectrum_a_weight_shifts_it_and_gates_add_up():
    assert frequency_spectrum(one_gate("rx", 0, angle=3 * X + THETA)).frequencies == ((-3, 0, 3),)
    circuit = QuantumCircuit(1)
    circuit.rx(X, 0)
    circuit.ry(3 * X, 0)
    circuit.rz(Y, 0)
    found = frequency_spectrum(ParametrizedCircuit(circuit, (Y, X)))
    assert found.frequencies == ((-1, 0, 1), (-4, -3, -2, -1, 0, 1, 2, 3, 4))
    assert found.size == 27


def coefficients(circuit, observable, size=9, seed=0):
    """Those of <observable> on a grid over twice the period, (size, size) for two inputs; bin k is frequency k / 2."""
    weights = np.random.default_rng(seed).uniform(-math.pi, math.pi, circuit.num_weights)
    grid = 4 * math.pi * np.arange(2 * size) / (2 * size)
    values = [
        [Statevector(circuit.bind([first, second], weights)).expectation_value(observable).real for second in grid]
        for first in grid
    ]
    return np.fft.fft2(values) / len(grid) ** 2


@pytest.mark.parametrize(
    ("circuit", "highest"),
    [
        (hardware_efficient_ansatz(2, 2, rotations=("ry", "rz"), final_rotations=("ry",)), 1),
        (data_reuploading(2, 2, rotations=("rz", "ry", "rz")), 2),
        (data_reuploading(2, 2, encoding=("ry", "rz"), rotations=("ry", "rz")), 4),
    ],
)
def test_what_a_circuit_gives_has_these_frequencies_and_no_others(circuit, highest):
    spectrum = frequency_spectrum(circuit)
    assert spectrum.frequencies == (tuple(range(-highest, highest + 1)),) * 2
    found = coefficients(circuit, SparsePauliOp("ZZ"))
    present = {
        tuple(int(bin_) if bin_ < 9 else int(bin_) - 18 for bin_ in row) for row in np.argwhere(np.abs(found) > 1e-9)
    }
    assert all(first % 2 == 0 and second % 2 == 0 for first, second in present)
    inputs = [{row[axis] / 2 for row in present} for axis in (0, 1)]
    assert all(set(own) <= set(map(float, spectrum.frequencies[0])) for own in inputs)
    assert max(map(max, inputs)) == highest


def test_half_frequencies_of_controlled_rotations_are_there():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cry(X, 0, 1)
    circuit.rx(Y, 0)
    circuit.h(0)
    found = coefficients(ParametrizedCircuit(circuit, (X, Y)), SparsePauliOp("IZ"))
    assert frequency_spectrum(ParametrizedCircuit(circuit, (X, Y))).frequencies[0] == (-1, -0.5, 0, 0.5, 1)
    assert abs(found[1]).max() > 0.1  # cos(x / 2): what is left of <X> of the control


def test_all_vectors_are_returned_if_they_are_few_and_one_of_each_pair_of_opposites():
    found = frequency_spectrum(hardware_efficient_ansatz(3, 1)).vectors(13, np.random.default_rng(0))
    rows = set(map(tuple, found.tolist()))
    assert len(rows) == 13 == (3**3 - 1) // 2
    assert not any(tuple(-each for each in row) in rows for row in rows)
    assert found[:3].tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


def test_of_many_half_are_the_simplest_and_half_are_drawn_as_the_circuit_makes_them():
    spectrum = frequency_spectrum(style_ansatz(4, 4))
    found = spectrum.vectors(400, np.random.default_rng(0))
    rows = set(map(tuple, found.tolist()))
    assert len(rows) == 400
    assert not any(tuple(-each for each in row) in rows for row in rows)
    assert found[:40].tolist() == np.eye(40)[::-1].tolist()
    drawn = np.abs(found[200:]).sum(1)  # of 40 gates each turns with probability 1/2
    assert abs(drawn.mean() - 20) < 4 * math.sqrt(10 / 200)
    assert np.array_equal(found, spectrum.vectors(400, np.random.default_rng(0)))


def test_inputs_that_come_in_otherwise_are_refused():
    for angle in (X * X, X * THETA, X + Y):
        circuit = QuantumCircuit(2)
        circuit.rx(angle, 0)
        weights = tuple(circuit.parameters - {X, Y})
        with pytest.raises(ArgumentError, match="linear in that input alone, but has the gate 'rx'"):
            frequency_spectrum(ParametrizedCircuit(circuit, tuple(circuit.parameters - set(weights)), weights))
    circuit = QuantumCircuit(1)
    circuit.u(X, 0.1, 0.2, 0)
    with pytest.raises(ArgumentError, match="has the gate 'u'"):
        frequency_spectrum(ParametrizedCircuit(circuit, (X,)))
    with pytest.raises(ArgumentTypeError, match="must be a ParametrizedCircuit"):
        frequency_spectrum(circuit)
    with pytest.raises(ArgumentError, match="`most` must be a positive integer"):
        frequency_spectrum(style_ansatz(1, 1)).vectors(0, np.random.default_rng(0))
