"""Trainings that go on from a model's own weights."""

import copy

import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError, NotFittedError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.training import AbstractCallback

SMALL = {"num_qubits": 2, "num_layers": 1, "autoencoder_width": 4, "autoencoder_hidden": 8, "critic_width": 8}
SHORT = {"steps": 3, "batch_size": 8, "callbacks": []}
PICTURES = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
OTHERS = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(1)) / 2
TINY = {"generator_learning_rate": 1e-9, "critic_learning_rate": 1e-9}


def model(**options):
    return StyleQGAN((1, 8, 8), **SMALL, **options)


def state(model, *names):
    chosen = names or model.networks
    return {f"{name}.{key}": each.clone() for name in chosen for key, each in model.networks[name].state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class StopAfter(AbstractCallback):
    def __init__(self, step, error):
        self.step, self.error = step, error

    def on_step_end(self, state):
        if state.step == self.step:
            raise self.error


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "model"
    trained = model()
    trained.fit(PICTURES, seed=0, autoencoder_steps=3, **SHORT)
    trained.save_pretrained(folder)
    return folder


def loaded(folder):
    return StyleQGAN.from_pretrained(folder)


def test_generator_and_critic_go_on_and_the_rest_stays(saved):
    trained = loaded(saved)
    before = state(trained)
    history = trained.fit(OTHERS, seed=5, warm_start=True, execution=LocalExecution(dtype=torch.float64), **SHORT)
    assert history.steps("adversarial", "generator_loss") == [1, 2, 3]
    assert history.names("autoencoder") == ()
    kept = state(trained, "autoencoder", "normalizer")
    assert same(kept, {name: before[name] for name in kept})
    for part in ("generator", "critic"):
        now = state(trained, part)
        assert not same(now, {name: before[name] for name in now})


def test_the_training_begins_with_the_models_weights():
    trained = model(**TINY)
    trained.fit(PICTURES, seed=0, autoencoder_steps=3, **SHORT)
    before = state(trained)
    trained.fit(PICTURES, seed=5, warm_start=True, **SHORT)
    for name, tensor in state(trained).items():
        torch.testing.assert_close(tensor, before[name], atol=1e-6, rtol=0)


def test_a_resumed_warm_start_ends_with_the_same_bits(saved, tmp_path):
    options = {"seed": 5, "warm_start": True, **SHORT}
    whole, stopped, resumed = loaded(saved), loaded(saved), loaded(saved)
    whole.fit(PICTURES, **options)
    folder = {"checkpoint_dir": tmp_path, "checkpoint_every": 1}
    with pytest.raises(RuntimeError, match="stopped"):
        stopped.fit(PICTURES, **options | {"callbacks": [StopAfter(2, RuntimeError("stopped"))]}, **folder)
    other = copy.deepcopy(stopped)
    resumed.fit(PICTURES, resume=True, **options, **folder)
    assert same(state(resumed), state(whole))
    assert not same(state(stopped), state(whole))
    # What was stopped may go on itself, although its weights have moved since the start.
    other.fit(PICTURES, resume=True, **options, **folder)
    assert same(state(other), state(whole))


def test_the_checkpoint_of_another_models_training_is_refused(saved, tmp_path):
    loaded(saved).fit(PICTURES, seed=5, warm_start=True, checkpoint_dir=tmp_path, **SHORT)
    other = model()
    other.fit(PICTURES, seed=1, autoencoder_steps=3, **SHORT)
    with pytest.raises(CheckpointError, match="`warm_start`"):
        other.fit(PICTURES, seed=5, warm_start=True, checkpoint_dir=tmp_path, resume=True, **SHORT)


def test_a_warm_start_that_is_stopped_at_once_leaves_a_model_that_samples(saved):
    trained = loaded(saved)
    before = trained.sample(3, seed=0)

    class StopAtBegin(AbstractCallback):
        def on_train_begin(self, state):  # noqa: ARG002
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        trained.fit(PICTURES, seed=5, warm_start=True, **SHORT | {"callbacks": [StopAtBegin()]})
    assert torch.equal(trained.sample(3, seed=0), before)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"autoencoder_steps": 3}, ArgumentError, "`autoencoder_steps` must be None if `warm_start` is True"),
        ({"warm_start": 1}, ArgumentTypeError, "`warm_start`"),
    ],
)
def test_what_does_not_go_together_is_refused(saved, options, error, text):
    with pytest.raises(error, match=text):
        loaded(saved).fit(PICTURES, seed=5, **{"warm_start": True, **SHORT, **options})


def test_an_untrained_model_has_no_weights_to_begin_with():
    with pytest.raises(NotFittedError, match=r"call `fit` or `from_pretrained` before `fit\(warm_start=True\)`"):
        model().fit(PICTURES, warm_start=True, **SHORT)
