import copy
import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.simulator import cache
from qiskit_qgen.simulator.cache import ExpectationCache

Z = SparsePauliOp("Z")


@pytest.fixture
def lowered(monkeypatch):
    """The circuits that were lowered."""
    circuits = []
    original = cache.lower
    monkeypatch.setattr(cache, "lower", lambda circuit: circuits.append(circuit) or original(circuit))
    return circuits


def ry(angle):
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    return circuit


def value(function, *parameters):
    return function(torch.tensor([parameters], dtype=torch.float64)).tolist()[0]


def test_a_circuit_is_lowered_once(lowered):
    entries = ExpectationCache()
    angle = Parameter("angle")
    circuit = ry(angle)
    assert entries.get(circuit, [Z]) is entries.get(circuit, [Z]) is entries.get(ry(angle), [Z.copy()])
    assert len(lowered) == 1


def test_a_changed_circuit_is_lowered_anew():
    entries = ExpectationCache()
    circuit = ry(0.3)
    assert value(entries.get(circuit, [Z])) == pytest.approx([np.cos(0.3)])
    circuit.ry(0.4, 0)
    assert value(entries.get(circuit, [Z])) == pytest.approx([np.cos(0.7)])


@pytest.mark.parametrize("step", [1e-6, 1e-9, 1e-12])
def test_close_angles_are_told_apart(step):
    entries = ExpectationCache()
    first, second = (value(entries.get(ry(1 + offset), [Z]))[0] for offset in (0, step))
    assert second - first == pytest.approx(-np.sin(1) * step, rel=1e-3)


def test_close_coefficients_are_told_apart():
    """SparsePauliOp's own ``==`` does not."""
    entries = ExpectationCache()
    circuit = ry(0.0)
    assert SparsePauliOp("Z", 1.0) == SparsePauliOp("Z", 1.000001)
    assert value(entries.get(circuit, [SparsePauliOp("Z", 1.0)])) == [1]
    assert value(entries.get(circuit, [SparsePauliOp("Z", 1.000001)])) == [1.000001]


def test_an_observable_changed_in_place_is_read_anew():
    entries = ExpectationCache()
    observable = SparsePauliOp("Z")
    assert value(entries.get(ry(0.0), [observable])) == [1]
    observable.coeffs[0] = 3
    assert value(entries.get(ry(0.0), [observable])) == [3]


def test_other_observables_and_other_numbers_of_qubits_are_told_apart():
    entries = ExpectationCache()
    assert value(entries.get(ry(0.3), [Z])) == pytest.approx([np.cos(0.3)])
    assert value(entries.get(ry(0.3), [Z, Z])) == pytest.approx([np.cos(0.3)] * 2)
    assert value(entries.get(ry(0.3), [SparsePauliOp("X")])) == pytest.approx([np.sin(0.3)])
    wide = QuantumCircuit(2)
    wide.ry(0.3, 0)
    assert value(entries.get(wide, [SparsePauliOp("IZ")])) == pytest.approx([np.cos(0.3)])


def test_a_parameter_in_the_global_phase_is_a_column():
    entries = ExpectationCache()
    angle, phase = Parameter("b"), Parameter("a")
    circuit = ry(angle)
    assert value(entries.get(circuit, [Z]), 0.3) == pytest.approx([np.cos(0.3)])
    circuit.global_phase = phase
    assert value(entries.get(circuit, [Z]), 0.9, 0.3) == pytest.approx([np.cos(0.3)])


def test_parameters_of_one_name_are_told_apart():
    entries = ExpectationCache()
    circuits = [ry(Parameter("angle")) for _ in range(2)]
    assert [value(entries.get(circuit, [Z]), 0.3)[0] for circuit in circuits] == pytest.approx([np.cos(0.3)] * 2)


def test_the_oldest_entries_are_dropped(lowered):
    entries = ExpectationCache()
    circuits = [ry(0.01 * k) for k in range(17)]
    for circuit in circuits:
        entries.get(circuit, [Z])
    entries.get(circuits[-1], [Z])
    assert len(lowered) == 17
    entries.get(circuits[0], [Z])
    assert len(lowered) == 18


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda entries: pickle.loads(pickle.dumps(entries))])  # noqa: S301
def test_a_copy_starts_empty_and_works(copied, lowered):
    entries = ExpectationCache(threads=1)
    entries.get(ry(0.3), [Z])
    assert value(copied(entries).get(ry(0.3), [Z])) == pytest.approx([np.cos(0.3)])
    assert len(lowered) == 2
