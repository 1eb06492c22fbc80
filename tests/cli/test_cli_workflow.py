"""From a configuration to images, in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import tomllib

import numpy as np
import pytest
import torch
from PIL import Image

from qiskit_qgen import History, StyleQGAN, __version__

RUN_FILES = {
    "checkpoints",
    "circuit.png",
    "config.toml",
    "history.json",
    "history.png",
    "model",
    "nearest.png",
    "progress",
    "reconstructions.png",
    "report.html",
    "run.json",
    "samples.png",
    "scores.json",
}


def start(*arguments):
    command = [sys.executable, "-c", "from qiskit_qgen.cli import main; main()", *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def qgen(*arguments):
    process = start(*arguments)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    return out, err


@pytest.fixture(scope="module")
def run(tmp_path_factory, config):
    """A finished run, with what its command wrote."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    os.environ["QISKIT_QGEN_CACHE"] = str(tmp_path_factory.getbasetemp() / "cache")
    out, err = qgen("train", config, "--out", folder, "--seed", 3)
    return folder, out, err


def test_a_run_leaves_everything(run):
    folder, out, err = run
    assert {entry.name for entry in folder.iterdir()} == RUN_FILES
    assert {entry.name for entry in (folder / "model").iterdir()} == {
        "README.md",
        "circuit.qpy",
        "config.json",
        "model.safetensors",
    }
    assert {entry.name for entry in (folder / "checkpoints").iterdir()} == {"checkpoint.safetensors"}
    assert "Fréchet distance" in out
    assert "20 generated against 20 real images (bars.npz, test); features of pixel." in out
    assert "adversarial 6/6: sample_discrepancy" in err
    assert "36 images of" in err
    assert "and 4 held out for scores on the way" in err
    assert "Traceback" not in err


def test_the_images_of_a_run_are_images(run):
    folder, _, _ = run
    for name in ("samples", "reconstructions", "nearest", "history", "circuit"):
        with Image.open(folder / f"{name}.png") as image:
            assert min(image.size) > 50, name
            assert np.asarray(image.convert("L")).std() > 3, name
    with Image.open(folder / "samples.png") as image:
        width, height = image.size
    assert width == height
    assert width % (8 * 8 + 7) == 0


def test_a_run_notes_its_settings_seed_and_versions(run):
    folder, _, _ = run
    settings = tomllib.loads((folder / "config.toml").read_text())
    assert list(settings) == ["data", "model", "training", "evaluate", "logging"]
    assert settings["model"]["generator"]["kind"] == "quantum"
    assert settings["model"]["generator"]["num_qubits"] == 2
    assert settings["model"]["generator"]["entangler"] == "cx"
    assert settings["training"]["autoencoder"]["steps"] == 4
    assert settings["training"]["seed"] == 3
    assert settings["evaluate"]["split"] == "test"
    record = json.loads((folder / "run.json").read_text())
    assert record["finished"] is True
    assert record["seed"] == 3
    assert record["versions"]["qiskit_qgen"] == __version__
    assert record["versions"]["torch"] == torch.__version__
    assert record["machine"]["threads"] == 1
    assert set(record["seconds"]) == {"autoencoder", "adversarial", "scoring"}


def test_a_run_keeps_losses_and_scores_of_both_phases(run):
    folder, _, _ = run
    history = History.load(folder / "history.json")
    assert history.phases == ("autoencoder", "adversarial")
    assert history.steps("autoencoder", "loss") == [1, 2, 3, 4]
    assert history.steps("adversarial", "generator_loss") == [1, 2, 3, 4, 5, 6]
    assert history.steps("adversarial", "sample_discrepancy") == [0, 3, 6]


def test_samples_of_a_new_process_are_those_of_the_library(run, tmp_path):
    folder, _, _ = run
    out, _ = qgen("sample", folder / "model", "-n", 5, "--seed", 7, "-o", tmp_path / "new" / "some.npy")
    assert out == f"{tmp_path / 'new' / 'some.npy'}: 5 samples of shape (1, 8, 8), seed 7\n"
    samples = np.load(tmp_path / "new" / "some.npy", allow_pickle=False)
    assert samples.dtype == np.float32
    expected = StyleQGAN.from_pretrained(folder / "model").sample(5, seed=7)
    assert np.allclose(samples, expected.numpy(), atol=1e-5)  # another number of threads
    qgen("sample", folder, "-n", 5, "--seed", 7, "-o", tmp_path / "again.npy")
    assert np.array_equal(np.load(tmp_path / "again.npy"), samples)


def test_evaluating_a_run_gives_its_scores_again(run, sample_images, tmp_path):
    folder, _, _ = run
    table, _ = qgen(
        *("evaluate", folder / "model", "--data", sample_images, "--extractor", "pixel", "--seed", 3),
        *("--out", tmp_path / "scores.json"),
    )
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores == json.loads((folder / "scores.json").read_text())
    assert scores["data"] == "bars.npz"
    assert scores["num_samples"] == scores["num_real"] == scores["floor_real"]["num_samples"] == 20
    assert scores["floor_real"]["source"] == "reference"
    assert f"{scores['frechet_distance']:.4g}" in table
    assert f"{scores['floor_reconstruction']['kernel_distance']:.4g}" in table


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX does")
def test_ctrl_c_ends_with_130_and_says_where_the_checkpoint_is(config, tmp_path):
    folder = tmp_path / "run"
    process = start("train", config, "--out", folder, "--steps", 200000)
    for line in process.stderr:
        if "autoencoder 4/4" in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        f"Interrupted. The checkpoint is in {folder / 'checkpoints'}: the same command with --resume continues from it."
    )
    assert "Traceback" not in err
    assert out == ""
    assert (folder / "checkpoints" / "checkpoint.safetensors").exists()
    assert json.loads((folder / "run.json").read_text())["finished"] is False


def test_help_is_quick():
    heavy = ("torch", "numba", "qiskit_aer", "qiskit_ibm_runtime", "matplotlib")
    code = f"import sys\nimport qiskit_qgen.cli\nprint([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
    out, _ = qgen("--help")
    for command in ("demo", "train", "sample", "evaluate", "compare", "cost", "doctor"):
        assert command in out


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "qiskit_qgen", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Usage: qgen [OPTIONS] COMMAND" in result.stdout
