"""Published systems by name: every count and fact that is known of them, typed from the papers and their code."""

import pytest
import torch
from torch import nn

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN

MODELS = (StyleQGAN, HybridGAN, QuantumDiffusion)
NAMES = [(model, name) for model in MODELS for name in model.published_systems]


def count(module):
    return sum(weight.numel() for weight in module.parameters())


def gates(model):
    circuit = model.circuit.circuit
    return [(each.operation.name, *(circuit.find_bit(qubit).index for qubit in each.qubits)) for each in circuit.data]


class TestStyleQGAN:
    """arXiv 2110.06933 and its public code."""

    def test_the_circuit(self):
        model = StyleQGAN.published("2110.06933")
        turn = [(gate, qubit) for qubit in range(3) for gate in ("ry", "rz")]
        last = [("ry", qubit) for qubit in range(3)]
        even, odd = [("cry", 0, 1), ("cry", 0, 2)], [("cry", 1, 2), ("cry", 2, 0)]
        assert gates(model) == [*turn, *turn, *even, *turn, *turn, *odd, *last]

    @pytest.mark.parametrize(("half_layers", "number"), [(2, 34), (4, 62), (10, 146)])
    def test_the_code_counts_half_layers(self, half_layers, number):
        assert number == 14 * half_layers + 6
        assert count(StyleQGAN.published("2110.06933", num_layers=half_layers).generator) == number

    def test_of_the_stored_76_numbers_of_five_half_layers_two_turn_nothing(self):
        assert 14 * 5 + 6 == 76
        assert count(StyleQGAN.published("2110.06933", num_layers=5).generator) == 76 - 2

    def test_stored_models_of_one_and_two_columns(self):
        gamma = {"num_features": 1, "num_qubits": 1, "num_layers": 2, "entanglement": "none", "noise_dim": 3}
        assert count(StyleQGAN.published("2110.06933", **gamma).generator) == 10
        cauchy = {"num_features": 2, "num_qubits": 2, "entanglement": [[], [(0, 1)], [], [(1, 0)]], "noise_dim": 4}
        assert count(StyleQGAN.published("2110.06933", **cauchy).generator) == 40

    @pytest.mark.parametrize("layers", [1, 2, 3])
    def test_the_tutorials_circuit(self, layers):
        model = StyleQGAN.published("2110.06933/tutorial", num_layers=layers)
        turn = [(gate, qubit) for qubit in range(3) for gate in ("ry", "rz", "ry", "rz")]
        pairs = [[("cry", 0, 1), ("cry", 0, 2)], [("cry", 1, 2), ("cry", 2, 0)]]
        body = [gate for layer in range(layers) for gate in [*turn, *pairs[layer % 2]]]
        assert gates(model) == [*body, *(("ry", qubit) for qubit in range(3))]
        assert count(model.generator) == 8 * 3 * layers + 4 * layers + 2 * 3 == 28 * layers + 6
        assert model.config.generator.style == "cyclic-shared"
        assert model.noise_dim == 3

    def test_noise_weights_and_read_out(self):
        model = StyleQGAN.published("2110.06933")
        style = model.generator.style
        assert model.noise_dim == 5
        assert style.components.tolist() == [k % 5 for k in range(31)]  # it advances with every angle
        for tensor in (style.weight, style.bias):
            assert 0.1 < tensor.abs().max() <= 0.15
        z = torch.randn(4, 5)
        angles = torch.stack([style.weight[k] * z[:, k % 5] + style.bias[k] for k in range(31)], 1)
        torch.testing.assert_close(style(z), angles)
        values = [next(iter(operator.to_list()))[0] for operator in model.generator.layer.observables]
        assert values == ["IIZ", "IZI", "ZII"]  # Z of each qubit
        assert model.generator.readout_std == 1  # no scale

    def test_the_discriminator(self):
        layers = [each for each in StyleQGAN.published("2110.06933").critic.modules() if not list(each.children())]
        dense, unflatten, *rest = layers
        assert (dense.in_features, dense.out_features, dense.bias) == (3, 200, None)
        assert sorted(unflatten.unflattened_size) == [2, 10, 10]
        convolutions = [each for each in rest if isinstance(each, nn.Conv2d)]
        assert [each.out_channels for each in convolutions] == [64, 32, 16, 8]
        assert {(each.kernel_size, each.padding) for each in convolutions} == {((3, 3), (1, 1))}
        assert {each.negative_slope for each in rest if isinstance(each, nn.LeakyReLU)} == {0.2}
        assert [each.rate for each in rest if hasattr(each, "rate")] == [0.2]
        assert (rest[-1].in_features, rest[-1].out_features) == (8 * 10 * 10, 1)

    @pytest.mark.parametrize("name", ["2110.06933", "2110.06933/tutorial"])
    def test_the_training(self, name):
        training = StyleQGAN.published_training(name)
        assert training.loss == "bce"
        assert training.optimizer == "adadelta"
        assert (training.critic_learning_rate, training.generator_learning_rate) == (0.1, 0.5)
        assert (training.batch_size, training.own_batch_size) == (64, 128)  # 64 + 64 for the discriminator
        assert (training.steps, training.n_critic) == (30_000, 1)

    def test_the_preprocessing(self):
        assert StyleQGAN.published("2110.06933").config.scaling == "power"
        assert type(StyleQGAN.published("2110.06933").normalizer).__name__ == "PowerNormalizer"


def test_settings_and_options_can_be_replaced():
    assert StyleQGAN.published("2110.06933", noise_dim=7, num_layers=2).noise_dim == 7
    assert StyleQGAN.published_training("2110.06933", steps=5).steps == 5
    assert StyleQGAN.published_training("2110.06933").steps == 30_000


def test_unknown_names_are_refused():
    sentence = "`name` must be one of '2110.06933', .*, but is '1234.5678'"
    for call in (StyleQGAN.published, StyleQGAN.published_training):
        with pytest.raises(ArgumentError, match=sentence):
            call("1234.5678")


def test_a_published_table_is_trained_saved_and_sampled(tmp_path):
    rows = torch.randn(50, 3).exp().numpy() * [1e5, -1e4, 1]
    model = StyleQGAN.published("2110.06933")
    training = StyleQGAN.published_training("2110.06933", steps=2)
    model.fit(rows, training=training, seed=0, callbacks=[])
    model.save_pretrained(tmp_path / "model")
    again = StyleQGAN.from_pretrained(tmp_path / "model")
    assert again.config == model.config
    samples = again.sample(20, seed=1)
    assert torch.equal(samples, model.sample(20, seed=1))
    assert (samples.double().numpy() >= rows.min(0) - 1e-6 * abs(rows.min(0))).all()
    assert (samples.double().numpy() <= rows.max(0) + 1e-6 * abs(rows.max(0))).all()
