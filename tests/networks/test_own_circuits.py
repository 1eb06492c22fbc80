"""Circuits and observables of the user's own in all three models."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_qgen import AerExecution
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.models.style_qgan import QuantumGeneratorConfig
from qiskit_qgen.networks.bottleneck_gates import PublishedBottleneck, QuantumBottleneck
from qiskit_qgen.studies import audit_gradients, classical_twin
from tests.models.small import diffusion, hybrid, images, same, style, train, trained, weights

OBSERVABLES = ["XXI", [["IZZ", -1.0]], SparsePauliOp(["ZII", "IIX"], [0.5, 2.0]), "YIY"]


def angles_only():
    """Rotations by expressions, one of an angle that comes twice, inside an instruction of its own."""
    a, shared = ParameterVector("a", 5), Parameter("shared")
    inner = QuantumCircuit(3, name="mine")
    for qubit in range(3):
        inner.ry(2 * a[qubit] + shared, qubit)
    inner.cx(0, 1)
    inner.ccx(0, 1, 2)
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.append(inner.to_gate(), range(3))
    circuit.rzz(a[3], 0, 2)
    circuit.rx(a[4] - shared, 1)
    return ParametrizedCircuit(circuit, (a[4], *a[:4], shared))


def with_weights():
    x, w = ParameterVector("x", 2), ParameterVector("w", 6)
    circuit = QuantumCircuit(3)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 2)
    for qubit in range(3):
        circuit.rx(w[qubit], qubit)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    for qubit in range(3):
        circuit.ry(w[3 + qubit], qubit)
    return ParametrizedCircuit(circuit, tuple(x), tuple(w))


def own_style(**options):
    given = {"ansatz": angles_only(), "init": "uniform", "observables": OBSERVABLES, **options}
    return StyleQGAN(
        image_shape=(1, 8, 8), critic_width=8, autoencoder_width=4, autoencoder_hidden=8, noise_dim=3, **given
    )


def own_hybrid(**options):
    given = {"ansatz": with_weights(), "observables": OBSERVABLES, **options}
    return HybridGAN(image_shape=(1, 8, 8), backbone="conv", generator_width=16, discriminator_width=8, **given)


def own_diffusion(**options):
    given = {"ansatz": with_weights(), "observables": OBSERVABLES, **options}
    return QuantumDiffusion(image_shape=(1, 8, 8), architecture_width=8, sampling_steps=2, num_steps=20, **given)


MODELS = [own_style, own_hybrid, own_diffusion]


def test_a_style_generator_runs_the_circuit_that_it_is_given():
    model = own_style(readout_std=0.5)
    generator, z = model.get_submodule("generator"), torch.randn(3, 3)
    angles = (z @ generator.style.weight.T + generator.style.bias).detach().double().numpy()
    operators = [
        SparsePauliOp(["XXI"]),
        SparsePauliOp(["IZZ"], [-1.0]),
        SparsePauliOp(["ZII", "IIX"], [0.5, 2.0]),
        SparsePauliOp(["YIY"]),
    ]
    ansatz = angles_only()
    states = [Statevector(ansatz.bind(row)) for row in angles]
    expected = np.array([[state.expectation_value(each).real for each in operators] for state in states]) / 0.5
    assert generator(z).detach().numpy() == pytest.approx(expected, abs=1e-5)
    assert np.ptp(expected, 0).min() > 1e-3  # all depend on the noise


@pytest.mark.parametrize("make", MODELS)
def test_a_model_with_its_own_circuit_is_trained_resumed_saved_and_runs_on_aer(make, tmp_path):
    model = trained(make(), steps=2, checkpoint_dir=tmp_path / "run")
    again = make()  # a circuit with other parameter objects, as another process builds it
    train(again, steps=2, checkpoint_dir=tmp_path / "run", resume=True)
    assert same(weights(again), weights(model))
    again.save_pretrained(tmp_path / "model")
    loaded = type(again).from_pretrained(tmp_path / "model")
    assert torch.equal(loaded.sample(3, seed=1), again.sample(3, seed=1))
    assert loaded.config.to_dict() == again.config.to_dict()
    assert loaded.circuit.circuit.num_qubits == 3
    on_aer = loaded.sample(3, seed=1, execution=AerExecution())
    assert torch.allclose(on_aer, again.sample(3, seed=1), atol=1e-4)


@pytest.mark.parametrize("make", MODELS)
def test_another_own_circuit_is_another_run(make, tmp_path):
    train(make(), steps=2, checkpoint_dir=tmp_path)
    other = make().circuit
    circuit = other.circuit.copy()
    circuit.cz(0, 2)
    changed = make(ansatz=ParametrizedCircuit(circuit, other.input_params, other.weight_params))
    with pytest.raises(CheckpointError, match="ansatz"):
        train(changed, steps=3, checkpoint_dir=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("make", "control"),
    [(own_style, "frozen"), (own_hybrid, "fourier"), (own_diffusion, "fourier"), (own_hybrid, "unentangled")],
)
def test_controls_and_twins_of_an_own_circuit(make, control, tmp_path):
    twin = classical_twin(make(), control).model
    trained(twin).save_pretrained(tmp_path / "twin")
    loaded = type(twin).from_pretrained(tmp_path / "twin")
    assert torch.equal(loaded.sample(2, seed=0), twin.sample(2, seed=0))
    assert classical_twin(make()).classical_parameters


def test_the_files_of_a_saved_circuit_are_checked(tmp_path):
    own_hybrid().save_pretrained(tmp_path / "model")
    content = (tmp_path / "model" / "ansatz.qpy").read_bytes()
    (tmp_path / "model" / "ansatz.qpy").write_bytes(content[:-9] + b"\1" + content[-8:])
    with pytest.raises(CheckpointError, match=r"ansatz.qpy is damaged: it does not match its checksum"):
        HybridGAN.from_pretrained(tmp_path / "model")
    config = (tmp_path / "model" / "config.json").read_text()
    (tmp_path / "model" / "ansatz.qpy").write_bytes(content)
    (tmp_path / "model" / "config.json").write_text(config.replace('"x[0]"', '"y[0]"'))
    with pytest.raises(CheckpointError, match=r"The circuit ansatz.qpy .* does not fit its config.json"):
        HybridGAN.from_pretrained(tmp_path / "model")
    hybrid().save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model" / "ansatz.qpy").exists()


def test_the_audit_sees_into_an_own_circuit():
    x, w = ParameterVector("x", 1), ParameterVector("w", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(w[0], 0)
    circuit.rz(w[1], 1)  # turns |0>, which has no effect
    model = own_hybrid(ansatz=ParametrizedCircuit(circuit, tuple(x), tuple(w)), observables="Z")
    assert [name.rpartition(".")[2] for name in audit_gradients(model.get_submodule("generator")).inert] == ["w[1]"]


@pytest.mark.parametrize(
    ("make", "options", "sentence"),
    [
        (
            own_style,
            {"ansatz": with_weights()},
            "Argument `ansatz` must have inputs only, as an affine map of the noise",
        ),
        (own_style, {"init": "gaussian"}, "choose `init='uniform'`"),
        (own_style, {"num_layers": 2}, "Argument `num_layers` has no effect with an ansatz of your own: leave it out."),
        (
            own_style,
            {"num_qubits": 4},
            "Argument `num_qubits` must be that of your own ansatz, 3, or left out, but is 4",
        ),
        (own_style, {"observables": ["XX"]}, r"Argument `observables\[0\]` must consist of Pauli strings of 3 letters"),
        (own_style, {"observables": ["III"]}, r"Argument `observables\[0\]` must depend on the state, but is constant"),
        (own_style, {"observables": [[["XII", "a"]]]}, r"Argument `observables\[0\]` must be a SparsePauliOp, a Pauli"),
        (own_style, {"observables": [SparsePauliOp("XII", 1j)]}, r"Argument `observables\[0\]` must have real coeff"),
        (own_style, {"observables": []}, "Argument `observables` must be letters such as 'XZ', or a list"),
        (
            own_style,
            {"latent_dim": 2},
            "Argument `observables` must be as many as a sample has numbers, 2, but holds 4.",
        ),
        (own_hybrid, {"ansatz": angles_only()}, "Argument `ansatz` must have weights to train"),
        (own_hybrid, {"rotations": ("rx",)}, "Argument `rotations` has no effect with an ansatz of your own"),
        (own_diffusion, {"num_layers": 2}, "Argument `num_layers` has no effect with an ansatz of your own"),
        (own_diffusion, {"bottleneck": PublishedBottleneck.kind}, "has no effect with bottleneck='quantum_published'"),
    ],
)
def test_what_an_own_circuit_must_be(make, options, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        make(**options)


def test_a_circuit_without_inputs_or_with_too_many_qubits_is_refused():
    w = Parameter("w")
    circuit = QuantumCircuit(1)
    circuit.ry(w, 0)
    with pytest.raises(ArgumentError, match="must have inputs, `input_params`, but has none"):
        QuantumBottleneck(ansatz=ParametrizedCircuit(circuit, (), (w,)))
    wide = efficient_su2(33, reps=1)
    with pytest.raises(ArgumentError, match=r"Argument `ansatz` must have at most \d+ qubits, but has 33"):
        QuantumGeneratorConfig(ansatz=ParametrizedCircuit(wide, tuple(wide.parameters)))


def test_cyclic_noise_enters_the_parameters_of_an_own_circuit_in_the_order_of_its_gates():
    model = own_style(style="cyclic")
    # Gates: mine(a0, shared, a1, a2), rzz(a3), rx(a4); inputs: a4, a0, a1, a2, a3, shared.
    assert model.get_submodule("generator").style.components.tolist() == [2, 0, 1, 2, 1, 0]


@pytest.mark.parametrize("make", [style, hybrid, diffusion])
def test_letters_of_observables_work_as_before(make):
    model = make(observables="ZX")
    assert model.sample(2, seed=0).shape == (2, 1, 8, 8)
    assert model.config.to_dict() == type(model).from_config(model.config).config.to_dict()
    train(model, images())


@pytest.mark.parametrize("make", MODELS)
def test_a_bare_circuit_is_answered_with_the_way_to_wrap_it(make):
    with pytest.raises(
        ArgumentTypeError, match=r"is of type QuantumCircuit: wrap it, as ParametrizedCircuit\(circuit, in"
    ):
        make(ansatz=angles_only().circuit)
