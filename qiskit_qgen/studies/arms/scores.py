"""Scores the samples of a trial and of its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor

from qiskit_qgen.metrics import (
    AbstractFeatureExtractor,
    FeatureStatistics,
    LabelFeatureExtractor,
    density_coverage,
    get_extractor,
    memorization,
)
from qiskit_qgen.metrics.baselines import fitted_baselines
from qiskit_qgen.metrics.extractors.label_classifier import LABELS_EXTRACTOR
from qiskit_qgen.studies.arms.images import ImageSplit, whole_kernel_distance
from qiskit_qgen.studies.arms.settings import ArmSettings

SCORES = ("kernel_distance", "frechet_distance", "uncovered")
"""The scores of a set of samples for each extractor; lower is better for all."""
REPEATED = "training"
"""The baseline that repeats the training images."""
_NEIGHBORS = 5

Networks = Mapping[str, AbstractFeatureExtractor]


def networks_of(settings: ArmSettings, image_shape: Sequence[int]) -> dict[str, AbstractFeatureExtractor]:
    """Return the extractors by name."""
    return {
        name: LabelFeatureExtractor(settings.images.labelled())
        if name == LABELS_EXTRACTOR
        else get_extractor(name, image_shape=image_shape, name="extractors")
        for name in settings.extractors
    }


def feature_scores(samples: Tensor, images: ImageSplit, networks: Networks) -> dict[str, dict[str, float]]:
    """Return :data:`SCORES` of samples (M, C, H, W) against the held-out images, by extractor."""
    return {name: _all(network(samples), images.features(network)[1]) for name, network in networks.items()}


def _all(made: Tensor, real: Tensor) -> dict[str, float]:
    return {score: distance(score, made, real) for score in SCORES}


def distance(score: str, made: Tensor, real: Tensor) -> float:
    """Return one of :data:`SCORES` of features (N, D) of samples and (M, D) of real images.

    ``uncovered`` is 1 minus coverage: the fraction of real images without a sample in the ball that reaches their fifth
    nearest real neighbour.
    """
    if score == "kernel_distance":
        return whole_kernel_distance(made, real)
    if score == "uncovered":
        return 1 - float(density_coverage(made, real, neighbors=_NEIGHBORS)[1])
    first, second = (FeatureStatistics.from_features(features) for features in (made, real))
    return float(first.frechet_distance(second))


def copying(
    samples: Tensor,
    images: ImageSplit,
    chosen: Tensor,
    networks: Networks,
    *,
    copies_in: Literal["pixels", "features"],
) -> dict[str, float]:
    """Return ``copy_rate``, ``held_out_copy_rate`` and ``closer`` of samples of a model trained on rows ``chosen``.

    They are the scores of :func:`~qiskit_qgen.metrics.memorization`, in pixels or in the first extractor's features.
    """
    sets = (samples, images.pool[chosen], images.held_out)
    if copies_in == "features":
        network = next(iter(networks.values()))
        sets = (network(sets[0]), network(sets[1]), images.features(network)[1])
    found = memorization(*(each.flatten(1) for each in sets))
    return {name: float(value) for name, value in found._asdict().items()}


def baseline_samples(train: Tensor, untrained: Tensor, seed: int) -> dict[str, Tensor]:
    """Return the images of each baseline that needs no generator training, as many as of the untrained model.

    Args:
        train: The training images (N, C, H, W).
        untrained: Samples (M, C, H, W) of an untrained model.
        seed: Seed of the draws.
    """
    fitted = fitted_baselines(train, len(untrained), seed=seed)
    return {"untrained": untrained} | {name: samples.clamp(0, 1) for name, samples in fitted.items()}
