"""What the adversarial training of the decoder does, on images that are held out from the training.

    python -m benchmarks.decoder [--latent-dim 24 48] [--decoder-steps 0 1200] [--seeds 1]

One autoencoder for each length of the latent is trained on Fashion-MNIST's small set, and its decoder is sharpened for
each number of steps. The table has the errors of pixels and the structural similarity of reconstructions, Fréchet
distances by EfficientNet-Lite0 and by a classifier of the labels, which nothing here was trained with, the part of
images that the classifier finds muddled, and the first distance of a Gaussian mixture by class in the latent, which
takes no generator. 1,000 of the training images are held out and scored; the test images are not touched.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from qiskit_qgen import StyleQGAN, load_dataset
from qiskit_qgen.datasets import hold_out
from qiskit_qgen.metrics import (
    FeatureCache,
    LabelFeatureExtractor,
    evaluate_images,
    fitted_baselines,
    reconstruction_quality,
)
from qiskit_qgen.models import StyleQGANTraining
from qiskit_qgen.studies.tables import markdown_table

HELD_OUT, SURE = 1000, 0.6
EXTRACTOR = "efficientnet-lite0-96px"


def trained(train, seed, autoencoder=None, **options):
    """Return a model whose autoencoder, or the decoder of a given one, is trained, and whose generator is not."""
    own = {} if autoencoder is None else {"autoencoder": autoencoder}
    model = StyleQGAN(generator="classical", num_classes=10, **own, **options.pop("model"))
    model.fit(train, training=StyleQGANTraining.of(steps=1, **options), seed=seed, callbacks=[])
    return model


def scores(model, train, held_out, classifier, cache):
    """Return the numbers of a row."""
    rebuilt = model.reconstruct(held_out)
    drawn = fitted_baselines(model.encoded(train), len(held_out), labels=train.labels)["mixture"]
    found = {"squared_error": float((rebuilt - held_out.images).square().mean())}
    found["absolute_error"] = float((rebuilt - held_out.images).abs().mean())
    found["similarity"] = reconstruction_quality(rebuilt, held_out.images)["structural_similarity"]
    sets = {"reconstructions": rebuilt, "mixture": model.decode_latents(drawn)}
    for name, images in sets.items():
        for extractor, label in ((EXTRACTOR, "EfficientNet"), (classifier, "classifier")):
            score = evaluate_images(images, held_out.images, extractor=extractor, floors=False, cache=cache)
            found[f"{name}, {label}"] = score["frechet_distance"]
        best = classifier.logits(classifier(images)).softmax(1).amax(1)
        found[f"{name}, muddled"] = float((best < SURE).double().mean())
    return found


def main():
    """Train, score and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latent-dim", type=int, nargs="+", default=[24])
    parser.add_argument("--autoencoder-steps", type=int, default=2000)
    parser.add_argument("--decoder-steps", type=int, nargs="+", default=[0, 1200])
    parser.add_argument("--adversarial-weight", type=float, default=0.25)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/decoder.json"))
    options = parser.parse_args()
    train, held_out = hold_out(load_dataset("fashion-mnist-mini"), HELD_OUT)
    classifier, cache, rows = LabelFeatureExtractor(train), FeatureCache(), []
    for latent_dim in options.latent_dim:
        for seed in range(options.seeds):
            size = {"model": {"latent_dim": latent_dim}}
            model = trained(train, seed, **size, autoencoder_steps=options.autoencoder_steps)
            autoencoder = model.networks["autoencoder"]
            for steps in options.decoder_steps:
                if steps:
                    how = {"decoder_steps": steps, "adversarial_weight": options.adversarial_weight}
                    model = trained(train, seed, autoencoder, **size, autoencoder_steps=0, **how)
                row = {"latent": latent_dim, "decoder steps": steps, "seed": seed}
                rows.append({**row, **scores(model, train, held_out, classifier, cache)})
                print(json.dumps(rows[-1]), flush=True)
    print("\n" + markdown_table(rows[0], [[f"{value:.4g}" for value in row.values()] for row in rows]))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
