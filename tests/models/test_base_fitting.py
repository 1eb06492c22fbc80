"""How all three models are trained: one signature, seeds, resumed, lengthened and warm trainings, refusals."""

import copy
import inspect
import logging

import numpy as np
import pytest
import torch
from small import KINDS, changed, diffusion, hybrid, images, same, style, table, train, trained, weights

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    CheckpointError,
    DatasetError,
    GradientError,
    NotFittedError,
    TrainingDivergedError,
)
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.models import AdversarialTraining, CriticConfig, HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.training import AbstractCallback, Checkpoint

PHASE = {"style": "adversarial", "hybrid": "adversarial", "diffusion": "denoising"}
RATES = {
    "style": ("generator_learning_rate", "critic_learning_rate"),
    "hybrid": ("generator_learning_rate", "discriminator_learning_rate"),
    "diffusion": ("learning_rate",),
}
OTHERS = {
    "classical style": lambda: style("classical"),
    "table": table,
    "all of hinge": hybrid,
    "clusters": lambda: style(num_clusters=3),
    "classes": lambda: style(num_classes=2),
    "classes of hybrid": lambda: hybrid("none", num_classes=2),
    "classes of diffusion": lambda: diffusion(num_classes=2),
    "decoder": style,
    "clusters of images": lambda: hybrid("none", num_clusters=3),
    "information": lambda: diffusion(schedule="information"),
    "depolarizing": lambda: diffusion(process="depolarizing"),
    "stochastic_walk": lambda: diffusion(process="stochastic_walk"),
    "quantum noise": lambda: diffusion(noise="quantum"),
}
OPTIONS = {
    "all of hinge": {"loss": "hinge", "n_critic": 2, "augmentations": ("color", "translation", "cutout")},
    "decoder": {"decoder_steps": 6, "decoder_width": 4},
}
STOPS = {"decoder": "decoder"}


class StopAt(AbstractCallback):
    """Raises after a step of a phase, the last if none is named, as a killed process would end."""

    def __init__(self, step, error=ZeroDivisionError, phase=None):
        self.step, self.error, self.phase = step, error, phase

    def on_step_end(self, state):
        if state.phase.name == (self.phase or state.phases[-1].name) and state.step == self.step:
            raise self.error


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def test_the_three_models_are_trained_by_one_method():
    fits = [inspect.signature(model.fit) for model in (StyleQGAN, HybridGAN, QuantumDiffusion)]
    assert fits[0] == fits[1] == fits[2]
    names = ["self", "data", "labels", "steps", "batch_size", "seed", "training", "execution", "callbacks"]
    names += ["checkpoint_dir", "checkpoint_every", "resume", "warm_start", "strict"]
    assert list(fits[0].parameters) == names
    assert all(each.kind is each.KEYWORD_ONLY for each in list(fits[0].parameters.values())[2:])
    assert StyleQGAN.sample_latents is HybridGAN.sample_latents is QuantumDiffusion.sample_latents


@pytest.mark.parametrize("make", [*KINDS.values(), OTHERS["classical style"], OTHERS["table"]])
def test_the_same_seed_gives_the_same_bits_and_fit_starts_anew(make):
    first, second, state = make(), make(), torch.get_rng_state()
    data = {seed: torch.rand(20, 2) if first.image_shape is None else images(seed=seed) for seed in (0, 9)}
    history = train(first, data[0], seed=3)
    train(second, data[9], seed=5)
    assert not same(weights(first), weights(second))
    assert train(second, data[0], seed=3) == history
    assert same(weights(first), weights(second))
    if first.image_shape is not None:
        assert torch.equal(torch.get_rng_state(), state)


def test_training_changes_every_weight(kind):
    first = trained(KINDS[kind](), steps=1, **({"autoencoder_steps": 1} if kind == "style" else {}))
    second = trained(KINDS[kind](), steps=4)
    unchanged = {name for name, _ in first.named_parameters()} - changed(weights(first), weights(second))
    trainable = {name for name, parameter in first.named_parameters() if parameter.requires_grad and parameter.numel()}
    assert unchanged & trainable <= {
        "discriminator.head.bias",
        "critic.layers.6.bias",
    }  # common to real and generated scores


def test_steps_and_batch_size_of_the_call_count_before_those_of_the_training(kind):
    model = KINDS[kind]()
    short = {"autoencoder_steps": 1} if kind == "style" else {}
    options = model.training_class.of(steps=4, batch_size=5, **short)
    history = model.fit(images(6), training=options, steps=2, seed=0, callbacks=[])
    assert len(history.steps(PHASE[kind], next(iter(history.names(PHASE[kind]))))) == 2
    twin = KINDS[kind]()
    twin.fit(images(6), training=model.training_class.of(steps=2, **short), batch_size=5, seed=0, callbacks=[])
    assert same(weights(model), weights(twin))
    with pytest.raises(ArgumentTypeError, match=f"`training` must be a {type(options).__name__} or None, but is of t"):
        model.fit(images(6), training=CriticConfig())


def test_data_may_be_a_data_set_an_array_or_fewer_than_a_batch(kind):
    if kind == "style":
        digits = load_dataset("digits")
        first, second = trained(KINDS[kind](), digits), trained(KINDS[kind](), digits.images.numpy())
        assert same(weights(first), weights(second))
    whole = np.random.default_rng(0).integers(0, 255, (2, 1, 8, 8), dtype=np.uint8)
    first, second = trained(KINDS[kind](), whole), trained(KINDS[kind](), torch.from_numpy(whole).float() / 255)
    assert same(weights(first), weights(second))
    train(KINDS[kind](), images(1))


@pytest.mark.parametrize("name", [*KINDS, *OTHERS])
def test_a_stopped_training_is_resumed_to_the_bit(tmp_path, name):
    make = {**KINDS, **OTHERS}[name]
    data = torch.rand(20, 2) if name == "table" else images()
    options = {"steps": 6, "seed": 4} | OPTIONS.get(name, {})
    if "classes" in name:
        options["labels"] = torch.arange(20) % 2
    whole, stopped, resumed = make(), make(), make()
    history = train(whole, data, **options)
    place = {"checkpoint_dir": tmp_path, "checkpoint_every": 2}
    with pytest.raises(ZeroDivisionError):
        train(stopped, data, **options | {"callbacks": [StopAt(5, phase=STOPS.get(name))]}, **place)
    assert train(resumed, data, resume=True, **options, **place) == history
    assert same(weights(resumed), weights(whole))
    assert torch.equal(resumed.sample(2, seed=0), whole.sample(2, seed=0))


def test_five_steps_and_five_more_are_ten(kind, tmp_path):
    """With learning rates that do not know the end, to the bit; also from a checkpoint in the middle."""
    options = {"lr_schedule": "constant", "warmup": 0.0}
    whole, first, second = (KINDS[kind]() for _ in range(3))
    history = train(whole, steps=10, **options)
    train(first, steps=5, checkpoint_dir=tmp_path, **options)
    assert train(second, steps=10, checkpoint_dir=tmp_path, resume=True, **options) == history
    assert same(weights(second), weights(whole))
    assert train(first, steps=10, checkpoint_dir=tmp_path, resume=True, **options) == history  # now it is finished
    assert same(weights(first), weights(whole))
    with pytest.raises(CheckpointError, match=r"is 10 steps into phase .*: `steps` must be at least as many, but is 9"):
        train(first, steps=9, checkpoint_dir=tmp_path, resume=True, **options)


def test_another_length_goes_on_with_the_learning_rates_of_the_longer_training(kind, tmp_path):
    model = KINDS[kind]()
    train(model, steps=2, checkpoint_dir=tmp_path)
    before = weights(model)
    history = train(model, steps=4, checkpoint_dir=tmp_path, resume=True)
    assert history.steps(PHASE[kind], history.names(PHASE[kind])[0]) == [1, 2, 3, 4]
    assert not same(weights(model), before)


def test_a_run_without_a_seed_resumes_with_its_own(kind, tmp_path):
    first, second = KINDS[kind](), KINDS[kind]()
    history = train(first, seed=None, checkpoint_dir=tmp_path)
    assert train(second, seed=None, checkpoint_dir=tmp_path, resume=True) == history
    assert same(weights(first), weights(second))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"batch_size": 8}, "`training.batch_size` was 6, but is now 8"),
        ({"n_critic": 3}, "`training.n_critic` was 2, but is now 3"),
        ({"autoencoder_steps": 4}, "`training.autoencoder.steps` was 3, but is now 4"),
        ({"seed": 1}, "`seed` was 0, but is now 1"),
        ({"data": images(seed=1)}, "`data` was '20 samples, .*', but is now '20 samples, "),
        ({"data": images(19)}, "`data` was '20 samples, .*', but is now '19 samples, "),
        ({"critic_width": 7}, "`model.critic.width` was 8, but is now 7"),
        (
            {"execution": LocalExecution(dtype=torch.float64)},
            r"`execution` was None, but is now 'LocalExecution\(dtype=torch.float64\)'\. Resume with the same",
        ),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_name(tmp_path, change, text):
    train(style(), n_critic=2, checkpoint_dir=tmp_path)
    sizes = {"critic_width": change["critic_width"]} if "critic_width" in change else {}
    options = {name: value for name, value in change.items() if name not in ("data", *sizes)}
    with pytest.raises(CheckpointError, match=text):
        train(style(**sizes), change.get("data"), **{"n_critic": 2, **options}, checkpoint_dir=tmp_path, resume=True)
    train(style(), n_critic=2, checkpoint_dir=tmp_path, resume=True, execution=LocalExecution())  # the default by name


def test_a_warm_start_goes_on_from_the_models_own_weights(kind):
    model = trained(KINDS[kind]())
    before = weights(model)
    train(model, seed=5, warm_start=True, **dict.fromkeys(RATES[kind], 1e-9))
    for name, tensor in weights(model).items():
        torch.testing.assert_close(tensor, before[name], atol=1e-6, rtol=0)
    history = train(model, images(seed=1) / 2, seed=5, warm_start=True)
    assert history.phases == (PHASE[kind],)
    moved = {name.split(".")[0] for name in changed(weights(model), before)}
    assert moved == {"style": {"generator", "critic"}, "hybrid": {"generator", "discriminator"}}.get(kind, {"denoiser"})


def test_a_resumed_warm_start_ends_with_the_same_bits(kind, tmp_path):
    begun = trained(KINDS[kind]())
    whole, stopped, resumed = (copy.deepcopy(begun) for _ in range(3))
    options = {"seed": 5, "warm_start": True}
    train(whole, **options)
    folder = {"checkpoint_dir": tmp_path, "checkpoint_every": 1}
    with pytest.raises(ZeroDivisionError):
        train(stopped, callbacks=[StopAt(2)], **options, **folder)
    train(resumed, resume=True, **options, **folder)
    assert same(weights(resumed), weights(whole))
    assert not same(weights(stopped), weights(whole))
    # What was stopped may go on itself, although its weights have moved since the start.
    train(stopped, resume=True, **options, **folder)
    assert same(weights(stopped), weights(whole))
    other = trained(KINDS[kind](), seed=1)
    with pytest.raises(CheckpointError, match="`warm_start`"):
        train(other, resume=True, **options, **folder)


def test_there_must_be_weights_to_begin_with(kind):
    model = KINDS[kind]()
    with pytest.raises(NotFittedError, match=r"call `fit` or `from_pretrained` before `fit\(warm_start=True\)`"):
        train(model, warm_start=True)
    options = dict.fromkeys(RATES[kind], 1e30) | {"lr_schedule": "constant", "warmup": 0.0, "ema_decay": 0.0}
    with pytest.raises(TrainingDivergedError, match=f"in phase '{PHASE[kind]}' at step"):
        train(model, steps=50, clip_norm=None, **options)
    with pytest.raises(NotFittedError):
        train(model, warm_start=True)


class StopInAutoencoder(AbstractCallback):
    """Raises before the generator has been trained."""

    def on_step_end(self, state):
        assert state.phase.name == "autoencoder"
        raise ZeroDivisionError


def test_a_training_that_ends_before_the_generator_leaves_nothing_to_begin_with():
    model = style()
    with pytest.raises(ZeroDivisionError):
        train(model, callbacks=[StopInAutoencoder()])
    with pytest.raises(NotFittedError):
        train(model, warm_start=True)


def test_a_training_that_fails_takes_nothing_from_a_trained_model(kind, tmp_path):
    model = trained(KINDS[kind]())
    before, history = weights(model), model.history
    failing = [{"callbacks": [StopAt(2)]}, {"callbacks": [StopAt(2)], "warm_start": True}]
    diverging = dict.fromkeys(RATES[kind], 1e30) | {"lr_schedule": "constant", "warmup": 0.0, "ema_decay": 0.0}
    failing += [{"callbacks": [StopInAutoencoder()]}] * (kind == "style")
    for options in [*failing, {**diverging, "steps": 50, "clip_norm": None}]:
        with pytest.raises((ZeroDivisionError, TrainingDivergedError)):
            train(model, **{"seed": 1, **options})
        assert same(weights(model), before)
        assert model.history is history
    with pytest.raises(ZeroDivisionError):
        train(model, warm_start=True, callbacks=[StopAt(2)], checkpoint_dir=tmp_path)
    train(model, warm_start=True, resume=True, checkpoint_dir=tmp_path)
    assert model.history.steps(PHASE[kind], model.history.names(PHASE[kind])[0]) == [1, 2, 3]
    with pytest.raises(KeyboardInterrupt):  # what is asked for is done
        train(model, seed=1, callbacks=[StopAt(2, KeyboardInterrupt)])
    assert changed(weights(model), before)


def test_a_model_whose_weights_have_no_values_is_refused(kind):
    with torch.device("meta"):
        model = KINDS[kind]()
    for call in (lambda: train(model), lambda: model.sample(2)):
        with pytest.raises(ArgumentError, match="must have values, but it is on the device 'meta': make or load it"):
            call()


def test_the_autoencoder_of_a_warm_start_has_no_training():
    model = trained(style())
    with pytest.raises(ArgumentError, match="`autoencoder` has no effect with `warm_start`, which keeps the autoenc"):
        train(model, warm_start=True, autoencoder_steps=3)


class StopAtBegin(AbstractCallback):
    def on_train_begin(self, state):  # noqa: ARG002
        raise ZeroDivisionError


def test_a_failed_call_leaves_the_model_as_it_was(kind, tmp_path, monkeypatch):
    model = trained(KINDS[kind]())
    before, history, drawn = weights(model), model.history, model.sample(2, seed=0)
    train(KINDS[kind](), seed=1, checkpoint_dir=tmp_path)
    calls = [
        (CheckpointError, images(), {"checkpoint_dir": tmp_path}),
        (CheckpointError, images(), {"checkpoint_dir": tmp_path, "resume": True}),
        (DatasetError, images(shape=(1, 9, 9)), {}),
        (ArgumentError, images(), {"resume": True}),
        (ArgumentTypeError, images(), {"callbacks": [3]}),
        (ArgumentTypeError, images(), {"execution": "aer"}),
    ]
    for error, data, options in calls:
        with pytest.raises(error):
            train(model, data, **{"seed": 3, **options})
        assert same(weights(model), before)
        assert model.history is history
        assert torch.equal(model.sample(2, seed=0), drawn)
    with monkeypatch.context() as patched:
        patched.setattr("qiskit_qgen.models.base.fitting.audit_circuits", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(model, seed=3)
    assert same(weights(model), before)
    assert model.history is history
    with pytest.raises(ZeroDivisionError):
        train(model, warm_start=True, callbacks=[StopAtBegin()])
    assert same(weights(model), before)


def test_the_audit_warns_of_the_published_circuit_or_stops(caplog):
    model = trained(diffusion())
    with caplog.at_level(logging.WARNING):
        for make in KINDS.values():
            train(make(), steps=1, strict=True)
    assert "audit" not in caplog.text
    model = diffusion("quantum_published")
    before = weights(model)
    with pytest.raises(GradientError, match="3 inert"):
        train(model, steps=1, strict=True)
    assert same(weights(model), before)
    with caplog.at_level(logging.WARNING):
        train(model, steps=1)
    assert "3 inert" in caplog.text


def test_what_samples_is_the_average_of_the_weights(kind):
    seen = {}

    class Look(AbstractCallback):
        def on_step_end(self, state):
            if state.phase is state.phases[-1]:
                ((name, average),) = state.phase.averages.items()
                seen["average"] = {f"{name}.{key}": each.clone() for key, each in average.tensors.items()}
                seen["raw"] = {
                    f"{name}.{key}": each.detach().clone() for key, each in state.phase.modules[name].named_parameters()
                }

    model = trained(KINDS[kind](), ema_decay=0.5, callbacks=[Look()])
    final = {name: each for name, each in weights(model).items() if name in seen["raw"]}
    assert same(final, {name: seen["average"][name] for name in final})
    assert not same(final, seen["raw"])


def test_clipping_bounds_the_gradient_and_changes_the_result(kind):
    seen = []

    class Look(AbstractCallback):
        def on_step_end(self, state):
            if state.phase is state.phases[-1]:
                (name,) = state.phase.averages
                grads = [
                    each.grad.flatten() for each in state.phase.modules[name].parameters() if each.grad is not None
                ]
                seen.append(torch.cat(grads).norm().item())

    free, clipped = trained(KINDS[kind](), clip_norm=None), trained(KINDS[kind](), clip_norm=1e-3, callbacks=[Look()])
    assert 0 < max(seen) <= 1.001e-3
    assert not same(weights(free), weights(clipped))


def test_gradient_penalties_need_second_derivatives():
    from qiskit_qgen.execution import AerExecution

    options = {"steps": 1, "batch_size": 2, "execution": AerExecution()}
    train(hybrid(), images(6), loss="hinge", **options)
    with pytest.raises(GradientError):
        train(hybrid(), images(6), **options)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"steps": 0}, ArgumentError, "`steps` must be a positive integer, but is 0"),
        ({"batch_size": 0}, ArgumentError, "`batch_size` must be "),
        ({"seed": -1}, ArgumentError, "`seed` must be"),
        ({"labels": [0] * 20}, ArgumentError, "`labels` must be None for a model without classes"),
        ({"checkpoint_every": 0}, ArgumentError, "`checkpoint_every` must be a positive integer"),
        ({"checkpoint_every": 5}, ArgumentError, "`checkpoint_every` has no effect without `checkpoint_dir`: leave it"),
        ({"resume": True}, ArgumentError, "`checkpoint_dir` must name a folder if `resume` is True"),
        ({"resume": "yes"}, ArgumentTypeError, "`resume` must be True or False, but is of type str"),
        ({"warm_start": 1}, ArgumentTypeError, "`warm_start` must be True or False, but is of type int"),
        ({"strict": 1}, ArgumentTypeError, "`strict` must be True or False, but is of type int"),
        ({"callbacks": 3}, ArgumentTypeError, "`callbacks` must be a list of callbacks"),
        ({"callbacks": [3]}, ArgumentTypeError, r"`callbacks\[0\]` must be a callback, but is of type int"),
        ({"checkpoint_dir": 3}, ArgumentTypeError, "`checkpoint_dir` must be a path, but is of type int"),
        ({"checkpoint_dir": 3, "resume": True}, ArgumentTypeError, "`checkpoint_dir` must be a path"),
        ({"execution": "aer"}, ArgumentTypeError, "`execution` must be an execution such as"),
        ({"data": "digits"}, ArgumentTypeError, r"`data` must be a tensor .* of type str; load it with `load_da"),
        ({"data": [[1]]}, ArgumentTypeError, "`data` must be a tensor or a numpy array .* is of type list"),
        ({"data": images(shape=(3, 8, 8))}, DatasetError, r"`data` must hold .* of shape \(1, 8, 8\), the model's `im"),
    ],
)
def test_bad_calls_are_refused_in_a_sentence(kind, options, error, sentence):
    given = {"callbacks": [], "data": images(), **options}
    with pytest.raises(error, match=sentence):
        KINDS[kind]().fit(**given)


def test_a_callback_for_checkpoints_leaves_no_second_interval(tmp_path):
    with pytest.raises(ArgumentError, match="`checkpoint_every` has no effect beside a callback Checkpoint: leave it"):
        train(style(), checkpoint_every=5, checkpoint_dir=tmp_path / "run", callbacks=[Checkpoint(2)])


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        (
            style,
            {"autoencoder_steps": 0},
            "`autoencoder_steps` must be a positive integer for the built-in autoencoder",
        ),
        (table, {"autoencoder_steps": 3}, "`autoencoder` has no effect without an autoencoder"),
        (lambda: style("classical"), {"execution": LocalExecution()}, "`execution` must be None where no circuit runs"),
        (lambda: hybrid("none"), {"execution": LocalExecution()}, "`execution` must be None where no circuit runs"),
        (diffusion, {"label_dropout": 0.5}, "`label_dropout` has no effect on a model without classes"),
        (
            lambda: diffusion(process="depolarizing"),
            {"min_snr_gamma": 2.0},
            "`min_snr_gamma` has no effect unless the process is Gaussian",
        ),
        (lambda: diffusion(num_classes=2), {}, "`labels` must be given for a model with 2 classes"),
    ],
)
def test_options_of_a_training_without_effect_are_refused(model, options, sentence):
    made = model()
    before = weights(made)
    with pytest.raises(ArgumentError, match=sentence):
        train(made, torch.rand(20, 2) if made.image_shape is None else None, **options)
    assert same(weights(made), before)
    assert made.history is None


def test_the_settings_of_a_training_can_be_given_by_flat_names():
    options = StyleQGAN.training_class.of(autoencoder_steps=3, critic_learning_rate=0.1, latent_noise=0.0)
    assert (options.autoencoder.steps, options.critic_learning_rate, options.autoencoder.latent_noise) == (3, 0.1, 0.0)
    with pytest.raises(ArgumentTypeError, match="has no option `generator_learning_rte`: did you mean `generator_le"):
        AdversarialTraining.of(generator_learning_rte=1)
