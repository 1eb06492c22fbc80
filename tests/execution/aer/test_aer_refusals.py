"""What the primitives on Aer refuse, and what they warn of."""

import numpy as np
import pytest
from aer_parts import NOISE, ROWS, ansatz, estimator, sampler, values
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qiskit_qgen.exceptions import ArgumentError, ExecutionError, UnsupportedCircuitError
from qiskit_qgen.execution.aer.options import AerOptions


def test_a_device_that_there_is_not():
    with pytest.raises(ArgumentError, match=r"^Argument `noise_model` must name a fake device, one of \['fake_"):
        values(estimator(noise_model="fake_nothing"))


def noise_on_gate(gate, qubits=None):
    model = NoiseModel(basis_gates=["rz", "sx", "cx", "cz"])
    if qubits is None:
        model.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), gate)
    else:
        model.add_quantum_error(depolarizing_error(0.1, 2), gate, qubits)
    return model


def entangled():
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


@pytest.mark.parametrize(("gate", "qubits"), [("cz", None), ("cx", [1, 0]), ("cx", [1, 2])])
def test_a_noise_model_without_effect_on_the_circuit_is_told(gate, qubits):
    primitive = estimator(noise_model=noise_on_gate(gate, qubits))
    pub = (entangled(), SparsePauliOp("IZZ"))
    message = rf"^The errors of `noise_model` on \['{gate}'\] do not act on the circuit, which is run as \['cx', 'h'\]"
    with pytest.warns(UserWarning, match=message):
        found = primitive.run([pub]).result()[0].data.evs
    assert found == pytest.approx(1)
    primitive.run([pub]).result()  # told once


@pytest.mark.parametrize("qubits", [None, [0, 1]])
def test_a_noise_model_with_an_effect_is_not_commented(qubits):
    found = estimator(noise_model=noise_on_gate("cx", qubits)).run([(entangled(), SparsePauliOp("IZZ"))]).result()
    assert found[0].data.evs == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "TPU"}, "Argument `device` must be one of 'CPU', 'GPU', but is 'TPU'."),
        ({"method": "unitary"}, "Argument `method` must be one of 'automatic', 'statevector', 'density_matrix', "),
        ({"threads": 0}, "Argument `threads` must be a positive integer, but is 0."),
        ({"noise_model": 0.1}, "Argument `noise_model` must be an Aer NoiseModel, a HardwareNoise such as "),
        ({"batched_shots": True}, "Argument `batched_shots` has no effect on a CPU: give `device`='GPU', or leave "),
        ({"custatevec": True}, "Argument `custatevec` has no effect on a CPU: "),
        ({"target_gpus": (0,)}, "Argument `target_gpus` has no effect on a CPU: "),
    ],
)
def test_bad_options(options, message):
    with pytest.raises((ArgumentError, TypeError)) as error:
        AerOptions(**options)
    assert str(error.value).startswith(message)


def test_an_absent_gpu_is_named_with_what_there_is(monkeypatch):
    monkeypatch.setattr(AerSimulator, "available_devices", lambda _: ("CPU",))
    with pytest.raises(ArgumentError, match=r"but is 'GPU': the devices are \['CPU'\], with the methods \['automatic"):
        AerOptions(device="GPU")


def measuring_alone():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    return circuit


def with_box():
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(2)), circuit.box():
        circuit.rx(0.5, 0)
    return circuit


def with_variable():
    circuit = QuantumCircuit(1, 1)
    circuit.add_var("flag", True)
    return circuit


def with_stored_bit():
    circuit = QuantumCircuit(1, 1)
    circuit.store(circuit.clbits[0], True)
    return circuit


def with_stretch():
    circuit = QuantumCircuit(1, 1)
    circuit.delay(circuit.add_stretch("wait"), 0)
    return circuit


@pytest.mark.parametrize("make", [with_box, with_variable, with_stored_bit, with_stretch])
@pytest.mark.parametrize("shots", [None, 10])
def test_boxes_and_variables_are_refused(make, shots):
    message = "^Aer runs circuits without boxes, variables and stretches, but this one has some: put the gates of boxes"
    circuit = make()
    with pytest.raises(UnsupportedCircuitError, match=message):
        estimator(shots=shots).run([(circuit, SparsePauliOp("Z"))]).result()
    circuit.measure(0, 0)
    with pytest.raises(UnsupportedCircuitError, match=message):
        sampler(shots=shots).run([circuit]).result()


def test_what_cannot_be_computed_is_refused():
    measuring = ansatz()
    measuring.measure_all()
    with pytest.raises(UnsupportedCircuitError, match="must not measure"):
        values(estimator(), circuit=measuring)
    nested = QuantumCircuit(2, 2)  # its mean is 0, and that of one run is 1 or -1
    nested.h(0)
    nested.append(measuring_alone().to_instruction(), [0], [0])
    with pytest.raises(UnsupportedCircuitError, match="must not measure"):
        estimator().run([(nested, SparsePauliOp("IZ"))]).result()
    with pytest.raises(ArgumentError, match="must hold circuits with measurements"):
        sampler().run([(ansatz(), ROWS)])
    with pytest.raises(ArgumentError, match="must hold finite parameter values"):
        values(estimator(), rows=ROWS * np.nan)
    with pytest.raises(ArgumentError, match="must be 'automatic' or 'density_matrix' for exact values"):
        values(estimator(noise_model=NOISE, method="statevector"))
    with pytest.raises(ArgumentError, match="must name a fake device"):
        values(estimator(noise_model="fake_paris_texas"))
    wide = QuantumCircuit(40)
    wide.h(range(40))
    with pytest.raises(UnsupportedCircuitError, match="has 40 qubits, but Aer's method 'density_matrix' simulates at"):
        estimator(noise_model=NOISE).run([(wide, SparsePauliOp("Z" * 40))]).result()
    with pytest.raises(UnsupportedCircuitError, match=r"method 'statevector' .* take method='matrix_product_state'"):
        estimator().run([(wide, SparsePauliOp("Z" * 40))]).result()
    with pytest.raises(ExecutionError, match=r"Aer could not run the circuit: .*stabilizer"):
        values(estimator(method="stabilizer"))


def test_errors_of_measurements_need_shots():
    model = NoiseModel(basis_gates=["rz", "sx", "cx"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.5, 1), ["measure"])
    circuit = QuantumCircuit(1)
    found = estimator(shots=4000, noise_model=model).run([(circuit, SparsePauliOp("Z"))]).result()[0].data.evs
    assert found == pytest.approx(0.5, abs=0.07)
    with pytest.raises(ArgumentError, match="errors on `measure` besides those of the readout"):
        estimator(noise_model=model).run([(circuit, SparsePauliOp("Z"))]).result()
