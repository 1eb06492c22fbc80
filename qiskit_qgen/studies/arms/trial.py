"""One trial of a study of arms: a model trained on few images, and its scores on others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from qiskit_qgen.models.base import count
from qiskit_qgen.studies.arms.design import DESIGNS, ArmDesign
from qiskit_qgen.studies.arms.images import ImageSplit
from qiskit_qgen.studies.arms.samples import as_saved, write_samples
from qiskit_qgen.studies.arms.scores import REPEATED, Networks, baseline_samples, distance, networks_of
from qiskit_qgen.studies.arms.settings import ArmSettings
from qiskit_qgen.studies.trials.folder import kept_checkpoint
from qiskit_qgen.training import Checkpoint, History, Scores, TrainingState

BASELINES_ARM = "baselines"
"""The trial that scores the untrained baselines instead of an arm."""
VALIDATION = "validation_distance"
"""The result that holds distances to the validation images."""


def run_arm_trial(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train a model on few images, choose its step with the validation images, and write its samples of that step.

    The trial's seed sets the subset, the weights common to all arms, the order of batches, the noise and the samples,
    so trials with the same seed and size differ only in their arm. An interrupted trial resumes from its checkpoint.
    The held-out images are not used: the samples are scored after all trials have ended.

    The configuration holds ``study``, the name of the design; ``arm``, ``size``, ``seed``; ``model`` and ``training``,
    settings as dictionaries; and the fields of :class:`ArmSettings` that all trials share. The arm "baselines" trains
    nothing.

    Returns:
        ``validation_distance``, the distance to the validation images at each scored step by the first extractor. For
        an arm also ``step``, the chosen step, and ``num_weights``, the number of trained weights. For the baselines,
        the distance is that of the repeated training images.

    Raises:
        ArgumentError: If the data differ from those of the configuration, or a setting is wrong.
        TrainingDivergedError: If the training diverges.
    """
    design, seed = DESIGNS[configuration["study"]], configuration["seed"]
    settings = ArmSettings.of(**{name: configuration[name] for name in ArmSettings.common()})
    images = settings.images.load()
    networks = networks_of(settings, images.pool.shape[1:])
    if configuration["arm"] == BASELINES_ARM:
        model = design.build(configuration["model"], images.pool.shape[1:], design.baseline)
        train = images.pool[images.rows(configuration["size"], seed)]
        made = baseline_samples(train, model.untrained(seed).sample(settings.samples, seed=seed), seed)
        for name, samples in made.items():
            write_samples(folder, samples, name)
        return {VALIDATION: [_distance(made[REPEATED], settings, images, networks)]}
    with kept_checkpoint(folder) as (checkpoint_dir, resume):
        return _train(design, settings, configuration, images, networks, folder, checkpoint_dir, resume)


def _distance(samples: Tensor, settings: ArmSettings, images: ImageSplit, networks: Networks) -> float:
    """Return the distance of samples to the validation images by the first extractor."""
    network = next(iter(networks.values()))
    return distance(settings.score, network(samples), images.features(network)[0])


def _train(
    design: ArmDesign,
    settings: ArmSettings,
    configuration: Mapping[str, Any],
    images: ImageSplit,
    networks: Networks,
    folder: Path,
    checkpoint_dir: Path,
    resume: bool,
) -> dict[str, Any]:
    """Train, write the samples of the best step so far, and return the results of the training.

    A step that is scored again after an interruption writes the same samples again.
    """
    seed = configuration["seed"]
    model = design.build(configuration["model"], images.pool.shape[1:], configuration["arm"])

    def validate(state: TrainingState) -> float | None:
        if not state.step:  # the untrained model is a baseline
            return None
        samples = state.phase.preview(settings.samples, seed)
        if samples is None:
            raise TypeError(f"Phase {state.phase.name!r} makes no images.")
        samples = as_saved(samples)
        value = _distance(samples, settings, images, networks)
        if all(value < former for former in _distances(state.history, design.phase)):
            write_samples(folder, samples)
        return value

    every = settings.score_every or settings.steps
    history = model.fit(
        images.pool[images.rows(configuration["size"], seed)],
        steps=settings.steps,
        batch_size=settings.batch_size,
        seed=seed,
        training=design.model.training_class.of(**configuration["training"]),
        callbacks=[Scores({VALIDATION: validate}, every=every), Checkpoint(every)],
        checkpoint_dir=checkpoint_dir,
        resume=resume,
    )
    distances = _distances(history, design.phase)
    return {
        VALIDATION: distances,
        "step": history.steps(design.phase, VALIDATION)[int(np.argmin(distances))],
        "num_weights": count(model),
    }


def _distances(history: History, phase: str) -> list[float]:
    return history.values(phase, VALIDATION) if VALIDATION in history.names(phase) else []
