"""Killed and failing saves, in processes of their own: what was saved before is still there."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qiskit_qgen.persistence import load_model_folder

DRIVER = Path(__file__).with_name("crash_points.py")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
SCENARIOS = ("file", "tensors", "model")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX processes")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    command = [sys.executable, str(DRIVER), "report", str(tmp_path_factory.mktemp("crashes"))]
    ended = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_kill_at_any_operation_leaves_the_old_content_or_the_new(scenario, report):
    after_crash, set_aside, after_next_save = zip(*report[scenario]["crash"], strict=True)
    # First old, then new: the switch happens once, and neither a mixture nor nothing is ever found.
    assert [label for label, _ in itertools.groupby(after_crash)] == ["old", "new"]
    assert after_crash.count("old") >= 4
    # Folders alone are set aside, and never half removed under the name where they would be looked for.
    assert set(set_aside) == ({"none", "old"} if scenario == "model" else {"none"})
    assert set(after_next_save) == {"next"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_full_disk_leaves_the_old_content_and_no_rubbish(scenario, report):
    full = report[scenario]["full"]
    if scenario == "file":
        assert full["error"].startswith("OSError")
    else:
        assert full["error"].startswith("CheckpointError")
        assert full["error"].endswith("thing.bin could not be written: File too large.")
    assert full["found"] == "old"
    assert full["names"] == ["thing.bin"]


def test_kills_at_arbitrary_times_leave_a_complete_model(tmp_path):
    folder = tmp_path / "model"
    command = [sys.executable, str(DRIVER), "loop", str(folder)]
    for delay in (0.05, 0.131):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
            assert process.stdout.readline().strip() == "old"
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        config, state = load_model_folder(folder)
        assert set(state["value"].tolist()) == {1.0 if config["config"]["label"] == "old" else 2.0}
