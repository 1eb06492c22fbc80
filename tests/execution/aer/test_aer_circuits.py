"""Aer binds wrong angles into controlled gates: what it gets here is compared with Qiskit's Statevector."""

import numpy as np
import pytest
from qiskit import transpile
from qiskit.circuit import Gate, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import CU1Gate, CU3Gate, MCPhaseGate, RVGate, RYGate, XXPlusYYGate
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer.noise import NoiseModel
from qiskit_aer.primitives import EstimatorV2

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.execution import HardwareNoise
from qiskit_qgen.execution.aer.circuits import AerTranspiler
from qiskit_qgen.execution.aer.device import AerDevice
from qiskit_qgen.execution.aer.estimator import AerEstimator
from qiskit_qgen.execution.aer.options import AerOptions

P = ParameterVector("p", 4)


def custom():
    definition = QuantumCircuit(2, name="mine")
    definition.crx(P[0], 0, 1)
    definition.u(P[1], P[2], P[3], 1)
    definition.rv(0.1, 0.2, 0.3, 1)
    gate = Gate("mine", 2, list(P))
    gate.definition = definition
    return gate


GATES = {
    "crx": lambda c: c.crx(P[0], 0, 1),
    "cry": lambda c: c.cry(P[0], 2, 0),
    "crz": lambda c: c.crz(P[0], 0, 1),
    "cry_off": lambda c: c.cry(P[0], 2, 0, ctrl_state=0),
    "cp": lambda c: c.cp(P[0], 0, 1),
    "cu1": lambda c: c.append(CU1Gate(P[0]), [0, 1]),
    "cu3": lambda c: c.append(CU3Gate(P[0], P[1], P[2]), [1, 2]),
    "cu": lambda c: c.cu(*P, 0, 2),
    "mcp": lambda c: c.append(MCPhaseGate(P[0], 2), [2, 1, 0]),
    "ccry": lambda c: c.append(RYGate(P[0]).control(2, ctrl_state=1, annotated=False), [0, 1, 2]),
    "custom": lambda c: c.append(custom(), [2, 0]),
    "rv": lambda c: (c.append(RVGate(0.3, -0.2, 0.9), [0]), c.p(P[0], 0)),
    "xx_plus_yy": lambda c: c.append(XXPlusYYGate(P[0], P[1]), [0, 1]),
    "expression": lambda c: c.cry(2 * P[0] - P[1].sin(), 0, 1),
    "twice": lambda c: (c.cry(P[0], 0, 1), c.rx(P[0] * 2, 1), c.cp(P[0], 1, 2)),
}
MISBOUND_GATES = {"cp", "crx", "cry", "crz", "cu", "cu1", "cu3", "mcp", "mcphase", "u1", "u2", "u3"}
OBSERVABLES = [*pauli_observables(3, "XZ"), SparsePauliOp(["YXZ", "IZZ"], [0.5, -1.0])]


def circuit_with(name):
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(0.3 + qubit, qubit)
        circuit.rz(0.5 - qubit, qubit)
    GATES[name](circuit)
    circuit.rx(0.4, 0)
    circuit.ry(0.7, 1)
    return circuit


def rows_of(circuit):
    return np.random.default_rng(11).uniform(-3, 3, (3, circuit.num_parameters))


def expected(circuit, rows):
    states = [Statevector(circuit.assign_parameters(row)) for row in rows]
    return [[state.expectation_value(each).real for each in OBSERVABLES] for state in states]


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("noise_model", [None, NoiseModel(basis_gates=["rz", "sx", "x", "cz"])])
def test_values_agree_with_the_state_vector(name, noise_model):
    circuit = circuit_with(name)
    rows = rows_of(circuit)
    estimator = AerEstimator(AerDevice(AerOptions(noise_model=noise_model)))
    found = estimator.run([(circuit, [[each] for each in OBSERVABLES], rows)]).result()[0].data.evs.T
    np.testing.assert_allclose(found, expected(circuit, rows), rtol=0, atol=1e-10)


def test_aer_itself_is_wrong_here():
    """If this fails, Aer has fixed what the transpilation is for."""
    circuit = circuit_with("cry")
    circuit.ry(P[1], 2)
    rows = rows_of(circuit)
    found = EstimatorV2().run([(circuit, [[each] for each in OBSERVABLES], rows)]).result()[0].data.evs.T
    assert np.abs(found - expected(circuit, rows)).max() > 0.01


@pytest.mark.parametrize("name", GATES)
def test_no_misbound_gate_reaches_aer(name):
    made = AerTranspiler()(circuit_with(name))
    assert not MISBOUND_GATES & set(made.circuit.count_ops())


def test_angles_are_evaluated_for_all_rows():
    circuit = circuit_with("expression")
    made = AerTranspiler()(circuit)
    rows = rows_of(circuit)
    for row, angles in zip(rows, made.angles(rows), strict=True):
        left = Statevector(made.circuit.assign_parameters(dict(zip(made.slots, angles, strict=True))))
        assert left.equiv(Statevector(circuit.assign_parameters(row)))


def test_idle_qubits_are_left_out_unless_they_are_read():
    circuit = QuantumCircuit(30)
    circuit.ry(Parameter("a"), 3)
    circuit.cx(3, 28)
    assert AerTranspiler()(circuit).positions == {3: 0, 28: 1}
    assert AerTranspiler()(circuit, [7]).positions == {3: 0, 7: 1, 28: 2}
    observables = [SparsePauliOp.from_sparse_list([("ZZ", [28, 3], 1.0), ("Z", [7], 0.5)], num_qubits=30)]
    found = AerEstimator(AerDevice(AerOptions())).run([(circuit, observables, [0.3])]).result()[0].data.evs
    np.testing.assert_allclose(found, 1.5)


def test_a_prepared_start_is_not_taken_for_chance():
    circuit = QuantumCircuit(2)
    circuit.initialize([0.6, 0, 0.8, 0])
    circuit.barrier()
    assert not AerTranspiler()(circuit).is_random
    circuit.reset(1)
    assert AerTranspiler()(circuit).is_random


def test_a_circuit_in_the_devices_gates_stays_where_it_is():
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    backend = FakeManilaV2()
    circuit = transpile(circuit_with("cry"), backend, initial_layout=[4, 3, 2], optimization_level=1, seed_transpiler=1)
    made = AerTranspiler(backend=backend)(circuit)
    assert sorted(made.positions) == [2, 3, 4]
    assert made.circuit.count_ops() == circuit.count_ops()
    np.testing.assert_array_equal(made.noise.confusions.shape, (3, 2, 2))


def test_a_device_lays_the_circuit_out_and_the_read_qubits_follow():
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    circuit = QuantumCircuit(4)
    for qubit in range(4):
        circuit.ry(P[qubit], qubit)
    for first, second in [(0, 3), (1, 3), (2, 0), (0, 1), (3, 2)]:
        circuit.cry(P[0] + first, first, second)
    made = AerTranspiler(backend=FakeManilaV2())(circuit)
    assert list(made.positions.values()) != [0, 1, 2, 3]
    row = np.array([0.3, -1.2, 2.0, 0.9])
    angles = dict(zip(made.slots, made.angles(row[None])[0], strict=True))
    found, expected = Statevector(made.circuit.assign_parameters(angles)), Statevector(circuit.assign_parameters(row))
    for qubit in range(4):
        place = made.positions[qubit]
        np.testing.assert_allclose(found.probabilities([place]), expected.probabilities([qubit]), atol=1e-10)


def test_gates_that_are_not_universal_are_refused():
    basis = HardwareNoise()
    object.__setattr__(basis, "to_noise_model", lambda: NoiseModel(basis_gates=["rz", "cx"]))
    with pytest.raises(UnsupportedCircuitError, match=r"cannot be expressed in the gates \['cx', 'id', 'rz'\]"):
        AerTranspiler(basis)(circuit_with("cry"))


def test_a_gate_without_a_definition_is_refused():
    circuit = QuantumCircuit(1)
    circuit.rv(P[0], P[1], P[2], 0)
    with pytest.raises(UnsupportedCircuitError, match='unable to synthesize "rv"'):
        AerTranspiler()(circuit)


def test_an_angle_inside_of_control_flow_is_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.ry(P[0], 0)
    with pytest.raises(UnsupportedCircuitError, match="an angle inside `if_else`"):
        AerTranspiler()(circuit)
