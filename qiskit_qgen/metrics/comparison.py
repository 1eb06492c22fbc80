"""The scores of one set of samples against another, from features that are computed already."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from qiskit_qgen._checks import check_int
from qiskit_qgen.metrics.functional.classifier import DEFAULT_FOLDS, classified
from qiskit_qgen.metrics.functional.frechet import FeatureStatistics
from qiskit_qgen.metrics.functional.gaussian_kernel import maximum_mean_discrepancy, maximum_mean_discrepancy_interval
from qiskit_qgen.metrics.functional.inception import inception_score
from qiskit_qgen.metrics.functional.intervals import mean_interval, proportion_interval, rank_interval
from qiskit_qgen.metrics.functional.jensen_shannon import PIXEL_LIMITS, jensen_shannon_divergence
from qiskit_qgen.metrics.functional.kernel import default_subset_size, kernel_distance, kernel_distance_interval
from qiskit_qgen.metrics.functional.neighbors import copies, support
from qiskit_qgen.metrics.functional.sliced_wasserstein import sliced_wasserstein_distance

SCORES = (
    "frechet_distance",
    "kernel_distance",
    "jensen_shannon_divergence",
    "jensen_shannon_divergence_pixel",
    "maximum_mean_discrepancy",
    "maximum_mean_discrepancy_pixel",
    "sliced_wasserstein_distance",
    "classifier_accuracy",
    "precision",
    "recall",
    "density",
    "coverage",
    "inception_score",
)
"""The scores of samples against real ones that :func:`compare` may return, by name."""

_SPLITS = 10
_SMALLEST_SPLIT = 50  # of fewer images the Inception Score says little


@dataclass(frozen=True)
class Options:
    """What the scores depend on besides the samples."""

    subsets: int
    subset_size: int | None
    bins: int
    seed: int
    floors: bool

    def __post_init__(self) -> None:
        check_int("subsets", self.subsets, minimum=1)
        check_int("bins", self.bins, minimum=2)
        if self.subset_size is not None:
            check_int("subset_size", self.subset_size, minimum=2)


@dataclass(frozen=True, eq=False)
class Samples:
    """A set of samples.

    Attributes:
        features: Shape (N, D), float64.
        pixels: Shape (N, C H W), of images.
        logits: Shape (N, K), of images whose extractor has classes.
    """

    features: Tensor
    pixels: Tensor | None = None
    logits: Tensor | None = None

    @cached_property
    def statistics(self) -> FeatureStatistics:
        """Mean and covariance of the features."""
        return FeatureStatistics.from_features(self.features)

    def __len__(self) -> int:
        return self.features.shape[0]

    def take(self, rows: Tensor) -> Samples:
        """Return some of the samples."""
        pixels, logits = (None if part is None else part[rows] for part in (self.pixels, self.logits))
        return Samples(self.features[rows], pixels, logits)


def compare(samples: Samples, real: Samples, options: Options) -> dict[str, Any]:
    """Return the scores of ``samples`` against ``real``, with intervals and sizes, as JSON can hold them."""
    size = options.subset_size or default_subset_size(len(samples), len(real))
    kernel_mean, kernel_std = kernel_distance(
        samples.features, real.features, subsets=options.subsets, subset_size=size, seed=options.seed
    )
    scores = {
        "frechet_distance": float(samples.statistics.frechet_distance(real.statistics)),
        "kernel_distance": float(kernel_mean),
        "kernel_distance_std": float(kernel_std),
        "kernel_distance_interval": list(kernel_distance_interval(samples.features, real.features, seed=options.seed)),
        "jensen_shannon_divergence": float(
            jensen_shannon_divergence(samples.features, real.features, bins=options.bins)
        ),
    }
    if samples.pixels is not None and real.pixels is not None:
        scores["jensen_shannon_divergence_pixel"] = float(
            jensen_shannon_divergence(samples.pixels, real.pixels, bins=options.bins, limits=PIXEL_LIMITS)
        )
        scores |= _discrepancy("maximum_mean_discrepancy_pixel", samples.pixels, real.pixels, options)
    else:
        scores |= _two_samples(samples.features, real.features, options)
    scores |= _support(samples, real) | _inception(samples, options)
    return scores | {"num_samples": len(samples), "num_real": len(real), "subset_size": size}


def _discrepancy(name: str, samples: Tensor, real: Tensor, options: Options) -> dict[str, Any]:
    interval = maximum_mean_discrepancy_interval(samples, real, seed=options.seed)
    return {name: float(maximum_mean_discrepancy(samples, real)), f"{name}_interval": list(interval)}


def _two_samples(samples: Tensor, real: Tensor, options: Options) -> dict[str, Any]:
    """Return the scores of vectors, which are of few enough dimensions for them."""
    right = classified(samples, real, folds=min(DEFAULT_FOLDS, len(samples), len(real)), seed=options.seed)
    return {
        **_discrepancy("maximum_mean_discrepancy", samples, real, options),
        "sliced_wasserstein_distance": float(sliced_wasserstein_distance(samples, real, seed=options.seed)),
        "classifier_accuracy": float(right.double().mean()),
        "classifier_accuracy_interval": list(proportion_interval(right)),
    }


def _support(samples: Samples, real: Samples) -> dict[str, Any]:
    found = support(samples.features, real.features)
    scores: dict[str, Any] = {name: float(values.double().mean()) for name, values in found._asdict().items()}
    for name, values in found._asdict().items():
        interval = mean_interval if name == "density" else proportion_interval
        scores[f"{name}_interval"] = list(interval(values))
    return scores


def _inception(samples: Samples, options: Options) -> dict[str, Any]:
    if samples.logits is None:
        return {}
    splits = max(1, min(_SPLITS, len(samples) // _SMALLEST_SPLIT))
    mean, std = inception_score(samples.logits, splits=splits, seed=options.seed)
    return {
        "inception_score": float(mean),
        "inception_score_std": float(std),
        "inception_score_splits": splits,
    }


def memorized(samples: Samples, train: Samples, held_out: Samples) -> dict[str, Any]:
    """Return how often ``samples`` are copies of ``train``, and ``held_out`` would be taken for such."""
    found = copies(samples.features, train.features, held_out.features)
    return {
        "copy_rate": float(found.copy_rate.double().mean()),
        "copy_rate_interval": list(proportion_interval(found.copy_rate)),
        "held_out_copy_rate": float(found.held_out_copy_rate.double().mean()),
        "held_out_copy_rate_interval": list(proportion_interval(found.held_out_copy_rate)),
        "closer": float(found.closer.mean()),
        "closer_interval": list(rank_interval(found.closer, found.passed)),
        "num_train": len(train),
    }
