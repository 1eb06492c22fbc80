"""The record of jobs: what a crash leaves of it, and what is read again."""

import errno
import json
import multiprocessing
import os
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
    found = Ledger(tmp_path).results(ledger.entry("d"))
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


def test_results_that_are_not_as_they_were_written_count_as_none(tmp_path, caplog):
    ledger = Ledger(tmp_path)
    for digest in "de":
        ledger.finish(digest, ledger.intend(digest), {"0.evs": np.arange(1000.0) + len(digest)})
    entry = ledger.entry("d")
    assert ledger.results(entry)["0.evs"][0] == 1
    file, other = tmp_path / "results" / "d.npz", tmp_path / "results" / "e.npz"
    whole = file.read_bytes()
    np.savez(other, **{"0.evs": np.zeros(1000)})  # well-formed, but another's
    for content in (whole[:200], other.read_bytes(), b"", whole + b"x"):
        file.write_bytes(content)
        assert ledger.results(entry) is None
    assert "d.npz are damaged, and fetched again." in caplog.text
    file.write_bytes(whole)
    assert ledger.results(entry) is not None
    ledger.append({"event": "finished", "digest": "f", "tag": "t", "result": "d.npz"})  # without a digest
    assert ledger.results(ledger.entry("f")) is None
    file.unlink()
    assert ledger.results(entry) is None


def test_a_late_word_of_an_old_job_does_not_override_the_new_one(tmp_path):
    ledger = Ledger(tmp_path)
    old = ledger.intend("d")
    ledger.submitted("d", old, "job1")
    new = ledger.intend("d")
    for late in (lambda: ledger.failed("d", old, "late"), lambda: ledger.submitted("d", old, "job1")):
        late()
        assert (ledger.entry("d").status, ledger.entry("d").tag, ledger.entry("d").job_id) == ("intended", new, None)
    ledger.submitted("d", new, "job2")
    ledger.failed("d", old, "later")
    assert (ledger.entry("d").status, ledger.entry("d").job_id) == ("submitted", "job2")
    ledger.finish("d", old, {"0.evs": np.ones(1)})  # it had not failed after all
    assert ledger.entry("d").status == "finished"


DAMAGED = [
    b'{"event": "submitted", "digest": "a", "ta',
    b"[" * 100_000,
    b"\xff\xfe",
    b"1" * 5000,
    b'{"digest": "a"}',
    b'{"event": "submitted", "digest": "a"}',
    b'{"event": "submitted", "digest": "a", "tag": 3}',
    b'{"event": ["intended"], "digest": "a", "tag": "t"}',
    b'{"event": "opened", "session_id": "s"}',
    b'{"event": "finished", "digest": "a", "tag": "t", "sha256": {}}',
]


def test_damaged_lines_are_left_out_and_named_once(tmp_path, caplog):
    ledger = Ledger(tmp_path)
    tag = ledger.intend("a")
    with ledger.file.open("ab") as file:
        file.write(b"\n".join(DAMAGED) + b"\n\n")
    ledger.submitted("a", tag, "job")
    assert [record["event"] for record in ledger.records()] == ["intended", "submitted"]
    assert ledger.session_records() == []
    assert ledger.entry("a").job_id == "job"
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"Line {n} of {ledger.file} is damaged, and left out." for n in range(2, 2 + len(DAMAGED))]


@pytest.mark.parametrize("space", [0, 1, 40, 100])
def test_a_line_is_written_whole_or_not_at_all(tmp_path, monkeypatch, space):
    ledger = Ledger(tmp_path)
    ledger.intend("a")
    before, write, left = ledger.file.read_bytes(), os.write, [space]

    def full_disk(descriptor, data):
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(descriptor, bytes(data)[: left[0]])
        left[0] -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr("os.write", full_disk)
        with pytest.raises(ExecutionError, match=r"The ledger in .* cannot be written: .*No space left"):
            ledger.intend("b")
        assert ledger.file.read_bytes() == before
        left[0] = 10**6
        patch.setattr("os.write", lambda descriptor, data: full_disk(descriptor, bytes(data)[:7]))  # in small portions
        tag = ledger.intend("b")
    assert ledger.entry("b").tag == tag


def test_results_that_find_no_room_are_said_in_one_sentence(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path)
    tag = ledger.intend("a")
    monkeypatch.setattr("pathlib.Path.write_bytes", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "Full")))
    with pytest.raises(ExecutionError, match=r"The ledger in .* cannot be written: .*Full"):
        ledger.finish("a", tag, {"0.evs": np.ones(1)})
    assert ledger.entry("a").status == "intended"


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
    assert all(json.loads(line) for line in Ledger(tmp_path).file.read_text().splitlines())


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
