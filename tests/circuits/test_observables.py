import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.exceptions import ArgumentError


def test_x_of_each_qubit_then_z_of_each_qubit():
    labels = [observable.paulis.to_labels() for observable in pauli_observables(3)]
    assert labels == [["IIX"], ["IXI"], ["XII"], ["IIZ"], ["IZI"], ["ZII"]]
    assert all(observable.coeffs == [1] for observable in pauli_observables(3))


@pytest.mark.parametrize(("paulis", "labels"), [("Z", ["IZ", "ZI"]), ("YX", ["IY", "YI", "IX", "XI"])])
def test_the_order_of_the_letters_is_kept(paulis, labels):
    assert [observable.paulis.to_labels()[0] for observable in pauli_observables(2, paulis)] == labels


def test_twelve_qubits_have_twenty_four_outputs():
    assert len(pauli_observables(12)) == 24


def test_values_on_a_product_state():
    """RY(a) |0> has <X> = sin a and <Z> = cos a."""
    angles = np.array([0.2, 1.3, -2.0])
    circuit = QuantumCircuit(3)
    for qubit, angle in enumerate(angles):
        circuit.ry(angle, qubit)
    values = [Statevector(circuit).expectation_value(observable).real for observable in pauli_observables(3)]
    np.testing.assert_allclose(values, [*np.sin(angles), *np.cos(angles)], atol=1e-12)


@pytest.mark.parametrize(
    ("num_qubits", "paulis", "message"),
    [
        (0, "XZ", "Argument `num_qubits` must be a positive integer, but is 0."),
        (2, "", "Argument `paulis` must name each of X, Y, Z at most once, such as 'XZ', but is ''."),
        (2, "XX", "Argument `paulis` must name each of X, Y, Z at most once, such as 'XZ', but is 'XX'."),
        (2, "XI", "Argument `paulis` must name each of X, Y, Z at most once, such as 'XZ', but is 'XI'."),
        (2, ["X"], "Argument `paulis` must name each of X, Y, Z at most once, such as 'XZ', but is ['X']."),
    ],
)
def test_bad_arguments(num_qubits, paulis, message):
    with pytest.raises(ArgumentError) as error:
        pauli_observables(num_qubits, paulis)
    assert str(error.value) == message
