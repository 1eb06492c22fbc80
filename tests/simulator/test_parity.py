from functools import partial
from unittest import mock

import numpy as np
import pytest
import torch
from parity import GATES, NAMES, ParityTester, random_circuit, random_gate, random_observables, truth
from qiskit.circuit import ControlledGate, ParameterVector, QuantumCircuit
from qiskit.circuit import library as gates
from qiskit.circuit.library import efficient_su2, real_amplitudes, zz_feature_map
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.simulator import ExpectationValues, lower
from qiskit_qgen.simulator.cpu import batches
from qiskit_qgen.simulator.programs.gates import GATES as LOWERED_GATES

BATCH_SIZES = (1, 3, 16, 17, 40)


def engine(circuit, observables, threads=1):
    return ExpectationValues(lower(circuit), observables, threads=threads)


def check_random_circuit(seed, dtype):
    rng = np.random.default_rng(seed)
    num_qubits = 1 + seed % 10
    circuit = random_circuit(rng, num_qubits, num_gates=10 + 2 * num_qubits)
    batch_size = BATCH_SIZES[(seed + seed // 10) % 5]
    implementation = partial(engine, threads=1 + seed // 5 % 3)
    ParityTester(dtype).check(implementation, circuit, random_observables(rng, num_qubits), rng, batch_size)


@pytest.fixture
def _threads_always(monkeypatch):
    """Small batches go to several threads too, though it does not pay."""
    monkeypatch.setattr(batches, "_SERIAL_WORK", 0)


@pytest.mark.usefixtures("_threads_always")
@pytest.mark.parametrize("seed", range(30))
def test_random_circuits_in_float64(seed):
    check_random_circuit(seed, torch.float64)


@pytest.mark.usefixtures("_threads_always")
@pytest.mark.parametrize("seed", range(100, 115))
def test_random_circuits_in_float32(seed):
    check_random_circuit(seed, torch.float32)


@pytest.mark.parametrize("name", NAMES)
def test_every_gate(name):
    rng = np.random.default_rng(sum(name.encode()))
    angles = ParameterVector("x", 16)
    unused = iter(angles)
    for state in range(4):  # of the controls, if there are any
        circuit = QuantumCircuit(4)
        for qubit in range(4):
            circuit.u(*rng.uniform(-3, 3, 3), qubit)
        gate = random_gate(rng, name, lambda: next(unused), 4)
        if gate is None:
            continue
        if isinstance(gate, ControlledGate):
            gate = gate.to_mutable()
            gate.ctrl_state = state % 2**gate.num_ctrl_qubits
        circuit.append(gate, rng.permutation(4)[: gate.num_qubits].tolist())
        for qubit in range(4):
            circuit.u(*rng.uniform(-3, 3, 3), qubit)
        ParityTester(torch.float64, gradient_rows=1).check(engine, circuit, random_observables(rng, 4), rng, 2)


def test_all_the_gates_lowered_by_name_are_tested():
    tested = {gate.base_class for gate in GATES.values()}
    assert set(LOWERED_GATES) <= tested


@pytest.mark.parametrize("entanglement", ["linear", "reverse_linear", "full", "circular", "sca", "pairwise"])
@pytest.mark.parametrize("build", [real_amplitudes, efficient_su2, zz_feature_map])
def test_stock_circuits(build, entanglement):
    rng = np.random.default_rng(7)
    circuit = build(5, reps=2, entanglement=entanglement)
    ParityTester(torch.float64, gradient_rows=1).check(engine, circuit, random_observables(rng, 5), rng, 3)


STYLE_QGAN = {"rotations": ("ry", "rz", "ry", "rz"), "entangler": "cry", "final_rotations": ("ry",)}
LAST_QGAN = {"rotations": ("ry", "rz", "ry", "rz"), "entangler": ("cry", "crz"), "final_rotations": ()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("arguments", [{}, STYLE_QGAN, LAST_QGAN], ids=["default", "style-qGAN", "LaSt-QGAN"])
def test_style_ansaetze_of_twelve_qubits(arguments, dtype):
    ansatz = style_ansatz(12, 8, **arguments)
    rng = np.random.default_rng(12)
    ParityTester(dtype, gradient_rows=1).check(engine, ansatz.circuit, pauli_observables(12), rng, 1)


@pytest.mark.parametrize("num_qubits", [3, 7])
def test_circuits_of_many_gates(num_qubits):
    rng = np.random.default_rng(num_qubits)
    circuit = random_circuit(rng, num_qubits, 400)
    ParityTester(torch.float64, gradient_rows=1).check(engine, circuit, random_observables(rng, num_qubits, 8), rng, 2)


def test_a_circuit_of_thirteen_qubits():
    rng = np.random.default_rng(13)
    circuit = random_circuit(rng, 13, 30)
    ParityTester(torch.float64, gradient_rows=1).check(engine, circuit, random_observables(rng, 13, 6), rng, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 5, 8, 9, 13, 16, 33, 100])
def test_each_sample_is_computed_alone(dtype, batch_size):
    """Whatever the number of samples per row and of empty places."""
    rng = np.random.default_rng(batch_size)
    circuit, observables = real_amplitudes(3, reps=1), random_observables(rng, 3)
    ParityTester(dtype).check(engine, circuit, observables, rng, batch_size)


def test_angles_of_many_turns():
    rng = np.random.default_rng(5)
    circuit = efficient_su2(3, reps=1)
    observables = random_observables(rng, 3)
    rows = rng.uniform(-1000, 1000, (5, circuit.num_parameters))
    values = engine(circuit, observables)(torch.from_numpy(rows))
    np.testing.assert_allclose(values.numpy(), truth(circuit, observables, rows), rtol=0, atol=1e-10)


def with_rule(kind, rule, circuit, observables):
    """Lower a circuit with another rule for one kind of gate."""
    with mock.patch.dict(LOWERED_GATES, {kind: rule}):
        return engine(circuit, observables)


def wrong_sign_of_rz(circuit, observables):
    return with_rule(gates.RZGate, lambda b, theta, q: b.rotation(b.angle(theta, -1), "Z", q), circuit, observables)


def controls_of_ry_ignored(circuit, observables):
    def rule(b, theta, control, target):  # noqa: ARG001
        b.rotation(b.angle(theta), "Y", target)

    return with_rule(gates.CRYGate, rule, circuit, observables)


def qubits_reversed(circuit, observables):
    return engine(circuit.reverse_bits(), observables)


def scaled_gradient(circuit, observables):
    values = engine(circuit, observables)
    return lambda rows: values(rows * 1.001 - 0.001 * rows.detach())


def gradient_of_another_parameter(circuit, observables):
    values = engine(circuit, observables)
    return lambda rows: values(rows.detach() + (rows - rows.detach()).roll(1, 1))


def single_precision(circuit, observables):
    values = engine(circuit, observables)
    return lambda rows: values(rows.float()).double()


def lost_identity(circuit, observables):
    return engine(
        circuit, [observable[observable.paulis.x.any(1) | observable.paulis.z.any(1)] for observable in observables]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        wrong_sign_of_rz,
        controls_of_ry_ignored,
        qubits_reversed,
        scaled_gradient,
        gradient_of_another_parameter,
        single_precision,
        lost_identity,
    ],
)
def test_the_tester_rejects_wrong_implementations(wrong):
    rng = np.random.default_rng(1)
    circuit = random_circuit(rng, 3, 30, names=("ry", "rz", "cry", "cx", "h"))
    observables = [SparsePauliOp(["ZIX", "III", "YXI"], [0.5, 1.0, -1.0]), SparsePauliOp("IIZ")]
    ParityTester(torch.float64).check(engine, circuit, observables, rng, 3)
    with pytest.raises(AssertionError):
        ParityTester(torch.float64).check(wrong, circuit, observables, rng, 3)
