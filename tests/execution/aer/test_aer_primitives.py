import copy
import pickle

import numpy as np
import pytest
from aer_parts import NOISE, OBSERVABLES, ROWS, P, ansatz, estimator, sampler, values
from qiskit.circuit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.quantum_info import DensityMatrix, Kraus, SparsePauliOp, Statevector, SuperOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.exceptions import ArgumentError, UnsupportedCircuitError
from qiskit_qgen.execution import amplitude_damping_noise, readout_noise
from qiskit_qgen.execution.aer.device import AerDevice
from qiskit_qgen.execution.aer.options import AerOptions

SHOTS = 4000


def noisy_truth(row, observables=OBSERVABLES):
    """The hardware's circuit by hand: Qiskit's density matrices, the channels after each gate, the confused bits."""
    from qiskit import transpile

    one = SuperOp(0.98 * np.eye(4) + 0.02 * np.outer(np.eye(2), np.eye(2)) / 2)
    two = SuperOp(0.9 * np.eye(16) + 0.1 * np.outer(np.eye(4), np.eye(4)) / 4)
    state = DensityMatrix.from_label("00")

    def apply(state, circuit):
        for entry in transpile(circuit, basis_gates=["rz", "sx", "x", "cx"], optimization_level=0, seed_transpiler=0):
            places = [circuit.qubits.index(qubit) for qubit in entry.qubits]
            state = state.evolve(entry.operation, places)
            if entry.name != "rz":
                state = state.evolve(one if len(places) == 1 else two, places)
        return state

    lowered = transpile(ansatz(), basis_gates=["rz", "sx", "x", "cx"], optimization_level=0, seed_transpiler=0)
    for entry in lowered.assign_parameters(row):
        places = [lowered.qubits.index(qubit) for qubit in entry.qubits]
        state = state.evolve(entry.operation, places)
        if entry.name != "rz":
            state = state.evolve(one if len(places) == 1 else two, places)
    confusion = np.array([[0.95, 0.05], [0.2, 0.8]])
    totals = []
    for observable in observables:
        total = 0.0
        for paulis, qubits, coefficient in observable.to_sparse_list():
            rotated = state
            for pauli, qubit in zip(paulis, qubits, strict=True):
                change = QuantumCircuit(2)
                if pauli == "Y":
                    change.sdg(qubit)
                if pauli != "Z":
                    change.h(qubit)
                rotated = apply(rotated, change)
            seen = np.kron(confusion, confusion).T @ rotated.probabilities()
            signs = [(-1) ** sum(outcome >> qubit & 1 for qubit in qubits) for outcome in range(4)]
            total += coefficient.real * float(seen @ signs)
        totals.append(total)
    return totals


def test_exact_noisy_values_are_those_of_the_density_matrix_with_readout_errors():
    found = values(estimator(noise_model=NOISE))
    np.testing.assert_allclose(found.evs.T, [noisy_truth(row) for row in ROWS], rtol=0, atol=1e-10)
    assert not found.stds.any()


@pytest.mark.parametrize(
    ("noise_model", "method"),
    [(None, "automatic"), (None, "matrix_product_state"), (NOISE, "automatic"), (None, "density_matrix")],
)
def test_shots_have_the_exact_mean_and_the_error_they_say(noise_model, method):
    exact = values(estimator(noise_model=noise_model)).evs
    primitive = estimator(shots=SHOTS, noise_model=noise_model, method=method)
    found = [values(primitive) for _ in range(4)]
    scores = np.array([(each.evs - exact) / np.maximum(each.stds, 1e-6) for each in found])
    assert np.abs(scores).max() < 4.5
    assert 0.7 < np.sqrt(np.mean(scores**2)) < 1.3
    assert np.abs(found[0].evs - found[1].evs).max() > 1e-3


def test_a_seed_gives_a_stream():
    first, again, other = (estimator(shots=50, seed=seed) for seed in (3, 3, 4))
    runs = [values(first).evs, values(first).evs]
    assert not np.array_equal(*runs)
    np.testing.assert_array_equal([values(again).evs, values(again).evs], runs)
    assert not np.array_equal(values(other).evs, runs[0])


def test_rows_of_the_same_values_have_shots_of_their_own():
    rows = np.tile(ROWS[:1], (40, 1))
    for noise_model in (None, NOISE):
        found = values(estimator(shots=100, noise_model=noise_model), rows=rows)
        spread = found.evs[:2].std(1)
        np.testing.assert_allclose(spread, found.stds[:2].mean(1), rtol=0.5)


def test_observables_that_commute_qubit_by_qubit_share_a_run(monkeypatch):
    sizes = []
    original = AerSimulator.run

    def counted(self, circuits, *args, **options):
        sizes.append(len(circuits))
        return original(self, circuits, *args, **options)

    monkeypatch.setattr(AerSimulator, "run", counted)
    values(estimator(shots=10), observables=pauli_observables(2, "XZ"))
    values(estimator(noise_model=NOISE), observables=pauli_observables(2, "XZ"))
    assert sizes == [2, 2]
    values(estimator())
    assert sizes == [2, 2, 1]


def test_precision_is_a_number_of_shots():
    primitive = estimator(shots=7)
    assert values(primitive, precision=0.1).evs.shape == (5, 3)
    results = [primitive.run([(ansatz(), OBSERVABLES[0], ROWS)], precision=p).result()[0] for p in (None, 0.1, 0.0)]
    assert [result.metadata["shots"] for result in results] == [7, 100, None]
    assert not results[2].data.stds.any()
    pub = (ansatz(), OBSERVABLES[0], ROWS, 0.5)
    assert primitive.run([pub]).result()[0].metadata["shots"] == 4


def test_small_noisy_circuits_take_the_density_matrix(monkeypatch):
    seen = []
    original = AerSimulator.run

    def noted(self, circuits, *args, **options):
        seen.append((options["method"], circuits[0].num_qubits))
        return original(self, circuits, *args, **options)

    monkeypatch.setattr(AerSimulator, "run", noted)
    for num_qubits, shots in ((3, 1), (7, 64), (8, 64)):
        circuit = QuantumCircuit(num_qubits)
        circuit.x(range(num_qubits))
        observables = [SparsePauliOp("Z" * num_qubits)]
        estimator(shots=shots, noise_model=NOISE).run([(circuit, observables)]).result()
    assert seen == [("density_matrix", 3), ("density_matrix", 7), ("statevector", 8)]
    seen.clear()
    values(estimator(shots=5))
    assert seen == [("statevector", 2)]


def test_large_noisy_circuits_share_the_states_of_shots(monkeypatch):
    seen = []
    original = AerSimulator.run

    def noted(self, circuits, *args, **options):
        seen.append((options["shot_branching_enable"], options["noise_model"]._default_readout_error is None))
        return original(self, circuits, *args, **options)

    monkeypatch.setattr(AerSimulator, "run", noted)
    for num_qubits, shots in ((7, 4), (9, 4)):
        circuit = QuantumCircuit(num_qubits)
        circuit.x(range(num_qubits))
        primitive = estimator(shots=shots, noise_model=NOISE, method="statevector")
        primitive.run([(circuit, [SparsePauliOp("Z" * num_qubits)])]).result()
    assert seen == [(False, False), (True, True)]


@pytest.mark.parametrize("branching", [True, False])
@pytest.mark.parametrize("noise_model", [amplitude_damping_noise(one_qubit=0.2, two_qubit=0.3) + NOISE, "fake_manila"])
def test_trajectories_agree_with_the_density_matrix(noise_model, branching, monkeypatch):
    exact = values(estimator(noise_model=noise_model)).evs
    primitive = estimator(shots=1500, noise_model=noise_model, method="statevector")
    monkeypatch.setattr(AerDevice, "branches", lambda *_: branching)
    found = [values(primitive, rows=ROWS[:2]) for _ in range(2)]
    scores = np.array([(each.evs - exact[:, :2]) / np.maximum(each.stds, 1e-6) for each in found])
    assert np.abs(scores).max() < 4.5
    assert 0.5 < np.sqrt(np.mean(scores**2)) < 1.5


@pytest.mark.parametrize(
    ("shots", "method"), [(None, "automatic"), (2000, "automatic"), (2000, "matrix_product_state")]
)
def test_sampled_registers(shots, method):
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(1, "a"), ClassicalRegister(10, "b"))
    circuit.ry(P[0], 0)
    circuit.x(2)
    circuit.measure(0, 0)
    circuit.measure(2, 10)
    circuit.measure(1, 3)
    result = sampler(shots=shots, method=method).run([(circuit, [[0.7], [-1.9]])]).result()[0]
    for row, angle in enumerate((0.7, -1.9)):
        one = np.sin(angle / 2) ** 2
        if shots is None:
            assert result.data.a.get_probabilities(row) == pytest.approx({"0": 1 - one, "1": one})
            assert result.data.b.get_probabilities(row) == pytest.approx({"1000000000": 1.0})
        else:
            assert result.data.b.get_counts(row) == {"1000000000": shots}
            assert abs(result.data.a.get_counts(row)["1"] / shots - one) < 4.5 * np.sqrt(one * (1 - one) / shots)
    assert result.metadata["shots"] == shots


def test_sampled_shots_have_readout_errors():
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.measure_all()
    noise = readout_noise(zero_to_one=0.05, one_to_zero=0.2)
    exact = sampler(noise_model=noise).run([circuit]).result()[0].data.meas.get_probabilities()
    assert exact == pytest.approx({"01": 0.95 * 0.8, "00": 0.95 * 0.2, "11": 0.05 * 0.8, "10": 0.05 * 0.2})
    counts = sampler(shots=20000, noise_model=noise).run([circuit]).result()[0].data.meas.get_counts()
    assert counts["00"] / 20000 == pytest.approx(0.19, abs=4.5 * np.sqrt(0.19 * 0.81 / 20000))


@pytest.mark.parametrize("shots", [None, 10, 20000])
def test_each_qubit_has_its_own_readout_error(shots):
    model = NoiseModel(basis_gates=["rz", "sx", "cx"])
    for qubit, rate in enumerate((0.0, 0.1, 0.4)):
        model.add_readout_error(ReadoutError([[1 - rate, rate], [0.0, 1.0]]), [qubit], warnings=False)
    observables = [[each] for each in pauli_observables(3, "Z")]
    found = estimator(shots=shots, noise_model=model).run([(QuantumCircuit(3), observables)]).result()[0].data
    errors = 1e-12 if shots is None else 4.5 * np.sqrt(0.96 / shots)
    np.testing.assert_allclose(found.evs[:, 0], [1.0, 0.8, 0.2], rtol=0, atol=errors)


@pytest.mark.parametrize("method", ["automatic", "matrix_product_state"])
def test_more_bits_than_a_byte(method):
    circuit = QuantumCircuit(11)
    circuit.x([1, 7, 8, 10])
    circuit.measure_all()
    counts = sampler(shots=3, method=method).run([circuit]).result()[0].data.meas.get_counts()
    assert counts == {"10110000010": 3}


def test_many_bits():
    circuit = QuantumCircuit(70)
    circuit.x([0, 65, 69])
    circuit.measure_all()
    counts = sampler(shots=3, method="matrix_product_state").run([circuit]).result()[0].data.meas.get_counts()
    assert counts == {format(1 | 1 << 65 | 1 << 69, "070b"): 3}


def test_circuits_that_go_on_after_a_measurement_are_sampled():
    circuit = QuantumCircuit(1, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.x(0)
    circuit.measure(0, 1)
    counts = sampler(shots=500).run([circuit]).result()[0].data.c.get_counts()
    assert set(counts) == {"00", "01"}
    with pytest.raises(UnsupportedCircuitError, match="has control flow or goes on after a measurement"):
        sampler().run([circuit]).result()


def test_a_measurement_counts_although_its_bit_is_written_again():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)  # dephases qubit 0, so that the second h does not undo the first
    circuit.measure(1, 0)
    circuit.h(0)
    circuit.measure(0, 1)
    counts = sampler(shots=2000).run([circuit]).result()[0].data.c.get_counts()
    assert set(counts) == {"00", "10"}
    assert counts["10"] / 2000 == pytest.approx(0.5, abs=0.06)


def test_resets_are_averaged_over():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.reset(0)
    observables = [[SparsePauliOp("IZ")], [SparsePauliOp("ZI")], [SparsePauliOp("XI")]]
    found = estimator().run([(circuit, observables)]).result()[0].data.evs
    np.testing.assert_allclose(found[:, 0], [1, 0, 0], atol=1e-12)


def test_a_device_brings_its_qubits_and_errors():
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    by_name = values(estimator(noise_model="FakeManilaV2")).evs
    np.testing.assert_array_equal(values(estimator(noise_model="fake_manila")).evs, by_name)
    np.testing.assert_allclose(values(estimator(noise_model=FakeManilaV2())).evs, by_name, atol=1e-12)
    ideal = values(estimator()).evs
    assert 0.01 < np.abs(by_name - ideal).max() < 0.3
    with pytest.raises(ArgumentError, match=r"Argument `noise_model` must have at least 6 qubits"):
        estimator(noise_model="fake_manila").run([(QuantumCircuit(6), SparsePauliOp("IIIIIZ"))]).result()


def test_empty_batches_and_constants():
    empty = values(estimator(shots=5), rows=np.zeros((0, 4)))
    assert empty.evs.shape == (5, 0)
    found = estimator(shots=5).run([(ansatz(), SparsePauliOp("II", [0.5]), ROWS)]).result()[0].data
    np.testing.assert_array_equal(found.evs, [0.5] * 3)
    fixed = QuantumCircuit(1)
    fixed.x(0)
    np.testing.assert_array_equal(estimator(shots=5).run([(fixed, SparsePauliOp("Z"))]).result()[0].data.evs, -1)


def test_projectors_are_observables():
    found = estimator().run([(ansatz(), [{"0+": 1.0}], ROWS[0])]).result()[0].data.evs
    state = Statevector(ansatz().assign_parameters(ROWS[0]))
    operator = SparsePauliOp(["II", "ZI", "IX", "ZX"], [0.25] * 4)
    np.testing.assert_allclose(found, state.expectation_value(operator).real, atol=1e-12)


def test_pickles_and_copies_keep_the_stream():
    primitive = estimator(shots=20, noise_model=NOISE)
    values(primitive)
    copies = [copy.deepcopy(primitive), pickle.loads(pickle.dumps(primitive))]  # noqa: S301
    following = values(primitive).evs
    for each in copies:
        np.testing.assert_array_equal(values(each).evs, following)


def test_gpu_options_reach_aer(monkeypatch):
    monkeypatch.setattr(AerSimulator, "available_devices", lambda _: ("CPU", "GPU"))
    options = AerOptions(device="GPU", custatevec=True, target_gpus=(1,)).run_options()
    assert options["device"] == "GPU"
    assert options["cuStateVec_enable"]
    assert options["target_gpus"] == [1]
    assert AerOptions(device="GPU", batched_shots=True).run_options()["batched_shots_gpu"]
    with pytest.raises(ArgumentError, match="exclude each other"):
        AerOptions(device="GPU", custatevec=True, batched_shots=True)


def test_wide_circuits_run_as_matrix_product_states():
    wide = QuantumCircuit(40)
    wide.h(0)
    for qubit in range(39):
        wide.cx(qubit, qubit + 1)
    observables = [[SparsePauliOp("Z" * 40)], [SparsePauliOp("X" * 40)]]
    found = estimator(method="matrix_product_state").run([(wide, observables)]).result()[0].data.evs
    np.testing.assert_allclose(found[:, 0], [1, 1], atol=1e-9)


def test_kraus_definition_of_damping_is_the_one_of_aer():
    """The damping that the trajectories test uses, by its operators."""
    gamma = 0.2
    kraus = Kraus([[[1, 0], [0, np.sqrt(1 - gamma)]], [[0, np.sqrt(gamma)], [0, 0]]])
    state = DensityMatrix.from_label("1").evolve(kraus)
    circuit = QuantumCircuit(1)
    circuit.x(0)
    noise = amplitude_damping_noise(one_qubit=gamma)
    found = estimator(noise_model=noise).run([(circuit, SparsePauliOp("Z"))]).result()[0].data.evs
    assert found == pytest.approx(state.expectation_value(SparsePauliOp("Z")).real)
