import pickle

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Kraus, Operator, SuperOp
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import HardwareNoise, amplitude_damping_noise, depolarizing_noise, readout_noise
from qiskit_qgen.execution.aer.circuit_noise import noise_on


def gate_error(noise, name):
    return SuperOp(noise.to_noise_model()._default_quantum_errors[name])


def depolarized(p, num_qubits):
    """rho -> (1 - p) rho + p tr(rho) I / d, column-stacked."""
    size = 2**num_qubits
    identity = np.eye(size).reshape(-1, 1)
    return (1 - p) * np.eye(size**2) + p * identity @ identity.T / size


def damped(gamma):
    return SuperOp(Kraus([[[1, 0], [0, np.sqrt(1 - gamma)]], [[0, np.sqrt(gamma)], [0, 0]]])).data


def test_depolarizing_is_the_channel_of_its_definition():
    noise = depolarizing_noise(one_qubit=0.03, two_qubit=0.2)
    for name in ("x", "sx"):
        np.testing.assert_allclose(gate_error(noise, name).data, depolarized(0.03, 1), atol=1e-12)
    np.testing.assert_allclose(gate_error(noise, "cx").data, depolarized(0.2, 2), atol=1e-12)


def test_damping_is_the_channel_of_its_definition_on_each_qubit():
    noise = amplitude_damping_noise(one_qubit=0.1, two_qubit=0.3)
    np.testing.assert_allclose(gate_error(noise, "x").data, damped(0.1), atol=1e-12)
    both = SuperOp(damped(0.3)).tensor(SuperOp(damped(0.3)))
    np.testing.assert_allclose(gate_error(noise, "cx").data, both.data, atol=1e-12)


def test_a_sum_has_the_errors_of_both_the_first_ones_first():
    damping, depolarizing = amplitude_damping_noise(one_qubit=0.4), depolarizing_noise(one_qubit=0.3)
    first = gate_error(damping + depolarizing, "x").data
    np.testing.assert_allclose(first, depolarized(0.3, 1) @ damped(0.4), atol=1e-12)
    other = gate_error(depolarizing + damping, "x").data
    np.testing.assert_allclose(other, damped(0.4) @ depolarized(0.3, 1), atol=1e-12)
    assert not np.allclose(first, other)


def test_readout_errors_compose():
    noise = readout_noise(zero_to_one=0.1, one_to_zero=0.2) + readout_noise(zero_to_one=0.3)
    found = noise.to_noise_model()._default_readout_error.probabilities
    np.testing.assert_allclose(found, [[0.9 * 0.7, 0.9 * 0.3 + 0.1], [0.2 * 0.7, 0.2 * 0.3 + 0.8]], atol=1e-12)
    assert not noise.to_noise_model()._default_quantum_errors


def test_its_gates_are_universal_and_rz_has_no_error():
    model = (depolarizing_noise(one_qubit=0.1, two_qubit=0.1)).to_noise_model()
    assert model.basis_gates == ["cx", "rz", "sx", "x"]
    assert set(model.noise_instructions) == {"cx", "sx", "x"}


def test_it_is_a_value():
    noise = depolarizing_noise(one_qubit=0.1) + readout_noise(one_to_zero=0.2)
    assert noise == depolarizing_noise(one_qubit=0.1) + readout_noise(one_to_zero=0.2)
    assert noise != depolarizing_noise(one_qubit=0.1)
    assert len({noise, depolarizing_noise(one_qubit=0.1) + readout_noise(one_to_zero=0.2)}) == 1
    assert pickle.loads(pickle.dumps(noise)) == noise  # noqa: S301
    assert "one_qubit=0.1" in repr(noise)
    with pytest.raises(TypeError):
        noise + 1
    assert isinstance(noise, HardwareNoise)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: depolarizing_noise(one_qubit=1.1), "Argument `one_qubit` must be a number in [0, 1], but is 1.1."),
        (lambda: amplitude_damping_noise(two_qubit=-1), "Argument `two_qubit` must be a number in [0, 1], but is -1."),
        (
            lambda: readout_noise(),
            "Arguments `zero_to_one` and `one_to_zero` must not both be 0, which adds no noise: give at least one of "
            "them.",
        ),
    ],
)
def test_bad_rates(make, message):
    with pytest.raises(ArgumentError) as error:
        make()
    assert str(error.value) == message


def test_the_part_of_a_model_on_some_qubits():
    model = NoiseModel(basis_gates=["rz", "sx", "cx"])
    model.add_quantum_error(depolarizing_error(0.1, 2), ["cx"], [5, 2])
    model.add_quantum_error(depolarizing_error(0.2, 2), ["cx"], [5, 7])
    model.add_all_qubit_quantum_error(depolarizing_error(0.3, 1), ["sx"])
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.4, 0.6]]), [2])
    part = noise_on(model, [2, 5])
    assert list(part.model._local_quantum_errors["cx"]) == [(1, 0)]
    np.testing.assert_array_equal(part.confusions, [[[0.9, 0.1], [0.4, 0.6]], np.eye(2)])
    assert part.in_gates
    assert not part.in_measurements
    assert list(part.model._default_quantum_errors) == ["sx"]


def test_readout_errors_of_several_qubits_are_refused():
    model = NoiseModel()
    model.add_readout_error(ReadoutError(np.eye(4)[[1, 0, 2, 3]]), [0, 1])
    with pytest.raises(ArgumentError, match="must have readout errors of single qubits, but has one of 2"):
        noise_on(model, [0, 1])


def test_the_basis_of_a_built_noise_reaches_any_gate():
    circuit = QuantumCircuit(2)
    circuit.cry(0.3, 0, 1)
    from qiskit import transpile

    basis = depolarizing_noise(one_qubit=0.1).to_noise_model().basis_gates
    lowered = transpile(circuit, basis_gates=basis)
    assert Operator(lowered).equiv(Operator(circuit))
