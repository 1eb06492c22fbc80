"""What a StyleQGAN refuses: options without effect, wrong types, saved models that would exhaust the memory."""

import inspect
import json
import time
import tracemalloc

import numpy as np
import pytest
import torch
from torch import nn

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError
from qiskit_qgen.execution import (
    AbstractExecution,
    AerExecution,
    ErrorMitigation,
    LocalExecution,
    RuntimeExecution,
    depolarizing_noise,
)
from qiskit_qgen.metrics import IdentityFeatureExtractor
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.models.fitting import describe_execution
from qiskit_qgen.models.style_effects import RULES
from qiskit_qgen.training import Checkpoint

SIZES = {"num_qubits": 2, "autoencoder_width": 4, "autoencoder_hidden": 8, "critic_width": 8}
SHORT = {"steps": 2, "autoencoder_steps": 2, "batch_size": 8, "callbacks": []}
QUANTUM, CLASSICAL = {"generator": "quantum"}, {"generator": "classical"}
TABLE, PIXELS = {"image_shape": None, "num_features": 2}, {"autoencoder": None, "generator": "classical"}


class Own(nn.Module):
    def encode(self, images):
        return images.flatten(1)[:, :4]

    def decode(self, latents):
        return latents[:, :1, None, None].sigmoid().expand(-1, 1, 8, 8)


def small(**options):
    return StyleQGAN((1, 8, 8), **{**SIZES, "num_layers": 1, **options})


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def fitted(pictures):
    model = small()
    model.fit(pictures, seed=0, **SHORT)
    return model


WITHOUT_EFFECT = [
    (QUANTUM, {"generator_width": 65}, "for generator='quantum'"),
    (QUANTUM, {"generator_depth": 1}, "for generator='quantum'"),
    (CLASSICAL, {"num_layers": 1}, "for generator='classical'"),
    (CLASSICAL, {"rotations": ("ry",)}, "for generator='classical'"),
    (CLASSICAL, {"final_rotations": ("ry",)}, "for generator='classical'"),
    (CLASSICAL, {"entanglement": "ring"}, "for generator='classical'"),
    (CLASSICAL, {"entangler": ["cx", "cz"]}, "for generator='classical'"),
    (CLASSICAL, {"entanglement": np.array([[0, 1], [1, 2]])}, "for generator='classical'"),
    (CLASSICAL, {"cyclic_style": True}, "for generator='classical'"),
    (CLASSICAL, {"init": "uniform"}, "for generator='classical'"),
    (CLASSICAL, {"init_scale": 0.2}, "for generator='classical'"),
    (CLASSICAL, {"readout_std": 0.3}, "for generator='classical'"),
    (CLASSICAL | {"latent_dim": 3}, {"observables": "Z"}, "for generator='classical' unless the length of the latent"),
    (CLASSICAL | {"latent_dim": 3, "noise_dim": 3}, {"num_qubits": 5}, "for generator='classical' unless the length"),
    ({}, {"num_features": 3}, "for pictures"),
    ({}, {"scaling": "quantile"}, "for pictures"),
    (TABLE, {"latent_dim": 2}, "without an autoencoder"),
    (TABLE, {"readout_std": 0.3}, "without an autoencoder"),
    (PIXELS, {"latent_dim": 3}, "without an autoencoder"),
    (PIXELS, {"latent_transform": "zca"}, "without an autoencoder"),
    (TABLE, {"autoencoder_learning_rate": 1e-3}, "without an autoencoder"),
    (TABLE, {"autoencoder_weight_decay": 0.0}, "without an autoencoder"),
    (PIXELS, {"autoencoder_warmup": 0.1}, "without an autoencoder"),
    (TABLE, {"absolute_error": 0.0}, "without an autoencoder"),
    (TABLE, {"latent_noise": 0.0}, "without an autoencoder"),
    (PIXELS, {"latent_shape": 0.0}, "without an autoencoder"),
    (TABLE, {"autoencoder_width": 8}, "without the built-in autoencoder"),
    (PIXELS, {"autoencoder_hidden": 8}, "without the built-in autoencoder"),
    ({"autoencoder": Own()}, {"latent_bound": "tanh"}, "without the built-in autoencoder"),
]


@pytest.mark.parametrize(("case", "option", "reason"), WITHOUT_EFFECT)
def test_options_without_effect_are_refused_unless_they_are_at_their_defaults(case, option, reason):
    (name,) = option
    with pytest.raises(ArgumentError) as caught:
        StyleQGAN(**{"image_shape": (1, 28, 28), **case, **option})
    assert str(caught.value).startswith(f"Argument `{name}` has no effect {reason}")
    assert str(caught.value).endswith(": leave it out.")
    default = inspect.signature(StyleQGAN).parameters[name].default
    StyleQGAN(**{"image_shape": (1, 28, 28), **case, name: default})


def test_every_rule_is_tested_and_names_arguments_that_exist():
    named = {name for rule in RULES for name in rule.names}
    assert named == {name for _, option, _ in WITHOUT_EFFECT for name in option}
    assert named <= set(inspect.signature(StyleQGAN).parameters)


def test_options_with_effect_in_another_place_are_taken():
    StyleQGAN(autoencoder=Own(), image_shape=(1, 8, 8), autoencoder_learning_rate=1e-3, latent_transform="none")
    StyleQGAN((1, 8, 8), 3, generator="classical", observables="Z", generator_width=8, generator_depth=1)
    StyleQGAN((1, 8, 8), 3, generator="classical", latent_dim=5)
    StyleQGAN(None, num_features=2, scaling="quantile", autoencoder=None)


def test_a_model_that_was_saved_with_options_without_effect_is_loaded(fitted, tmp_path):
    fitted.save_pretrained(tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    config = json.loads(path.read_text())
    config["arguments"] |= {"generator_width": 7, "scaling": "quantile"}
    path.write_text(json.dumps(config))
    loaded = StyleQGAN.from_pretrained(tmp_path / "m")
    assert torch.equal(loaded.sample(3, seed=0), fitted.sample(3, seed=0))
    assert loaded.arguments == fitted.arguments


def test_checkpoint_every_needs_a_folder_and_no_other_callback_for_it(pictures, tmp_path):
    model = small()
    with pytest.raises(ArgumentError, match=r"`checkpoint_every` has no effect without `checkpoint_dir`: leave it out"):
        model.fit(pictures, checkpoint_every=5, **SHORT)
    with pytest.raises(ArgumentError, match="`checkpoint_every` has no effect beside a callback Checkpoint: leave it"):
        model.fit(
            pictures, checkpoint_every=5, checkpoint_dir=tmp_path / "run", **{**SHORT, "callbacks": [Checkpoint(2)]}
        )
    model.fit(pictures, checkpoint_every=5, checkpoint_dir=tmp_path / "run", seed=0, **SHORT)


def test_an_untrained_built_in_autoencoder_is_refused(pictures):
    with pytest.raises(
        ArgumentError,
        match=r"`autoencoder_steps` must be a positive integer for the built-in autoencoder, .* but is 0: .* `auto",
    ):
        small().fit(pictures, **{**SHORT, "autoencoder_steps": 0})
    model = StyleQGAN((1, 8, 8), 2, 1, autoencoder=Own(), critic_width=8)
    model.fit(pictures, **{**SHORT, "autoencoder_steps": 0})


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (
            {"autoencoder_learning_rate": 0},
            "Argument `autoencoder_learning_rate` must be a number in (0, inf), but is 0.",
        ),
        ({"autoencoder_warmup": 1}, "Argument `autoencoder_warmup` must be a number in [0, 1), but is 1."),
        (
            {"autoencoder_weight_decay": -1},
            "Argument `autoencoder_weight_decay` must be a number in [0, inf), but is -1.",
        ),
        ({"warmup": 1}, "Argument `warmup` must be a number in [0, 1), but is 1."),
        ({"betas": (0.0, 1.0)}, "Argument `betas[1]` must be a number in [0, 1), but is 1.0."),
    ],
)
def test_errors_name_the_argument_that_the_user_wrote(option, sentence):
    with pytest.raises(ArgumentError) as caught:
        small(**option)
    assert str(caught.value) == sentence


def test_errors_of_scoring_name_the_arguments_of_evaluate(fitted, pictures):
    with pytest.raises(
        ArgumentError, match=r"`extractor` must be 'pixel', 'fid-inception-v3', a name such as .* but is 'inception'"
    ):
        fitted.evaluate(pictures, extractor="inception")
    with pytest.raises(ArgumentTypeError, match=r"`extractor` must be an extractor or its name, but is of type int"):
        fitted.evaluate(pictures, extractor=3)
    with pytest.raises(ArgumentError, match=r"`data` must have shape .* with 9 values"):
        fitted.evaluate(pictures, extractor=IdentityFeatureExtractor(9), num_samples=4)
    with pytest.raises(ArgumentError, match=r"`data` must hold at least 4 samples, but holds 3"):
        fitted.evaluate(pictures[:3], extractor="pixel", num_samples=4)
    with pytest.raises(ArgumentError, match=r"`num_samples` must be an integer of at least 2, but is 0"):
        fitted.evaluate(pictures, extractor="pixel", num_samples=0)
    with pytest.raises(ArgumentTypeError, match=r"`cache` must be a FeatureCache or None, but is of type str"):
        fitted.evaluate(pictures, extractor="pixel", cache="here")


def test_nothing_is_sampled_for_an_extractor_that_does_not_exist(fitted, pictures, monkeypatch):
    monkeypatch.setattr(StyleQGAN, "sample", lambda *_args, **_options: pytest.fail("sampled"))
    with pytest.raises(ArgumentError, match="`extractor`"):
        fitted.evaluate(pictures, extractor="inception")


def test_pixels_are_an_extractor_by_name(fitted, pictures):
    by_name = fitted.evaluate(pictures, extractor="pixel")
    assert by_name == fitted.evaluate(pictures, extractor=IdentityFeatureExtractor(64, name="pixel"))
    assert by_name["extractor"] == "pixel"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda model, data: model.fit(data, **{**SHORT, "callbacks": 3}), "`callbacks` must be a list of callbacks"),
        (
            lambda model, data: model.fit(data, checkpoint_dir=3, **SHORT),
            "`checkpoint_dir` must be a path, but is of t",
        ),
        (
            lambda model, data: model.fit(data, checkpoint_dir=3, resume=True, **SHORT),
            "`checkpoint_dir` must be a path",
        ),
        (
            lambda model, data: model.fit(data, resume="yes", **SHORT),
            "`resume` must be True or False, but is of type s",
        ),
        (lambda model, data: model.fit(data, execution="aer", **SHORT), "`execution` must be an execution such as"),
        (
            lambda model, _: model.fit("digits", **SHORT),
            r"`data` must be a tensor .* of type str; load it with `load_da",
        ),
        (lambda model, _: model.fit(None, **SHORT), "`data` must be a tensor or a numpy array .* is of type NoneType"),
        (lambda model, _: model.sample(2, execution="aer"), "`execution` must be an execution such as LocalExecution"),
        (lambda model, _: model.save_pretrained(3), "`folder` must be a path, but is of type int"),
        (lambda model, _: model.decode_latents(3), "`latents` must be a tensor, but is of type int"),
        (lambda model, _: model.history.save(3), "`path` must be a path, but is of type int"),
        (lambda *_: small(cyclic_style="no"), "`cyclic_style` must be True or False, but is of type str"),
        (lambda *_: StyleQGAN.from_pretrained(None), "`folder` must be a path, but is of type NoneType"),
        (lambda *_: StyleQGAN.from_pretrained("m", autoencoder=3), "`autoencoder` must be a module or None, but is of"),
    ],
)
def test_wrong_types_are_refused_in_a_sentence(fitted, pictures, call, sentence):
    with pytest.raises(ArgumentTypeError, match=sentence):
        call(fitted, pictures)


@pytest.mark.parametrize(
    ("changes", "network"),
    [
        ({"num_qubits": 24, "num_layers": 10**9}, "critic"),
        ({"num_layers": 10**9}, "generator"),
        ({"rotations": ["ry"] * 100_000}, "generator"),
        ({"rotations": [], "num_layers": 10**9, "init": "uniform"}, "generator"),
        ({"final_rotations": ["ry"] * 100_000}, "generator"),
        ({"noise_dim": 10**9}, "generator"),
        ({"autoencoder_width": 10**9}, "autoencoder"),
        ({"autoencoder_hidden": 10**9}, "autoencoder"),
        ({"image_shape": [10**9, 8, 8]}, "autoencoder"),
        ({"critic_width": 10**9}, "critic"),
        ({"critic_depth": 10**9}, "critic"),
        ({"generator": "classical", "generator_width": 10**9}, "generator"),
        ({"generator": "classical", "generator_depth": 10**9}, "generator"),
        ({"generator": "classical", "latent_dim": 10**9}, "critic"),
        ({"generator": "classical", "num_qubits": 10**30}, "critic"),
        ({"image_shape": None, "num_features": 10**9, "generator": "classical"}, "critic"),
    ],
)
def test_sizes_beyond_the_saved_tensors_are_refused_at_once(fitted, tmp_path, changes, network):
    fitted.save_pretrained(tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    config = json.loads(path.read_text())
    config["arguments"] |= changes
    path.write_text(json.dumps(config))
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises(
            CheckpointError, match=rf"does not take: its {network} would have [\d,]+ numbers or more, but"
        ):
            StyleQGAN.from_pretrained(tmp_path / "m")
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    "changes", [{"entanglement": [[0, 1]] * 100_000, "entangler": ["cx"] * 11}, {"entangler": ["cx", "cz"] * 250_001}]
)
def test_circuits_beyond_all_bounds_are_refused_at_once(fitted, tmp_path, changes):
    fitted.save_pretrained(tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    config = json.loads(path.read_text())
    config["arguments"] |= {"entanglement": [[0, 1], [1, 0]]} | changes
    path.write_text(json.dumps(config, separators=(",", ":")))
    start = time.perf_counter()
    with pytest.raises(CheckpointError, match="its circuit would have more than 1,000,000 two-qubit gates"):
        StyleQGAN.from_pretrained(tmp_path / "m")
    assert time.perf_counter() - start < 10


class Foreign(AbstractExecution):
    def __init__(self, token):
        self.token = token

    def __repr__(self):
        return f"Foreign({self.token})"

    def estimator(self):
        return LocalExecution().estimator()

    def sampler(self):
        return LocalExecution().sampler()


def aer_model():
    from qiskit_aer.noise import NoiseModel, ReadoutError

    model = NoiseModel()
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]), [0])
    from qiskit_aer.noise import depolarizing_error

    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["x"])
    return model


def test_executions_are_described_by_what_decides_their_values():
    noise = depolarizing_noise(one_qubit=1e-3)
    texts = [
        describe_execution(execution())
        for execution in (
            lambda: LocalExecution(dtype=torch.float64),
            lambda: LocalExecution(shots=64, seed=0),
            lambda: AerExecution(shots=64, seed=1),
            lambda: AerExecution(shots=64, noise_model=noise),
            lambda: AerExecution(noise_model=aer_model(), shots=2),
            lambda: RuntimeExecution("fake_manila", shots=99, mitigation=ErrorMitigation(twirling=True)),
            lambda: Foreign("secret"),
        )
        for _ in range(2)
    ]
    assert texts[::2] == texts[1::2]  # nothing of it lies in memory
    assert texts[0] == "LocalExecution(dtype=torch.float64)"
    assert texts[2] == "LocalExecution(shots=64, seed=0)"
    assert texts[4] == "AerExecution(shots=64, seed=1)"
    assert "0.001" in texts[6]
    assert texts[8].startswith("AerExecution(shots=2, noise_model=NoiseModel(")
    assert texts[
        10
    ] == "RuntimeExecution(backend=FakeManilaV2('fake_manila'), shots=99, mitigation=ErrorMitigation(" + (
        "twirling=True))"
    )
    assert texts[12].endswith("Foreign")
    assert "secret" not in "".join(texts)
    assert describe_execution(None) is describe_execution(LocalExecution()) is None


def test_a_checkpoint_is_not_resumed_on_another_execution(pictures, tmp_path):
    run = {"seed": 0, "checkpoint_dir": tmp_path, **SHORT}
    double = LocalExecution(dtype=torch.float64)
    expected = small().fit(pictures, execution=double, **run)
    with pytest.raises(
        CheckpointError, match=r"`execution` was 'LocalExecution\(dtype=torch.float64\)', but is now None\. Resume with"
    ):
        small().fit(pictures, resume=True, **run)
    assert small().fit(pictures, resume=True, execution=LocalExecution(dtype=torch.float64), **run) == expected
    assert b"secret" not in (tmp_path / "checkpoint.safetensors").read_bytes()


def test_a_default_execution_may_be_named_or_not(pictures, tmp_path):
    run = {"seed": 0, "checkpoint_dir": tmp_path, **SHORT}
    small().fit(pictures, **run)
    small().fit(pictures, resume=True, execution=LocalExecution(), **run)


def test_a_table_by_name_is_refused():
    with pytest.raises(ArgumentTypeError, match="`data` must be a tensor or an array of rows, but is of type str"):
        StyleQGAN(None, num_features=2, num_qubits=2, num_layers=1).fit("wine")
