"""The folder of a run outlives every kill: of a first run, of one that replaces another, and of one that is given up.

Run as ``python test_run_folder.py FOLDER``, it kills a process at each of its operations on files, one after the other,
and writes as JSON what a run folder holds after the next call.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qiskit_qgen.cli.run_folder import RunFolder
from qiskit_qgen.exceptions import ArgumentError

TABLES = {"data": {"name": "digits"}, "model": {}, "training": {"seed": 1}, "evaluate": {}}
AUDITED = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir")
OLD = {"model/weights": "old weights", "scores.json": "old scores", "history.json": "old history"}


def write_old(folder):
    run = RunFolder(folder)
    run.open(TABLES, resume=False, overwrite=False)
    for name, text in OLD.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    run.finish({})


def begin(folder):
    RunFolder(folder).open(TABLES, resume=False, overwrite=False)


def give_up(folder):
    run = RunFolder(folder)
    run.open(TABLES, resume=False, overwrite=True)
    run.abandon()


def finish(folder):
    run = RunFolder(folder)
    run.open(TABLES, resume=False, overwrite=True)
    for name in OLD:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("new")
    run.finish({})


def killed(action, folder, point):
    """Run ``action`` in a process that is killed at an operation on files; return whether there were that many."""
    child = os.fork()
    if child == 0:
        left = [point]

        def hook(event, details):
            if event in AUDITED and (event != "open" or (details[2] or 0) & (os.O_WRONLY | os.O_RDWR)):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        with contextlib.suppress(ArgumentError):
            sys.addaudithook(hook)
            action(folder)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def found(folder):
    """Return what the next call makes of the folder, with and without --resume, --overwrite."""
    states = []
    for how in ({"resume": False, "overwrite": False}, {"resume": True, "overwrite": False}):
        try:
            begins = RunFolder(folder).open(TABLES, **how)
            states.append("begins" if begins else "finished")
        except ArgumentError as error:
            states.append("a finished run" if "a finished run" in str(error) else str(error).replace(str(folder), "F"))
    kept = [place.name for place in (folder, folder / ".replaced") if all(
        (place / name).is_file() and (place / name).read_text() == text for name, text in OLD.items()
    )]  # fmt: skip
    return [*states, *kept, sorted(entry.name for entry in folder.iterdir() if entry.name.endswith((".tmp", ".moved")))]


def explore(root):
    results = {}
    os.fsync = lambda _: None  # what a killed process has written is not lost, but by a machine that stops
    for action in (begin, give_up, finish):
        for point in range(1000):
            folder = root / f"{action.__name__}-{point}"
            if action is not begin:
                write_old(folder)
            was_killed = killed(action, folder, point)
            results.setdefault(action.__name__, []).append([folder.name, *found(folder)])
            if not was_killed:
                break
    return results


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    command = [sys.executable, __file__, str(tmp_path_factory.mktemp("runs"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_first_run_that_was_killed_blocks_nothing(explored):
    assert len(explored["begin"]) > 5
    for _, first, then, leftovers in explored["begin"]:
        unfinished = first.startswith("Folder F holds an unfinished run: pass --resume")
        assert first == "begins" or unfinished
        assert then == "begins"
        assert leftovers == []


@pytest.mark.parametrize("action", ["give_up", "finish"])
def test_a_run_to_be_replaced_is_kept_until_the_new_one_is_finished(explored, action):
    assert len(explored[action]) > 10
    for folder, first, then, *kept, leftovers in explored[action]:
        assert leftovers == []
        if first == "a finished run":
            assert then == "finished"
            assert kept == [folder] or action == "finish"
        else:
            assert first.startswith("Folder F holds an unfinished run"), first
            assert then == "begins"
            assert kept == [".replaced"]


def test_a_file_in_the_place_of_the_folder_is_found_out_at_once(qgen, config, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        result = qgen("train", config, "--out", out, "--data", "no-such-data")
        assert result.exit_code == 2
        assert result.stderr == f"Error: Argument `--out` must be a folder, but {tmp_path / 'file'} is a file.\n"
    for command in (["study", "placement"], ["compare", tmp_path, "--execution", "a=local", "--data", "digits"]):
        assert "Argument `--out` must be a folder" in qgen(*command, "--out", tmp_path / "file").stderr
    for command in (["sample", tmp_path], ["evaluate", tmp_path, "--data", "digits"]):
        (tmp_path / "x.png").mkdir(exist_ok=True)
        assert "Argument `--out` must be a file, but" in qgen(*command, "--out", tmp_path / "x.png").stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_a_tilde_is_the_home(qgen, config, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "runs").write_text("a file")
    result = qgen("train", config, "--out", "~/runs")
    assert result.stderr == f"Error: Argument `--out` must be a folder, but {tmp_path / 'runs'} is a file.\n"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(explore(Path(sys.argv[1]))))
