"""One trial of the placement study: a hybrid GAN with its circuits in one place, and its scores on the way."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from qiskit_qgen._checks import check_choice
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.metrics import (
    AbstractFeatureExtractor,
    FeatureStatistics,
    density_coverage,
    get_extractor,
    memorization,
)
from qiskit_qgen.models import HybridGAN
from qiskit_qgen.models.hybrid_arguments import QUANTUM_IN
from qiskit_qgen.persistence import atomic_path
from qiskit_qgen.studies.arms.images import same_pictures, whole_kernel_distance
from qiskit_qgen.training import Checkpoint, Scores, TrainingState
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME

SAMPLES = "samples.npy"
_PHASE, _SCORE = "adversarial", "kernel_distance"
_NEIGHBORS = 5
_SHOWN = 16


def run_placement_trial(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train a model with circuits in one place and score it every few steps, and in more ways at the end.

    The trial's seed sets the subset, the weights that all places have in common, the order of batches, the noise and
    the samples, so that trials of one seed and size differ in where their circuits are alone. A trial that was
    interrupted goes on from its checkpoint.

    Args:
        configuration: `data` (`name`, `data_dir`, `labels`, `held_out`, `side`, `digest`), `place`, `size`, `seed`,
            `steps`, `score_every`, `batch_size`, `num_samples`, `extractor` and `model` (further arguments of
            HybridGAN).
        folder: Where the trial's files lie.

    Returns:
        `steps` and `kernel_distance` to the held-out pictures at each of them; of the trained model
        `frechet_distance`, `density` and `coverage` beside the held-out pictures, `copy_rate`, `held_out_copy_rate` and
        `closer` of :func:`~qiskit_qgen.metrics.memorization` in the extractor's features;
        `copies_kernel_distance`, what the training pictures themselves reach; and `block_parameters`, by network.

    Raises:
        ArgumentError: If the data are not those that the configuration was made for, or a setting is wrong.
        TrainingDivergedError: If the training diverges.
    """
    seed, size = configuration["seed"], configuration["size"]
    check_choice("place", configuration["place"], QUANTUM_IN)
    pictures = same_pictures(configuration["data"])
    network = get_extractor(configuration["extractor"], image_shape=pictures.pool.shape[1:], name="extractor")
    _, held_out = pictures.features(network)
    num_samples = configuration["num_samples"]

    def distance(state: TrainingState) -> float:
        return whole_kernel_distance(network(state.phase.sample(num_samples, seed)), held_out)  # type: ignore[attr-defined]

    shape: Any = tuple(pictures.pool.shape[1:])
    model = HybridGAN(shape, configuration["place"], **configuration["model"])
    checkpoints, every = folder / "checkpoints", configuration["score_every"]
    history = model.fit(
        pictures.pool,
        steps=configuration["steps"],
        batch_size=configuration["batch_size"],
        num_images=size,
        subset_seed=seed,
        seed=seed,
        callbacks=[Scores({_SCORE: distance}, every=every), Checkpoint(every)],
        checkpoint_dir=checkpoints,
        resume=(checkpoints / CHECKPOINT_NAME).exists(),
    )
    samples = model.sample(num_samples, seed=seed)
    with atomic_path(folder / SAMPLES) as temporary, temporary.open("wb") as file:
        np.save(file, samples[:_SHOWN].mul(255).round().byte().numpy())
    final = _final_scores(samples, subset(pictures.pool, size, seed), held_out, network)
    blocks = {name: _block_parameters(part) for name, part in model.networks.items()}
    shutil.rmtree(checkpoints)
    curve = {"steps": history.steps(_PHASE, _SCORE), _SCORE: history.values(_PHASE, _SCORE)}
    return {**curve, **final, "block_parameters": blocks}


def _final_scores(
    samples: Tensor, trained_on: Tensor, held_out: Tensor, network: AbstractFeatureExtractor
) -> dict[str, float]:
    """Score the samples of a trained model; ``held_out`` are features, the rest are pictures."""
    made, train = network(samples), network(trained_on)
    density, coverage = density_coverage(made, held_out, neighbors=_NEIGHBORS)
    copies = memorization(made, train, held_out)
    statistics = [FeatureStatistics.from_features(features) for features in (made, held_out)]
    repeated = train.repeat(-(-len(held_out) // len(train)), 1)[: len(held_out)]
    return {
        "frechet_distance": float(statistics[0].frechet_distance(statistics[1])),
        "density": float(density),
        "coverage": float(coverage),
        **{name: float(value) for name, value in copies._asdict().items()},
        "copies_kernel_distance": whole_kernel_distance(repeated, held_out),
    }


def _block_parameters(network: Any) -> int:
    return sum(weight.numel() for weight in network.block.parameters())
