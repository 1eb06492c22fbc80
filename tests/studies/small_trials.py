"""Trials that take next to no time, in a module of their own so that worker processes find them."""

import math
import os
import signal
import time

import torch

from qiskit_qgen.exceptions import TrainingDivergedError
from qiskit_qgen.layers import QuantumLayer


def compute(configuration, folder):
    """Train a small quantum layer; the result's last digits depend on the number of threads if that is not pinned."""
    from qiskit_qgen.circuits import strongly_entangling_ansatz

    generator = torch.Generator().manual_seed(configuration["seed"])
    layer = QuantumLayer(strongly_entangling_ansatz(3, configuration["layers"]))
    with torch.no_grad():
        layer.weight.copy_(torch.rand(layer.weight.shape, generator=generator))
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = layer(torch.ones(1, 3)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    numbers = torch.rand(100_000, generator=generator)
    (folder / "image.txt").write_text("an image")
    return {"losses": losses, "sum": float(numbers.sum()), "threads": torch.get_num_threads()}


def count(configuration, folder):
    """Leave a mark at each call, fail or diverge if the configuration asks for it."""
    with (folder / "calls.txt").open("a") as calls:
        calls.write("x")
    if configuration.get("fails") and not (folder.parents[1] / "repaired").exists():
        raise RuntimeError("no memory")
    if configuration.get("diverges"):
        raise TrainingDivergedError("A loss became infinite in step 3.")
    return {"square": configuration["x"] ** 2, "pair": (1, 2)}


def slow(configuration, folder):
    """Take a moment, and leave a file that an interrupted trial leaves behind."""
    (folder / "checkpoint").write_text("unfinished")
    time.sleep(configuration["seconds"])
    return {"x": configuration["x"]}


def kill_itself_once(configuration, folder):
    """End the process that runs it, as the system does when memory is short, unless it has done so before."""
    mark = folder / "killed"
    if configuration["kills"] and not mark.exists():
        mark.write_text("once")
        os.kill(os.getpid(), signal.SIGKILL)
    return {"x": configuration["x"]}


def not_finite(configuration, folder):  # noqa: ARG001
    """Return what JSON cannot hold."""
    return {"x": float("nan")}


def score(configuration, folder):
    """Score a critic's width as the capacity study does: best at the generator's optimum, unstable if very wide."""
    with (folder / "calls.txt").open("a") as calls:
        calls.write("x")
    off = abs(math.log2(configuration["critic_width"]) - configuration["optimum"])
    waver = 0.9 if configuration["critic_width"] > configuration["unstable_above"] else 0.0
    steps = list(range(1, 21))
    values = [(1 + off + 0.01 * configuration["seed"]) * (1 + waver * (-1) ** step) for step in steps]
    scores = {"latent_sliced_wasserstein": {"steps": steps, "values": values}}
    return {"scores": scores, "critic_loss": {"steps": steps, "values": [-1.0] * 20}}
