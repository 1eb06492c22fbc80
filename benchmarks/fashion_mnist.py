"""Generators on the complete Fashion-MNIST: circuits, classical twins, mixtures, no generator at all; several seeds.

    python -m benchmarks.fashion_mnist          (hours on two cores; resumable; needs the `pretrained` extra)

Each seed has an autoencoder of its own, whose decoder is sharpened; in its latent every arm trains a generator: the
circuit with the 10 labels, its classical twins of equal weights and equal width, and the circuit without categories.
Mixtures (full, of low rank and diagonal covariances), the fitted Gaussian and N(0, I) stand beside them without
training. Scores are Fréchet distances of EfficientNet-Lite0 at 96 px over that of the autoencoder's reconstructions, of
as many samples as there are real images. By default these are 5,000 that are held out from the training; the test
images are for `--split test`, once.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from qiskit_qgen import StyleQGAN, load_dataset
from qiskit_qgen.datasets import hold_out
from qiskit_qgen.metrics import FeatureCache, evaluate_images, fitted_baselines, standard_normal
from qiskit_qgen.models import StyleQGANTraining
from qiskit_qgen.models.base import count
from qiskit_qgen.studies import classical_twin, run_trials
from qiskit_qgen.studies.intervals import interval_text, mean_interval
from qiskit_qgen.studies.tables import markdown_table

ARMS = ("quantum", "equal weights", "equal width", "quantum, no categories")
LEVELS = {"equal weights": "weights", "equal width": "width"}
LATENT_DIM, RANK = 24, 4
AUTOENCODER = "model"


def images(configuration):
    """Return training images and those to score against."""
    data = load_dataset("fashion-mnist", data_dir=configuration["data_dir"])
    train, validation = hold_out(data, configuration["samples"])
    if configuration["split"] == "validation":
        return train, validation
    drawn = {"data_dir": configuration["data_dir"], "num_images": configuration["samples"]}
    return train, load_dataset("fashion-mnist", split="test", **drawn)


def trained_autoencoder(folder, configuration, train):
    """Return the autoencoder of a seed, which is trained at the first call, and goes on if that was interrupted."""
    seed = configuration["seed"]
    place = folder / "autoencoders" / str(seed)
    if not (place / AUTOENCODER).exists():
        model = StyleQGAN(generator="classical", latent_dim=LATENT_DIM)
        training = StyleQGANTraining.of(
            steps=1,
            autoencoder_steps=configuration["autoencoder_steps"],
            decoder_steps=configuration["decoder_steps"],
        )
        model.fit(train.images, training=training, seed=seed, callbacks=[], checkpoint_dir=place / "run", resume=True)
        model.save_pretrained(place / AUTOENCODER)
    return StyleQGAN.from_pretrained(place / AUTOENCODER).networks["autoencoder"]


def build(arm, autoencoder):
    """Return an untrained model."""
    labels = {} if arm.endswith("no categories") else {"num_classes": 10}
    model = StyleQGAN(autoencoder=autoencoder, latent_dim=LATENT_DIM, **labels)
    return classical_twin(model, LEVELS[arm]).model if arm in LEVELS else model


def train_arm(configuration, folder):
    """Train one arm with one seed and score it; the first arm of a seed scores what takes no training too."""
    train, real = images(configuration)
    seed = configuration["seed"]
    model = build(configuration["arm"], trained_autoencoder(folder.parents[1], configuration, train))
    start = time.process_time()
    training = StyleQGANTraining.of(steps=configuration["steps"], autoencoder_steps=0)
    model.fit(train, training=training, seed=seed, callbacks=[], checkpoint_dir=folder / "run", resume=True)
    seconds = time.process_time() - start
    rebuilt = model.reconstruct(real.images)
    cache, options = FeatureCache(), {"seed": seed}
    scores = evaluate_images(model.sample(len(real), seed=seed), real.images, **options, floors=False, cache=cache)
    found = {"weights": count(model.networks["generator"]), "seconds": seconds, "scores": kept(scores)}
    if configuration["arm"] == ARMS[0]:
        drawn = untrained(model, train, len(real), seed)
        sets = {"reconstructions": rebuilt} | {name: model.decode_latents(each) for name, each in drawn.items()}
        found["baselines"] = {
            name: kept(evaluate_images(each, real.images, **options, floors=False, cache=cache))
            for name, each in sets.items()
        }
    return found


def kept(scores):
    return {name: scores[name] for name in ("frechet_distance", "precision", "coverage")}


def untrained(model, train, number, seed):
    """Return latents of what takes no training of a generator."""
    latents = model.encoded(train)
    fitted = fitted_baselines(latents, number, labels=train.labels, seed=seed)
    return {
        "N(0, I)": standard_normal(number, LATENT_DIM, seed=seed),
        "Gaussian": fitted["gaussian"],
        "mixture, full": fitted["mixture"],
        f"mixture, rank {RANK}": mixture(latents, train.labels, number, RANK, seed),
        "mixture, diagonal": mixture(latents, train.labels, number, 0, seed),
    }


def mixture(latents, labels, number, rank, seed):
    """Draw from one Gaussian for each class, whose covariance has a rank beside what is left on the diagonal."""
    randomness = torch.Generator().manual_seed(seed)
    drawn = labels[torch.randint(len(labels), (number,), generator=randomness)]
    samples = latents.new_empty(number, latents.shape[1])
    for label in labels.unique():
        own, wanted = latents[labels == label], drawn == label
        values, vectors = torch.linalg.eigh(own.T.cov())
        factor = vectors[:, len(values) - rank :] * values[len(values) - rank :].sqrt()
        rest = (own.var(0) - factor.square().sum(1)).clamp(min=0).sqrt()
        count = int(wanted.sum())
        wide = torch.randn(count, rank, generator=randomness) @ factor.T
        samples[wanted] = own.mean(0) + wide + torch.randn(count, len(values), generator=randomness) * rest
    return samples


def report(records):
    """Return the table: means over the seeds with intervals of 95 %, and paired differences from the circuit."""
    floors = {
        each["configuration"]["seed"]: each["result"]["baselines"]["reconstructions"]["frechet_distance"]
        for each in records
        if each["configuration"]["arm"] == ARMS[0]
    }
    rows, ratios = {}, {}
    for each in records:
        seed, result = each["configuration"]["seed"], each["result"]
        if seed not in floors:
            continue
        sets = {each["configuration"]["arm"]: result["scores"], **result.get("baselines", {})}
        for name, scores in sets.items():
            weights = result["weights"] if name in ARMS else 0
            rows.setdefault(name, (weights, []))[1].append(scores)
            ratios.setdefault(name, {})[seed] = scores["frechet_distance"] / floors[seed]
    lines = []
    for name, (weights, scores) in rows.items():
        gaps = [ratio - ratios[ARMS[0]][seed] for seed, ratio in ratios[name].items()]
        shown = [interval_text(mean_interval([each[key] for each in scores])) for key in scores[0]]
        less = "-" if name == ARMS[0] else interval_text(mean_interval(gaps))
        ratio = interval_text(mean_interval(list(ratios[name].values())))
        lines.append((name, f"{weights:,}" if weights else "", len(scores), ratio, less, *shown))
    titles = ("generator", "weights", "seeds", "over reconstructions", "less the circuit's", "Fréchet distance")
    return markdown_table((*titles, "precision", "coverage"), lines)


def main():
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=6000, help="steps of the generators")
    parser.add_argument("--autoencoder-steps", type=int, default=6000)
    parser.add_argument("--decoder-steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS, help="with quantum, which gives the floor")
    parser.add_argument("--samples", type=int, default=5000, help="generated and real images of each score")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--data-dir", help="folder of the IDX files, if they are not where a system package puts them")
    parser.add_argument("--out", type=Path, default=Path("runs/fashion-mnist"))
    options = parser.parse_args()
    given = {name: value for name, value in vars(options).items() if name not in ("seeds", "arms", "out")}
    # Seed by seed, so that a run that is stopped holds whole comparisons.
    configurations = [{**given, "arm": arm, "seed": seed} for seed in range(options.seeds) for arm in options.arms]
    records = run_trials(
        train_arm,
        configurations,
        options.out,
        on_trial=lambda each: print(each["configuration"]["arm"], each["configuration"]["seed"], each["status"]),
    )
    text = report([record for record in records if record["status"] == "done"])
    print(f"\n{text}")
    (options.out / "results.md").write_text(f"{text}\n")
    (options.out / "results.json").write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
