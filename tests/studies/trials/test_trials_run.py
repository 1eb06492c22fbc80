"""The runner of trials: each once, the same everywhere, whatever is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import small_trials
import torch

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError, ExecutionError
from qiskit_qgen.studies import run_trials, study_status, trial_digest

HERE = Path(__file__).parents[1]
TWELVE = [{"seed": seed, "layers": layers} for layers in (1, 2) for seed in range(6)]


def records(folder):
    """The bytes of all records by trial."""
    return {path.parent.name: path.read_bytes() for path in folder.glob("trials/*/trial.json")}


@pytest.fixture(scope="module")
def in_process(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    run_trials(small_trials.compute, TWELVE, folder)
    return records(folder)


@pytest.fixture
def importable(monkeypatch):
    """Let processes that are started as commands import the trials."""
    monkeypatch.setenv("PYTHONPATH", str(HERE), prepend=os.pathsep)


def test_results_come_in_the_order_of_configurations_and_records_are_one_line_of_json(tmp_path):
    configurations = [{"x": x} for x in (3, 1, 3, 2)]
    found = run_trials(small_trials.count, configurations, tmp_path)
    assert [record["result"]["square"] for record in found] == [9, 1, 9, 4]
    assert found[0]["result"]["pair"] == [1, 2]
    for record in found:
        path = tmp_path / "trials" / trial_digest(record["configuration"]) / "trial.json"
        assert path.read_text().count("\n") == 1
        assert json.loads(path.read_text()) == record
        assert set(record) == {"digest", "configuration", "status", "result"}
        assert (path.parent / "calls.txt").read_text() == "x"
        assert json.loads((path.parent / "timing.json").read_text())["seconds"] >= 0


def test_a_digest_depends_on_values_and_not_on_the_order_of_keys():
    one = trial_digest({"a": 1, "b": {"c": [1, 2], "d": None}})
    assert one == trial_digest({"b": {"d": None, "c": (1, 2)}, "a": 1})
    assert one != trial_digest({"a": 2, "b": {"c": [1, 2], "d": None}})
    assert len(one) == 16
    # sha256 of {"a":1} by sha256sum
    assert trial_digest({"a": 1}) == "015abd7f5cc57a2d"


def test_what_is_done_is_not_run_again_and_new_trials_join(tmp_path):
    run_trials(small_trials.count, [{"x": 1}, {"x": 2}], tmp_path)
    seen = []
    found = run_trials(small_trials.count, [{"x": 2}, {"x": 5}], tmp_path, on_trial=seen.append)
    assert [record["result"]["square"] for record in found] == [4, 25]
    assert seen == found[1:]
    assert [path.read_text() for path in tmp_path.glob("trials/*/calls.txt")] == ["x"] * 3


def test_failures_and_divergences_are_results(tmp_path):
    configurations = [{"x": 1}, {"x": 2, "fails": True}, {"x": 3, "diverges": True}]
    found = run_trials(small_trials.count, configurations, tmp_path)
    assert [record["status"] for record in found] == ["done", "failed", "diverged"]
    assert found[1]["error"] == "RuntimeError: no memory"
    assert "result" not in found[1]
    folder = tmp_path / "trials" / found[1]["digest"]
    assert "Traceback" in (folder / "error.txt").read_text()
    assert study_status(tmp_path) | {"seconds_per_trial": 0} == {
        "planned": 3, "done": 1, "diverged": 1, "failed": 1, "running": 0, "seconds_per_trial": 0, "seconds_left": 0,
    }  # fmt: skip
    (tmp_path / "repaired").touch()
    assert run_trials(small_trials.count, configurations, tmp_path) == found
    again = run_trials(small_trials.count, configurations, tmp_path, retry_failed=True)
    assert [record["status"] for record in again] == ["done", "done", "diverged"]
    assert (folder / "calls.txt").read_text() == "xx"
    assert not (folder / "error.txt").exists()
    assert (tmp_path / "trials" / found[2]["digest"] / "calls.txt").read_text() == "x"


def test_a_result_that_json_cannot_hold_is_a_failure(tmp_path):
    (record,) = run_trials(small_trials.not_finite, [{}], tmp_path)
    assert record["status"] == "failed"
    assert "`trial.result.x` must be finite" in record["error"]


def test_worker_processes_give_the_same_bytes(tmp_path, in_process):
    run_trials(small_trials.compute, TWELVE, tmp_path, workers=2)
    assert records(tmp_path) == in_process
    assert len(in_process) == 12
    assert {json.loads(text)["status"] for text in in_process.values()} == {"done"}


@pytest.mark.parametrize("count", [2, pytest.param(12, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("importable")
def test_submitit_gives_the_same_bytes(tmp_path, in_process, count):
    submitit = pytest.importorskip("submitit")
    executor = submitit.AutoExecutor(tmp_path / "logs", cluster="local")
    executor.update_parameters(timeout_min=5)
    run_trials(small_trials.compute, TWELVE[:count], tmp_path / "study", executor=executor, workers=2)
    digests = [trial_digest(configuration) for configuration in TWELVE[:count]]
    assert records(tmp_path / "study") == {digest: in_process[digest] for digest in digests}


@pytest.mark.slow
def test_dask_gives_the_same_bytes(tmp_path, in_process):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        run_trials(small_trials.compute, TWELVE, tmp_path, executor=client)
    assert records(tmp_path) == in_process


def test_threads_of_one_process_take_turns(tmp_path, in_process):
    before = torch.get_num_threads()
    with ThreadPoolExecutor(3) as executor:
        run_trials(small_trials.compute, TWELVE, tmp_path, executor=executor)
    assert records(tmp_path) == in_process
    assert torch.get_num_threads() == before


def test_the_number_of_threads_is_pinned(tmp_path):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        (record,) = run_trials(small_trials.compute, TWELVE[:1], tmp_path, threads=2)
        assert record["result"]["threads"] == 2
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_trial_whose_worker_is_killed_is_lost_and_run_again(tmp_path):
    configurations = [{"x": x, "kills": x == 1} for x in range(4)]
    with pytest.raises(
        ExecutionError,
        match=r"^1 of 4 trials were lost, since its worker process was ended from outside, exit code -9; all others "
        r"have ended: call again to run these\.$",
    ):
        run_trials(small_trials.kill_itself_once, configurations, tmp_path, workers=2)
    status = study_status(tmp_path)
    assert (status["done"], status["failed"], status["running"]) == (3, 0, 0)
    found = run_trials(small_trials.kill_itself_once, configurations, tmp_path, workers=1)
    assert [record["result"] for record in found] == [{"x": x} for x in range(4)]


SCRIPT = """
import sys
import small_trials
from qiskit_qgen.studies import run_trials

if __name__ == "__main__":
    folder, workers, count, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    print("ready", flush=True)
    run_trials(small_trials.slow, [{"x": x, "seconds": seconds} for x in range(count)], folder, workers=workers,
               on_trial=lambda record: print(record["configuration"]["x"], flush=True))
"""


def start(tmp_path, *arguments):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(HERE)}, start_new_session=True,
    )  # fmt: skip


def wait_until(condition, seconds=200.0):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def check_that_nothing_is_lost(folder, whole, count, kills):
    """Ten runs in ``folder`` were killed; one more has ended by itself."""
    assert kills == [-signal.SIGKILL] * 10
    assert records(folder) == records(whole)
    assert len(records(whole)) == count


FORKING = """
import os
import sys
import small_trials
from qiskit_qgen.studies import run_trials

folder, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
for _ in sys.stdin:
    child = os.fork()
    if not child:
        run_trials(small_trials.slow, [{"x": x, "seconds": seconds} for x in range(count)], folder)
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_killed_ten_times_a_study_ends_with_the_trials_of_an_uninterrupted_one(tmp_path):
    """Each run is a fork of a process that has imported everything, so that kills come in the midst of trials."""
    count, seconds = 90, 0.03
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    run_trials(small_trials.slow, [{"x": x, "seconds": seconds} for x in range(count)], whole)
    generator = np.random.default_rng(3)
    kills = []
    with subprocess.Popen(
        [sys.executable, "-c", FORKING, str(folder), str(count), str(seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(HERE)},
    ) as runs:  # fmt: skip
        for kill in [True] * 10 + [False]:
            print("run", file=runs.stdin, flush=True)
            child = int(runs.stdout.readline())
            if kill:
                done = len(records(folder))
                wait_until(lambda done=done: len(records(folder)) > done)
                time.sleep(generator.uniform(0, 0.1))
                os.kill(child, signal.SIGKILL)
                kills.append(int(runs.stdout.readline()))
        assert 9 <= done < count
        assert int(runs.stdout.readline()) == 0
    check_that_nothing_is_lost(folder, whole, count, kills)


@pytest.mark.slow
def test_killed_ten_times_with_its_workers_a_study_ends_with_the_trials_of_an_uninterrupted_one(tmp_path):
    count, seconds = 60, 0.05
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    run_trials(small_trials.slow, [{"x": x, "seconds": seconds} for x in range(count)], whole)
    generator = np.random.default_rng(3)
    kills = []
    for _ in range(10):
        process = start(tmp_path, folder, 2, count, seconds)
        assert process.stdout.readline() == "ready\n"
        process.stdout.readline()  # the first trial to end, since all takes its time to start
        time.sleep(generator.uniform(0, 0.15))
        process.kill()
        kills.append(process.wait())
        process.stdout.close()
        wait_until(lambda: study_status(folder)["running"] == 0 if (folder / "plan.json").exists() else True)
    assert 0 < len(records(folder)) < count
    process = start(tmp_path, folder, 2, count, seconds)
    process.communicate(timeout=250)
    assert process.returncode == 0
    check_that_nothing_is_lost(folder, whole, count, kills)


def test_workers_end_with_the_process_that_made_them(tmp_path):
    process = start(tmp_path, tmp_path / "study", 1, 1, 600)
    wait_until(lambda: list(tmp_path.glob("study/trials/*/checkpoint")))
    status = study_status(tmp_path / "study")
    assert (status["planned"], status["running"], status["seconds_left"]) == (1, 1, None)
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until(lambda: study_status(tmp_path / "study")["running"] == 0, seconds=60)


def test_an_interrupt_ends_the_workers_and_loses_only_what_they_were_at(tmp_path):
    folder = tmp_path / "study"
    process = start(tmp_path, folder, 1, 3, 600)
    wait_until(lambda: list(folder.glob("trials/*/checkpoint")))
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C reaches the whole group
    process.communicate(timeout=100)
    assert process.returncode != 0
    assert study_status(folder)["running"] == 0
    assert records(folder) == {}


def test_no_two_processes_run_the_same_trial(tmp_path):
    """A second runner that meets a trial that is being run waits for it, and takes its record."""
    configurations = [{"x": 1, "seconds": 0.5}]
    threads = [
        threading.Thread(target=run_trials, args=(small_trials.slow, configurations, tmp_path), kwargs={"workers": 1})
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (timing,) = tmp_path.glob("trials/*/timing.json")
    assert (time.time() - json.loads(timing.read_text())["started"]) < 60
    assert len(records(tmp_path)) == 1


def test_another_study_is_refused(tmp_path):
    run_trials(small_trials.count, [{"x": 1}], tmp_path, settings={"data": {"name": "digits"}, "steps": 5})
    with pytest.raises(
        ArgumentError,
        match=r"^Folder .* holds a study whose `settings\.data\.name` is 'digits', but now it is 'tiles': choose "
        r"another folder\.$",
    ):
        run_trials(small_trials.count, [{"x": 1}], tmp_path, settings={"data": {"name": "tiles"}, "steps": 5})
    with pytest.raises(ArgumentError, match=r"whose `function` is 'small_trials\.count', but now it is"):
        run_trials(small_trials.not_finite, [{"x": 1}], tmp_path, settings={"data": {"name": "digits"}, "steps": 5})


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ArgumentError, match=r"holds 'thesis.tex', but no study: choose an empty or new folder\."):
        run_trials(small_trials.count, [{"x": 1}], tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"function": lambda *_: {}}, ArgumentError, "`function` must be a function at the top level of a module"),
        ({"configurations": [{"x": {1, 2}}]}, ArgumentError, "`configuration.x` must be a dict, list, text"),
        ({"configurations": [3]}, ArgumentTypeError, "`configuration` must be a mapping of names to values"),
        ({"configurations": {"x": 1}}, ArgumentTypeError, "`configurations` must be a sequence"),
        ({"workers": -1}, ArgumentError, "`workers` must be a non-negative integer, but is -1"),
        ({"threads": 0}, ArgumentError, "`threads` must be a positive integer, but is 0"),
        ({"executor": 3}, ArgumentTypeError, "`executor` must have a method `submit`, but is 3"),
        ({"settings": 3}, ArgumentTypeError, "`settings` must be a mapping of names to values or None"),
    ],
)
def test_arguments_are_checked_before_anything_is_written(tmp_path, changed, error, message):
    arguments = {"function": small_trials.count, "configurations": [{"x": 1}], **changed}
    with pytest.raises(error, match=rf"^Argument {message}"):
        run_trials(folder=tmp_path / "study", **arguments)
    assert not (tmp_path / "study").exists()


def test_a_damaged_record_is_told(tmp_path):
    (record,) = run_trials(small_trials.count, [{"x": 1}], tmp_path)
    path = tmp_path / "trials" / record["digest"] / "trial.json"
    for text in ("{", "[]", json.dumps(record | {"digest": "0" * 16}), json.dumps(record | {"status": "odd"})):
        path.write_text(text)
        with pytest.raises(CheckpointError, match=rf"^File {path} "):
            run_trials(small_trials.count, [{"x": 1}], tmp_path)


def test_the_status_of_no_study_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"holds no study: it has no plan\.json\.$"):
        study_status(tmp_path)


@pytest.mark.parametrize("digest", ["../../secret", "..", "/etc/passwd", "", "a" * 3, 7, None, ["a"]])
def test_a_plan_leads_nowhere_out_of_its_folder(tmp_path, digest):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "trial.json").write_text('{"digest": "../../secret", "status": "done"}')
    folder = tmp_path / "study" / "inner"
    (folder / "trials").mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps([{"digest": digest, "configuration": {}}]))
    with pytest.raises(CheckpointError, match=r"plan\.json is damaged: it lists no trials"):
        study_status(folder)
