"""Locks of files: held by one process, gone with it."""

import os
import subprocess
import sys

import pytest

from qiskit_qgen.persistence import is_locked, locked_file

pytestmark = pytest.mark.skipif(os.name != "posix", reason="only POSIX systems have these locks")

# Without the package, whose import takes longer than all the rest.
HOLDER = (
    "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"
)


def test_a_lock_is_seen_while_it_is_held(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    assert not path.exists()
    with locked_file(path):
        assert is_locked(path)
    assert not is_locked(path)


def test_a_lock_ends_with_a_killed_process(tmp_path):
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        assert is_locked(path)
        process.kill()
        process.wait()
    assert not is_locked(path)


def test_a_lock_is_waited_for(tmp_path):
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER + "; import time; time.sleep(0.3)", str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == b"held\n"
        process.stdin.write(b"\n")
        process.stdin.close()
        with locked_file(path):
            assert process.wait(timeout=10) == 0
