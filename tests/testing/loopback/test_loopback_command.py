"""`python -m qiskit_qgen.testing.loopback`, and clients in other processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]

SCRIPT = """
from qiskit import QuantumCircuit
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.executor_sampler import Sampler

circuit = QuantumCircuit(5)
circuit.x(0)
circuit.measure_all()
job = Sampler(QiskitRuntimeService().backend("ibm_manila")).run([circuit], shots=8)
print(job.result()[0].data.meas.get_counts())
"""


@pytest.fixture
def start_command(tmp_path):
    """Return a function that runs the command and returns the environment that its lines export."""
    running = []

    def start(*arguments: str) -> dict[str, str]:
        command = [
            sys.executable,
            "-m",
            "qiskit_qgen.testing.loopback",
            "--port",
            "0",
            "--devices",
            "manila",
            "--noiseless",
            *arguments,
        ]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        running.append(process)
        environment = os.environ | {"HOME": str(tmp_path)}
        for line in process.stdout:
            if line.startswith("export "):
                name, value = line.removeprefix("export ").strip().split("=", 1)
                environment[name] = value.strip("'")
            if line.startswith("# faults"):
                break
        environment["LOOPBACK"] = environment["IAM_URL"]
        return environment

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        process.stdout.close()


def state(environment: dict[str, str]) -> dict:
    return requests.get(f"{environment['LOOPBACK']}/_loopback/state", timeout=10).json()


def test_script_of_a_user_runs_unchanged(start_command, tmp_path):
    environment = start_command("--state", str(tmp_path / "state"), "--fault", "error,route=POST /jobs,status=502")
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "{'00001': 8}", done.stderr
    first = state(environment)
    assert first["requests"]["POST /jobs"] == 2
    assert len(first["submissions"]) == 1
    again = start_command("--state", str(tmp_path / "state"))
    assert state(again)["submissions"] == first["submissions"]
