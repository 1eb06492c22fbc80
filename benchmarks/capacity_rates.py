"""Which learning rates suit each kind of generator of the capacity study (capacity.toml), before it is run.

    python -m benchmarks.capacity_rates --out runs/capacity-rates

Trains two quantum and two classical generators against a small and a large critic, with every pair of learning rates
and a seed that the study does not use, and prints for each kind the mean late score over these sizes by rates, and how
many of the trainings are stable by the default rule. The same command resumes.
"""

from __future__ import annotations

import argparse
from itertools import product
from math import exp, inf, log
from pathlib import Path
from statistics import fmean

from benchmarks.fashion_mnist_part import NUM_PICTURES
from qiskit_qgen import load_dataset
from qiskit_qgen.models import StyleQGANTraining
from qiskit_qgen.studies import OptimalityRule, run_autoencoder_sweep, run_trials
from qiskit_qgen.studies.capacity.optimality import judge_record
from qiskit_qgen.studies.capacity.trial import train_capacity_trial
from qiskit_qgen.studies.trials.folder import AUTOENCODERS

GENERATORS = [
    *({"generator": "quantum", "num_qubits": 12, "num_layers": layers} for layers in (2, 8)),
    *({"generator": "classical", "generator_width": width} for width in (32, 128)),
]
CRITIC_WIDTHS = (32, 256)
RATES = ((1e-3, 3e-3, 1e-2), (3e-3, 1e-2))  # of generators and of critics
BOTH = {"replay": 0, "lr_schedule": "constant"}
TRAINING = {
    "steps": 400,
    "batch_size": 128,
    "score_every": 30,
    "num_samples": 2000,
    "images_every": None,
    "extractor": None,
}
SEED = 1000


def rates(own, other):
    """Return how a model is trained with these learning rates, as trials hold it."""
    return StyleQGANTraining(generator_learning_rate=own, critic_learning_rate=other, **BOTH).to_dict()


def configurations(autoencoder):
    """Return the trials: every generator, against every critic, with every pair of rates."""
    for generator, critic, (own, other) in product(GENERATORS, CRITIC_WIDTHS, product(*RATES)):
        kind = "training" if generator["generator"] == "quantum" else "classical_training"
        yield {
            **generator,
            "critic_width": critic,
            "seed": SEED,
            "autoencoder": autoencoder,
            "training": {**TRAINING, "models": {kind: rates(own, other)}},
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/capacity-rates"))
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    train, test = (load_dataset("fashion-mnist", split=split).images for split in ("train", "test"))
    (floors,) = run_autoencoder_sweep(
        train[:NUM_PICTURES],
        {"latent_dim": [24]},
        held_out=test,
        folder=options.out / AUTOENCODERS,
        num_samples=TRAINING["num_samples"],
        extractor="efficientnet-lite0-96px",
    ).records
    trials = list(configurations(floors["digest"]))
    records = run_trials(train_capacity_trial, trials, options.out, workers=options.workers)
    print("| generator | its rate | critic's rate | geometric mean of scores | scores | stable |\n" + "|---" * 6 + "|")
    for kind, own, other in product(("quantum", "classical"), *RATES):
        found = [
            judge_record(record, OptimalityRule())
            for record in records
            if record["configuration"]["generator"] == kind
            and rates(own, other) in record["configuration"]["training"]["models"].values()
        ]
        scores = [inf if each.score is None else each.score for each in found]
        print(
            f"| {kind} | {own:g} | {other:g} | {exp(fmean(map(log, scores))):.3f} | "
            f"{', '.join(f'{score:.2f}' for score in scores)} | {sum(each.stable for each in found)} of {len(found)} |"
        )


if __name__ == "__main__":
    main()
