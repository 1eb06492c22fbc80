"""The scores of a capacity study, and the scores of real samples and trivial baselines as references."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from qiskit_qgen.metrics import (
    BASELINES,
    FeatureStatistics,
    fitted_baselines,
    maximum_mean_discrepancy,
    sliced_wasserstein_distance,
    standard_normal,
)
from qiskit_qgen.networks import AbstractNormalizer
from qiskit_qgen.studies.intervals import Interval, mean_interval

_DIRECTIONS = 200
_DRAWS = 5  # of each baseline


def _sliced(samples: Tensor, real: Tensor) -> float:
    return float(sliced_wasserstein_distance(samples, real, directions=_DIRECTIONS))


def _kernel(samples: Tensor, real: Tensor) -> float:
    # Values that are negative by chance are indistinguishable from zero, and a logarithm is needed.
    return max(float(maximum_mean_discrepancy(samples, real)), 1 / len(samples) ** 2)


def _frechet(samples: Tensor, real: Tensor) -> float:
    first, second = (FeatureStatistics.from_features(each) for each in (samples, real))
    return float(first.frechet_distance(second))


SCORE_NAMES = {
    "latent_sliced_wasserstein": "sliced Wasserstein distance of normalised latents",
    "latent_kernel_distance": "kernel distance of latents",
    "latent_frechet_distance": "Fréchet distance of normalised latents",
}
"""The names of the scores in texts and figures; lower is better."""
SCORES = tuple(SCORE_NAMES)


class LatentScores:
    """Scores generated latents against the latents of held-out images.

    Args:
        normalizer: The fitted map between the autoencoder's latents and the normalised latents that the generator
            learns.
        real: Held-out latents (M, D) of the autoencoder.
    """

    def __init__(self, normalizer: AbstractNormalizer, real: Tensor) -> None:
        self._normalizer, self._real, self._normalized = normalizer, real, normalizer(real)

    def __call__(self, samples: Tensor) -> dict[str, float]:
        """Return all scores of generated samples (N, D), in the generator's normalised form."""
        latents = self._normalizer.inverse(samples)
        values = (
            _sliced(samples, self._normalized),
            _kernel(latents, self._real),
            _frechet(samples, self._normalized),
        )
        return dict(zip(SCORES, values, strict=True))


def reference_scores(train: Tensor, scores: LatentScores, num_samples: int) -> dict[str, dict[str, Interval]]:
    """Return the scores of trivial baselines and of the training latents.

    Args:
        train: Normalised latents of training images (N, D), as the generator learns them.
        scores: The scores.
        num_samples: Number of samples of each baseline.

    Returns:
        For each score, its mean over draws with a 95 % interval, by the baseline's name in
        :data:`~qiskit_qgen.metrics.BASELINES`; "training" is the floor.
    """
    drawn = []
    for seed in range(_DRAWS):
        samples = {"standard_normal": standard_normal(num_samples, train.shape[1], seed=seed)}
        samples |= fitted_baselines(train, num_samples, seed=seed)
        drawn.append({name: scores(each) for name, each in samples.items()})
    return {
        score: {name: mean_interval([each[name][score] for each in drawn]) for name in drawn[0]} for score in SCORES
    }


def trivial_level(references: Mapping[str, Interval] | None) -> float:
    """Return the lowest score of a baseline that uses only means, covariances or marginals."""
    known = {name: each for name, each in (references or {}).items() if BASELINES[name].kind == "trivial"}
    return min((each["mean"] for each in known.values()), default=math.inf)
