"""Circuits in a device's gates: digests, transpilation, its cache, layouts, the part of a device that is simulated."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from qiskit.circuit import Gate, Parameter, QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeManilaV2, FakeMumbaiV2
from runtime_parts import runtime_device

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, ExecutionError, UnsupportedCircuitError
from qiskit_qgen.execution.devices import restricted_backend
from qiskit_qgen.execution.runtime.backends import resolve_backend
from qiskit_qgen.execution.runtime.digests import circuit_digest
from qiskit_qgen.execution.runtime.estimator import RuntimeEstimator
from qiskit_qgen.execution.runtime.sampler import RuntimeSampler
from qiskit_qgen.execution.runtime.transpilation import Transpiler

MIXED = """if True:
    from qiskit.circuit import Parameter, QuantumCircuit
    from qiskit.circuit.library import efficient_su2
    from qiskit_qgen.execution.runtime.digests import circuit_digest
    a, b, e = Parameter("a"), Parameter("b"), Parameter("e")
    circuit = QuantumCircuit(3)
    circuit.ry(2 * a + b * e, 0)
    circuit.crx(a * b - e, 0, 1)
    circuit.append(efficient_su2(3, reps=1, parameter_prefix="w").to_gate(), range(3))
    circuit.mcp(a, [0, 1], 2)
    circuit.unitary([[0, 1], [1, 0]], [1])
"""


def test_a_digest_is_the_same_in_every_process():
    digests = {
        subprocess.run(
            [sys.executable, "-c", f"{MIXED}    print(circuit_digest(circuit))"],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def changed(change):
    circuit = QuantumCircuit(2, 1)
    parameter = Parameter("x")
    circuit.ry(parameter if change != "parameter" else 2 * parameter, 0 if change != "qubit" else 1)
    circuit.cx(0, 1, ctrl_state=0 if change == "control" else 1)
    circuit.unitary(np.diag([1, 1j if change == "matrix" else -1]), [0])
    if change == "phase":
        circuit.global_phase = 1
    if change == "measurement":
        circuit.measure(0, 0)
    if change == "name":
        circuit.name = "another"
    return circuit


def test_a_digest_tells_circuits_apart():
    kinds = ["none", "parameter", "qubit", "control", "matrix", "phase", "measurement"]
    digests = [circuit_digest(changed(kind)) for kind in kinds]
    assert len(set(digests)) == len(kinds)
    assert circuit_digest(changed("name")) == digests[0]


def test_what_cannot_be_told_is_refused():
    circuit = QuantumCircuit(1)
    circuit.append(Gate("mystery", 1, []), [0])
    with pytest.raises(UnsupportedCircuitError, match="`mystery` must be a standard gate, a matrix or defined"):
        circuit_digest(circuit)


@pytest.mark.parametrize("backend", [FakeManilaV2(), AerSimulator()], ids=["fake", "aer"])
def test_the_transpiled_circuit_gives_the_same_values(backend):
    """In exact simulation, layout and parameters' order included; controlled rotations, which Aer binds wrongly."""
    parameters = [Parameter(name) for name in "zyxw"]
    circuit = QuantumCircuit(4)
    for qubit, parameter in enumerate(parameters):
        circuit.ry(parameter, qubit)
    for qubit, parameter in enumerate(reversed(parameters)):
        circuit.cry(2 * parameter, qubit, (qubit + 2) % 4)
        circuit.crz(parameter, qubit, (qubit + 1) % 4)
    isa = Transpiler(backend)(circuit)
    assert not set(isa.circuit.count_ops()) & {"cry", "crz", "cp"}
    values = np.random.default_rng(0).uniform(-2, 2, (3, 4))
    for row, moved in zip(values, isa.values(values), strict=True):
        there = Statevector(isa.circuit.assign_parameters(moved))
        here = Statevector(circuit.assign_parameters(row))
        for observable in pauli_observables(4, "XYZ"):
            moved_observable = observable.apply_layout(list(isa.positions), isa.circuit.num_qubits)
            assert there.expectation_value(moved_observable) == pytest.approx(here.expectation_value(observable))


def folded(circuit):
    """Return what digital zero-noise extrapolation makes of a circuit: the same unitary, with thrice the errors."""
    return circuit.compose(circuit.inverse()).compose(circuit)


def rotated():
    circuit = QuantumCircuit(2)
    circuit.ry(0.9, 0)
    circuit.cx(0, 1)
    return circuit


def test_no_gate_is_lost_with_its_errors_on_a_noisy_simulator():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), "cx")
    noise.add_all_qubit_quantum_error(depolarizing_error(0.05, 1), "ry")
    device = runtime_device(AerSimulator(noise_model=noise), shots=100_000, seed=0)
    assert device.transpile(folded(rotated())).circuit.count_ops() == {"cx": 3, "ry": 3}
    found = RuntimeEstimator(device).run([(folded(rotated()), "IZ")]).result()[0].data.evs
    assert found == pytest.approx(0.9**3 * 0.95**3 * np.cos(0.9), abs=0.02)


def test_a_simulated_device_has_the_gates_that_the_noise_is_on():
    device = runtime_device(AerSimulator.from_backend(FakeFez()), shots=10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        isa = device.transpile(folded(rotated()))
    assert isa.circuit.count_ops()["cz"] == 3


def test_errors_that_do_not_act_on_a_noisy_simulator_are_told():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["x", "id"])
    device = runtime_device(AerSimulator(noise_model=noise), shots=10)
    with pytest.warns(UserWarning, match=r"errors of aer_simulator on \['id', 'x'\] do not act on the circuit"):
        device.transpile(rotated())


def test_a_device_keeps_folded_gates_where_it_is_asked_to():
    shortened, kept = (runtime_device("fake_manila", optimization_level=level) for level in (2, 0))
    assert shortened.transpile(folded(rotated())).num_two_qubit_gates == 1
    assert kept.transpile(folded(rotated())).num_two_qubit_gates == 3


def test_a_circuit_in_the_devices_gates_is_run_as_it_is():
    circuit = QuantumCircuit(5)
    circuit.sx(3)
    for _ in range(3):
        circuit.cx(3, 4)
    isa = runtime_device("fake_manila").transpile(circuit)
    assert isa.circuit.count_ops() == {"sx": 1, "cx": 3}
    assert (isa.positions, isa.circuit.num_qubits) == ((0, 1, 2, 3, 4), 5)


def test_observables_follow_the_layout():
    circuit = QuantumCircuit(3)
    for qubit, angle in enumerate((0.2, 1.3, 2.9)):
        circuit.ry(angle, qubit)
    circuit.cz(0, 1)
    circuit.cz(1, 2)
    circuit.cz(2, 0)
    device = runtime_device("fake_manila", shots=20_000, seed=0)
    assert device.transpile(circuit).positions != (0, 1, 2)
    found = RuntimeEstimator(device).run([(circuit, ["IIZ", "IZI", "ZII"])]).result()[0].data.evs
    np.testing.assert_allclose(found, np.cos([0.2, 1.3, 2.9]), atol=0.25)


def test_a_circuit_is_transpiled_once_in_all_processes(tmp_path, monkeypatch):
    calls = []
    original = Transpiler._made
    monkeypatch.setattr(Transpiler, "_made", lambda *args: calls.append(1) or original(*args))
    first = Transpiler(FakeMumbaiV2(), tmp_path)
    isa = first(style_ansatz(4, 2).circuit)
    assert first(style_ansatz(4, 2).circuit) is isa
    again = Transpiler(FakeMumbaiV2(), tmp_path)(style_ansatz(4, 2).circuit)
    assert calls == [1]
    assert again.circuit == isa.circuit
    assert (again.key, again.columns, again.positions) == (isa.key, isa.columns, isa.positions)
    Transpiler(FakeManilaV2(), tmp_path)(style_ansatz(4, 2).circuit)
    assert calls == [1, 1]


def test_a_damaged_cache_file_is_made_again(tmp_path):
    isa = Transpiler(FakeManilaV2(), tmp_path)(style_ansatz(2, 1).circuit)
    (file,) = tmp_path.glob("*.qpy")
    file.write_bytes(file.read_bytes()[:100])
    assert Transpiler(FakeManilaV2(), tmp_path)(style_ansatz(2, 1).circuit).circuit == isa.circuit
    assert file.stat().st_size > 100


def test_a_cache_file_that_is_another_circuits_is_not_believed(tmp_path):
    isa = Transpiler(FakeManilaV2(), tmp_path)(style_ansatz(2, 1).circuit)
    (file,) = tmp_path.glob("*.qpy")
    Transpiler(FakeManilaV2(), tmp_path)(style_ansatz(2, 2).circuit)
    (other,) = set(tmp_path.glob("*.qpy")) - {file}
    content = other.read_bytes()
    file.write_bytes(content)
    assert Transpiler(FakeManilaV2(), tmp_path)(style_ansatz(2, 1).circuit).circuit == isa.circuit
    other.rename(tmp_path / f"{isa.key}.{other.name.split('.')[1]}.qpy")  # named for it, with its content's digest
    file.unlink()
    assert Transpiler(FakeManilaV2(), tmp_path)(style_ansatz(2, 1).circuit).circuit == isa.circuit


def test_a_cache_without_room_does_without(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.write_bytes", lambda *_: (_ for _ in ()).throw(OSError(28, "Full")))
    assert Transpiler(FakeManilaV2(), tmp_path)(style_ansatz(2, 1).circuit).circuit.num_parameters
    assert list(tmp_path.glob("*.qpy")) == []


def test_a_parameter_that_the_transpiler_drops_is_not_sent():
    circuit = QuantumCircuit(2, 2)
    parameters = [Parameter("a"), Parameter("b")]
    circuit.rz(parameters[0], 0)  # no measurement sees it
    circuit.ry(parameters[1], 1)
    circuit.measure([0, 1], [0, 1])
    device = runtime_device(AerSimulator(), shots=100, seed=0)
    assert device.transpile(circuit).columns == (1,)
    job = RuntimeSampler(device).run([(circuit, [[0.3, 0.0], [0.3, np.pi]])])
    bits = job.result()[0].data.c
    assert [bits[row].get_counts() for row in (0, 1)] == [{"00": 100}, {"10": 100}]


def test_the_simulated_part_of_a_device_has_its_noise():
    device = FakeMumbaiV2()
    part = restricted_backend(device, [3, 5, 8])
    whole, small = NoiseModel.from_backend(device).to_dict(), NoiseModel.from_backend(part).to_dict()
    place = {3: 0, 5: 1, 8: 2}
    wanted = {}
    for error in whole["errors"]:
        (qubits,) = error["gate_qubits"]
        if set(qubits) <= set(place):
            wanted[(*error["operations"], *(place[qubit] for qubit in qubits))] = error["probabilities"]
    found = {(*error["operations"], *error["gate_qubits"][0]): error["probabilities"] for error in small["errors"]}
    assert found.keys() == wanted.keys()
    for key, probabilities in found.items():
        np.testing.assert_allclose(np.ravel(probabilities), np.ravel(wanted[key]), atol=1e-12)
    assert restricted_backend(FakeManilaV2(), range(5)).num_qubits == 5


def test_a_circuit_wider_than_the_device_is_refused():
    device = runtime_device("fake_manila")
    with pytest.raises(ArgumentError) as error:
        RuntimeEstimator(device).run([(efficient_su2(6, reps=1), SparsePauliOp("ZZZZZZ"), [0.0] * 24)])
    assert str(error.value) == (
        "Argument `backend` must have at least 6 qubits, as many as the circuit, but fake_manila has 5: choose a "
        "larger device or a smaller circuit."
    )


def test_unknown_devices_are_refused(monkeypatch, tmp_path):
    with pytest.raises(ArgumentError, match=r"must name a fake device, one of \[.*'fake_torino'.*\], but is 'fake_it'"):
        resolve_backend("fake_it")
    with pytest.raises(ArgumentError, match=r"fake device, but is 'fake_torinno': did you mean 'fake_torino'\?"):
        resolve_backend("fake_torinno")
    with pytest.raises(ArgumentTypeError, match="must be a device's name or a device such as"):
        resolve_backend(3)
    with pytest.raises(ArgumentError, match="Argument `service` must be None with a local device"):
        resolve_backend("fake_manila", object())
    assert resolve_backend("fake_manila").name == "fake_manila"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("QISKIT_IBM_TOKEN", raising=False)
    monkeypatch.setattr("qiskit_ibm_runtime.accounts.management._DEFAULT_ACCOUNT_CONFIG_JSON_FILE", str(tmp_path / "a"))
    with pytest.raises(ExecutionError, match=r"^No IBM Quantum account is saved on this computer: save one with"):
        resolve_backend("ibm_torino")
