"""QuantumDiffusion: the contract of a model, resumed runs, labels, executions, and what it learns."""

import json
import logging
from pathlib import Path

import pytest
import torch

from qiskit_qgen import LocalExecution, QuantumDiffusion
from qiskit_qgen.datasets import ImageDataset
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.diffusion import (
    DepolarizingProcess,
    NoiseSchedule,
    StochasticWalkProcess,
    data_spectrum,
    information_beta_schedule,
)
from qiskit_qgen.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    CheckpointError,
    DatasetError,
    GradientError,
    NotFittedError,
    TrainingDivergedError,
)
from qiskit_qgen.execution import AerExecution
from qiskit_qgen.noise import NoisePool, QuantumCircuitNoise
from qiskit_qgen.studies import audit_gradients
from qiskit_qgen.training import AbstractCallback

SMALL = {"image_shape": (1, 8, 8), "num_qubits": 3, "num_layers": 1, "width": 8, "num_steps": 20, "sampling_steps": 4}


def pictures(number=12, channels=1, seed=0):
    return torch.rand(number, channels, 8, 8, generator=torch.Generator().manual_seed(seed))


def small(**options):
    arguments = {**SMALL, **options}
    idle = {"plain": ("num_qubits", "num_layers"), "se": ("num_layers",), "se_frozen": ("num_layers",)}
    for name in idle.get(arguments.get("bottleneck"), ()):
        arguments.pop(name)
    return QuantumDiffusion(**arguments)


def fitted(steps=3, **options):
    model = small(**options)
    model.fit(pictures(), steps=steps, batch_size=4, seed=0, callbacks=[])
    return model


@pytest.fixture
def one_thread():
    """Sums in one order, whatever the machine, its load and other tests set: the same bits in each run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class StopAt(AbstractCallback):
    """Raises at a step, as a killed process would end."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, state):
        if state.step == self.step:
            raise SystemExit


def weights(model):
    return {f"{part}.{k}": v for part, n in model.networks.items() for k, v in n.state_dict().items()}


def assert_equal_weights(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


@pytest.mark.parametrize("bottleneck", ["plain", "se", "se_frozen", "quantum"])
def test_a_model_is_fitted_and_sampled(bottleneck):
    model = fitted(bottleneck=bottleneck)
    images = model.sample(5, seed=3)
    assert images.shape == (5, 1, 8, 8)
    assert images.dtype == torch.float32
    assert float(images.min()) >= 0
    assert float(images.max()) <= 1
    assert torch.equal(images, model.sample(5, seed=3))
    assert not torch.equal(images, model.sample(5, seed=4))
    assert len(model.history.values("denoising", "loss")) == 3
    assert "trained" in model.summary()
    torch.testing.assert_close(model.decode_latents(model.sample_latents(5, seed=3)), images)


def test_the_same_seed_gives_the_same_training_and_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second = fitted(), fitted()
    assert torch.equal(torch.get_rng_state(), before)
    assert_equal_weights(weights(first), weights(second))


@pytest.mark.parametrize(
    "kind",
    [{"schedule": "information"}, {"process": "depolarizing"}, {"process": "stochastic_walk"}, {"noise": "quantum"}],
)
def test_a_killed_run_is_resumed_to_the_bit(tmp_path, kind):
    options = {"steps": 6, "batch_size": 4, "seed": 0, "checkpoint_dir": tmp_path, "checkpoint_every": 2}
    whole = small(**kind)
    whole.fit(pictures(), steps=6, batch_size=4, seed=0, callbacks=[])
    with pytest.raises(SystemExit):
        small(**kind).fit(pictures(), callbacks=[StopAt(5)], **options)
    resumed = small(**kind)
    resumed.fit(pictures(), callbacks=[], resume=True, **options)
    assert_equal_weights(weights(whole), weights(resumed))
    assert whole.history.values("denoising", "loss") == resumed.history.values("denoising", "loss")
    assert torch.equal(whole.sample(2, seed=0), resumed.sample(2, seed=0))
    with pytest.raises(CheckpointError, match="belongs to another run"):
        small(**kind).fit(pictures(seed=1), callbacks=[], resume=True, **options)


@pytest.mark.parametrize("options", [{}, {"bottleneck": "plain"}, {"architecture": "published", "width": 32}])
def test_a_saved_model_is_the_same_model(tmp_path, options):
    model = fitted(schedule="information", num_classes=None, **options)
    model.save_pretrained(tmp_path / "model")
    loaded = QuantumDiffusion.from_pretrained(tmp_path / "model")
    assert_equal_weights(weights(model), weights(loaded))
    assert loaded.arguments == model.arguments
    assert torch.equal(loaded.sample(3, seed=0), model.sample(3, seed=0))
    assert loaded.history == model.history
    assert (tmp_path / "model" / "circuit.qpy").exists() == (options.get("bottleneck") != "plain")


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_steps", 10**9), ("width", 4096), ("num_qubits", 16), ("num_layers", 9999), ("schedule", "sine")],
)
def test_a_changed_configuration_is_refused(tmp_path, name, value):
    fitted().save_pretrained(tmp_path / "model")
    path = Path(tmp_path / "model" / "config.json")
    config = json.loads(path.read_text())
    config["arguments"][name] = value
    path.write_text(json.dumps(config))
    with pytest.raises(CheckpointError):
        QuantumDiffusion.from_pretrained(tmp_path / "model")


def test_a_schedule_is_fitted_to_the_pictures():
    model = fitted(schedule="information")
    expected = information_beta_schedule(data_spectrum(pictures() * 2 - 1), 20)
    torch.testing.assert_close(model.schedule.betas, expected)
    torch.testing.assert_close(fitted().schedule.betas, NoiseSchedule.named("cosine", 20).betas)


@pytest.mark.usefixtures("one_thread")
def test_labels_decide_and_guidance_strengthens():
    model = small(num_classes=2, bottleneck="se", width=16, learning_rate=0.003)
    labels = torch.arange(12) % 2
    images = labels.float().view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous()
    model.fit(ImageDataset(images, labels, "two", "train"), steps=200, batch_size=12, seed=0, callbacks=[])
    dark, light = (model.sample(4, seed=0, labels=label, sampling_steps=10).mean() for label in (0, 1))
    assert dark < 0.3
    assert light > 0.7
    both = model.sample(4, seed=0, labels=[0, 1, 0, 1], sampling_steps=10).mean((1, 2, 3))
    assert [bool(value > 0.5) for value in both] == [False, True, False, True]
    assert not torch.equal(model.sample(4, seed=0, labels=1, guidance=3.0), model.sample(4, seed=0, labels=1))
    with pytest.raises(DatasetError, match="`labels`"):
        model.sample(2, labels=2)
    with pytest.raises(ArgumentError, match="`labels`"):
        model.fit(images, steps=1)


def test_labels_and_guidance_are_refused_without_classes():
    model = fitted(steps=1, bottleneck="plain")
    with pytest.raises(ArgumentError, match="`labels`"):
        model.sample(1, labels=0)
    with pytest.raises(ArgumentError, match="`guidance`"):
        model.sample(1, guidance=2.0)


@pytest.mark.usefixtures("one_thread")
def test_constant_pictures_are_learned():
    model = small(bottleneck="quantum", learning_rate=0.01)
    images = torch.full((8, 1, 8, 8), 0.8)
    images[:, :, :4] = 0.2
    model.fit(images, steps=150, batch_size=8, seed=0, callbacks=[])
    for sampler in ("ddim", "dpm-solver", "ddpm"):
        found = model.sample(4, seed=1, sampler=sampler)
        assert float((found - images[:4]).abs().mean()) < 0.1, sampler


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("process", ["depolarizing", "stochastic_walk"])
def test_another_process_is_trained_and_sampled(process):
    model = small(bottleneck="se", process=process, width=16, learning_rate=0.005, sampling_steps=10)
    assert model.process.num_steps == 20
    dark, light = torch.full((6, 1, 8, 8), 0.1), torch.full((6, 1, 8, 8), 0.6)
    model.fit(torch.cat([dark, light]), steps=150, batch_size=12, seed=0, callbacks=[])
    means = model.sample(16, seed=1).mean((1, 2, 3))
    # Each picture is one of the two kinds, and both kinds are drawn.
    near = torch.stack([(means - 0.1).abs() < 0.1, (means - 0.6).abs() < 0.1])
    assert bool(near.any(0).all()), means
    assert near.sum(1).min() >= 2, means
    with pytest.raises(ArgumentError, match="`sampler`"):
        model.sample(1, sampler="ddpm")


def test_a_process_of_ones_own_must_be_given_again(tmp_path):
    model = fitted(process=StochasticWalkProcess(20, levels=4))
    named = fitted(process="stochastic_walk")
    assert not torch.equal(model.sample(2, seed=0), named.sample(2, seed=0))
    model.save_pretrained(tmp_path / "model")
    with pytest.raises(ArgumentError, match="`process`"):
        QuantumDiffusion.from_pretrained(tmp_path / "model")
    loaded = QuantumDiffusion.from_pretrained(tmp_path / "model", process=StochasticWalkProcess(20, levels=4))
    assert torch.equal(loaded.sample(2, seed=0), model.sample(2, seed=0))


def test_a_training_on_some_of_the_pictures():
    data = pictures(9)
    first, second = small(), small()
    first.fit(data, steps=2, batch_size=4, seed=0, num_images=5, subset_seed=2, callbacks=[])
    second.fit(subset(data, 5, 2), steps=2, batch_size=4, seed=0, callbacks=[])
    assert_equal_weights(weights(first), weights(second))


def test_noise_of_a_circuit_and_of_a_pool(tmp_path):
    quantum = fitted(noise="quantum")
    assert not torch.equal(quantum.sample(2, seed=0), fitted().sample(2, seed=0))
    pool = NoisePool.draw(tmp_path / "pool.npy", QuantumCircuitNoise(64, num_qubits=4), 500)
    model = fitted(noise=pool)
    model.save_pretrained(tmp_path / "model")
    with pytest.raises(ArgumentError, match="`noise`"):
        QuantumDiffusion.from_pretrained(tmp_path / "model")
    loaded = QuantumDiffusion.from_pretrained(tmp_path / "model", noise=pool)
    assert torch.equal(loaded.sample(2, seed=0), model.sample(2, seed=0))
    with pytest.raises(ArgumentError, match="`noise`"):
        small(noise=QuantumCircuitNoise(63, num_qubits=3))


def test_the_bottleneck_samples_on_other_executions():
    model = fitted()
    expected = model.sample(2, seed=0)
    for execution in (LocalExecution(dtype=torch.float64), AerExecution(seed=0)):
        torch.testing.assert_close(model.sample(2, seed=0, execution=execution), expected, atol=1e-3, rtol=1e-3)
    assert torch.equal(model.sample(2, seed=0), expected)
    with pytest.raises(ArgumentError, match="`execution`"):
        fitted(bottleneck="se").sample(1, execution=LocalExecution())


def test_the_audit_warns_of_the_published_circuit_or_stops(caplog):
    model = small(bottleneck="quantum_published")
    with caplog.at_level(logging.WARNING):
        model.fit(pictures(), steps=1, batch_size=4, seed=0, callbacks=[])
    assert "3 inert" in caplog.text
    with pytest.raises(GradientError, match="3 inert"):
        model.fit(pictures(), steps=1, batch_size=4, seed=0, callbacks=[], strict=True)
    caplog.clear()
    small().fit(pictures(), steps=1, batch_size=4, seed=0, callbacks=[], strict=True)
    assert "audit" not in caplog.text
    assert audit_gradients(small(), num_draws=8).inert == []


def test_the_circuit_is_trained():
    before = small()
    model = fitted(steps=8, learning_rate=0.05, ema_decay=0.0)
    start = small()
    start.fit(pictures(), steps=1, batch_size=4, seed=0, callbacks=[])
    assert before.networks["denoiser"].gate.core.weight.shape == (6,)
    with torch.no_grad():
        change = (model.networks["denoiser"].gate.core.weight - start.networks["denoiser"].gate.core.weight).abs()
    assert float(change.min()) > 1e-4


def test_a_diverging_training_is_ended():
    with pytest.raises(TrainingDivergedError):
        small(learning_rate=1e30, clip_norm=None).fit(pictures(), steps=20, batch_size=4, seed=0, callbacks=[])


def test_scores_are_computed():
    result = fitted().evaluate(pictures(8, seed=1), num_samples=6, extractor="pixel")
    assert result["frechet_distance"] >= 0
    assert result["extractor"] == "pixel"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"image_shape": (1, 10, 8)}, "image_shape"),
        ({"image_shape": (5, 8, 8)}, "image_shape"),
        ({"image_shape": (8, 8)}, "image_shape"),
        ({"bottleneck": "attention"}, "bottleneck"),
        ({"schedule": "sine"}, "schedule"),
        ({"noise": "pink"}, "noise"),
        ({"sampler": "euler"}, "sampler"),
        ({"sampling_steps": 21}, "sampling_steps"),
        ({"prediction": "noise"}, "prediction"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"guidance": -1}, "guidance"),
        ({"architecture": "published"}, "width"),
        ({"num_classes": 0}, "num_classes"),
        ({"num_qubits": 0}, "num_qubits"),
        ({"guidance": 2.0}, "guidance"),
        ({"noise": "custom"}, "noise"),
        ({"process": "heat"}, "process"),
        ({"process": "depolarizing", "noise": "quantum"}, "noise"),
        ({"process": "depolarizing", "prediction": "x0"}, "prediction"),
        ({"process": DepolarizingProcess(30)}, "num_steps"),
    ],
)
def test_bad_arguments_are_named(options, name):
    with pytest.raises(ArgumentError, match=f"`{name}"):
        small(**options)


@pytest.mark.parametrize(("bottleneck", "name"), [("plain", "num_qubits"), ("se", "num_layers")])
def test_arguments_without_effect_are_named(bottleneck, name):
    with pytest.raises(ArgumentError, match=f"`{name}` has no effect"):
        QuantumDiffusion(bottleneck=bottleneck, **{name: 2})


def test_bad_calls_are_named():
    model = small()
    with pytest.raises(NotFittedError):
        model.sample(1)
    with pytest.raises(DatasetError, match="`data`"):
        model.fit(torch.rand(3, 1, 28, 28), steps=1)
    for options, name in [({"steps": 0}, "steps"), ({"steps": 1, "batch_size": 0}, "batch_size")]:
        with pytest.raises(ArgumentError, match=f"`{name}`"):
            model.fit(pictures(), **options)
    with pytest.raises(ArgumentError, match="`labels`"):
        model.fit(pictures(), steps=1, labels=torch.zeros(12, dtype=torch.int64))


def test_labels_of_another_kind_are_refused():
    model = small(num_classes=3)
    with pytest.raises(ArgumentTypeError, match="`labels` must be a label or an array of labels, but is of type str"):
        model.fit(pictures(), labels="abc", steps=1, callbacks=[])
    model.fit(pictures(), labels=[0, 1, 2] * 4, steps=1, batch_size=4, seed=0, callbacks=[])
    with pytest.raises(ArgumentTypeError, match="`labels`"):
        model.sample(1, labels="a")


def test_all_steps_may_be_few():
    model = QuantumDiffusion((1, 8, 8), num_steps=5, sampler="ddpm", num_qubits=2, width=8)
    model.fit(pictures(), steps=1, batch_size=4, seed=0, callbacks=[])
    assert model.sample(1, seed=0).shape == (1, 1, 8, 8)


@pytest.mark.parametrize(("num_steps", "calls"), [(20, 20), (1000, 50)])
def test_the_calls_of_a_draw_are_50_or_all_steps(num_steps, calls):
    model = small(num_steps=num_steps, sampling_steps=None)
    assert model.arguments["sampling_steps"] == calls
    model.fit(pictures(), steps=1, batch_size=4, seed=0, callbacks=[])
    assert model.sample(2, seed=0).shape == (2, 1, 8, 8)
