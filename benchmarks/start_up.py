"""Processor time until commands answer: ``python -m benchmarks.start_up``.

Each command runs in a process of its own, the best of five, so that a busy machine matters little; kernels are compiled
beforehand. The bounds are 1 s for help and refusals, and 2 s for the start of a command that works.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

REPEATS = 5
SETTINGS = """
[data]
name = "digits"
num_images = 100
[model]
num_qubits = 3
num_layers = 1
[training]
steps = 1
autoencoder_steps = 1
[evaluate]
num_samples = 10
extractor = "pixel"
"""


def seconds(*arguments):
    """Return the processor seconds of one ``qgen`` command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "qiskit_qgen", *map(str, arguments)], capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        settings, misspelt, run = root / "settings.toml", root / "misspelt.toml", root / "run"
        settings.write_text(SETTINGS)
        misspelt.write_text(SETTINGS.replace("num_qubits", "num_qubit"))
        seconds("train", settings, "--out", run)
        commands = {
            "--help": ["--help"],
            "train, no such file": ["train", root / "absent.toml"],
            "train, misspelt option": ["train", misspelt],
            "sample, no such folder": ["sample", root / "absent"],
            "sample, two images": ["sample", run, "-n", 2, "-o", root / "samples.npy"],
            "train, a finished run": ["train", settings, "--out", run, "--resume"],
        }
        print(f"{'command':<26}processor seconds")
        for name, arguments in commands.items():
            print(f"{name:<26}{min(seconds(*arguments) for _ in range(REPEATS)):.2f}")


if __name__ == "__main__":
    main()
