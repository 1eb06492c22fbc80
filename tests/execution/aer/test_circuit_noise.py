"""Noise models act on circuits as they are written: the truth is Aer's density matrix, run without transpilation."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from aer_parts import estimator, sampler
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import XGate, efficient_su2
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error, pauli_error, reset_error
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qiskit_qgen.exceptions import GradientError
from qiskit_qgen.execution import AerExecution, depolarizing_noise
from qiskit_qgen.execution.aer.circuits import AerTranspiler

A, B = Parameter("a"), Parameter("b")
PAULIS = [SparsePauliOp(name) for name in ("IIZ", "IZZ", "ZXI", "YII", "ZII")]


def model_of(**rates):
    model = NoiseModel()
    for gate, (rate, num_qubits) in rates.items():
        model.add_all_qubit_quantum_error(depolarizing_error(rate, num_qubits), gate)
    return model


def prepared():
    circuit = QuantumCircuit(3)
    circuit.ry(A, 0)
    circuit.h(1)
    circuit.cx(0, 1)
    circuit.rx(B, 2)
    return circuit


def folded():
    circuit = prepared()
    for _ in range(5):
        circuit.cx(1, 2)
    return circuit


def mirror():
    circuit = efficient_su2(3, reps=1).assign_parameters(np.linspace(0.2, 1, 12))
    return prepared().compose(circuit).compose(circuit.inverse())


def echo():
    circuit = prepared()
    for _ in range(4):
        circuit.x(range(3))
        circuit.delay(20000, range(3))
    return circuit


def idle():
    circuit = prepared()
    for _ in range(7):
        circuit.id(2)
    circuit.rx(0.0, 1)
    circuit.rz(0.0, 0)
    return circuit


def with_resets():
    circuit = QuantumCircuit(3)
    circuit.reset(range(3))
    circuit.compose(prepared(), inplace=True)
    circuit.reset(2)
    return circuit


def controlled():
    circuit = prepared()
    circuit.cp(A + B, 0, 2)
    circuit.ccx(0, 1, 2)
    circuit.swap(0, 2)
    circuit.rzz(B, 1, 2)
    circuit.cp(-B, 1, 0)
    return circuit


def labelled():
    circuit = prepared()
    circuit.append(XGate(label="bad x"), [0])
    circuit.x(0)
    circuit.unitary([[0, 1], [1, 0]], [1], label="mine")
    return circuit


def local(error, gate, *places):
    model = NoiseModel()
    for place in places:
        model.add_quantum_error(error, gate, place)
    return model


CASES = {
    "folded": (folded, model_of(cx=(0.05, 2))),
    "mirror": (mirror, model_of(ry=(0.03, 1), rz=(0.02, 1), cx=(0.01, 2))),
    "echo": (echo, model_of(x=(0.05, 1), h=(0.3, 1))),
    "errors in delays": (echo, model_of(delay=(0.05, 1))),
    "idle": (idle, model_of(id=(0.04, 1), rx=(0.2, 1), rz=(0.1, 1))),
    "one place": (folded, local(amplitude_damping_error(0.2).tensor(amplitude_damping_error(0.1)), "cx", [1, 2])),
    "resets": (with_resets, model_of(reset=(0.2, 1))),
    "angles that Aer binds wrongly": (controlled, model_of(cp=(0.1, 2), ccx=(0.2, 3), swap=(0.1, 2), rzz=(0.1, 2))),
    "labels": (labelled, model_of(**{"bad x": (0.3, 1), "mine": (0.2, 1)})),
    "measured in x by a gate with errors": (prepared, model_of(h=(0.4, 1), sdg=(0.2, 1))),
    "no depolarising": (folded, local(pauli_error([("XI", 0.1), ("IX", 0.2), ("II", 0.7)]), "cx", [1, 2], [0, 1])),
    "device": (echo, NoiseModel.from_backend(FakeManilaV2(), readout_error=False)),  # which Aer leaves out
}


def truth(circuit, model, row):
    """Return Aer's values of the circuit as it is, each row bound before."""
    bound = circuit.assign_parameters(dict(zip(circuit.parameters, row, strict=True)))
    for number, pauli in enumerate(PAULIS):
        bound.save_expectation_value(pauli, range(3), label=str(number))
    data = AerSimulator(method="density_matrix", noise_model=model).run(bound).result().data()
    return [data[str(number)] for number in range(len(PAULIS))]


@pytest.mark.filterwarnings("ignore:The errors of")
@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_the_circuit_as_it_is_written(name):
    make, model = CASES[name]
    circuit, rows = make(), np.array([[0.9, -1.2], [2.0, 0.4]])
    found = estimator(noise_model=model).run([(circuit, [[each] for each in PAULIS], rows)]).result()[0].data.evs.T
    expected = [truth(circuit, model, row) for row in rows]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.abs(np.subtract(expected, [truth(circuit, None, row) for row in rows])).max() > 0.02


def test_counts_are_those_of_the_circuit_as_it_is_written():
    circuit = folded().assign_parameters([0.9, -1.2])
    circuit.measure_all()
    model = model_of(cx=(0.05, 2), h=(0.2, 1))
    exact = sampler(noise_model=model).run([circuit]).result()[0].data.meas.get_probabilities()
    saved = circuit.remove_final_measurements(inplace=False)
    saved.save_probabilities()
    expected = AerSimulator(method="density_matrix", noise_model=model).run(saved).result().data()["probabilities"]
    np.testing.assert_allclose([exact.get(f"{n:03b}", 0.0) for n in range(8)], expected, atol=1e-9)
    counts = sampler(shots=20000, noise_model=model).run([circuit]).result()[0].data.meas.get_counts()
    np.testing.assert_allclose([counts.get(f"{n:03b}", 0) / 20000 for n in range(8)], expected, atol=0.015)


def test_hardware_has_the_errors_of_each_gate_as_it_is_written():
    circuit = QuantumCircuit(2)
    circuit.ry(A, 0)
    for _ in range(3):
        circuit.cx(0, 1)
        circuit.id(0)
    noise = depolarizing_noise(one_qubit=0.1, two_qubit=0.2)
    found = estimator(noise_model=noise).run([(circuit, SparsePauliOp("IZ"), [0.9])]).result()[0].data.evs
    assert found == pytest.approx(0.9**2 * 0.8**3 * np.cos(0.9))  # RY is two SX


def test_a_device_has_the_errors_of_each_gate_as_it_is_written():
    circuit = QuantumCircuit(2)
    circuit.ry(A, 0)
    for _ in range(7):
        circuit.cx(0, 1)
    circuit.x(0)
    circuit.x(0)
    made = AerTranspiler(backend=FakeManilaV2())(circuit)
    assert (made.circuit.count_ops()["cx"], made.circuit.count_ops()["x"]) == (7, 2)
    short = QuantumCircuit(2)
    short.ry(A, 0)
    short.cx(0, 1)
    long, once = (
        float(estimator(noise_model=FakeManilaV2()).run([(each, SparsePauliOp("ZI"), [np.pi])]).result()[0].data.evs)
        for each in (circuit, short)
    )
    assert -1 < once < long - 0.02  # six more CNOTs, in which qubits decay


@pytest.mark.filterwarnings("ignore:The errors of")
@pytest.mark.parametrize("unit", ["dt", "us", "ns"])
def test_a_free_delay_lasts_as_long_as_it_is_told(unit):
    circuit = QuantumCircuit(1)
    circuit.ry(B, 0)
    circuit.delay(A, 0, unit=unit)
    device = FakeManilaV2()
    seconds = {"dt": device.dt, "us": 1e-6, "ns": 1e-9}[unit]
    rows = np.array([[round(30e-6 / seconds), 0.0], [round(80e-6 / seconds), 1.1]])
    model = NoiseModel.from_backend(device, readout_error=False, gate_error=False)
    found = estimator(noise_model=model).run([(circuit, SparsePauliOp("Z"), rows)]).result()[0].data.evs
    bound = [circuit.assign_parameters({A: int(row[0]), B: row[1]}) for row in rows]
    for each in bound:
        each.save_expectation_value(SparsePauliOp("Z"), [0])
    result = AerSimulator(method="density_matrix", noise_model=model).run(bound).result()
    np.testing.assert_allclose(found, [result.data(number)["expectation_value"] for number in range(2)], atol=1e-9)
    exact = estimator().run([(circuit, SparsePauliOp("Z"), rows)]).result()[0].data.evs
    np.testing.assert_allclose(exact, np.cos(rows[:, 1]))


def test_a_free_delay_has_a_gradient_where_nothing_depends_on_it():
    circuit = QuantumCircuit(1)
    circuit.ry(B, 0)
    circuit.delay(A, 0)
    point = torch.tensor([[100.0, 0.7]], requires_grad=True)
    AerExecution().expectation(circuit, [SparsePauliOp("Z")])(point).sum().backward()
    np.testing.assert_allclose(point.grad, [[0.0, -np.sin(0.7)]], atol=1e-6)
    with pytest.raises(GradientError, match="`delay` has no exact shift rule"):
        AerExecution(noise_model="fake_manila").expectation(circuit, [SparsePauliOp("Z")])


def run(circuit, model):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function = AerExecution(noise_model=model).expectation(circuit, [SparsePauliOp("IIZ")])
        function(torch.zeros(1, circuit.num_parameters))
        function(torch.zeros(1, circuit.num_parameters))
    return [str(each.message) for each in caught]


def test_every_gate_with_errors_that_the_circuit_lacks_is_told_once():
    assert run(folded(), model_of(cx=(0.1, 2), h=(0.1, 1))) == []
    (told,) = run(folded(), model_of(cx=(0.1, 2), id=(0.1, 1), sx=(0.1, 1)))
    assert told == (
        "The errors of `noise_model` on ['id', 'sx'] do not act on the circuit, which is run as ['cx', "
        "'h', 'rx', 'ry']: give errors to these, or the circuit in gates that have them."
    )
    elsewhere = local(depolarizing_error(0.1, 2), "cx", [1, 0], [5, 6])
    (told,) = run(folded(), elsewhere)
    assert told.startswith("The errors of `noise_model` on ['cx'] do not act on the circuit")
    circuit = QuantumCircuit(3, 1)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.x(1)
    circuit.measure(1, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sampler(shots=10, noise_model=model_of(x=(0.1, 1))).run([circuit]).result()


def test_gates_that_are_run_as_others_with_errors_are_told():
    circuit = prepared()
    circuit.crx(0.4, 0, 1)
    circuit.append(efficient_su2(2, reps=1).to_gate(), [0, 1])  # which Aer does not know: its gates are the circuit
    (told,) = run(circuit, model_of(cx=(0.1, 2)))
    assert told.startswith("The gates ['crx'] are run as others, with the errors that `noise_model` has on ['cx']")
    assert run(circuit, model_of(rz=(0.1, 1))) == []
    circuit = prepared()
    circuit.crx(B, 0, 1)  # by the shift rule
    (told,) = run(circuit, model_of(cx=(0.1, 2)))
    assert told.startswith("The gates ['crx'] are run as others, with the errors that `noise_model` has on ['cx']")
    assert run(circuit, model_of(reset=(0.0, 1))) == []


def test_what_is_prepared_can_be_pickled():
    execution = AerExecution(noise_model=NoiseModel.from_backend(FakeManilaV2()), gradient="spsa")
    circuit = echo()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = execution.estimator().run([(circuit, PAULIS[0], [0.1, 0.2])]).result()[0].data.evs
        copied = pickle.loads(pickle.dumps(execution))  # noqa: S301
        assert copied.estimator().run([(circuit, PAULIS[0], [0.1, 0.2])]).result()[0].data.evs == before


def test_errors_after_resets_at_the_start_stay():
    circuit = QuantumCircuit(1)
    circuit.reset(0)
    model = NoiseModel()
    model.add_all_qubit_quantum_error(reset_error(0.0, 0.3), "reset")
    found = estimator(noise_model=model).run([(circuit, SparsePauliOp("Z"))]).result()[0].data.evs
    assert found == pytest.approx(1 - 2 * 0.3)
