"""Published systems by name: every count and fact that is known of them, typed from the papers and their code."""

import re
import tomllib
from pathlib import Path

import pytest
import torch
from torch import nn

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN

DOCS = Path(__file__).parents[2] / "docs"
MODELS = (StyleQGAN, HybridGAN, QuantumDiffusion)
NAMES = [(model, name) for model in MODELS for name in model.published_systems]


def count(module):
    return sum(weight.numel() for weight in module.parameters())


def gates(model):
    circuit = model.circuit.circuit
    return [(each.operation.name, *(circuit.find_bit(qubit).index for qubit in each.qubits)) for each in circuit.data]


class TestCollisions:
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

    @pytest.mark.parametrize("given", [{"num_qubits": 5}, {"generator": {"num_qubits": 5}}])
    def test_other_numbers_of_qubits_are_entangled_in_a_ring_as_by_the_codes_default(self, given):
        model = StyleQGAN.published("2110.06933", num_features=5, **given)
        ring = [("cry", qubit, (qubit + 1) % 5) for qubit in range(5)]
        assert [gate for gate in gates(model) if gate[0] == "cry"] == 2 * ring
        assert count(model.generator) == 10 * 5 * 2 + 2 * 5  # 10 D L + 2 D
        tutorial = StyleQGAN.published("2110.06933/tutorial", num_features=5, **given)
        assert [gate for gate in gates(tutorial) if gate[0] == "cry"] == ring

    @pytest.mark.parametrize(("number", "pairs"), [(1, []), (2, [("cry", 0, 1)])])
    def test_one_and_two_qubits(self, number, pairs):
        model = StyleQGAN.published("2110.06933", num_features=number, num_qubits=number)
        assert [gate for gate in gates(model) if gate[0] == "cry"] == 2 * pairs

    def test_an_entanglement_that_is_given_stays(self):
        model = StyleQGAN.published("2110.06933", num_features=5, num_qubits=5, entanglement="linear")
        assert sum(gate[0] == "cry" for gate in gates(model)) == 4 * 4

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


class TestLatentQGAN:
    """LaSt-QGAN, arXiv 2406.02668, read as in a public re-implementation, and arXiv 2601.05036."""

    def test_the_circuit_of_last_qgan(self):
        model = StyleQGAN.published("2406.02668")
        turn = [(gate, qubit) for qubit in range(10) for gate in ("ry", "rz", "ry", "rz")]
        ring = [(gate, qubit, (qubit + 1) % 10) for qubit in range(10) for gate in ("cry", "crz")]
        assert gates(model) == 6 * [*turn, *ring]
        assert count(model.generator) == 6 * 660
        paulis = [next(iter(operator.to_list()))[0] for operator in model.generator.layer.observables]
        assert [each.strip("I") for each in paulis] == 10 * ["X"] + 10 * ["Z"]
        assert model.generator.readout_std == 1  # no extra scale
        assert model.noise_dim == 10
        for tensor in (model.generator.style.weight, model.generator.style.bias):
            assert 0.009 < tensor.abs().max() <= 0.01  # small angles

    @pytest.mark.parametrize(("num_qubits", "of_a_block"), [(10, 660), (12, 936)])
    def test_a_block_has_6_n_squared_plus_6_n_weights(self, num_qubits, of_a_block):
        sizes = {"num_qubits": num_qubits, "noise_dim": num_qubits, "latent_dim": 2 * num_qubits}
        for blocks in (1, 8):
            model = StyleQGAN.published("2406.02668", image_shape=(1, 8, 8), num_layers=blocks, **sizes)
            assert count(model.generator) == blocks * of_a_block == blocks * (6 * num_qubits**2 + 6 * num_qubits)

    def test_the_autoencoder_of_last_qgan(self):
        model = StyleQGAN.published("2406.02668")
        assert model.image_shape == (1, 28, 28)
        latents = model.autoencoder.encode(torch.rand(5, 1, 28, 28))
        assert latents.shape == (5, 20)
        assert isinstance(model.autoencoder.encoder[-1], nn.Tanh)
        assert torch.equal(model.normalizer(latents), latents)  # nothing in between
        dense = [each for each in model.autoencoder.modules() if isinstance(each, nn.Linear)]
        sizes = [(each.in_features, each.out_features) for each in dense]
        assert sizes == [(6272, 1024), (1024, 20), (20, 1024), (1024, 6272)]
        training = StyleQGAN.published_training("2406.02668").autoencoder
        assert training.learning_rate == 1e-3
        assert training.batch_size == 0.34 * 60_000
        assert training.steps * training.batch_size == pytest.approx(100 * 60_000, rel=0.03)  # 100 epochs
        assert training.absolute_error == training.latent_noise == training.latent_shape == 0  # squared error alone

    def test_the_critic_and_its_training_of_last_qgan(self):
        critic = StyleQGAN.published("2406.02668").critic
        dense = [each for each in critic.modules() if isinstance(each, nn.Linear)]
        assert [(each.in_features, each.out_features) for each in dense] == [(20, 112), (112, 56), (56, 1)]
        assert all(each.bias is None for each in dense)
        assert {each.negative_slope for each in critic.modules() if isinstance(each, nn.LeakyReLU)} == {0.01}
        assert {each.rate for each in critic.modules() if hasattr(each, "rate")} == {0.1}
        training = StyleQGAN.published_training("2406.02668")
        assert (training.loss, training.gradient_penalty, training.n_critic) == ("wgan-gp", 10, 1)
        assert training.generator_learning_rate == training.critic_learning_rate == 1e-3
        assert (training.optimizer, training.betas, training.batch_size) == ("adam", (0.5, 0.999), 128)
        assert training.steps == 20 * (60_000 // 128)

    def test_the_capacity_papers_system(self):
        model = StyleQGAN.published("2601.05036")
        assert model.circuit.num_qubits == 12
        assert model.config.generator.num_layers == 8
        assert model.config.sample_size == 24 == 2 * 12  # two observables for each qubit
        assert model.image_shape == (4, 28, 28)  # SAT-4: red, green, blue and near infrared
        means, spreads = model.autoencoder.posterior(torch.rand(3, 4, 28, 28))
        assert means.shape == spreads.shape == (3, 24)
        training = StyleQGAN.published_training("2601.05036")
        assert training.loss == "wgan-gp"
        assert training.clip_norm is not None

    def test_the_capacity_papers_system_is_trained_by_the_evidence_bound(self):
        model = StyleQGAN.published(
            "2601.05036", image_shape=(4, 8, 8), num_qubits=2, num_layers=1, latent_dim=4, autoencoder_width=4
        )
        training = StyleQGAN.published_training("2601.05036", steps=2, autoencoder_steps=2, batch_size=4)
        history = model.fit(torch.rand(8, 4, 8, 8), training=training, seed=0, callbacks=[])
        assert {"squared_error", "kl_divergence"} <= set(history.names("autoencoder"))
        assert "gradient_penalty" in history.names("adversarial")


class TestTransferGAN:
    """arXiv 2507.09706."""

    @pytest.mark.parametrize("quantum_in", ["none", "generator", "discriminator", "both"])
    def test_each_block_of_each_configuration_has_15_parameters(self, quantum_in):
        model = HybridGAN.published("2507.09706", quantum_in=quantum_in, backbone="conv")
        for name in ("generator", "discriminator"):
            block = model.get_submodule(name).block
            assert count(block) == 15
            if name in model.config.quantum_parts:
                assert block.layer.circuit.num_qubits == 5
            else:
                first, rectifier, second = block.layers
                assert isinstance(rectifier, nn.ReLU)
                assert (first.in_features, second.out_features) == (5, 5)

    def test_noise_and_images(self):
        model = HybridGAN.published("2507.09706", backbone="conv")
        assert model.noise_dim == 5
        sizes = []
        for layer in model.generator.modules():
            if isinstance(layer, nn.Upsample):
                layer.register_forward_hook(
                    lambda _, inputs, output: sizes.append((inputs[0].shape[2], len(output[0, 0])))
                )
        assert model(torch.zeros(1, 5)).shape == (1, 3, 32, 32)
        assert sizes == [(4, 8), (8, 16), (16, 32)]

    def test_the_discriminator_sees_with_a_network_trained_on_imagenet(self):
        assert HybridGAN.published("2507.09706").config.backbone.kind == "efficientnet-lite0"  # which one is not known


class TestBottleneckDiffusion:
    """arXiv 2504.00034, with its repaired code."""

    @pytest.mark.parametrize(
        ("bottleneck", "added"), [("plain", 0), ("se", 4_240), ("quantum", 4_336), ("quantum_published", 4_288)]
    )
    def test_the_arms_have_the_published_numbers_of_parameters(self, bottleneck, added):
        options = {} if bottleneck == "quantum" else {"bottleneck": bottleneck}
        assert count(QuantumDiffusion.published("2504.00034", **options).denoiser) == 445_985 + added
        options |= {"image_shape": (3, 28, 28)}  # PathMNIST
        assert count(QuantumDiffusion.published("2504.00034", **options).denoiser) == 447_715 + added

    def test_of_the_frozen_arm_and_the_published_one_2176_get_a_gradient(self):
        frozen = QuantumDiffusion.published("2504.00034", bottleneck="se_frozen").denoiser
        gate = [weight for weight in frozen.gate.parameters() if weight.requires_grad]
        assert sum(weight.numel() for weight in gate) == 2_176

    def test_the_repaired_circuit(self):
        model = QuantumDiffusion.published("2504.00034")
        start = [("ry", qubit) for qubit in range(16)]
        chain = [("cx", qubit, qubit + 1) for qubit in range(15)]
        turns = sorted((gate, qubit) for qubit in range(16) for gate in ("rz", "ry"))
        found = gates(model)
        assert found[:16] == start
        for layer in range(3):
            body = found[16 + layer * 47 :][:47]
            assert sorted(body[:32]) == turns
            assert all(body.index(("rz", qubit)) < body.index(("ry", qubit)) for qubit in range(16))
            assert body[32:] == chain
        assert len(found) == 16 + 3 * 47
        assert model.circuit.num_weights == 3 * 16 * 2 == 96

    def test_the_diffusion(self):
        model = QuantumDiffusion.published("2504.00034")
        betas = model.noise_schedule.betas.double()
        t = torch.arange(1001, dtype=torch.float64) / 1000
        kept = torch.cos((t + 0.008) / 1.008 * torch.pi / 2) ** 2
        torch.testing.assert_close(betas, (1 - kept[1:] / kept[:-1]).clamp(1e-4, 0.999))
        assert model.config.process.prediction == "epsilon"
        assert model.config.sampling.sampler == "ddpm"

    def test_the_training(self):
        training = QuantumDiffusion.published_training("2504.00034")
        assert (training.learning_rate, training.batch_size, training.ema_decay) == (3e-4, 64, 0.999)
        assert training.steps == 2000
        assert training.min_snr_gamma is None  # the plain squared error of the noise
        assert training.clip_norm is None


SMALL = {  # what makes a system small enough to train in a moment
    "2406.02668": (
        {"image_shape": (1, 8, 8), "num_qubits": 2, "num_layers": 1, "noise_dim": 2, "latent_dim": 4},
        {"autoencoder_steps": 2, "autoencoder_batch_size": 8},
    ),
    "2507.09706": ({"image_shape": (3, 8, 8), "backbone": "conv", "generator_width": 16}, {}),
    "2504.00034": (
        {"image_shape": (1, 8, 8), "num_qubits": 2, "num_layers": 1, "sampler": "dpm-solver", "sampling_steps": 2},
        {},
    ),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, name in NAMES if name in SMALL])
def test_a_published_system_of_images_is_trained_saved_and_loaded(kind, name, tmp_path):
    settings, options = SMALL[name]
    model = kind.published(name, **settings)
    training = kind.published_training(name, steps=2, batch_size=8, **options)
    model.fit(torch.rand(12, *settings["image_shape"]), training=training, seed=0, callbacks=[])
    model.save_pretrained(tmp_path / "model")
    again = kind.from_pretrained(tmp_path / "model")
    assert again.config == model.config
    assert torch.equal(again.sample(3, seed=1), model.sample(3, seed=1))


def facts_of_the_page():
    """Each row of the documentation's tables, with the published system that it belongs to."""
    system = None
    for line in (DOCS / "published.md").read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"## `([\d.]+)`", line):
            system = heading[1]
        elif system and line.startswith("| ") and not line.startswith("| fact"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            other = re.search(r'`"([\d.]+/\w+)"`', cells[2])
            yield other[1] if other else system, cells


def held(table, place):
    """The values at KEY or PART.KEY of settings, or at a KEY that one part has."""
    first, dot, rest = place.partition(".")
    if dot:
        return held(table[first], rest) if isinstance(table.get(first), dict) else []
    if place in table:
        return [table[place]]
    return [part[place] for part in table.values() if isinstance(part, dict) and place in part]


def test_the_documentation_says_of_each_system_what_it_is():
    owners = {name: model for model, name in NAMES}
    checked = dict.fromkeys(owners, 0)
    for name, cells in facts_of_the_page():
        assert len(cells) == 4, cells
        assert cells[3] in ("present", "ours", "unknown"), cells
        assert cells[1] in ("S", "C", "S, C") or cells[3] != "present", cells
        model = owners[name].published_systems[name].model
        config = owners[name].config_class.of(**model).to_dict()
        training = owners[name].published_training(name).to_dict()
        for place, value in re.findall(r"`([\w.]+) = ([^`]+)`", cells[2]):
            expected = tomllib.loads(f"value = {value}")["value"]
            assert expected in held(config, place) + held(training, place), (name, place, value)
            checked[name] += 1
    assert min(checked.values()) >= 2, checked


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
