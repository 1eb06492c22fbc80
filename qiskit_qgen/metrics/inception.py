"""The Inception Score on a named classifier, as a torchmetrics metric."""

from __future__ import annotations

import warnings
from typing import Any

import torchmetrics.image.inception
from torch import Tensor
from torchmetrics.utilities.data import dim_zero_cat

from qiskit_qgen._checks import check_int
from qiskit_qgen.metrics._features import check_count
from qiskit_qgen.metrics.extractors import AbstractFeatureExtractor
from qiskit_qgen.metrics.functional.inception import inception_score


class InceptionScore(torchmetrics.image.inception.InceptionScore):
    """torchmetrics' Inception Score of a named classifier (arXiv 1606.03498).

    See :func:`~qiskit_qgen.metrics.inception_score` for the equation.

    The class keeps torchmetrics' name and states; its value may be called Inception Score only if the classifier is the
    Inception-v3 of that paper: name :attr:`extractor_name` next to it otherwise. The order of the samples before they
    are split comes from a seed, not from the global generator. Real images, scored alone, give the value to reach.

    Args:
        feature: An extractor that gives the logits of classes.
        splits: Into how many parts the samples are split; the spread of their scores is the second value.
        seed: Seed of the order; None draws a fresh one at each :meth:`compute`.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If ``splits`` is not a positive integer.
    """

    def __init__(
        self, feature: AbstractFeatureExtractor, *, splits: int = 10, seed: int | None = 0, **kwargs: Any
    ) -> None:
        check_int("splits", splits, minimum=1)
        with warnings.catch_warnings():
            # The docstring of torchmetrics says it: this metric keeps all logits.
            warnings.filterwarnings("ignore", message=".*will save all extracted features in buffer.*")
            super().__init__(feature=feature, splits=splits, normalize=True, **kwargs)
        self.seed = seed

    @property
    def extractor_name(self) -> str:
        """The name of the classifier."""
        return str(self.inception.name)

    def update(self, imgs: Tensor) -> None:
        """Add samples.

        Args:
            imgs: Images (N, C, H, W) in [0, 1].
        """
        self.features.append(self.inception(imgs))

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the score over the splits, float64 scalars.

        Raises:
            ArgumentError: If fewer samples than ``splits`` were given.
        """
        check_count("samples", sum(map(len, self.features)), minimum=max(2, self.splits))
        return inception_score(dim_zero_cat(self.features), splits=self.splits, seed=self.seed)
