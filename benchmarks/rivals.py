"""Two public quantum GANs, built with their own libraries and on this package, trained side by side.

    python -m benchmarks.rivals

- qiskit-machine-learning's tutorial "PyTorch qGAN": a ``SamplerQNN`` of six qubits (Hadamard gates, then EfficientSU2
  with six repetitions, 84 weights) in a ``TorchConnector`` with its default gradient learns a normal distribution on a
  grid of 8 x 8 points; 50 epochs, each of which is one step of Adam. The score is the relative entropy of the learnt
  distribution to the true one.
- PennyLane's demo "Quantum GANs": four circuits of five qubits, one of them an ancilla, each draw a quarter of an image
  of a handwritten zero, 8 x 8 pixels; 500 iterations of SGD with one image each. The score is a pixel distance: the
  root mean square of the difference between a generated image and the real zero nearest to it, averaged over 64 images.
  The zeros are scikit-learn's, another part of the same collection as the demo's.

Both are rebuilt from their published settings, without shots. All ways start from the same weights and see the same
data and noise, so they should reach the same scores: where these differ by more than a hundredth after the steps that
all ways take, the run fails. With the demo's own gradient these are 100 iterations. Ours simulate in float64; networks
and optimizers are in float32.

The ways take turns, a block of steps each. Seconds are those of the processor, with one thread: the time that a step
takes on an idle machine, whatever else runs on this one. The median over the blocks counts, and the first block not.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from typing import NamedTuple

import numpy as np
import pennylane as qml
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from scipy.stats import entropy
from sklearn.datasets import load_digits
from torch import nn

from benchmarks.measuring import limit_threads, processor, versions
from benchmarks.qml_examples import LAYER, OURS, STOCK, Parts, normal_on_a_grid, qgan
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.layers import QuantumLayer

LIBRARIES = ("qiskit_qgen", "qiskit", "qiskit_machine_learning", "pennylane", "pennylane_lightning", "torch")
TOLERANCE = 0.01  # relative, between the scores of all ways
BLOCKS = 10
QUBITS, ANCILLAS, DEPTH, PATCHES = 5, 1, 6, 4
SHIFT, BACKPROP = "lightning.qubit, parameter shift (as in the demo)", "default.qubit, backprop"


class Way(NamedTuple):
    """A step of training, and the score of what is trained."""

    step: object
    score: object


def qml_tutorial(way):
    """qiskit-machine-learning's qGAN, in one of three ways."""
    (generator, _), step, _, nothing = qgan(Parts(way))
    _, density = normal_on_a_grid()

    def score():
        with torch.no_grad():
            return entropy(generator(nothing).double().flatten().numpy(), density.double().flatten().numpy())

    return Way(step, score)


def stock_probabilities(device, gradient):
    """Return a function of noise (N, 5) and angles (4, 30) whose values are probabilities (N, 4, 32), by PennyLane."""

    @qml.qnode(qml.device(device, wires=QUBITS), interface="torch", diff_method=gradient)
    def circuit(noise, angles):
        for wire in range(QUBITS):
            qml.RY(noise[wire], wires=wire)
        for layer in angles.reshape(DEPTH, QUBITS):
            for wire in range(QUBITS):
                qml.RY(layer[wire], wires=wire)
            for wire in range(QUBITS - 1):
                qml.CZ(wires=[wire, wire + 1])
        return qml.probs(wires=range(QUBITS))

    return lambda noise, angles: torch.stack([torch.stack([circuit(row, each) for each in angles]) for row in noise])


def our_probabilities():
    """Return the same function with all circuits in one batch of a ``QuantumLayer``."""
    noise, angles = ParameterVector("z", QUBITS), ParameterVector("a", DEPTH * QUBITS)
    circuit = QuantumCircuit(QUBITS)
    wires = range(QUBITS - 1, -1, -1)  # PennyLane's first wire is the highest bit
    for wire, angle in zip(wires, noise, strict=True):
        circuit.ry(angle, wire)
    for layer in range(DEPTH):
        for place, wire in enumerate(wires):
            circuit.ry(angles[layer * QUBITS + place], wire)
        for wire in wires[1:]:
            circuit.cz(wire + 1, wire)
    circuit.measure_all()
    execution = LocalExecution(dtype=torch.float64, threads=1)
    layer = QuantumLayer(circuit, input_params=[*noise, *angles], execution=execution)

    def probabilities(noise, angles):
        shape = (len(noise), len(angles))
        return layer(torch.cat([noise[:, None].expand(*shape, -1), angles.expand(*shape, -1)], -1))

    return probabilities


def patch_gan(way):
    """PennyLane's patch GAN, in one of three ways."""
    devices = {SHIFT: ("lightning.qubit", "parameter-shift"), BACKPROP: ("default.qubit", "backprop")}
    probabilities = our_probabilities() if way == LAYER else stock_probabilities(*devices[way])
    pixels, labels = load_digits(return_X_y=True)
    zeros = torch.tensor(pixels[labels == 0] / 16, dtype=torch.float32)
    torch.manual_seed(0)
    angles = nn.Parameter(torch.rand(PATCHES, DEPTH * QUBITS))
    discriminator = nn.Sequential(
        *(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU()), nn.Linear(16, 1), nn.Sigmoid()
    )
    optimizers = torch.optim.SGD([angles], lr=0.3), torch.optim.SGD(discriminator.parameters(), lr=0.01)
    loss, one, zero = nn.BCELoss(), torch.ones(1, 1), torch.zeros(1, 1)
    draws = torch.Generator().manual_seed(0)

    def noise(number):
        return torch.rand(number, QUBITS, generator=draws) * math.pi / 2

    def images(noise):
        kept = probabilities(noise, angles)[..., : 2 ** (QUBITS - ANCILLAS)]  # where the ancilla is found to be 0
        return (kept / kept.amax(-1, keepdim=True)).flatten(1).float()

    fixed = noise(64)

    def step():
        real = zeros[torch.randint(len(zeros), (1,), generator=draws)]
        fake = images(noise(1))
        optimizers[1].zero_grad()
        (loss(discriminator(real), one) + loss(discriminator(fake.detach()), zero)).backward()
        optimizers[1].step()
        optimizers[0].zero_grad()
        loss(discriminator(fake), one).backward()
        optimizers[0].step()

    def score():
        with torch.no_grad():
            return float(torch.cdist(images(fixed), zeros).amin(1).mean() / 8)

    return Way(step, score)


RIVALS = {
    "qiskit-machine-learning's qGAN, relative entropy": (qml_tutorial, (STOCK, OURS, LAYER), 50, 10),
    "PennyLane's patch GAN, pixel distance": (patch_gan, (SHIFT, BACKPROP, LAYER), 500, 2),
}


def train(build, ways, steps, first_blocks):
    """Train in all ways by turns, in the first way for some of the blocks only.

    Returns:
        The number of steps that the first way took, and of each way the median seconds of a step and its scores: before
        the training, after that number of steps, and after all of them.
    """
    built = {way: build(way) for way in ways}
    scores = {way: [each.score()] for way, each in built.items()}
    seconds = {way: [] for way in ways}
    turns = np.array_split(np.arange(steps), BLOCKS)
    for turn, block in enumerate(turns):
        for way, each in built.items():
            if way == ways[0] and turn >= first_blocks:
                continue
            start = time.process_time()
            for _ in block:
                each.step()
            seconds[way].append((time.process_time() - start) / len(block))
            if turn + 1 in (first_blocks, BLOCKS):
                scores[way].append(each.score())
    taken = sum(map(len, turns[:first_blocks]))
    return taken, {way: (float(np.median(seconds[way][1:])), scores[way]) for way in ways}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME", help="the rival whose name begins so")
    parser.add_argument("--steps", type=int, help="steps of training in place of the published number")
    return parser.parse_args()


def main():
    options = parse_arguments()
    limit_threads(1)
    warnings.simplefilter("ignore")
    print(f"{processor()}, one thread; {', '.join(' '.join(each) for each in versions(*LIBRARIES).items())}\n")
    print("| rival, score | way | seconds a step | first / this | score |")
    print("|---|---|---|---|---|")
    for name, (build, ways, published, first_blocks) in RIVALS.items():
        if options.only and not name.startswith(options.only):
            continue
        steps = options.steps or published
        taken, found = train(build, ways, steps, first_blocks)
        slowest, _ = found[ways[0]]
        for way, (seconds, (before, *after)) in found.items():
            reached = [f"{score:.5f} after {number}" for score, number in zip(after, (taken, steps), strict=False)]
            cells = [name, way, f"{seconds:.5f}", f"{slowest / seconds:.0f}", ", ".join([f"{before:.5f}", *reached])]
            print(f"| {' | '.join(cells)} |", flush=True)
        together = [after[0] for _, (_, *after) in found.values()]
        if not np.ptp(together) <= TOLERANCE * np.max(together):  # nan is an error too
            raise SystemExit(f"{name}: scores after {taken} steps differ: {together}.")


if __name__ == "__main__":
    main()
