"""Peers whose pinned versions exclude ours: each in an environment of its own, which ``make bench`` makes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.workloads import UnsupportedError

ROOT = Path(__file__).resolve().parent.parent


def environment(name):
    """Return the interpreter of a peer's environment."""
    return ROOT / f".venv-{name}" / "bin" / "python"


def environment_versions(name):
    """Return the versions that a peer's environment pins."""
    lines = (ROOT / "benchmarks" / f"{name}.txt").read_text().splitlines()
    pins = (line.split("==") for line in lines)
    return {f"{library} ({name})": version for library, version in pins}


class PipedPeer:
    """A workload on a peer that runs in a process of its own; its answers are those of a function.

    Args:
        name: Of the environment and of the worker's function.
        work: The workload.

    Raises:
        UnsupportedError: If the peer cannot run the workload.
    """

    def __init__(self, name, work):
        # Threads that wait for work give way: the next peer is to have the processor.
        variables = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_WAIT_POLICY": "passive",
        }
        self._name = name
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [environment(name), Path(__file__).with_name("peer_worker.py"), name],
            env={key: value for key, value in variables.items() if key != "PYTHONPATH"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
        )
        observables = [[(term.factor, term.paulis) for term in terms] for terms in work.observables]
        gates = [tuple(gate) for gate in work.gates]
        numbers = {"num_qubits": work.num_qubits, "num_angles": work.num_angles}
        self._ask({**numbers, "gates": gates, "observables": observables})

    def __call__(self, angles, cotangent):
        """Return values and gradient."""
        return self._ask((angles, cotangent))

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._messages.close()

    def _ask(self, question):
        try:
            pickle.dump(question, self._process.stdin)
            self._process.stdin.flush()
            answer = pickle.load(self._process.stdout)  # noqa: S301 - of the process that was started here
        except (EOFError, BrokenPipeError):
            self._messages.seek(0)
            last = self._messages.read().decode(errors="replace").strip().splitlines()[-1:]
            sys.exit(f"The process of the peer {self._name} has ended: {' '.join(last) or self._process.wait()}")
        if isinstance(answer, dict) and "reason" in answer:
            self.close()
            raise UnsupportedError(f"{self._name}: {answer['reason']}")
        return answer
