"""Runs that stand in the way of other runs: interrupted, finished, of other settings, or no runs at all."""

import json
import shutil
import signal

import pytest

from qiskit_qgen import History
from qiskit_qgen.cli.run_folder import RunFolder
from qiskit_qgen.training import ProgressLog


@pytest.fixture(scope="module")
def finished(tmp_path_factory, config):
    from typer.testing import CliRunner

    from qiskit_qgen.cli import app

    folder = tmp_path_factory.mktemp("finished") / "run"
    result = CliRunner().invoke(app, ["train", str(config), "--out", str(folder), "--seed", "3"])
    assert result.exit_code == 0, result.stderr
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A finished run of its own to damage."""
    return shutil.copytree(finished, tmp_path / "run")


def interrupt_at(monkeypatch, step):
    def on_step_end(_progress, state):
        if state.phase.name == "adversarial" and state.step == step:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ProgressLog, "on_step_end", on_step_end)


def test_an_interrupted_run_is_continued_to_the_same_bits(qgen, config, finished, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        result = qgen("train", config, "--out", folder, "--seed", 3)
    assert result.exit_code == 130
    assert not (folder / "model").exists()
    refused = qgen("train", config, "--out", folder, "--seed", 3)
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"Error: Folder {folder} holds an unfinished run: pass --resume to continue it, --overwrite to replace it, or "
        "another folder with --out.\n"
    )
    continued = qgen("train", config, "--out", folder, "--resume")
    assert continued.exit_code == 0, continued.stderr
    assert f"The run in {folder} continues." in continued.stderr
    assert "autoencoder 4/4" not in continued.stderr
    for name in ("model/model.safetensors", "scores.json", "samples.png"):
        assert (folder / name).read_bytes() == (finished / name).read_bytes(), name


def test_a_finished_run_is_not_overwritten_unless_asked(qgen, config, run):
    before = (run / "run.json").read_bytes()
    result = qgen("train", config, "--out", run, "--seed", 3)
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: Folder {run} holds a finished run: pass --overwrite to replace it, or another folder with --out.\n"
    )
    assert (run / "run.json").read_bytes() == before
    result = qgen("train", config, "--out", run, "--seed", 4, "--steps", 2, "--overwrite")
    assert result.exit_code == 0, result.stderr
    assert json.loads((run / "run.json").read_text())["seed"] == 4


def test_resuming_a_finished_run_reports_it_and_changes_nothing(qgen, config, run):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    result = qgen("train", config, "--out", run, "--resume")
    assert result.exit_code == 0
    assert result.stderr.startswith(f"Folder {run} holds this run, finished; pass --overwrite to train it again.\n")
    assert "Fréchet distance" in result.stdout
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--steps", "5"], "`steps` in [training] is 6, but now it is 5"),
        (["--batch-size", "7"], "`batch_size` in [training] is 8, but now it is 7"),
        (["--seed", "4"], "`seed` in [training] is 3, but now it is 4"),
        (["--set", "model.num_layers=2"], "`generator.num_layers` in [model] is 1, but now it is 2"),
        (["--set", "evaluate.num_samples=9"], "`num_samples` in [evaluate] is None, but now it is 9"),
    ],
)
def test_a_run_of_other_settings_is_not_resumed(qgen, config, run, flags, sentence):
    result = qgen("train", config, "--out", run, "--resume", *flags)
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: Folder {run} holds a run whose {sentence}: pass --overwrite to replace that run, or another folder "
        "with --out.\n"
    )


def test_a_finished_run_goes_on_with_more_steps(qgen, config, run):
    result = qgen("train", config, "--out", run, "--resume", "--steps", 8)
    assert result.exit_code == 0, result.stderr
    assert f"The run in {run} continues." in result.stderr
    assert History.load(run / "history.json").steps("adversarial", "generator_loss") == [1, 2, 3, 4, 5, 6, 7, 8]
    assert json.loads((run / "run.json").read_text())["finished"] is True
    again = qgen("train", config, "--out", run, "--resume", "--steps", 8)
    assert "holds this run, finished" in again.stderr


def test_an_unfinished_run_may_be_scored_in_another_way(qgen, config, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        assert qgen("train", config, "--out", folder, "--seed", 3).exit_code == 130
    result = qgen("train", config, "--out", folder, "--resume", "--set", "evaluate.num_samples=9")
    assert result.exit_code == 0, result.stderr
    assert "num_samples = 9" in (folder / "config.toml").read_text()
    assert json.loads((folder / "scores.json").read_text())["num_samples"] == 9


def test_a_continued_run_says_what_has_changed_around_it(qgen, config, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        qgen("train", config, "--out", folder, "--seed", 3)
    record = json.loads((folder / "run.json").read_text())
    record["versions"]["torch"] = "1.0"
    record["machine"]["threads"] = 99
    (folder / "run.json").write_text(json.dumps(record))
    result = qgen("train", config, "--out", folder, "--resume")
    assert (
        "Changed since the run began, so its last digits may depend on where it was interrupted: torch, threads.\n"
    ) in result.stderr


def test_a_folder_of_other_things_is_left_alone(qgen, config, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").write_text("dear to somebody")
    for flag in ([], ["--resume"], ["--overwrite"]):
        result = qgen("train", config, "--out", tmp_path, *flag)
        assert result.exit_code == 2
        assert result.stderr == (
            f"Error: Folder {tmp_path} holds 'model', but no run: choose an empty or new folder with --out.\n"
        )
    assert (tmp_path / "model" / "thesis.txt").read_text() == "dear to somebody"


def test_overwriting_leaves_what_does_not_belong_to_the_run(qgen, config, run):
    (run / "notes.txt").write_text("keep")
    result = qgen("train", config, "--out", run, "--steps", 2, "--overwrite")
    assert result.exit_code == 0, result.stderr
    assert (run / "notes.txt").read_text() == "keep"


def test_a_run_is_kept_when_the_one_to_replace_it_cannot_start(qgen, config, run):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    result = qgen("train", config, "--out", run, "--overwrite", "--set", "training.batch_size=1")
    assert result.exit_code == 2
    assert "`batch_size` must be an integer of at least 2, but is 1" in result.stderr
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_resume_and_overwrite_exclude_each_other(qgen, config, run):
    result = qgen("train", config, "--out", run, "--resume", "--overwrite")
    assert result.exit_code == 2
    assert result.stderr == "Error: Options --resume and --overwrite exclude each other.\n"


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_a_damaged_record_is_named(qgen, config, run, content):
    (run / "run.json").write_text(content)
    result = qgen("train", config, "--out", run, "--resume")
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: File {run / 'run.json'} is missing or damaged; start the run again with --overwrite.\n"
    )


def test_settings_that_are_refused_leave_no_run_behind(qgen, config, tmp_path):
    folder = tmp_path / "run"
    result = qgen("train", config, "--out", folder, "--set", "training.steps=ten")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: Argument `steps` must be a positive integer, but is ")
    assert not folder.exists()
    assert qgen("train", config, "--out", folder, "--steps", 2).exit_code == 0


def test_a_run_says_when_it_is_finished(tmp_path):
    folder = RunFolder(tmp_path / "run")
    tables = {"data": {"name": "x"}, "model": {}, "training": {"seed": None}, "evaluate": {}}
    assert folder.open(tables, resume=True, overwrite=False)
    assert isinstance(tables["training"]["seed"], int)
    assert folder.read_json("run.json")["seed"] == tables["training"]["seed"]
    assert folder.read_json("run.json")["finished"] is False
    folder.finish({"phase": 1.23456})
    assert folder.read_json("run.json")["finished"] is True
    assert folder.read_json("run.json")["seconds"] == {"phase": 1.23}
