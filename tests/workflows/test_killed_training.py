"""A training that is killed with SIGKILL and started again ends with the bits of one that was not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from style_run import everything, train

from qiskit_qgen.persistence import load_tensors
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME

SCRIPT = Path(__file__).with_name("style_run.py")
STEPS = 9


def start(generator, folder, *moment, steps=STEPS):
    arguments = [generator, steps, folder / "run", folder / "out.safetensors", *moment]
    return subprocess.Popen([sys.executable, str(SCRIPT), *map(str, arguments)])


def wait_until_stopped(process):
    """Wait until ``process`` has stopped itself."""
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), f"the training ended before it was killed: {status}"


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def assert_same_bits(path, expected):
    found, _ = load_tensors(path)
    assert found.keys() == expected.keys()
    different = [name for name in expected if not torch.equal(found[name], expected[name])]
    assert not different


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What uninterrupted runs give, each in a process of its own."""
    results = {}

    def result(generator, steps=STEPS):
        if (generator, steps) not in results:
            folder = tmp_path_factory.mktemp(generator)
            assert start(generator, folder, steps=steps).wait() == 0
            results[generator, steps] = load_tensors(folder / "out.safetensors")[0]
        return results[generator, steps]

    return result


def check(generator, moments, folder, expected):
    """Kill one run at each of ``moments``, then let it end and compare."""
    for moment in moments:
        process = start(generator, folder, *moment)
        wait_until_stopped(process)
        kill(process)
        assert not (folder / "out.safetensors").exists()
    assert start(generator, folder).wait() == 0
    assert_same_bits(folder / "out.safetensors", expected(generator))


# Checkpoints are written at steps 0, 3 and 6 of the autoencoder's 7 and at steps 0, 3, 6 and 9 of the adversarial 9.
MOMENTS = [("autoencoder", 2), ("autoencoder", 5), ("autoencoder", 7), ("adversarial", 1), ("adversarial", 8)]


def test_one_run_killed_in_both_phases_ends_with_the_same_bits(expected, tmp_path):
    check("quantum", [("autoencoder", 5), ("adversarial", 8)], tmp_path, expected)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_every_moment_ends_with_the_same_bits(moment, expected, tmp_path):
    check("classical", [moment], tmp_path, expected)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_kills_at_random_times_end_with_the_same_bits(expected, tmp_path):
    # Each kill falls up to 0.3 s after a checkpoint: within steps, and within writes of the next checkpoint.
    pauses, kills, checkpoint = np.random.default_rng(0), 0, tmp_path / "run" / CHECKPOINT_NAME
    while kills < 10:
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        process = start("quantum", tmp_path, steps=150)
        while process.poll() is None and (not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before):
            time.sleep(0.002)
        time.sleep(pauses.uniform(0, 0.3))
        if process.poll() is not None:
            break
        kill(process)
        kills += 1
    assert kills >= 3
    assert start("quantum", tmp_path, steps=150).wait() == 0
    assert_same_bits(tmp_path / "out.safetensors", expected("quantum", 150))


def test_another_process_gives_the_same_bits_as_this_one(expected, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        mine = everything(*train("quantum", STEPS, tmp_path / "run", resume=False))
    finally:
        torch.set_num_threads(threads)
    theirs = expected("quantum")
    assert [name for name in mine if not torch.equal(mine[name], theirs[name])] == []
