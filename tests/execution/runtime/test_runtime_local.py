"""Our estimator and sampler on simulated devices, and what they say that jobs cost."""

import dataclasses

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2, StatevectorEstimator
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeManilaV2, FakeMumbaiV2
from runtime_parts import runtime_device

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError, ExecutionError
from qiskit_qgen.execution import ErrorMitigation, JobLimits
from qiskit_qgen.execution.runtime.estimator import RuntimeEstimator
from qiskit_qgen.execution.runtime.sampler import RuntimeSampler

CIRCUIT = efficient_su2(3, reps=1)
OBSERVABLES = ["XXI", "ZZZ", "IYI"]
RNG = np.random.default_rng(0)
PUBS = [
    (CIRCUIT, [[name] for name in OBSERVABLES], RNG.uniform(-2, 2, (4, 12))),
    (CIRCUIT, "ZZI", RNG.uniform(-2, 2, 12)),
    (CIRCUIT, OBSERVABLES, RNG.uniform(-2, 2, (3, 12))),
    (CIRCUIT, [{"ZZI": 0.5, "IXX": -1.5}], RNG.uniform(-2, 2, (2, 3, 1, 12))),
    (CIRCUIT.assign_parameters(RNG.uniform(-2, 2, 12)), OBSERVABLES),
]


def test_devices_with_the_gates_of_former_ones_are_refused():
    rule = (
        "must be a device whose gates Runtime's client knows, such as 'rz' and 'sx', but fake_essex has \\['u1', 'u2'"
    )
    with pytest.raises(ArgumentError, match=rule):
        runtime_device("fake_essex")


@pytest.mark.parametrize("limits", [JobLimits(), JobLimits(max_executions=100_000)], ids=["one job", "several jobs"])
def test_values_are_those_of_an_exact_estimator(limits):
    device = runtime_device(AerSimulator(), shots=20_000, seed=3, limits=limits)
    job = RuntimeEstimator(device).run(PUBS)
    assert (len(job.jobs) > 1) == (limits != JobLimits())
    exact = StatevectorEstimator().run(PUBS).result()
    for ours, theirs in zip(job.result(), exact, strict=True):
        assert ours.data.evs.shape == theirs.data.evs.shape
        np.testing.assert_allclose(ours.data.evs, theirs.data.evs, atol=6 * 1.6 / 20_000**0.5)
    assert job.done()
    assert job.in_final_state()


def test_samples_have_the_right_distribution():
    measured = CIRCUIT.copy()
    measured.measure_all()
    values = RNG.uniform(-2, 2, (2, 3, 12))
    limits = JobLimits(max_executions=40_000)
    for options in ({}, {"limits": limits}):
        job = RuntimeSampler(runtime_device(AerSimulator(), shots=10_000, seed=3, **options)).run([(measured, values)])
        assert len(job.jobs) == (2 if options else 1)
        bits = job.result()[0].data.meas
        assert (bits.shape, bits.num_bits, bits.num_shots) == ((2, 3), 3, 10_000)
        found = bits.expectation_values(["ZZI"] * 3)
        exact = StatevectorEstimator().run([(CIRCUIT, "ZZI", values)]).result()[0].data.evs
        np.testing.assert_allclose(found, exact, atol=0.06)


@pytest.mark.parametrize("primitives", ["executor", "legacy"])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2)])
@pytest.mark.parametrize("parameters", [0, 1])
def test_rows_of_a_circuit_that_no_parameter_changes(primitives, shape, parameters):
    circuit = QuantumCircuit(2, 3)
    circuit.h(0)
    circuit.x(1)
    for number in range(parameters):
        circuit.rz(Parameter(f"p{number}"), 0)  # which the transpiler drops: no measurement sees it
    circuit.measure([0, 1], [0, 2])
    device = runtime_device(AerSimulator(), shots=500, seed=1, primitives=primitives)
    result = RuntimeSampler(device).run([(circuit, np.zeros((*shape, parameters)))]).result()[0]
    assert (result.data.c.shape, result.data.c.num_shots, result.metadata["shots"]) == (shape, 500, 500)
    for row in np.ndindex(shape):
        counts = result.data.c[row].get_counts()
        assert set(counts) == {"100", "101"}
        assert abs(counts["100"] - 250) < 70
    if shape == (3,):
        assert len({result.data.c[row].get_counts()["100"] for row in range(3)}) > 1  # shots of their own


def test_a_batch_is_one_pub_in_one_job_and_two_circuits_a_sample():
    """Twelve qubits read out in X and Z: stock QML sends 24 circuits a sample."""
    circuit, observables = style_ansatz(12, 2).circuit, pauli_observables(12, "XZ")
    device = runtime_device("fake_mumbai", shots=1, seed=0)
    estimator = RuntimeEstimator(device)
    pub = (circuit, [[observable] for observable in observables], np.zeros((8, circuit.num_parameters)))
    job = estimator.run([pub])
    (runtime_job,) = job.jobs
    (item,) = runtime_job.inputs.items
    assert item.size() == 8 * 2
    assert estimator.estimate_cost(circuit, observables, 8).circuits == 8 * 2
    assert job.result()[0].data.evs.shape == (24, 8)
    many = estimator.estimate_cost(circuit, observables, 256, shots=1024)
    assert (many.circuits, many.jobs, many.pubs, many.fits_one_job) == (512, 1, 1, True)


@pytest.mark.parametrize(
    "mitigation",
    [
        ErrorMitigation(),
        ErrorMitigation(resilience_level=1),
        ErrorMitigation(resilience_level=2),
        ErrorMitigation(zne={"noise_factors": (1, 2)}, twirling={"enable_gates": True, "num_randomizations": 7}),
    ],
)
def test_shots_are_those_of_the_program_that_is_sent(mitigation):
    device = runtime_device("fake_manila", shots=1000, seed=0, mitigation=mitigation)
    estimator = RuntimeEstimator(device)
    observables = [SparsePauliOp(name) for name in OBSERVABLES]
    job = estimator.run([(CIRCUIT, [[one] for one in observables], np.zeros((5, 12)))])
    program = job.jobs[0].inputs
    cost = estimator.estimate_cost(CIRCUIT, observables, 5)
    assert cost.shots == program.shots * sum(item.size() for item in program.items)
    job.result()


def test_seconds_are_delays_and_durations():
    device = runtime_device(FakeManilaV2(), shots=1000)
    circuit = QuantumCircuit(1)
    circuit.sx(0)
    cost = RuntimeEstimator(device).estimate_cost(circuit, [SparsePauliOp("Z")], 10)
    isa = device.transpile(circuit)
    target = isa.backend.target
    once = 250e-6 + target["sx"][(0,)].duration + target["measure"][(0,)].duration
    assert cost.qpu_seconds == pytest.approx(10 * 1000 * once)
    assert cost.qpu_seconds_unmitigated == cost.qpu_seconds
    assert (cost.circuits, cost.two_qubit_gates, cost.shots) == (10, 0, 10_000)


def test_durations_follow_the_longest_path():
    device = runtime_device(FakeMumbaiV2(), shots=100)
    circuit = style_ansatz(5, 3).circuit
    isa = device.transpile(circuit)
    bound = isa.circuit.assign_parameters(np.zeros(isa.circuit.num_parameters))
    qiskits = bound.estimate_duration(isa.backend.target, unit="s")
    delay, readout = 250e-6, max(each.duration for each in isa.backend.target["measure"].values())
    cost = RuntimeEstimator(device).estimate_cost(circuit, [SparsePauliOp("ZZZZZ")], 1)
    assert cost.qpu_seconds == pytest.approx(100 * (delay + qiskits + readout))


def test_mitigation_costs_more():
    def cost(mitigation):
        device = runtime_device("fake_mumbai", shots=1024, mitigation=mitigation)
        return RuntimeEstimator(device).estimate_cost(style_ansatz(4, 2).circuit, pauli_observables(4, "XZ"), 16)

    raw, extrapolated = cost(None), cost(ErrorMitigation(resilience_level=2))
    assert extrapolated.qpu_seconds_unmitigated == raw.qpu_seconds
    assert extrapolated.qpu_seconds > 3 * raw.qpu_seconds
    assert extrapolated.payload_bytes > 10 * raw.payload_bytes


@pytest.mark.parametrize("level", [0, 2])
def test_payloads_are_estimated_within_a_factor_of_two(level):
    from qiskit_ibm_runtime.executor_estimator.prepare import prepare
    from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS

    mitigation = ErrorMitigation(resilience_level=level)
    device = runtime_device("fake_mumbai", shots=1024, mitigation=mitigation)
    circuit, observables = style_ansatz(6, 2).circuit, pauli_observables(6, "XZ")
    isa = device.transpile(circuit)
    moved = [[one.apply_layout(list(isa.positions), isa.circuit.num_qubits)] for one in observables]
    pub = (isa.circuit, moved, RNG.uniform(-1, 1, (200, isa.circuit.num_parameters)))
    program, options = prepare([pub], mitigation.to_options(shots=1024))
    sent = len(QUANTUM_PROGRAM_PARAMS_CONVERTERS["v2.0"].encoder(program, options).model_dump_json())
    estimated = RuntimeEstimator(device).estimate_cost(circuit, observables, 200).payload_bytes
    assert sent / 2 < estimated < 2 * sent


def test_a_request_is_split_by_the_limits():
    limits = JobLimits(max_executions=4 * 2 * 100)
    device = runtime_device("fake_manila", shots=100, seed=0, limits=limits)
    estimator, observables = RuntimeEstimator(device), pauli_observables(2, "XZ")
    circuit = style_ansatz(2, 1).circuit
    cost = estimator.estimate_cost(circuit, observables, 16)
    assert (cost.jobs, cost.circuits, cost.fits_one_job) == (4, 32, False)
    job = estimator.run([(circuit, [[one] for one in observables], np.zeros((16, circuit.num_parameters)))])
    assert len(job.jobs) == 4
    assert job.result()[0].data.evs.shape == (4, 16)
    for name in ("max_payload_bytes", "max_instructions_per_qubit"):
        small = runtime_device("fake_manila", shots=100, limits=JobLimits(**{name: 20_000}))
        assert RuntimeEstimator(small).estimate_cost(circuit, observables, 4096).jobs > 1


def test_nothing_is_run_above_the_limit_of_cost(monkeypatch):
    device = runtime_device("fake_manila", shots=1000, max_cost=1.0)
    monkeypatch.setattr("qiskit_ibm_runtime.executor_estimator.Estimator.run", lambda *_: pytest.fail("submitted"))
    pub = (CIRCUIT, "ZZZ", np.zeros((100, 12)))
    with pytest.raises(ExecutionError, match=r"cost of 25.* QPU seconds .100 circuits, 100000 shots. is above `max_"):
        RuntimeEstimator(device).run([pub])
    measured = CIRCUIT.copy()
    measured.measure_all()
    with pytest.raises(ExecutionError, match="is above `max_cost`, 1: nothing was submitted"):
        RuntimeSampler(device).run([(measured, np.zeros((100, 12)))])


def test_the_ledger_answers_what_is_asked_again(tmp_path, monkeypatch):
    def run(**options):
        device = runtime_device("fake_manila", shots=500, seed=5, ledger=tmp_path, **options)
        return RuntimeEstimator(device).run([(CIRCUIT, OBSERVABLES, np.zeros((3, 12)))])

    first = run().result()[0].data
    monkeypatch.setattr("qiskit_ibm_runtime.executor_estimator.Estimator.run", lambda *_: pytest.fail("submitted"))
    again = run(max_cost=0)  # what is known costs nothing
    assert again.jobs == []
    assert again.done()
    np.testing.assert_array_equal(again.result()[0].data.evs, first.evs)
    np.testing.assert_array_equal(again.result()[0].data.stds, first.stds)
    with pytest.raises(pytest.fail.Exception, match="submitted"):
        run(mitigation=ErrorMitigation(resilience_level=1))
    assert len(run(primitives="legacy").jobs) == 1


def test_seeds_give_other_noise_at_each_call_and_the_same_in_each_run():
    def run():
        estimator = RuntimeEstimator(runtime_device("fake_manila", shots=100, seed=5))
        return [float(estimator.run([(CIRCUIT, "XXX", np.ones(12))]).result()[0].data.evs) for _ in range(3)]

    values = run()
    assert len(set(values)) > 1
    assert run() == values


def test_precision_stands_for_shots():
    estimator = RuntimeEstimator(runtime_device("fake_manila", shots=100))
    pub = (CIRCUIT, "ZZZ", np.zeros(12))
    for precision, shots in ((None, 100), (0.0, 100), (0.1, 100), (1 / 300**0.5, 300)):
        assert estimator.run([pub], precision=precision).jobs[0].inputs.shots == shots
    assert estimator.run([(*pub, 0.05)]).jobs[0].inputs.shots == 400


def test_they_are_what_qiskit_asks_for():
    device = runtime_device("fake_manila")
    assert isinstance(RuntimeEstimator(device), BaseEstimatorV2)
    assert isinstance(RuntimeSampler(device), BaseSamplerV2)
    with pytest.raises(ArgumentError, match="Argument `pubs` must hold at least one PUB, but is empty"):
        RuntimeEstimator(device).run([])
    with pytest.raises(ArgumentError, match="must hold circuits with measurements, but one measures nothing"):
        RuntimeSampler(device).run([(CIRCUIT, np.zeros(12))])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shots": 0}, "Argument `shots` must be a positive integer, but is 0."),
        ({"mode": "burst"}, "Argument `mode` must be one of 'job', 'batch', 'session', but is 'burst'."),
        ({"max_cost": -1}, "Argument `max_cost` must be a number in"),
        ({"primitives": "newest"}, "Argument `primitives` must be one of 'executor', 'legacy', but is 'newest'."),
        ({"mitigation": 2}, "Argument `mitigation` must be an ErrorMitigation, but is of type int."),
        ({"limits": {}}, "Argument `limits` must be a JobLimits, but is of type dict."),
    ],
)
def test_bad_options(options, message):
    with pytest.raises((ArgumentError, TypeError), match=message):
        runtime_device("fake_manila", **options)


def test_a_cost_is_a_value():
    cost = RuntimeEstimator(runtime_device("fake_manila")).estimate_cost(CIRCUIT, [SparsePauliOp("ZZZ")], 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        cost.jobs = 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_parameters_that_are_not_finite_are_never_submitted(monkeypatch, bad):
    device = runtime_device("fake_manila", shots=10)
    for name in ("executor_estimator.Estimator", "executor_sampler.Sampler"):
        monkeypatch.setattr(f"qiskit_ibm_runtime.{name}.run", lambda *_: pytest.fail("submitted"))
    values = np.zeros((3, 12))
    values[1, 4] = bad
    measured = CIRCUIT.copy()
    measured.measure_all()
    message = "Argument `pubs` must hold finite parameter values, but holds NaN or infinity."
    with pytest.raises(ArgumentError, match=message):
        RuntimeEstimator(device).run([(CIRCUIT, "ZZZ", values)])
    with pytest.raises(ArgumentError, match=message):
        RuntimeSampler(device).run([(measured, values)])


@pytest.mark.parametrize("content", ["{not json", "[1, 2]", '{"default": 3}', ""])
def test_a_damaged_file_of_accounts_is_named(tmp_path, monkeypatch, content):
    from qiskit_ibm_runtime.accounts import management

    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_CHANNEL", "QISKIT_IBM_INSTANCE", "QISKIT_IBM_URL"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "qiskit-ibm.json"
    file.write_text(content)
    monkeypatch.setattr(management, "_DEFAULT_ACCOUNT_CONFIG_JSON_FILE", str(file))
    with pytest.raises(ExecutionError) as error:
        runtime_device("ibm_torino")
    assert str(error.value) == (
        f"The file of saved accounts, {file}, is damaged: repair it, or delete it and save the account again with "
        "QiskitRuntimeService.save_account(...)."
    )


def test_a_login_that_fails_may_be_the_network(monkeypatch):
    from qiskit_ibm_runtime.accounts.exceptions import InvalidAccountError

    def refuse():
        raise InvalidAccountError("Unable to retrieve instances. Please check that you are using a valid API token.")

    monkeypatch.setattr("qiskit_ibm_runtime.QiskitRuntimeService", refuse)
    with pytest.raises(ExecutionError, match=r"using a valid API token. The network or the service may also be down"):
        runtime_device("ibm_torino")


def test_what_is_no_service_and_no_device_is_refused():
    with pytest.raises(TypeError, match="Argument `service` must be a QiskitRuntimeService or None, but is of type st"):
        runtime_device("ibm_torino", service="x")
    with pytest.raises(ArgumentError, match="must be a device whose Target has a number of qubits, but basic_simulat"):
        runtime_device(BasicSimulator())
    pub = (CIRCUIT.assign_parameters(np.zeros(12)), "ZZZ")
    generic = runtime_device(GenericBackendV2(3, seed=1), shots=10, seed=1)
    assert np.isfinite(RuntimeEstimator(generic).run([pub]).result()[0].data.evs)
