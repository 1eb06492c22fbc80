"""Train, stop, resume, save, load in a new process, sample, evaluate."""

import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from PIL import Image

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.exceptions import CheckpointError, NotFittedError, TrainingDivergedError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.metrics import IdentityFeatureExtractor
from qiskit_qgen.models import StyleQGAN, StyleQGANTraining
from qiskit_qgen.training import (
    AbstractCallback,
    EarlyStopping,
    History,
    ProgressBar,
    SampleDiscrepancy,
    SampleGrid,
    Scores,
)
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME

SIZES = {"num_qubits": 3, "num_layers": 2, "autoencoder_width": 4, "autoencoder_hidden": 16, "critic_width": 16}


class PressCtrlC(AbstractCallback):
    def __init__(self, phase, step):
        self.place = (phase, step)

    def on_step_end(self, state):
        if (state.phase.name, state.step) == self.place:
            os.kill(os.getpid(), signal.SIGINT)


def make():
    return StyleQGAN(image_shape=(1, 8, 8), **SIZES)


def training(autoencoder_steps):
    return StyleQGANTraining.of(autoencoder_steps=autoencoder_steps, autoencoder_learning_rate=0.02)


def test_from_training_to_scores(tmp_path):
    train, test = load_dataset("digits"), load_dataset("digits", split="test")
    settings = {"steps": 8, "training": training(6), "batch_size": 16, "seed": 0}

    def callbacks(*more):
        scores = Scores({"discrepancy": SampleDiscrepancy(test, 50)}, every=4)
        grids = SampleGrid(tmp_path / "grids", every=4, num_images=16)
        return [scores, EarlyStopping("discrepancy", patience=9), grids, *more]

    whole = make()
    expected = whole.fit(train, callbacks=callbacks(), **settings)

    first = make()
    with pytest.raises(KeyboardInterrupt):
        first.fit(train, callbacks=callbacks(PressCtrlC("adversarial", 3)), checkpoint_dir=tmp_path / "run", **settings)
    assert first.sample(2, seed=0).shape == (2, 1, 8, 8)
    assert first.history.steps("adversarial", "generator_loss") == [1, 2, 3]

    second = make()
    history = second.fit(
        train, callbacks=callbacks(PressCtrlC("none", 0)), checkpoint_dir=tmp_path / "run", resume=True, **settings
    )
    assert history == expected
    assert torch.equal(second.sample(4, seed=1), whole.sample(4, seed=1))

    grids = sorted(path.name for path in (tmp_path / "grids").iterdir())
    shown = [("adversarial", step) for step in (0, 4, 8)] + [("autoencoder", step) for step in (0, 4, 6)]
    assert grids == [f"{phase}-{step:06d}.png" for phase, step in shown]
    with Image.open(tmp_path / "grids" / grids[0]) as sample_image:
        assert sample_image.size == (70, 70)

    second.save_pretrained(tmp_path / "model")
    history.save(tmp_path / "history.json")
    assert History.load(tmp_path / "history.json") == expected
    code = (
        "import sys, torch; torch.set_num_threads(int(sys.argv[2]));"
        "from qiskit_qgen.models import StyleQGAN; from qiskit_qgen.persistence import save_tensors;"
        "model = StyleQGAN.from_pretrained(sys.argv[1]);"
        "save_tensors(sys.argv[3], {'samples': model.sample(4, seed=1)}); print(model.summary())"
    )
    out = tmp_path / "samples.safetensors"
    command = [sys.executable, "-c", code, str(tmp_path / "model"), str(torch.get_num_threads()), str(out)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == second.summary()
    from qiskit_qgen.persistence import load_tensors

    assert torch.equal(load_tensors(out)[0]["samples"], second.sample(4, seed=1))

    loaded = StyleQGAN.from_pretrained(tmp_path / "model")
    exact = loaded.sample(6, seed=2, execution=LocalExecution(dtype=torch.float64, threads=1))
    assert torch.allclose(exact, loaded.sample(6, seed=2), atol=1e-4)
    scores = loaded.evaluate(test, extractor=IdentityFeatureExtractor(64, name="pixel"), num_samples=100)
    assert scores["extractor"] == "pixel"
    assert scores["floor_reconstruction"]["frechet_distance"] < scores["frechet_distance"]
    assert scores["floor_real"]["frechet_distance"] < scores["frechet_distance"]
    json.dumps(scores)


def test_an_interrupted_autoencoder_leaves_nothing_to_sample(tmp_path):
    model = make()
    settings = {"steps": 3, "training": training(5), "batch_size": 8, "seed": 0, "checkpoint_dir": tmp_path}
    data = torch.rand(20, 1, 8, 8)
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, callbacks=[PressCtrlC("autoencoder", 2)], **settings)
    with pytest.raises(NotFittedError, match="no trained weights"):
        model.fit(data, warm_start=True)
    history = make().fit(data, callbacks=[], resume=True, **settings)
    assert history == make().fit(data, callbacks=[], **{**settings, "checkpoint_dir": None})


def test_a_diverging_run_keeps_its_last_good_checkpoint(tmp_path):
    class Poison(AbstractCallback):
        def on_step_end(self, state):
            if (state.phase.name, state.step) == ("adversarial", 4):
                next(state.phase.critic.parameters()).data.fill_(float("nan"))

    settings = {"steps": 6, "training": training(2), "batch_size": 8, "seed": 0}
    data = torch.rand(20, 1, 8, 8)
    with pytest.raises(TrainingDivergedError, match=r"phase 'adversarial' at step 5: loss `critic_loss` is nan"):
        make().fit(data, callbacks=[Poison()], checkpoint_dir=tmp_path, checkpoint_every=3, **settings)
    history = make().fit(data, callbacks=[], checkpoint_dir=tmp_path, checkpoint_every=3, resume=True, **settings)
    assert history == make().fit(data, callbacks=[], **settings)


def test_a_finished_run_resumes_at_once_and_a_damaged_one_not_at_all(tmp_path):
    settings = {"steps": 2, "training": training(2), "batch_size": 8, "seed": 0, "checkpoint_dir": tmp_path}
    data = torch.rand(20, 1, 8, 8)
    first, second = make(), make()
    first.fit(data, callbacks=[], **settings)
    second.fit(data, callbacks=[ProgressBar(disable=True)], resume=True, **settings)
    assert torch.equal(first.sample(3, seed=0), second.sample(3, seed=0))
    path = tmp_path / CHECKPOINT_NAME
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match="damaged"):
        make().fit(data, callbacks=[], resume=True, **settings)
