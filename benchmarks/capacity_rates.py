"""Which learning rates suit each kind of generator of the capacity study, before it is run.

    python -m benchmarks.capacity_rates --out runs/capacity-rates

Trains the settings' second smallest and largest quantum and classical generators against the smallest and the second
largest critic, with every pair of learning rates and a seed that the study does not use, and prints for each kind the
mean late score over these sizes by rates, and how many of the trainings are stable by the default rule. The rates of
the lowest mean among those with the most stable trainings then stand in the settings, for the kind as a whole.
"""

from __future__ import annotations

import argparse
import tomllib
from itertools import product
from math import exp, inf, log
from pathlib import Path
from statistics import fmean

from qiskit_qgen import load_dataset
from qiskit_qgen.studies import OptimalityRule, run_trials
from qiskit_qgen.studies.autoencoders import run_autoencoder_sweep
from qiskit_qgen.studies.capacity_trial import AUTOENCODERS, train_capacity_trial
from qiskit_qgen.studies.optimality import judge_record

SETTINGS = Path(__file__).parent / "capacity.toml"
SEED = 1000


def configurations(tables, rates, autoencoder):
    """Return the trials: of each kind two generators, against two critics, with every pair of rates."""
    grid, study = tables["grid"], tables["study"]
    generators = [
        {"generator": "quantum", "num_qubits": grid["num_qubits"][0], "num_layers": layers}
        for layers in (grid["num_layers"][1], grid["num_layers"][-1])
    ] + [
        {"generator": "classical", "generator_width": width}
        for width in (grid["generator_widths"][1], grid["generator_widths"][-1])
    ]
    training = {key: study[key] for key in ("steps", "batch_size", "score_every", "num_samples")}
    for generator, critic, (own, other) in product(
        generators, (grid["critic_widths"][0], grid["critic_widths"][-2]), product(*rates)
    ):
        arguments = tables.get("model", {}) | {"generator_learning_rate": own, "critic_learning_rate": other}
        model = {generator["generator"]: arguments}
        yield {
            **generator,
            "critic_width": critic,
            "seed": SEED,
            "autoencoder": autoencoder,
            "training": {**training, "pictures_every": None, "extractor": None, "model": model},
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="the study's settings")
    parser.add_argument("--generator-rates", type=float, nargs="+", default=[1e-3, 3e-3, 1e-2])
    parser.add_argument("--critic-rates", type=float, nargs="+", default=[3e-3, 1e-2])
    parser.add_argument("--steps", type=int, help="steps of each training; those of the study if left out")
    parser.add_argument("--out", type=Path, default=Path("runs/capacity-rates"))
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    tables = tomllib.loads(options.settings.read_text())
    study = tables["study"]
    study["steps"] = options.steps or study["steps"]
    train, test = (load_dataset(tables["data"]["name"], split=split).images for split in ("train", "test"))
    train = train[: tables["data"].get("num_pictures")]
    (floors,) = run_autoencoder_sweep(
        train,
        test,
        [tables["autoencoder"]],
        options.out / AUTOENCODERS,
        steps=study["autoencoder_steps"],
        **{key: study[key] for key in ("batch_size", "num_samples", "extractor")},
    )
    rates = (options.generator_rates, options.critic_rates)
    records = run_trials(
        train_capacity_trial,
        list(configurations(tables, rates, floors["digest"])),
        options.out,
        workers=options.workers,
    )
    print("| generator | its rate | critic's rate | geometric mean of scores | scores | stable |\n" + "|---" * 6 + "|")
    for kind, own, other in product(("quantum", "classical"), *rates):
        wanted = {"generator_learning_rate": own, "critic_learning_rate": other}.items()
        found = [
            judge_record(record, OptimalityRule())
            for record in records
            if record["configuration"]["training"]["model"].get(kind, {}).items() >= wanted
        ]
        scores = [inf if each.score is None else each.score for each in found]
        print(
            f"| {kind} | {own:g} | {other:g} | {exp(fmean(map(log, scores))):.3f} | "
            f"{', '.join(f'{score:.2f}' for score in scores)} | {sum(each.stable for each in found)} of {len(found)} |"
        )


if __name__ == "__main__":
    main()
