"""Seconds of a WGAN-GP step of a HybridGAN with circuits in both networks, against its classical twin's.

    python -m benchmarks.hybrid_steps

Five qubits and 15 weights in each block, images of 1 x 32 x 32, batches of 64, two updates of the discriminator for
each of the generator, each with a gradient penalty: second derivatives through the circuit. The step of the model and
that of its twin run by turns in one process. To reach: a ratio of at most 1.5.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.measuring import limit_threads, processor, time_alternating, versions

LARGEST_RATIO = 1.5


def stepper(model, images, batch_size):
    """Return a function that does one more training step of ``model``."""
    from qiskit_qgen.training import AdversarialTraining

    training = AdversarialTraining(loss="wgan-gp", n_critic=2, steps=10**6, batch_size=batch_size)
    (phase,) = model._phases(images, None, training, 0, warm_start=False)
    phase.begin()
    steps = iter(range(10**6))
    return lambda: phase.train_step(next(steps))


def measure(backbone, *, batch_size, repeats):
    """Return seconds per step of a model with circuits in both networks and of its twin, and their ratio."""
    import torch

    from qiskit_qgen.models import HybridGAN
    from qiskit_qgen.studies import classical_twin

    model = HybridGAN(image_shape=(1, 32, 32), quantum_in="both", num_qubits=5, backbone=backbone)
    twin = classical_twin(model)
    images = torch.rand(256, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    functions = {"quantum": stepper(model, images, batch_size), "twin": stepper(twin.model, images, batch_size)}
    seconds, _ = time_alternating(functions, repeats)
    return {
        "backbone": backbone,
        "quantum_seconds": seconds["quantum"],
        "twin_seconds": seconds["twin"],
        "ratio": seconds["quantum"] / seconds["twin"],
        "parameters": {"quantum": twin.quantum_parameters, "twin": twin.classical_parameters},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--backbones", nargs="+", default=["efficientnet-lite0", "conv"])
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file too")
    options = parser.parse_args()
    limit_threads(options.threads)
    rows = [measure(name, batch_size=options.batch_size, repeats=options.repeats) for name in options.backbones]
    print(f"{processor()}, {options.threads} threads; batch {options.batch_size}")
    print(", ".join(f"{name} {version}" for name, version in versions("qiskit_qgen", "torch").items()), end="\n\n")
    print("| backbone | circuits in both, ms | classical twin, ms | ratio | to reach |\n|---|---|---|---|---|")
    for row in rows:
        milliseconds = " | ".join(f"{1000 * row[name]:.0f}" for name in ("quantum_seconds", "twin_seconds"))
        print(f"| {row['backbone']} | {milliseconds} | {row['ratio']:.2f} | {LARGEST_RATIO} |")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if all(row["ratio"] <= LARGEST_RATIO for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
