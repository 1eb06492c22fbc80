"""One trial of a study of arms: a model trained on few images, and its scores on others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen.metrics import (
    AbstractFeatureExtractor,
    FeatureStatistics,
    density_coverage,
    get_extractor,
    memorization,
)
from qiskit_qgen.models.base import count
from qiskit_qgen.persistence import atomic_path
from qiskit_qgen.studies.arms.design import DESIGNS
from qiskit_qgen.studies.arms.images import ImageSplit, whole_kernel_distance
from qiskit_qgen.studies.arms.settings import ArmSettings
from qiskit_qgen.studies.trials.folder import kept_checkpoint
from qiskit_qgen.training import Checkpoint, Scores, TrainingState

SAMPLES = "samples.npy"
SCORE = "kernel_distance"
_PHASE = "adversarial"
_NEIGHBORS = 5
_SHOWN = 16


def run_arm_trial(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train a model on few images and score its samples at the end, and on the way if that is asked for.

    The trial's seed sets the subset, the weights that all arms have in common, the order of batches, the noise and the
    samples, so that trials of one seed and size differ in their arm alone. A trial that was interrupted goes on from
    its checkpoint.

    The configuration holds ``study``, the name of the design; ``arm``, ``size``, ``seed``; ``model`` and ``training``,
    settings as dictionaries; and what :class:`ArmSettings` holds for all trials.

    Returns:
        ``kernel_distance`` to the held-out images at each of the scored steps; of the trained model the scores of
        :func:`final_scores`; and ``num_weights``, the number of trained weights.

    Raises:
        ArgumentError: If the data are not those that the configuration was made for, or a setting is wrong.
        TrainingDivergedError: If the training diverges.
    """
    design, seed = DESIGNS[configuration["study"]], configuration["seed"]
    settings = ArmSettings.of(**{name: configuration[name] for name in ArmSettings.common()})
    images, every = settings.images.load(), settings.score_every
    network = get_extractor(settings.extractor, image_shape=images.pool.shape[1:], name="extractor")
    _, held_out = images.features(network)
    chosen = images.rows(configuration["size"], seed)
    model = design.build(configuration["model"], images.pool.shape[1:], configuration["arm"])

    def distance(state: TrainingState) -> float:
        samples: Tensor = state.phase.sample(settings.samples, seed)  # type: ignore[attr-defined]
        return whole_kernel_distance(network(samples), held_out)

    with kept_checkpoint(folder) as (checkpoint_dir, resume):
        history = model.fit(
            images.pool[chosen],
            steps=settings.steps,
            batch_size=settings.batch_size,
            seed=seed,
            training=design.model.training_class.of(**configuration["training"]),
            callbacks=[] if every is None else [Scores({SCORE: distance}, every=every), Checkpoint(every)],
            checkpoint_dir=checkpoint_dir,
            resume=resume,
        )
        samples = model.sample(settings.samples, seed=seed)
        with atomic_path(folder / SAMPLES) as temporary, temporary.open("wb") as file:
            np.save(file, samples[:_SHOWN].mul(255).round().byte().numpy())
        scores = final_scores(samples, images, chosen, network, copies_in=design.copies_in)
    return {
        **scores,
        SCORE: [scores[SCORE]] if every is None else history.values(_PHASE, SCORE),
        "num_weights": count(model),
    }


def final_scores(
    samples: Tensor, images: ImageSplit, chosen: Tensor, network: AbstractFeatureExtractor, *, copies_in: str
) -> dict[str, float]:
    """Return the scores of samples (M, C, H, W) of a model that was trained on the pool's images ``chosen``.

    Returns:
        ``kernel_distance``, ``frechet_distance``, ``density`` and ``coverage`` beside the held-out images;
        ``copies_kernel_distance``, the kernel distance of the training images repeated, which is what a model would
        reach that learnt them by heart; and ``copy_rate``, ``held_out_copy_rate`` and ``closer`` of
        :func:`~qiskit_qgen.metrics.memorization`.
    """
    pool, held_out = images.features(network)
    made, train = network(samples), pool[chosen]
    statistics = [FeatureStatistics.from_features(features) for features in (made, held_out)]
    density, coverage = density_coverage(made, held_out, neighbors=_NEIGHBORS)
    if copies_in == "pixels":
        copies = memorization(samples.flatten(1), images.pool[chosen].flatten(1), images.held_out.flatten(1))
    else:
        copies = memorization(made, train, held_out)
    return {
        SCORE: whole_kernel_distance(made, held_out),
        "copies_kernel_distance": whole_kernel_distance(train[torch.arange(len(held_out)) % len(train)], held_out),
        "frechet_distance": float(statistics[0].frechet_distance(statistics[1])),
        "density": float(density),
        "coverage": float(coverage),
        **{name: float(value) for name, value in copies._asdict().items()},
    }
