"""Which scores put a trained StyleQGAN before trivial generators: in its latent, as images, in image features.

    python -m benchmarks.scores_that_see            (about six minutes on two cores)

Trains the default model on the bundled part of Fashion-MNIST without 1,000 validation images, and scores samples of
some steps and of baselines against these: latents in the generator's space (for the classifier, in the autoencoder's
own), decoded images, and features of these. A score is fit to choose sizes, steps or models by if it falls along the
training and ends below N(0, I).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from qiskit_qgen import StyleQGAN, load_dataset
from qiskit_qgen.datasets import hold_out
from qiskit_qgen.metrics import (
    FeatureStatistics,
    classifier_accuracy,
    fitted_baselines,
    get_extractor,
    judge_score,
    maximum_mean_discrepancy,
    sliced_wasserstein_distance,
    standard_normal,
)
from qiskit_qgen.models import StyleQGANTraining
from qiskit_qgen.training import AbstractCallback

NUM_VALIDATION = 1000


class Recorder(AbstractCallback):
    """Keeps samples in the generator's space, always of the same noise, at four steps of a training."""

    def __init__(self, steps, number):
        self.steps = {max(1, round(steps * part)) for part in (0.02, 0.2, 0.5, 1)}
        self.number, self.samples = number, {}

    def on_step_end(self, state):
        if state.phase.name == "adversarial" and state.step in self.steps:
            self.samples[f"step {state.step}"] = state.phase.sample(self.number, 0).cpu()


def frechet(x, y):
    return float(FeatureStatistics.from_features(x).frechet_distance(FeatureStatistics.from_features(y)))


def trained(steps, autoencoder_steps, seed=0, number=NUM_VALIDATION):
    """Return the model, its training and validation images, and samples by name in the generator's space."""
    train, validation = hold_out(load_dataset("fashion-mnist-mini"), NUM_VALIDATION)
    model, recorder = StyleQGAN(), Recorder(steps, number)
    training = StyleQGANTraining.of(steps=steps, autoencoder_steps=autoencoder_steps)
    model.fit(train, training=training, seed=seed, callbacks=[recorder])
    latents = model.encoded(train)
    samples = fitted_baselines(latents, number, labels=train.labels)
    samples |= {"standard_normal": standard_normal(number, latents.shape[1]), **recorder.samples}
    return model, train, validation, samples


def scores(model, validation, latents, extractor):
    """Return the scores of latents in the generator's space against validation images."""
    real, images = model.encoded(validation), validation.images.flatten(1)
    own, others = (model.in_latent_units(each) for each in (latents, real))
    decoded = model.decode_latents(latents)
    found = {
        "latent Frechet": frechet(latents, real),
        "latent sliced W": float(sliced_wasserstein_distance(latents, real)),
        "latent MMD": float(maximum_mean_discrepancy(latents, real)),
        "classifier": float(classifier_accuracy(own, others)),
        "pixel sliced W": float(sliced_wasserstein_distance(decoded.flatten(1), images)),
        "pixel MMD": float(maximum_mean_discrepancy(decoded.flatten(1), images)),
    }
    if extractor is not None:
        found["features Frechet"] = frechet(extractor(decoded), extractor(validation.images))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--autoencoder-steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--extractor", help="image features to compare too, such as efficientnet-lite0-96px")
    parser.add_argument("--out", type=Path, help="an .npz file for latents and images of the last step and of N(0, I)")
    options = parser.parse_args()
    model, _, validation, samples = trained(options.steps, options.autoencoder_steps, options.seed)
    extractor = options.extractor and get_extractor(options.extractor)
    rows = {name: scores(model, validation, latents, extractor) for name, latents in samples.items()}
    titles = list(rows["gaussian"])
    print(f"| samples | {' | '.join(titles)} |\n|---|{'---|' * len(titles)}")
    for name, found in rows.items():
        print(f"| {name} | {' | '.join(f'{found[title]:.4g}' for title in titles)} |")
    last = f"step {options.steps}"
    for title in titles:
        rivals = {name: rows[name][title] for name in ("standard_normal", "marginals", "gaussian", "mixture")}
        print(judge_score(title, {"trained": rows[last][title]}, rivals).sentence or f"{title}: fit for all.")
    if options.out:
        write(options.out, model, validation, {"trained": samples[last], "normal": samples["standard_normal"]})


def write(path, model, validation, samples, number=400):
    """Write latents as the autoencoder has them, and images as bytes."""
    arrays = {
        "real_latents": model.in_latent_units(model.encoded(validation))[:number].numpy().astype(np.float16),
        "real_images": (255 * validation.images[:number]).round().byte().squeeze(1).numpy(),
    }
    for name, latents in samples.items():
        arrays[f"{name}_latents"] = model.in_latent_units(latents)[:number].numpy().astype(np.float16)
        images = model.decode_latents(latents[:number])
        arrays[f"{name}_images"] = (255 * images).round().byte().squeeze(1).numpy()
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main()
