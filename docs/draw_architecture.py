"""Draws docs/static/architecture.svg: the layers, and the way of one batch: ``python docs/draw_architecture.py``."""

from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt

LAYERS = (
    ("cli", "commands, settings of a run, run folders"),
    ("studies | plotting", "trials, capacity, arms, twins | figures"),
    ("models", "base (one fit, sample, save) | style_qgan | hybrid_gan | quantum_diffusion"),
    ("training", "trainer, phases, callbacks, checkpoints, history"),
    ("networks", "generators, critics, autoencoders, U-Nets, backbones"),
    ("layers", "QuantumLayer (a TorchConnector), StyleMap, gradient audit"),
    ("execution", "local | aer | runtime"),
    ("gradients | primitives", "adjoint, parameter shift | estimator, sampler"),
    ("metrics", "Fréchet, kernel, precision, recall, coverage, copies"),
    ("diffusion | losses | datasets | persistence | noise", "schedules, samplers, processes | files | sources"),
    ("circuits | simulator", "ansätze, observables | programs, CPU and torch kernels"),
)
STEPS = (
    ("models", "fit(data): check, seed, build the phases"),
    ("training", "Trainer: phase.train_step(step); noise drawn on the CPU, moved"),
    ("networks", "generator(z): angles = W z + b"),
    ("layers", "QuantumLayer: rows of parameters (B, P)"),
    ("execution", "LocalExecution.expectation (or one PUB to Aer, IBM)"),
    ("circuits | simulator", "program, once per circuit; kernel: values (B, K)"),
)
BACK = (
    "backward: one adjoint sweep gives the\nvector-Jacobian product; autograd goes on\nthrough W and b to the optimizer"
)
INK, PALE, ACCENT = "#21313f", "#e8eef3", "#8a3ffc"


def main():
    """Draw and save, the same bytes each time."""
    plt.rcParams["svg.hashsalt"] = "architecture"
    figure, axes = plt.subplots(figsize=(12, 7.4))
    axes.set(xlim=(0, 12.5), ylim=(-0.3, len(LAYERS) + 0.5))
    axes.axis("off")
    heights = {}
    for number, (name, text) in enumerate(LAYERS):
        y = len(LAYERS) - 1 - number
        heights[name] = y + 0.4
        axes.add_patch(plt.Rectangle((0.1, y), 5.9, 0.8, facecolor=PALE, edgecolor=INK, linewidth=1))
        axes.text(0.25, y + 0.53, name, weight="bold", color=INK, size=10, va="center")
        axes.text(0.25, y + 0.22, text, color=INK, size=8.5, va="center")
    axes.text(0.1, len(LAYERS) + 0.1, "Layers: imports go downward only", color=INK, size=11)
    axes.text(6.6, len(LAYERS) + 0.1, "One batch, from fit to the kernel and back", color=ACCENT, size=11)
    points = [heights[layer] for layer, _ in STEPS]
    for (_, text), y in zip(STEPS, points, strict=True):
        axes.plot([6.0, 6.5], [y, y], color=ACCENT, linewidth=1, linestyle=":")
        axes.text(6.85, y, text, color=INK, size=9, va="center")
    for first, second in pairwise(points):
        axes.annotate("", (6.6, second + 0.1), (6.6, first - 0.1), arrowprops={"arrowstyle": "->", "color": ACCENT})
    axes.annotate("", (12.3, points[1]), (12.3, points[-1]), arrowprops={"arrowstyle": "->", "color": ACCENT})
    axes.text(8.6, (points[-2] + points[-1]) / 2, BACK, color=INK, size=9, va="center")
    target = Path(__file__).parent / "static" / "architecture.svg"
    figure.savefig(target, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
