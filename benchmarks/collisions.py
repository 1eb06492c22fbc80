"""The style-qGAN of arXiv 2110.06933 on proton collisions, beside the sample that its authors generated.

    python -m benchmarks.collisions EVENTS.npz    (30,000 steps: about half an hour on an idle core)

EVENTS.npz holds tables of s, t and y of pp -> ttbar events: `real100k_sty`, and the authors' own generated sample
`published_qgan100k_sty`. The published model is trained on the first 10,000 real events, as far as it is known, with
all its preprocessing. 100,000 generated events are then scored by the Kullback-Leibler divergence of 100-bin marginals
(logarithmic bins of s and t, as the authors' own) and, since marginals see no correlation, by Spearman's correlation
of s and t. Beside them stand the authors' sample, the 10,000 training events themselves, one half of the real events
against the other, and a normal distribution that is fitted to the preprocessed training events.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from qiskit_qgen import StyleQGAN
from qiskit_qgen.metrics import marginal_kl_divergence
from qiskit_qgen.training import AbstractCallback, ProgressBar

PAPER = "2110.06933"
NUM_TRAINED, NUM_SAMPLES, BINS = 10_000, 100_000, 100


def edges(real):
    """Return the bins of s, t and y: logarithmic, logarithmic in -t, and equal."""
    s, t, y = real.T
    places = np.geomspace(s.min(), s.max(), BINS + 1), -np.geomspace(-t.min(), -t.max(), BINS + 1)
    limits = [*places, np.linspace(y.min(), y.max(), BINS + 1)]
    for each, column in zip(limits, real.T, strict=True):
        each[[0, -1]] = column.min(), column.max()
    return limits


def scores(events, real):
    """Return the divergences of s, t and y, and the correlation of s and t."""
    divergences = marginal_kl_divergence(events, real, edges=edges(real)).tolist()
    correlation = float(stats.spearmanr(events[:, 0], events[:, 1]).statistic)
    return {**dict(zip(("kl_s", "kl_t", "kl_y"), divergences, strict=True)), "spearman_st": correlation}


def turned(rows):
    """Return rows with their columns from last to first: the published code reads s of the last qubit."""
    return np.ascontiguousarray(np.asarray(rows, float)[:, ::-1])


def fitted_normal(model, trained, seed):
    """Return events of a normal distribution that is fitted in the generator's space."""
    rows = model.normalizer(torch.from_numpy(turned(trained))).numpy()
    drawn = np.random.default_rng(seed).multivariate_normal(rows.mean(0), np.cov(rows.T), NUM_SAMPLES)
    return turned(model.decode(torch.from_numpy(drawn.clip(-1, 1))))


class Score(AbstractCallback):
    """Writes the scores of the model as it stands, every so many steps."""

    def __init__(self, model, real, every, path):
        self.model, self.real, self.every, self.path = model, real, every, path

    def on_step_end(self, state):
        if state.step % self.every == 0:
            drawn = turned(self.model.decode(state.phase.sample(NUM_SAMPLES, state.seed)))
            with self.path.open("a") as file:
                print(json.dumps({"step": state.step, **scores(drawn, self.real)}), file=file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", type=Path)
    parser.add_argument("--steps", type=int, default=StyleQGAN.published_training(PAPER).steps)
    parser.add_argument("--score-every", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/collisions"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    with np.load(options.events) as file:
        real, published = (file[name].astype(float) for name in ("real100k_sty", "published_qgan100k_sty"))
    trained = real[:NUM_TRAINED]
    model = StyleQGAN.published(PAPER)
    model.fit(
        turned(trained),
        training=StyleQGAN.published_training(PAPER, steps=options.steps),
        seed=options.seed,
        callbacks=[ProgressBar(disable=None), Score(model, real, options.score_every, options.out / "progress.jsonl")],
        checkpoint_dir=options.out / "checkpoints",
        resume=True,
    )
    model.save_pretrained(options.out / "model")
    found = {
        "real": {"spearman_st": float(stats.spearmanr(real[:, 0], real[:, 1]).statistic)},
        "generated": scores(turned(model.sample(NUM_SAMPLES, seed=options.seed)), real),
        "authors": scores(published, real),
        "training events": scores(trained, real),
        "real halves": scores(real[::2], real[1::2]),
        "fitted normal": scores(fitted_normal(model, trained, options.seed), real),
    }
    (options.out / "scores.json").write_text(json.dumps(found, indent=2))
    for name, row in found.items():
        print(f"{name:<16}" + "".join(f"{key:>14} {value:7.4f}" for key, value in row.items()))


if __name__ == "__main__":
    main()
