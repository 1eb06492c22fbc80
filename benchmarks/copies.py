"""How many of a diffusion model's samples are copies, of few training images, and what helps against it.

    python -m benchmarks.copies --data-dir FOLDER        (FOLDER: MNIST's files; an hour on two cores; resumable)

QuantumDiffusion is trained on 100 digits of MNIST, with a classical gate in its bottleneck, which decides nothing here.
Arms: the default network; one of half or a quarter of its width; and both with every training image shifted by up to a
pixel each way. While it trains, 128 samples are compared with the training images and with as many held-out ones: a
sample is a copy if its nearest training image is less than a third as far as the second nearest. Shifts count as the
same image, so that a shifted copy is a copy. The kernel distance is that of EfficientNet-Lite0's features to 1,000
images for testing, of other samples. `stopped` is what early stopping by copies on the validation split would keep: the
last step before more than a fifth of the samples are copies.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from qiskit_qgen import QuantumDiffusion, load_dataset
from qiskit_qgen.metrics import get_extractor, kernel_distance
from qiskit_qgen.studies import run_trials
from qiskit_qgen.studies.tables import markdown_table
from qiskit_qgen.training import AbstractCallback

ARMS = {
    "default": {"width": 32, "shifts": 0},
    "half width": {"width": 16, "shifts": 0},
    "quarter width": {"width": 8, "shifts": 0},
    "shifted": {"width": 32, "shifts": 1},
    "half width, shifted": {"width": 16, "shifts": 1},
}
NUM_TRAIN, SAMPLES, TESTED, RATIO, MOST = 100, 128, 1000, 3, 0.2
EXTRACTOR = "efficientnet-lite0-96px"


def shifted(images, most):
    """Return (shifts, N, C, H, W): all shifts by up to ``most`` pixels each way; digits stand on black."""
    moves = range(-most, most + 1)
    return torch.stack([images.roll((down, right), (2, 3)) for down in moves for right in moves])


def copy_rate(samples, train):
    """Return the part of samples whose nearest training image, however shifted by a pixel, is that much nearer."""
    moved = shifted(train, 1).flatten(2)
    distances = torch.stack([torch.cdist(samples.flatten(1), each) for each in moved]).amin(0)
    nearest = distances.topk(2, largest=False).values
    return float((RATIO * nearest[:, 0] < nearest[:, 1]).double().mean())


class Curve(AbstractCallback):
    """Records copies and the kernel distance while a model trains; its state is part of the checkpoint."""

    def __init__(self, train, score, every):
        self._train, self._score, self._every, self.points = train, score, every, []

    def on_step_end(self, state):
        if state.step % self._every == 0:
            copies = copy_rate(state.phase.preview(SAMPLES, 0), self._train)
            distance = self._score(state.phase.preview(2 * SAMPLES, 1))
            self.points.append({"step": state.step, "copies": copies, "distance": distance})

    def state_dict(self):
        return {"points": self.points}

    def load_state_dict(self, content):
        self.points = content["points"]


def train_arm(configuration, folder):
    """Train one arm and return its curve, with the share of held-out digits that would count as copies."""
    options = ARMS[configuration["arm"]]
    place = {"data_dir": configuration["data_dir"]}
    seed = configuration["seed"]
    train = load_dataset("mnist", num_images=NUM_TRAIN, subset_seed=seed, **place).images
    test = load_dataset("mnist", split="test", num_images=TESTED, **place).images
    extractor = get_extractor(EXTRACTOR, image_shape=(1, 28, 28))
    features = extractor(test)
    curve = Curve(train, lambda made: float(kernel_distance(extractor(made), features)[0]), configuration["every"])
    model = QuantumDiffusion(
        bottleneck="se", architecture_width=options["width"], sampler="dpm-solver", sampling_steps=15
    )
    images = shifted(train, options["shifts"]).flatten(0, 1)
    place = {"checkpoint_dir": folder / "run", "resume": True}
    model.fit(images, steps=configuration["steps"], seed=seed, callbacks=[curve], **place)
    return {"points": curve.points, "held_out": copy_rate(test[:SAMPLES], train)}


def report(records):
    """Return the table: each arm at the end, and stopped early."""
    rows = []
    for each in records:
        points, arm = each["result"]["points"], each["configuration"]["arm"]
        first = next((k for k, point in enumerate(points) if point["copies"] > MOST), len(points))
        for name, point in (("at the end", points[-1]), ("stopped", points[max(first - 1, 0)])):
            shown = (f"{point['copies']:.0%}", f"{point['distance']:.3f}", f"{each['result']['held_out']:.0%}")
            rows.append((arm, each["configuration"]["seed"], name, point["step"], *shown))
    titles = ("arm", "seed", "kept", "step", "copies", "kernel distance", "held-out digits")
    return markdown_table(titles, rows)


def main():
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=250, help="steps between two scores")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--data-dir", help="folder of MNIST's files")
    parser.add_argument("--out", type=Path, default=Path("runs/copies"))
    options = parser.parse_args()
    given = {name: getattr(options, name) for name in ("steps", "every", "data_dir")}
    configurations = [{**given, "arm": arm, "seed": seed} for seed in range(options.seeds) for arm in options.arms]
    records = run_trials(
        train_arm,
        configurations,
        options.out,
        on_trial=lambda each: print(each["configuration"]["arm"], each["status"], flush=True),
    )
    text = report([record for record in records if record["status"] == "done"])
    print(f"\n{text}")
    (options.out / "results.md").write_text(f"{text}\n")
    (options.out / "results.json").write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
