import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import n_local
from qiskit.quantum_info import Operator, Statevector

from qiskit_qgen.circuits import (
    data_reuploading,
    hardware_efficient_ansatz,
    pauli_observables,
    strongly_entangling_ansatz,
)
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError

ANSAETZE = [hardware_efficient_ansatz, strongly_entangling_ansatz, data_reuploading]


def numbers(count, seed=0):
    return np.random.default_rng(seed).uniform(-3, 3, count)


def gates(circuit):
    return [(i.operation.name, tuple(circuit.find_bit(q).index for q in i.qubits)) for i in circuit.data]


def values(ansatz, x, theta, observables):
    state = Statevector(ansatz.bind(x, theta))
    return np.array([state.expectation_value(observable).real for observable in observables])


@pytest.mark.parametrize(("num_qubits", "reps"), [(2, 1), (2, 2), (5, 3)])
@pytest.mark.parametrize(("entanglement", "stock"), [("linear", "linear"), ("full", "full")])
def test_a_hardware_efficient_ansatz_is_qiskits_n_local_behind_an_encoding(num_qubits, reps, entanglement, stock):
    ansatz = hardware_efficient_ansatz(
        num_qubits, reps, rotations=("ry", "rz"), entanglement=entanglement, final_rotations=("ry", "rz")
    )
    x, theta = numbers(num_qubits), numbers(ansatz.num_weights, 1)
    library = n_local(num_qubits, ["ry", "rz"], "cx", stock, reps)
    # Qiskit's has all "ry" of a layer before all "rz": the weights of a layer are transposed.
    order = theta.reshape(reps + 1, num_qubits, 2).transpose(0, 2, 1).ravel()
    expected = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits):
        expected.ry(x[qubit], qubit)
    expected.compose(library.assign_parameters(order), inplace=True)
    assert np.allclose(Operator(ansatz.bind(x, theta)).data, Operator(expected).data)


@pytest.mark.parametrize("reps", [1, 2, 5])
def test_a_strongly_entangling_ansatz_is_full_rotations_and_rings_of_growing_range(reps):
    n = 5
    ansatz = strongly_entangling_ansatz(n, reps, encoding=None)
    theta = numbers(3 * n * reps)
    expected = QuantumCircuit(n)
    for layer in range(reps):
        for qubit in range(n):
            phi, middle, omega = theta.reshape(reps, n, 3)[layer, qubit]
            # U(t, p, l) = RZ(p) RY(t) RZ(l) up to a phase, of which the rightmost acts first.
            expected.u(middle, omega, phi, qubit)
        for qubit in range(n):
            expected.cx(qubit, (qubit + [1, 2, 3, 4, 1][layer]) % n)
    assert ansatz.num_inputs == 0
    assert Operator(ansatz.bind((), theta)).equiv(Operator(expected))


def test_reuploading_encodes_the_same_inputs_before_each_layer():
    ansatz = data_reuploading(2, 2, encoding=("h", "rz"), entangler="cry")
    rotation = [("h", (0,)), ("rz", (0,)), ("h", (1,)), ("rz", (1,)), ("ry", (0,)), ("ry", (1,))]
    layer = [*rotation, ("cry", (0, 1)), ("cry", (1, 0))]
    assert gates(ansatz.circuit) == [*layer, *layer]
    assert (ansatz.num_inputs, ansatz.num_weights) == (2, 8)


@pytest.mark.parametrize("reps", [1, 2, 3])
def test_reuploading_gives_trigonometric_polynomials_of_degree_reps(reps):
    ansatz = data_reuploading(2, reps, rotations=("rx", "rz"))
    theta = numbers(ansatz.num_weights)
    points = 2 * np.pi * np.arange(16) / 16
    curve = [values(ansatz, [point, 0.3], theta, pauli_observables(2, "Z"))[1] for point in points]
    spectrum = np.abs(np.fft.rfft(curve)) / 16
    assert (spectrum[reps + 1 :] < 1e-12).all()
    assert spectrum[reps] > 1e-3


@pytest.mark.parametrize(
    ("ansatz", "arguments"),
    [
        (hardware_efficient_ansatz, {"reps": 3}),
        (strongly_entangling_ansatz, {"reps": 1}),
        (data_reuploading, {"reps": 3}),
    ],
)
def test_the_published_block_has_five_qubits_and_fifteen_weights(ansatz, arguments):
    block = ansatz(5, **arguments)
    assert (block.num_qubits, block.num_inputs, block.num_weights) == (5, 5, 15)


def inert(ansatz, observables):
    """Weights whose derivative by finite differences vanishes at two random points."""
    largest = np.zeros(ansatz.num_weights)
    for seed in (0, 1):
        x, theta = numbers(ansatz.num_inputs, seed), numbers(ansatz.num_weights, seed + 7)
        for index in range(ansatz.num_weights):
            step = np.zeros_like(theta)
            step[index] = 1e-4
            upper, lower = (values(ansatz, x, theta + sign * step, observables) for sign in (1, -1))
            largest[index] = max(largest[index], np.abs(upper - lower).max() / 2e-4)
    return np.flatnonzero(largest < 1e-6).tolist()


def test_which_weights_have_no_effect_is_as_documented():
    assert inert(hardware_efficient_ansatz(5, 3), pauli_observables(5, "Z")) == []
    assert inert(data_reuploading(5, 3), pauli_observables(5, "Z")) == []
    published = strongly_entangling_ansatz(5, 1)
    assert inert(published, pauli_observables(5, "Z")) == [2, 5, 8, 11, 14]
    assert inert(published, pauli_observables(5, "XZ")) == []
    assert inert(strongly_entangling_ansatz(5, 1, rotations=("ry", "rz", "ry")), pauli_observables(5, "Z")) == []
    assert len(inert(hardware_efficient_ansatz(3, 2, rotations=("rz",)), pauli_observables(3, "Z"))) == 6


@pytest.mark.parametrize("build", ANSAETZE)
def test_the_weights_are_in_the_order_of_the_gates(build):
    ansatz = build(3, 2, rotations=("rx", "rz"), entangler=("crx", "cz"))
    angles = [p for i in ansatz.circuit.data for p in i.operation.params if p not in ansatz.input_params]
    assert angles == list(ansatz.weight_params)
    assert ansatz.num_weights == 2 * (3 * 2 + 3)


@pytest.mark.parametrize("build", ANSAETZE)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_qubits": 0}, "`num_qubits` must be a positive integer, but is 0"),
        ({"reps": -1}, "`reps` must be a positive integer, but is -1"),
        ({"encoding": "rz"}, "`encoding` must turn the qubits by the inputs"),
        ({"encoding": ("h",)}, "`encoding` must turn the qubits by the inputs"),
        ({"encoding": ()}, "`encoding` must turn the qubits by the inputs"),
        ({"encoding": "cx"}, "`encoding` must be one of"),
        ({"rotations": "ry"}, "`rotations` must be a sequence of gate names"),
        ({"rotations": ()}, "must give at least one angle"),
        ({"entangler": "ccx"}, "`entangler` must be one of"),
    ],
)
def test_bad_arguments_are_refused_by_name(build, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        build(**{"num_qubits": 2, "reps": 1, **arguments})


def test_other_bad_arguments_are_refused_by_name():
    with pytest.raises(ArgumentError, match="`encoding` must name at least one gate, but is None"):
        data_reuploading(2, 1, encoding=None)
    with pytest.raises(ArgumentError, match="`entanglement` must be one of"):
        hardware_efficient_ansatz(2, 1, entanglement="star")
    with pytest.raises(ArgumentTypeError, match="`entanglement` must be"):
        data_reuploading(2, 1, entanglement=3)
