"""A training step on a busy machine: ``python -m benchmarks.busy``.

Steps of the demo's StyleQGAN (12 qubits, 8 layers, batches of 128, 3 critic steps) beside one endless loop on each
core, and alone. Each is measured with torch's threads as a training chooses them, and with as many as there are cores.
Each case runs in a process of its own, all in turn.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time

from benchmarks.measuring import THREAD_VARIABLES, processor, versions

LARGEST_RATIO = 2.5  # busy over idle


def style_qgan_phase(num_qubits=12, num_layers=8, batch_size=128):
    """Return the second phase of a StyleQGAN's training, begun, without the training of its autoencoder."""
    import torch

    from qiskit_qgen.models import StyleQGAN, StyleQGANTraining

    model = StyleQGAN(image_shape=(1, 28, 28), num_qubits=num_qubits, num_layers=num_layers)
    training = StyleQGANTraining.of(steps=10**6, autoencoder_steps=1, batch_size=batch_size)
    images = torch.rand(1000, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    phase = model._phases(images, None, training, 0, warm_start=False)[-1]
    phase.begin()
    return phase


def time_steps(chosen, count):
    """Return the median seconds of ``count`` steps; with ``chosen``, on the threads that a training chooses."""
    from contextlib import nullcontext

    phase = style_qgan_phase()
    seconds = []
    for step in range(count + 20):  # the first fill the store of generated samples
        start = time.perf_counter()
        with phase.threads() if chosen else nullcontext():
            phase.train_step(step)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[20:])


def loop():
    while True:
        pass


def in_process(chosen, count):
    """Time steps in a process of its own, whose environment sets no number of threads."""
    environment = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    command = [sys.executable, "-m", "benchmarks.busy", "--steps", str(count), "--only", "chosen" if chosen else "all"]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["chosen", "all"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(time_steps(options.only == "chosen", options.steps))
        return
    seconds = {(chosen, busy): [] for busy in (False, True) for chosen in (False, True)}
    for _ in range(options.repeats):
        for (chosen, busy), values in seconds.items():
            loops = [multiprocessing.Process(target=loop, daemon=True) for _ in range(busy * os.cpu_count())]
            for each in loops:
                each.start()
            values.append(in_process(chosen, options.steps))
            for each in loops:
                each.kill()
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    print(f"{processor()}, {os.cpu_count()} cores; {json.dumps(versions('torch', 'numba'))}")
    print(f"{'torch threads':<24}{'idle':>9}{'busy':>9}{'busy/idle':>11}")
    for chosen, name in ((False, "as many as cores"), (True, "as a training chooses")):
        idle, busy = medians[chosen, False], medians[chosen, True]
        print(f"{name:<24}{idle * 1e3:6.1f} ms{busy * 1e3:6.1f} ms{busy / idle:11.1f}")
    ratio = medians[True, True] / medians[True, False]
    print(f"At most {LARGEST_RATIO}: {'reached' if ratio <= LARGEST_RATIO else 'missed'}.")


if __name__ == "__main__":
    main()
