import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.models import HybridGANConfig
from qiskit_qgen.noise import UniformNoise
from qiskit_qgen.studies.given import settings_of, split_options


def test_settings_are_taken_as_such_by_name_or_by_default():
    expected = HybridGANConfig.of(backbone="conv", generator_width=32)
    assert settings_of("model", expected, HybridGANConfig) == expected
    assert settings_of("model", {"backbone": "conv", "generator_width": 32}, HybridGANConfig) == expected
    assert settings_of("model", None, HybridGANConfig) == HybridGANConfig()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            3,
            ArgumentTypeError,
            "`model` must be a HybridGANConfig, a mapping of its options or None, but is",
        ),
        ({"quantum_on": "both"}, ArgumentTypeError, "did you mean `quantum_in`"),
        ({"quantum_in": "none"}, ArgumentError, "`quantum_in` has no effect in `model`: the study sets it"),
        (
            {"noise": UniformNoise(5)},
            ArgumentError,
            "its `noise` is an object of your own",
        ),  # which no other process could make
    ],
)
def test_what_no_trial_could_be_made_of_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        settings_of("model", given, HybridGANConfig, set_here=("quantum_in",))


def test_where_trials_run_is_told_from_what_they_are():
    assert split_options({"steps": 3, "workers": 2, "labels": [1]}) == ({"steps": 3, "labels": [1]}, {"workers": 2})


def test_an_object_of_your_own_is_refused_by_its_name():
    angle, weight = Parameter("x"), Parameter("w")
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    circuit.rx(weight, 0)
    ansatz = ParametrizedCircuit(circuit, (angle,), (weight,))
    with pytest.raises(
        ArgumentError,
        match=r"^Argument `model` must hold .*, but its `block\.ansatz` is an object of your own: leave it out\.$",
    ):
        settings_of("model", {"ansatz": ansatz, "backbone": "conv"}, HybridGANConfig)
