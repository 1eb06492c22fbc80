"""One trial of the low-data study: a diffusion model trained on few pictures, and its scores on others."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from qiskit_qgen.metrics import get_extractor, memorization
from qiskit_qgen.models import QuantumDiffusion
from qiskit_qgen.networks.bottleneck_gates import QUANTUM, Bottleneck
from qiskit_qgen.studies.arms.images import SplitPictures, same_pictures, whole_kernel_distance
from qiskit_qgen.training import save_image_grid
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME

_SHOWN = 16
SAMPLES = "samples.png"


def build_arm(pictures: SplitPictures, arm: str, options: Mapping[str, Any]) -> QuantumDiffusion:
    """Return the model of an arm; what makes a gate or a circuit is left out where there is none."""
    idle = {"plain": ("num_qubits", "num_layers")}.get(arm, () if arm in QUANTUM else ("num_layers",))
    given = {name: value for name, value in options.items() if name not in idle}
    channels, height, width = pictures.pool.shape[1:]
    return QuantumDiffusion((channels, height, width), cast("Bottleneck", arm), **given)


def run_low_data_trial(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train a model on few pictures and score as many samples as there are held-out pictures.

    The trial's seed sets the subset, the weights, the order of batches, the noise and the samples, so that trials of
    one seed and size differ in their bottleneck alone. A trial that was interrupted goes on from its checkpoint.

    Args:
        configuration: `data` (`name`, `data_dir`, `labels`, `held_out`, `digest`), `arm`, `size`, `seed`, `steps`,
            `batch_size`, `extractor` and `model` (further arguments of QuantumDiffusion).
        folder: Where the trial's files lie.

    Returns:
        `kernel_distance` to the held-out pictures; `copies_kernel_distance`, that of the training pictures repeated,
        which is what a model would reach that learnt them by heart; `copy_rate`, `held_out_copy_rate` and `closer` of
        :func:`~qiskit_qgen.metrics.memorization` in pixels; and `num_weights`, the number of trained weights.

    Raises:
        ArgumentError: If the data are not those that the configuration was made for, or a setting is wrong.
        TrainingDivergedError: If the training diverges.
    """
    pictures, seed = same_pictures(configuration["data"]), configuration["seed"]
    chosen = pictures.rows(configuration["size"], seed)
    model = build_arm(pictures, configuration["arm"], configuration["model"])
    checkpoints = folder / "checkpoints"
    model.fit(
        pictures.pool[chosen],
        steps=configuration["steps"],
        batch_size=configuration["batch_size"],
        seed=seed,
        callbacks=[],
        checkpoint_dir=checkpoints,
        resume=(checkpoints / CHECKPOINT_NAME).exists(),
    )
    samples = model.sample(len(pictures.held_out), seed=seed)
    save_image_grid(samples[:_SHOWN], folder / SAMPLES, columns=_SHOWN)
    scores = score_low_data(samples, pictures, chosen, configuration["extractor"])
    shutil.rmtree(checkpoints)
    trained = (weight for part in model.networks.values() for weight in part.parameters() if weight.requires_grad)
    return {**scores, "num_weights": sum(weight.numel() for weight in trained)}


def score_low_data(samples: Tensor, pictures: SplitPictures, chosen: Tensor, extractor: str) -> dict[str, float]:
    """Return the scores of samples (M, C, H, W) of a model that was trained on the pool's pictures ``chosen``."""
    network = get_extractor(extractor, image_shape=pictures.pool.shape[1:], name="extractor")
    pool, held_out = pictures.features(network)
    repeated = chosen[torch.arange(len(held_out)) % len(chosen)]
    copies = memorization(samples.flatten(1), pictures.pool[chosen].flatten(1), pictures.held_out.flatten(1))
    return {
        "kernel_distance": whole_kernel_distance(network(samples), held_out),
        "copies_kernel_distance": whole_kernel_distance(pool[repeated], held_out),
        **{name: float(value) for name, value in copies._asdict().items()},
    }
