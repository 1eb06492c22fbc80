"""Mitigation: its rules, and that each option acts on a simulated device (ideal <ZZZ>: 0.720)."""

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import PauliLindbladMap, SparsePauliOp, Statevector
from qiskit_ibm_runtime.options_models import TwirlingOptions, ZneOptions
from runtime_parts import runtime_device

from qiskit_qgen.exceptions import ArgumentError, ExecutionError
from qiskit_qgen.execution import ErrorMitigation
from qiskit_qgen.execution.runtime.estimator import RuntimeEstimator
from qiskit_qgen.execution.runtime.sampler import RuntimeSampler

OBSERVABLE = SparsePauliOp("ZZZ")


def chain(repetitions=4):
    """Return a circuit with <ZZZ> = cos(0.7669): rotations of one qubit between pairs of gates that cancel."""
    circuit = QuantumCircuit(3)
    circuit.ry(0.7669, 0)
    for _ in range(repetitions):
        circuit.cx(0, 1)
        circuit.barrier()
        circuit.cx(0, 1)
        circuit.barrier()
        circuit.cx(1, 2)
        circuit.barrier()
        circuit.cx(1, 2)
        circuit.barrier()
    return circuit


IDEAL = Statevector(chain()).expectation_value(OBSERVABLE).real


def estimate(mitigation=None, *, circuit=None, shots=4096, seed=1, backend="fake_manila"):
    device = runtime_device(backend, shots=shots, seed=seed, mitigation=mitigation)
    return RuntimeEstimator(device).run([(chain() if circuit is None else circuit, OBSERVABLE)]).result()[0]


def error(*args, **options):
    """Return the distance of an estimate from the truth."""
    return abs(float(estimate(*args, **options).data.evs) - IDEAL)


def test_the_truth_is_what_the_tests_say():
    assert pytest.approx(0.720, abs=5e-4) == IDEAL


def test_levels_mitigate_more_and_more():
    raw = error()
    assert error(ErrorMitigation(resilience_level=0)) == raw  # None is level 0
    first, second = error(ErrorMitigation(resilience_level=1)), error(ErrorMitigation(resilience_level=2), shots=16384)
    assert raw > 0.12
    assert first < raw - 0.05
    assert second < first


@pytest.mark.parametrize(
    "mitigation",
    [
        ErrorMitigation(measurement=True),
        ErrorMitigation(measurement=True, measure_noise_learning={"num_randomizations": 64}),
    ],
)
def test_readout_errors_are_mitigated(mitigation):
    assert error(mitigation) < error() - 0.05


@pytest.mark.parametrize("amplifier", ["gate_folding_front", "gate_folding_back"])
@pytest.mark.parametrize("extrapolator", ["linear", "exponential", ("exponential", "linear")])
def test_noise_is_extrapolated(amplifier, extrapolator):
    zne = {"amplifier": amplifier, "noise_factors": (1, 3), "extrapolator": extrapolator}
    options = {"shots": 16384, "circuit": chain(24)}
    both = ErrorMitigation(resilience_level=1, zne=zne)
    assert error(both, **options) < 0.75 * error(ErrorMitigation(resilience_level=1), **options)


def test_random_gates_are_folded():
    zne = {"amplifier": "gate_folding", "noise_factors": (1, 9), "extrapolator": "fallback"}
    data = estimate(ErrorMitigation(zne=zne), shots=65536).data
    assert data.evs_noise_factors[1] < data.evs_noise_factors[0] - 0.015
    assert data.evs == data.evs_noise_factors[0]


def test_noise_factors_are_those_asked_for():
    result = estimate(ErrorMitigation(zne=ZneOptions(noise_factors=(1, 2, 4, 5), extrapolator="linear")), shots=256)
    assert result.data.evs_noise_factors.shape == (4,)
    result = estimate(ErrorMitigation(zne={"extrapolated_noise_factors": (0.0, 0.5)}), shots=256)
    assert result.data.evs_extrapolated.shape == (2, 2)


def test_true_and_a_level_mean_the_same():
    spelled = ErrorMitigation(
        measurement=True, zne=True, twirling={"enable_gates": True, "enable_measure": True}, resilience_level=0
    )
    assert estimate(spelled, shots=512).data.evs == estimate(ErrorMitigation(resilience_level=2), shots=512).data.evs


@pytest.mark.parametrize(
    ("twirling", "versions"),
    [
        (True, (64, 64)),
        ({"enable_gates": True}, (64, 64)),
        ({"enable_measure": True, "num_randomizations": 8}, (8, 512)),
        (TwirlingOptions(enable_gates=True, shots_per_randomization=1024), (4, 1024)),
        ({"enable_gates": True, "strategy": "all", "group": "balanced_pauli"}, (64, 64)),
    ],
)
def test_twirling_runs_random_versions(twirling, versions):
    mitigation = ErrorMitigation(twirling=twirling)
    plan = mitigation.plan(4096)
    expected = versions if versions != (64, 64) else (32, 128)
    assert (plan.randomizations, plan.shots_per_randomization) == expected
    device = runtime_device("fake_manila", shots=4096, seed=1, mitigation=mitigation)
    job = RuntimeEstimator(device).run([(chain(), OBSERVABLE)])
    (item,) = job.jobs[0].inputs.items
    assert item.shape == (expected[0], 1)
    assert job.jobs[0].inputs.shots == expected[1]


@pytest.mark.parametrize("decoupling", [True, {"sequence_type": "XY4", "scheduling_method": "asap"}])
def test_idle_qubits_get_pulses(decoupling):
    def count(mitigation):
        device = runtime_device("fake_manila", shots=64, seed=1, mitigation=mitigation)
        job = RuntimeEstimator(device).run([(chain(), OBSERVABLE)])
        job.result()
        (item,) = job.jobs[0].inputs.items
        return item.circuit.count_ops().get("x", 0) + item.circuit.count_ops().get("delay", 0)

    assert count(None) == 0
    assert count(ErrorMitigation(dynamical_decoupling=decoupling)) > 0


@pytest.mark.parametrize("method", ["pec", "pea"])
def test_errors_of_known_layers_are_cancelled(method):
    """On an ideal simulator the client simulates the very noise that it is told to mitigate."""
    from qiskit_aer import AerSimulator

    layers = runtime_device(AerSimulator(), seed=1).unique_layers(chain(), method=method)
    assert layers
    noise = [(layer, PauliLindbladMap.from_list([("X" * len(layer.qubits), 0.01)])) for layer in layers]
    given = {"pec": True} if method == "pec" else {"zne": {"amplifier": "pea", "extrapolator": "linear"}}
    mitigated = ErrorMitigation(layer_noise_model=noise, **given)
    off = {"noise_gain": 1.0} if method == "pec" else {"amplifier": "pea", "extrapolator": "fallback"}
    raw = ErrorMitigation(layer_noise_model=noise, **{"pec" if method == "pec" else "zne": off})
    shots = 65536 if method == "pea" else 16384
    assert error(raw, backend=AerSimulator(), shots=shots) > 0.08
    assert error(mitigated, backend=AerSimulator(), shots=shots) < 0.04


def test_a_device_keeps_its_own_noise_when_pec_is_told_of_it():
    layers = runtime_device("fake_manila").unique_layers(chain())
    nothing = [(layer, PauliLindbladMap.from_list([("X" * len(layer.qubits), 1e-9)])) for layer in layers]
    strong = [(layer, PauliLindbladMap.from_list([("X" * len(layer.qubits), 0.05)])) for layer in layers]
    keep = {"noise_gain": 1.0}
    one = estimate(ErrorMitigation(pec=keep, layer_noise_model=nothing)).data.evs
    other = estimate(ErrorMitigation(pec=keep, layer_noise_model=strong)).data.evs
    np.testing.assert_allclose(one, other, atol=0.06)  # a second noise of 0.05 would halve it


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resilience_level": 3}, "Argument `resilience_level` must be an integer from 0 to 2, but is 3."),
        ({"zne": {}}, "Argument `zne` must be True or hold an option, but is an empty dict."),
        ({"zne": {"noise_factor": (1, 3)}}, "Option `resilience.zne.noise_factor` of the mitigation is refused by"),
        ({"zne": {"amplifier": "louder"}}, "Option `resilience.zne.amplifier` of the mitigation is refused by Runtime"),
        ({"zne": {"noise_factors": (1,)}}, "at least two noise factors"),
        ({"zne": {"noise_factors": (1, 3), "extrapolator": "polynomial_degree_3"}}, "Argument `zne` has too few noise"),
        ({"zne": True, "pec": True}, "Arguments `zne` and `pec` must not both be on, .*: choose one of them."),
        ({"resilience_level": 2, "pec": True}, "must not both be on, .*: set `zne` to False."),
        ({"pec": True}, "Argument `layer_noise_model` must be given for `pec`, which needs the noise of each layer"),
        ({"zne": {"amplifier": "pea"}}, "Argument `layer_noise_model` must be given for `zne` with the amplifier"),
        ({"pec": {"max_overhead": None}}, "Argument `pec` must have a finite `max_overhead`"),
        ({"layer_noise_model": []}, "Argument `layer_noise_model` must be left out when it has no effect"),
        ({"measure_noise_learning": {"num_randomizations": 8}}, "must be left out when it has no effect: readout"),
        ({"twirling": {"num_randomizations": 8}}, "Argument `twirling` must be left out when it has no effect"),
        ({"twirling": False, "measurement": True}, "Argument `twirling` does not fit the mitigation"),
        ({"dynamical_decoupling": {"enable": False, "sequence_type": "XY4"}}, "must be left out when it has no effect"),
        ({"zne": {"noise_factors": (0, 1)}}, r"`resilience.zne.noise_factors` of the .*: Input should be greater than"),
        ({"twirling": {"num_randomizations": 0}}, r"Option `twirling.num_randomizations` of the mitigation is refused"),
        ({"zne": {"extrapolator": "bad"}}, r"Option `resilience.zne.extrapolator` of the mitigation is refused by"),
        ({"zne": {"noise_factor": 1}}, r"`resilience.zne.noise_factor` .* refused by Runtime: There is no such option"),
        ({"measurement": 1}, r"Argument `measurement` must be a bool or None, but is of type int."),
        ({"layer_noise_model": 3}, r"Argument `layer_noise_model` must be a sequence of pairs .*, but is of type int."),
        ({"layer_noise_model": [1], "pec": True}, r"must be a sequence of pairs .* PauliLindbladMap, but holds 1."),
        ({"twirling": 3}, "Argument `twirling` must be a bool, a dict or Runtime's option object"),
    ],
)
def test_what_does_not_fit_together_is_refused(options, message):
    with pytest.raises((ArgumentError, TypeError), match=message):
        ErrorMitigation(**options)


def test_samples_are_not_mitigated():
    for mitigation in (ErrorMitigation(resilience_level=1), ErrorMitigation(zne=True)):
        with pytest.raises(ArgumentError, match="nothing but twirling and dynamical decoupling for probabilities"):
            RuntimeSampler(runtime_device("fake_manila", mitigation=mitigation))
    device = runtime_device("fake_manila", shots=512, seed=1, mitigation=ErrorMitigation(twirling=True))
    measured = chain()
    measured.measure_all()
    job = RuntimeSampler(device).run([measured])
    assert job.result()[0].data.meas.num_shots == 512
    assert job.jobs[0].inputs.items[0].shape == (8,)


def test_the_older_primitives_on_a_local_device_refuse_what_they_ignore():
    device = runtime_device("fake_manila", mitigation=ErrorMitigation(resilience_level=1), primitives="legacy")
    with pytest.raises(ArgumentError, match="must be None for the older EstimatorV2 and SamplerV2 on a local device"):
        RuntimeEstimator(device).run([(chain(), OBSERVABLE)])
    plain = runtime_device("fake_manila", shots=4096, seed=1, primitives="legacy")
    found = RuntimeEstimator(plain).run([(chain(), OBSERVABLE)]).result()[0].data.evs
    assert 0.3 < float(found) < 0.68


def test_options_for_the_older_primitives():
    options = ErrorMitigation(resilience_level=2, dynamical_decoupling=True).to_legacy_options(shots=100, local=False)
    assert options["default_shots"] == 100
    assert options["resilience_level"] == 2
    assert options["dynamical_decoupling"]["enable"] is True


def test_it_is_a_value():
    assert ErrorMitigation(zne=True) == ErrorMitigation(zne=True)
    assert ErrorMitigation(zne=True) != ErrorMitigation()
    with pytest.raises(AttributeError):
        ErrorMitigation().zne = True


@pytest.mark.parametrize("bad", [np.nan, np.inf, -30.1])
def test_values_that_no_observable_can_have_are_an_error_and_stay_known(tmp_path, monkeypatch, bad):
    from qiskit_qgen.execution.runtime import primitive

    def encode(result, original=primitive.encode):
        arrays = original(result)
        arrays["0.evs"][1] = bad
        return arrays

    monkeypatch.setattr(primitive, "encode", encode)
    observables = [SparsePauliOp("ZZZ"), SparsePauliOp(["XII", "IZI"], [-1.0, 2.0])]

    def run(**options):
        device = runtime_device("fake_manila", shots=64, seed=1, ledger=tmp_path, **options)
        return RuntimeEstimator(device).run([(chain(1), observables)])

    mitigated = ErrorMitigation(zne={"extrapolator": "exponential"})
    with pytest.raises(ExecutionError, match=r"1 of 2 .* 3 is the largest: check ZNE's `extrapolator` and the `shots`"):
        run(mitigation=mitigated).result()
    again = run(mitigation=mitigated)
    assert again.jobs == []
    with pytest.raises(ExecutionError, match="The results stay in"):
        again.result()
    with pytest.raises(ExecutionError, match="3 is the largest: ask for more `shots`"):
        run().result()


def test_values_a_little_out_of_range_are_mitigation_at_work(monkeypatch):
    from qiskit_qgen.execution.runtime import primitive

    monkeypatch.setattr(primitive, "encode", lambda _: {"0.evs": np.array(-9.9), "0.stds": np.array(5.0)})
    assert estimate(shots=64).data.evs == -9.9


@pytest.mark.parametrize(("shots", "run"), [(10, 64), (1000, 1024), (3000, 3008), (1024, 1024), (4096, 4096)])
def test_twirling_raises_the_shots_as_documented(shots, run):
    mitigation = ErrorMitigation(resilience_level=1)
    plan = mitigation.plan(shots)
    assert plan.randomizations * plan.shots_per_randomization == run
    device = runtime_device("fake_manila", shots=shots, seed=1, mitigation=mitigation)
    inputs = RuntimeEstimator(device).run([(chain(1), OBSERVABLE)]).jobs[0].inputs
    assert inputs.items[0].shape[0] * inputs.shots == run
