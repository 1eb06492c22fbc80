"""The record of jobs: what a crash leaves of it, and what is read again."""

import json
import multiprocessing
import threading

import numpy as np
import pytest
from runtime_parts import runtime_device

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, ExecutionError
from qiskit_qgen.execution.runtime.ledger import Ledger
from qiskit_qgen.execution.runtime.sessions import SessionRecord


def test_a_request_goes_through_its_states(tmp_path):
    ledger = Ledger(tmp_path)
    assert ledger.entry("d") is None
    tag = ledger.intend("d", backend="ibm_x")
    assert (ledger.entry("d").status, ledger.entry("d").tag, ledger.entry("d").job_id) == ("intended", tag, None)
    ledger.submitted("d", tag, "job1")
    assert (ledger.entry("d").status, ledger.entry("d").job_id) == ("submitted", "job1")
    ledger.failed("d", tag, "no reason")
    assert (ledger.entry("d").status, ledger.entry("d").reason) == ("failed", "no reason")
    other = ledger.intend("d")
    assert other != tag
    assert (ledger.entry("d").status, ledger.entry("d").job_id) == ("intended", None)
    arrays = {"0.evs": np.arange(3.0), "0.meas": np.ones((2, 1), np.uint8)}
    ledger.finish("d", other, arrays, job_id="job2")
    assert Ledger(tmp_path).entry("d").status == "finished"
    found = Ledger(tmp_path).results("d")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) and found[name].dtype == arrays[name].dtype for name in found)


def test_a_torn_line_is_left_out_and_the_next_one_is_whole(tmp_path):
    ledger = Ledger(tmp_path)
    tag = ledger.intend("a")
    with ledger.file.open("ab") as file:
        file.write(b'{"event": "submitted", "digest": "a", "ta')
    assert ledger.entry("a").status == "intended"
    ledger.submitted("a", tag, "job")
    assert ledger.entry("a").job_id == "job"
    assert len(ledger.records()) == 2


def test_damaged_results_count_as_none(tmp_path):
    ledger = Ledger(tmp_path)
    assert ledger.results("d") is None
    ledger.finish("d", "tag", {"0.evs": np.arange(1000.0)})
    (file,) = (tmp_path / "results").glob("*.npz")
    file.write_bytes(file.read_bytes()[:200])
    assert ledger.results("d") is None
    np.savez(file, evil=np.array([{}], dtype=object))
    assert ledger.results("d") is None


def test_its_place(tmp_path, own_cache):
    assert Ledger().file == own_cache / "runtime" / "jobs.jsonl"
    ledger = Ledger(tmp_path / "runs" / "mine.jsonl")
    ledger.intend("d")
    assert (tmp_path / "runs" / "mine.jsonl").is_file()
    assert ledger.circuits == tmp_path / "runs" / "circuits"


def write(folder, name):
    ledger = Ledger(folder)
    for number in range(50):
        ledger.intend(f"{name}{number}", text="x" * 500)


def test_several_processes_share_it(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write, args=(tmp_path, name)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len(Ledger(tmp_path).records()) == 100
    # One that looks while another writes may take the line for torn, and leave an empty one.
    assert all(json.loads(line) for line in Ledger(tmp_path).file.read_text().splitlines() if line)


def test_its_lock_is_held_by_one_at_a_time(tmp_path):
    ledger = Ledger(tmp_path)
    entered = threading.Event()

    def second():
        with Ledger(tmp_path).lock():
            entered.set()

    thread = threading.Thread(target=second)
    with ledger.lock():
        thread.start()
        assert not entered.wait(0.2)
    thread.join(5)
    assert entered.is_set()


@pytest.mark.parametrize("path", ["folder", "file.jsonl"])
def test_nothing_is_written_before_it_is_needed(tmp_path, path):
    ledger = Ledger(tmp_path / path)
    assert ledger.records() == []
    assert list(tmp_path.iterdir()) == [own for own in tmp_path.iterdir() if own.name == "cache"]


def bad_places(folder):
    (folder / "text.txt").write_text("mine")
    (folder / "a" / "jobs.jsonl").mkdir(parents=True)
    (folder / "b.jsonl").mkdir()
    (folder / "c").mkdir()
    (folder / "c" / "results").write_text("mine")
    return {
        "": "but is empty.",
        3: "must be a path, but is of type int.",
        "/dev/null": "but /dev/null is not a folder.",
        "/dev/null/deeper": "but /dev/null is not a folder.",
        folder / "text.txt": f"but {folder / 'text.txt'} is not a folder.",
        folder / "a": f"but {folder / 'a' / 'jobs.jsonl'} is not a file.",
        folder / "b.jsonl": f"but {folder / 'b.jsonl'} is not a file.",
        folder / "c": f"but {folder / 'c' / 'results'} is not a folder.",
    }


def test_a_place_that_cannot_hold_a_ledger_is_refused_at_once(tmp_path, monkeypatch):
    for place, message in bad_places(tmp_path).items():
        with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
            runtime_device("fake_manila", ledger=place)
        assert str(error.value).startswith("Argument `ledger` must ")
        assert str(error.value).endswith(message)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ArgumentError, match=r"must name a place to write to, but .* is not writable"):
        Ledger(tmp_path / "new" / "folder")


def test_a_disk_that_refuses_is_said_in_one_sentence(tmp_path):
    ledger = Ledger(tmp_path / "late")
    (tmp_path / "late").write_text("in the way")
    with pytest.raises(ExecutionError, match=r"The ledger in .*late cannot be written"), ledger.lock():
        pytest.fail("entered")
    with pytest.raises(ExecutionError, match=r"The ledger in .*late cannot be written"):
        ledger.intend("d")


def test_sessions_of_living_processes_are_not_left_open(tmp_path):
    first = SessionRecord(Ledger(tmp_path))
    first.opened("one", backend="ibm_x", mode="session")
    first.opened("two", backend="ibm_x", mode="batch")
    second = SessionRecord(Ledger(tmp_path))
    assert second.left_open("ibm_x") == []
    del first  # as the end of its process, its locks are gone
    assert second.left_open("ibm_x") == [("one", "session"), ("two", "batch")]
    assert second.left_open("ibm_y") == []
    second.closed("one")
    assert second.left_open("ibm_x") == [("two", "batch")]
    assert Ledger(tmp_path).records() == []
