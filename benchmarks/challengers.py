"""A quantum generator against its classical twins at four levels, and against three controls that take the quantum out.

    python -m benchmarks.challengers            (about three minutes of one idle core; resumable)

A StyleQGAN of 4 qubits and 3 layers learns three classes of the bundled part of Fashion-MNIST in the latent of one
autoencoder, which all arms share, as they share the critic, the number of steps and, seed by seed, the data's order.
Scores are those of as many samples as there are validation images, which train nothing and choose nothing: the kernel
two-sample distance of the pixels, times 1000, and a classifier's accuracy in the latent. Each arm is compared with the
circuit seed by seed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from qiskit_qgen import StyleQGAN, load_dataset
from qiskit_qgen.metrics import (
    classifier_accuracy,
    fitted_baselines,
    judge_score,
    maximum_mean_discrepancy,
    standard_normal,
)
from qiskit_qgen.models import StyleQGANTraining
from qiskit_qgen.models.base import count
from qiskit_qgen.studies import classical_twin, run_trials
from qiskit_qgen.studies.intervals import interval_text, mean_interval
from qiskit_qgen.studies.tables import markdown_table

CLASSES = (1, 8, 9)  # trousers, bags, ankle boots
VALIDATION = 700
AUTOENCODER = "autoencoder"
TRAINING = {
    "batch_size": 64,
    "n_critic": 1,
    "generator_learning_rate": 2e-3,
    "critic_learning_rate": 4e-3,
    "ema_decay": 0.99,
    "autoencoder_steps": 0,
}
"""Chosen for the circuit, by the score of one seed; the arm "search" alone chooses its own learning rate."""
SEARCH = {"widths": (8, 32, 128), "steps": 500, "batch_size": 64, "num_samples": 350, "seed": 100}
LEVELS = ("weights", "width", "budget", "unentangled", "frozen", "fourier")
ARMS = ("quantum", "weights", "width", "budget", "search", "unentangled", "frozen", "fourier")
SCORES = ("maximum_mean_discrepancy", "classifier_accuracy")


def images():
    """Return training and validation images of the three classes."""
    data = load_dataset("fashion-mnist-mini")
    chosen = data.images[torch.isin(data.labels, torch.tensor(CLASSES))]
    order = torch.randperm(len(chosen), generator=torch.Generator().manual_seed(0))
    return chosen[order[VALIDATION:]], chosen[order[:VALIDATION]]


def quantum(autoencoder, **options):
    """Return the model that is challenged, untrained."""
    sizes = {"image_shape": (1, 28, 28), "num_qubits": 4, "num_layers": 3, "critic_width": 64}
    return StyleQGAN(autoencoder=autoencoder, **sizes, **options)


def trained_autoencoder(folder):
    """Return the one autoencoder, which is trained at the first call."""
    place = folder / AUTOENCODER
    if not place.exists():
        model = StyleQGAN(
            image_shape=(1, 28, 28), num_qubits=4, num_layers=3, autoencoder_width=8, autoencoder_hidden=64
        )
        training = StyleQGANTraining.of(steps=1, batch_size=64, autoencoder_steps=800)
        model.fit(images()[0], training=training, seed=0, callbacks=[])
        model.save_pretrained(place)
    return StyleQGAN.from_pretrained(place).networks["autoencoder"]


def search_twin(configuration, folder):
    """Search the classical generator of the arm "search" on the training images alone."""
    model = quantum(trained_autoencoder(folder.parents[2]))
    training = StyleQGANTraining.of(**TRAINING)
    found = classical_twin(
        model, "search", data=images()[0], training=training, num_trials=configuration["num_trials"], **SEARCH
    )
    return {"table": found.search.table(), **vars(found.search.best)}


def train_arm(configuration, folder):
    """Train one arm with one seed and score it."""
    arm, seed, found = (configuration[name] for name in ("arm", "seed", "search"))
    model = quantum(trained_autoencoder(folder.parents[2]))
    training = StyleQGANTraining.of(steps=configuration["steps"], **TRAINING)
    if arm in LEVELS:
        model = classical_twin(model, arm).model
    elif arm == "search":
        model = classical_twin(model, "weights", depth=found["depth"]).model
        generator = replace(model.config.generator, width=found["width"])
        model = StyleQGAN.from_config(replace(model.config, generator=generator))
        rate = training.generator_learning_rate * found["learning_rate"]
        training = replace(training, generator_learning_rate=rate)
    train, validation = images()
    model.fit(train, training=training, seed=seed, callbacks=[])
    latents = model.sample_latents(VALIDATION, seed=seed)
    return {"weights": count(model.networks["generator"]), **scores(model, latents, validation)}


@torch.no_grad()
def scores(model, latents, validation):
    """Return both scores of latents and of the images that they decode to."""
    real = model.networks["normalizer"](model.networks["autoencoder"].encode(validation))
    return {**pixel_score(model.decode(latents), validation), SCORES[1]: float(classifier_accuracy(latents, real))}


def pixel_score(made, validation):
    """Return the kernel two-sample distance of images, times 1000."""
    return {SCORES[0]: 1000 * float(maximum_mean_discrepancy(made.flatten(1), validation.flatten(1)))}


def baselines(folder, seeds):
    """Return the scores of what takes no training, by name, one for each seed."""
    train, validation = images()
    model = quantum(trained_autoencoder(folder))
    model.fit(train, training=StyleQGANTraining.of(steps=1, **TRAINING), seed=0, callbacks=[])  # fits the normalizer
    with torch.no_grad():
        encoded = model.networks["normalizer"](model.networks["autoencoder"].encode(train))
    found = {}
    for seed in seeds:
        drawn = {"standard_normal": standard_normal(VALIDATION, encoded.shape[1], seed=seed)}
        drawn |= fitted_baselines(encoded, VALIDATION, seed=seed)
        for name, latents in drawn.items():
            found.setdefault(name, []).append(scores(model, latents, validation))
        found.setdefault("reconstructions", []).append(pixel_score(model.reconstruct(validation), validation))
    return found


def report(records, simple, search, seeds):
    """Print the tables and return what they hold."""
    trained = {record["configuration"]["arm"] for record in records}
    by_arm = {arm: {} for arm in ARMS if arm in trained}
    for record in records:
        by_arm[record["configuration"]["arm"]][record["configuration"]["seed"]] = record["result"]
    result = {"seeds": len(seeds), "search": search, "scores": {}, "differences": {}, "baselines": {}}
    rows = []
    for arm, found in by_arm.items():
        means = {score: mean_interval([each[score] for each in found.values()]) for score in SCORES}
        gaps = {
            score: mean_interval([each[score] - by_arm["quantum"][seed][score] for seed, each in found.items()])
            for score in SCORES
        }
        result["scores"][arm], result["differences"][arm] = means, gaps
        weights = next(iter(found.values()))["weights"]
        own = [interval_text(means[score]) for score in SCORES]
        other = ["-" if arm == "quantum" else interval_text(gaps[score]) for score in SCORES]
        rows.append((arm, f"{weights:,}", own[0], other[0], own[1], other[1]))
    titles = ("arm", "weights", "MMD^2 x 1000", "less the circuit's", "classifier's accuracy", "less the circuit's")
    print(markdown_table(titles, rows), "\n")
    lines = []
    for name, each in simple.items():
        result["baselines"][name] = {s: mean_interval([one[s] for one in each]) for s in SCORES if s in each[0]}
        shown = result["baselines"][name]
        lines.append((name, *(interval_text(shown[score]) if score in shown else "-" for score in SCORES)))
    print(markdown_table(("without training", "MMD^2 x 1000", "classifier's accuracy"), lines), "\n")
    known = {name: shown for name, shown in result["baselines"].items() if name != "reconstructions"}
    for score in SCORES:
        found = {arm: means[score] for arm, means in result["scores"].items()}
        verdict = judge_score(score, found, {n: s[score] for n, s in known.items()}, higher_is_better=False)
        print(f"{score}: {verdict.sentence or 'fit.'}")
    print(f"\n{search['table']}")
    return result


def main():
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--arms", nargs="+", choices=ARMS, default=ARMS, help="with quantum, which all are compared with"
    )
    parser.add_argument("--trials", type=int, default=6, help="trainings of the search")
    parser.add_argument("--out", type=Path, default=Path("runs/challengers"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    trained_autoencoder(options.out)
    (found,) = run_trials(search_twin, [{"num_trials": options.trials}], options.out / "search")
    search = found["result"]
    chosen = {name: search[name] for name in ("width", "depth", "learning_rate")}
    seeds = range(options.seeds)
    # Seed by seed, so that a run that is stopped holds whole comparisons.
    configurations = [
        {"arm": arm, "seed": seed, "steps": options.steps, "search": chosen if arm == "search" else {}}
        for seed in seeds
        for arm in options.arms
    ]
    records = run_trials(
        train_arm,
        configurations,
        options.out / "arms",
        on_trial=lambda each: print(each["configuration"]["arm"], each["configuration"]["seed"], each["status"]),
    )
    done = [record for record in records if record["status"] == "done"]
    result = report(done, baselines(options.out, seeds), search, seeds)
    (options.out / "results.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
