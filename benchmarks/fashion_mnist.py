"""StyleQGAN on the complete Fashion-MNIST, against a classical generator in the same latent.

    python -m benchmarks.fashion_mnist            (about half an hour on two cores; needs the `pretrained` extra)

Trains the default model on the 60,000 training pictures, then two multilayer perceptrons of more parameters in the
latent of the same autoencoder, with the same critic. All are scored by the Fréchet distance on
EfficientNet-Lite0 features at 96 px: 5,000 generated pictures against the 10,000 test pictures. The floor is what the
autoencoder itself loses: 5,000 reconstructed test pictures against the 10,000 test pictures. Beside them stands N(0, I)
in the latent, which takes no generator.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from qiskit_qgen import StyleQGAN, load_dataset
from qiskit_qgen.metrics import evaluate_images, standard_normal
from qiskit_qgen.models import StyleQGANTraining
from qiskit_qgen.plotting import plot_images

NUM_SAMPLES = 5000
# The defaults were chosen for the quantum generator, so the classical one has a row with settings of its own too.
CLASSICAL = {
    "classical same settings": (56, {}),
    "classical own settings": (84, {"generator_learning_rate": 3e-3, "replay": 0, "steps": 3600}),
}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def timed_fit(model, train, seed, **training):
    """Train the model; return seconds by the clock, and of computing: of all threads, divided by their number."""
    clock, computing = time.perf_counter(), time.process_time()
    model.fit(train, training=StyleQGANTraining.of(**training), seed=seed)
    return {
        "clock_seconds": round(time.perf_counter() - clock, 1),
        "computing_seconds": round((time.process_time() - computing) / torch.get_num_threads(), 1),
    }


def score(model, test, seed):
    """Return the scores of a model."""
    scores = evaluate_images(
        model.sample(NUM_SAMPLES, seed=seed), test, reconstructions=model.reconstruct(test[:NUM_SAMPLES])
    )
    floor = scores["floor_reconstruction"]["frechet_distance"]
    weights = count(model.networks["generator"])
    return {"generator_weights": weights, "frechet_over_floor": scores["frechet_distance"] / floor} | scores


def score_trivial(quantum, test, seed):
    """Return the scores of the quantum model's latent without a generator: N(0, I) decoded."""
    latents = standard_normal(NUM_SAMPLES, quantum.config.sample_size, seed=seed)
    scores = evaluate_images(
        quantum.decode_latents(latents), test, reconstructions=quantum.reconstruct(test[:NUM_SAMPLES])
    )
    floor = scores["floor_reconstruction"]["frechet_distance"]
    return {"generator_weights": 0, "frechet_over_floor": scores["frechet_distance"] / floor} | scores


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=6000, help="generator steps of both models")
    parser.add_argument("--autoencoder-steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir", help="folder of the IDX files, if they are not where a system package puts them")
    parser.add_argument("--out", type=Path, default=Path("runs/fashion-mnist"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    train = load_dataset("fashion-mnist", data_dir=options.data_dir).images
    test = load_dataset("fashion-mnist", split="test", data_dir=options.data_dir).images
    quantum = StyleQGAN()
    steps = {"steps": options.steps, "autoencoder_steps": options.autoencoder_steps}
    times = timed_fit(quantum, train, options.seed, **steps)
    quantum.save_pretrained(options.out / "model")
    results = {"quantum": times | score(quantum, test, options.seed)}

    results["N(0, I)"] = score_trivial(quantum, test, options.seed)
    print(f"N(0, I) in the latent: ratio {results['N(0, I)']['frechet_over_floor']:.3f}")
    models = {"quantum": quantum}
    for name, (width, training) in CLASSICAL.items():
        models[name] = classical_model(quantum, width)
        times = timed_fit(models[name], train, options.seed, **{**steps, "autoencoder_steps": 0, **training})
        results[name] = times | score(models[name], test, options.seed)

    for name, model in models.items():
        plot_images(model.sample(64, seed=options.seed), columns=8).savefig(
            options.out / f"{name.replace(' ', '-')}.png"
        )
        row = results[name]
        print(
            f"{name}: {row['generator_weights']} weights, {row['clock_seconds']:.0f} s by the clock, "
            f"{row['computing_seconds']:.0f} s of computing on {torch.get_num_threads()} threads, Fréchet distance "
            f"{row['frechet_distance']:.1f}, floor {row['floor_reconstruction']['frechet_distance']:.1f}, ratio "
            f"{row['frechet_over_floor']:.3f} ({row['extractor']}, {NUM_SAMPLES} against {len(test)})"
        )
    record = {"options": {k: str(v) for k, v in vars(options).items()}, "threads": torch.get_num_threads()} | results
    (options.out / "scores.json").write_text(json.dumps(record, indent=1) + "\n")


def classical_model(quantum, width):
    """Return an untrained model with a classical generator and the autoencoder of ``quantum``, trained."""
    return StyleQGAN(
        generator={"kind": "classical", "width": width},
        autoencoder=quantum.networks["autoencoder"],
        latent_dim=quantum.config.sample_size,
        noise_dim=quantum.noise_dim,
    )


if __name__ == "__main__":
    main()
