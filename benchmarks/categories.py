"""What categories in the noise, and rejection by the critic, do for images of several kinds.

    python -m benchmarks.categories [--steps 3000] [--seeds 1] [--arm none --arm labels ...]

One autoencoder is trained on Fashion-MNIST's small set; in its latent every arm trains a generator: without categories,
with the 10 labels, with 20 clusters, and a classical generator with the labels. The table has the Fréchet distance over
that of reconstructions of the test images, precision and coverage, and the part of the samples that are muddled: whose
best class has less than 0.6 of a classifier of real latents.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.measuring import limit_threads, processor, versions

ARMS = {
    "none": {},
    "labels": {"num_classes": 10},
    "clusters": {"num_clusters": 20},
    "classical, labels": {"num_classes": 10, "generator": "classical"},
}
LATENT_DIM, SURE, OVERSAMPLE = 24, 0.6, 8


def trained_autoencoder(train, options):
    """Return an autoencoder of the images."""
    from qiskit_qgen import StyleQGAN
    from qiskit_qgen.models import StyleQGANTraining

    model = StyleQGAN(generator="classical", latent_dim=LATENT_DIM)
    training = StyleQGANTraining.of(steps=1, autoencoder_steps=options.autoencoder_steps)
    model.fit(train.images, training=training, seed=0, callbacks=[])
    return model.networks["autoencoder"]


def classifier_of(encode, train):
    """Return a classifier of real latents."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = make_pipeline(StandardScaler(), MLPClassifier((128,), alpha=1e-2, early_stopping=True, random_state=0))
    return network.fit(encode(train.images), train.labels.numpy())


def arm_scores(name, autoencoder, train, test, classifier, encode, seed, options):
    """Return the scores of one generator, without and with rejection by the critic."""
    from qiskit_qgen import StyleQGAN
    from qiskit_qgen.models import StyleQGANTraining
    from qiskit_qgen.models.base import count

    model = StyleQGAN(autoencoder=autoencoder, latent_dim=LATENT_DIM, **ARMS[name])
    training = StyleQGANTraining.of(steps=options.steps, autoencoder_steps=0)
    model.fit(train, training=training, seed=seed, callbacks=[])
    found = {"weights": count(model.networks["generator"])}
    for times in (1, OVERSAMPLE):
        scores = model.evaluate(test.images, seed=seed, oversample=times, extractor=options.extractor, baselines=False)
        images = model.sample(len(test), seed=seed, oversample=times)
        found[str(times)] = {
            "ratio": scores["frechet_distance"] / scores["floor_reconstruction"]["frechet_distance"],
            **{score: scores[score] for score in ("frechet_distance", "precision", "coverage")},
            "muddled": float((classifier.predict_proba(encode(images)).max(1) < SURE).mean()),
        }
    if model.num_classes:
        asked = test.labels
        right = classifier.predict(encode(model.sample(len(asked), seed=seed, labels=asked))) == asked.numpy()
        found["asked_and_recognised"] = float(right.mean())
    return found


def table(record):
    """Return the means over the trainings as Markdown."""
    lines = [
        "| categories | weights | candidates | ratio | precision / coverage | muddled | recognised |",
        "|---|---|---|---|---|---|---|",
        f"| reconstructions | | | 1.00 | | {record['reconstructions']['muddled']:.0%} | "
        f"{record['reconstructions']['recognised']:.0%} |",
    ]
    for name, runs in record["arms"].items():
        for times in ("1", str(OVERSAMPLE)):
            mean = {key: sum(run[times][key] for run in runs) / len(runs) for key in runs[0][times]}
            known = [run["asked_and_recognised"] for run in runs if "asked_and_recognised" in run]
            recognised = f"{sum(known) / len(known):.0%}" if known and times == "1" else ""
            lines.append(
                f"| {name} | {runs[0]['weights']:,} | {times} | {mean['ratio']:.2f} | {mean['precision']:.2f} / "
                f"{mean['coverage']:.2f} | {mean['muddled']:.0%} | {recognised} |"
            )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--arm", choices=ARMS, action="append", help="repeatable; all if left out")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--autoencoder-steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--extractor", default="efficientnet-lite0-96px")
    parser.add_argument("--out", type=Path, default=Path("runs/categories.json"))
    options = parser.parse_args()
    limit_threads(options.threads)
    import torch

    from qiskit_qgen import load_dataset

    train, test = (load_dataset("fashion-mnist-mini", split=split) for split in ("train", "test"))
    autoencoder = trained_autoencoder(train, options)

    @torch.no_grad()
    def encode(images):
        return autoencoder.encode(images).numpy()

    classifier = classifier_of(encode, train)
    sure = classifier.predict_proba(encode(autoencoder.decode(torch.from_numpy(encode(test.images))).detach()))
    record = {
        "steps": options.steps,
        "processor": processor(),
        "reconstructions": {
            "muddled": float((sure.max(1) < SURE).mean()),
            "recognised": float((sure.argmax(1) == test.labels.numpy()).mean()),
        },
        "arms": {},
    }
    for name in options.arm or ARMS:
        for seed in range(options.seeds):
            scores = arm_scores(name, autoencoder, train, test, classifier, encode, seed, options)
            record["arms"].setdefault(name, []).append(scores)
            print(f"{name}, seed {seed}: {json.dumps(scores)}", flush=True)
    print(f"\n{table(record)}")
    record["versions"] = versions("qiskit_qgen", "qiskit", "torch", "numba")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
