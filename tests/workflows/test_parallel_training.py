"""Trainings that torchrun starts in two processes against the same ones in one process."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import parallel_run
import pytest
import torch
from parallel_run import RUNS, everything, plain

from qiskit_qgen.persistence import load_tensors

SCRIPT = Path(__file__).with_name("parallel_run.py")
FAST, SLOW = ("style", "hybrid", "diffusion"), ("tables", "clusters", "classes", "hinge", "published", "scored")
TOLERANCE = 1e-5


def torchrun(*arguments, processes=2, timeout=240):
    """Run a command of Python in several processes; return what they wrote."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)


def ended(folder, name, rank):
    return load_tensors(folder / f"{name}-{rank}.safetensors")[0]


def in_one_process(name):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return everything(*RUNS[name]())
    finally:
        torch.set_num_threads(threads)


def assert_near(found, expected):
    """Raise unless all tensors agree to 1e-5, or to 1e-5 of the largest number of one that has larger ones."""
    assert found.keys() == expected.keys()
    off = {
        name: float((found[name] - tensor).abs().max())
        for name, tensor in expected.items()
        if tensor.numel() and (found[name] - tensor).abs().max() > TOLERANCE * max(1.0, float(tensor.abs().max()))
    }
    assert not off


def assert_same_bits(first, second):
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """The folder where two processes have left what they end with."""
    done = {}

    def folder(*names):
        if names not in done:
            done[names] = tmp_path_factory.mktemp("parallel")
            result = torchrun(SCRIPT, done[names], *names)
            assert result.returncode == 0, result.stderr
        return done[names]

    return folder


@pytest.mark.parametrize("name", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_two_processes_give_the_weights_and_the_history_of_one(name, two_processes):
    folder = two_processes(*(FAST if name in FAST else SLOW))
    first = ended(folder, name, 0)
    assert_near(first, in_one_process(name))
    assert_same_bits(ended(folder, name, 1), first)


@pytest.mark.slow
def test_four_processes_give_the_weights_of_one(tmp_path):
    result = torchrun(SCRIPT, tmp_path, "style", processes=4)
    assert result.returncode == 0, result.stderr
    assert_near(ended(tmp_path, "style", 3), in_one_process("style"))


def test_an_interrupt_of_any_process_ends_all_and_both_or_one_go_on(two_processes, tmp_path):
    folder = two_processes("interrupted", "plain", "unseeded")
    assert_same_bits(ended(folder, "interrupted", 0), ended(folder, "plain", 0))
    assert_same_bits(ended(folder, "interrupted", 1), ended(folder, "plain", 1))
    shutil.copytree(folder / "interrupted" / "stopped", tmp_path / "run")
    assert_near(everything(*plain(checkpoint_dir=tmp_path / "run", resume=True)), ended(folder, "plain", 0))


def test_a_seed_that_is_drawn_is_the_same_everywhere(two_processes):
    folder = two_processes("interrupted", "plain", "unseeded")
    assert_same_bits(ended(folder, "unseeded", 0), ended(folder, "unseeded", 1))


@pytest.mark.slow
def test_one_process_alone_runs_what_is_billed_and_for_all(two_processes, tmp_path, monkeypatch):
    folder = two_processes("billed")
    monkeypatch.setattr(parallel_run, "OUT", str(tmp_path))
    assert_near(ended(folder, "billed", 1), in_one_process("billed"))
    assert not (folder / "billed-1.txt").exists()
    assert (folder / "billed-0.txt").read_text() == (tmp_path / "billed-0.txt").read_text()


def environment(rank, port):
    """What torchrun tells a process, for processes that nothing watches over."""
    return os.environ | {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }


def two_unwatched(body, timeout=120):
    """Run Python text in two processes without torchrun; return their exit codes and errors."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    head = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r})\nfrom parallel_run import *\n"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", head + body], env=environment(rank, port), stderr=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=timeout)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    return [process.returncode for process in started], errors


FAILING = """
import qiskit_qgen.training.phases.base as phase
usual, calls = phase.average_gradients, []
def failing(weights):
    calls.append(1)
    if len(calls) == 4 and RANK == 1:
        {failure}
    usual(weights)
phase.average_gradients = failing
try:
    plain()
except RuntimeError as error:
    print(type(error).__name__, error, file=sys.stderr)
    time.sleep(1 if RANK == 0 else 60 * {lasts})
"""


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["raise RuntimeError('broken on purpose')", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_process_that_fails_or_dies_within_a_step_does_not_leave_the_other_waiting(failure):
    # The one that fails lives on, as in a notebook: its connections are closed all the same.
    codes, errors = two_unwatched(FAILING.format(failure=failure, lasts=0.1))
    assert "ParallelError The connection to another process of this training broke" in errors[0]
    assert codes[0] == 0


REFUSED = """
from qiskit_qgen.exceptions import QGenError
for options in {options}:
    try:
        plain(**options)
    except QGenError as error:
        print(type(error).__name__, error, file=sys.stderr)
"""


@pytest.mark.slow
def test_what_does_not_fit_together_is_refused_in_one_sentence_everywhere():
    options = "[{'batch_size': 7}, {'batch_size': 6}, {'steps': 3 + RANK}, {'checkpoint_dir': '/dev/null/x'}]"
    codes, errors = two_unwatched(REFUSED.format(options=options))
    assert codes == [0, 0]
    for rank, error in enumerate(errors):
        lines = [line for line in error.splitlines() if "Error" in line]
        rule = "must be divisible by 2, the number of processes, but is"
        assert lines[0] == f"ArgumentError Argument `batch_size` {rule} 7."
        assert lines[1] == f"ArgumentError Argument `generator_batch_size` {rule} 3."
        assert "ParallelError" in lines[2]
        assert "`steps`" in lines[2]
        assert lines[3].startswith("CheckpointError" if rank == 0 else "ParallelError The process with rank 0 failed")
