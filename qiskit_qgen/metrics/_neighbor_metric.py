"""What the metrics of nearest neighbours share: they keep all features."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from qiskit_qgen._checks import check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen.metrics._features import check_count
from qiskit_qgen.metrics.extractors import AbstractFeatureExtractor, get_extractor

_HALVES_STREAM = 0x6E6D


class AbstractNeighborMetric(Metric):
    """Keeps the features of real and of generated samples for a pair of scores; see the subclasses."""

    is_differentiable: bool = False
    higher_is_better: bool = True
    full_state_update: bool = False

    real_features: list[Tensor]
    fake_features: list[Tensor]

    def __init__(
        self,
        feature: str | AbstractFeatureExtractor,
        neighbors: int,
        *,
        reset_real_features: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.extractor = get_extractor(feature)
        self.neighbors = check_int("neighbors", neighbors, minimum=1)
        self.reset_real_features = reset_real_features
        self.add_state("real_features", [], dist_reduce_fx=None)
        self.add_state("fake_features", [], dist_reduce_fx=None)

    @property
    def extractor_name(self) -> str:
        """The name of the extractor whose features are compared."""
        return self.extractor.name

    def update(self, imgs: Tensor, real: bool) -> None:
        """Add samples.

        Args:
            imgs: Samples of shape (N, ...), pictures (N, C, H, W) in [0, 1].
            real: Whether they are real or generated ("fake").
        """
        (self.real_features if real else self.fake_features).append(self.extractor(imgs))

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return both scores of all samples given so far, float64 scalars.

        Raises:
            ArgumentError: If too few real or generated samples were given.
        """
        for kind, batches in (("real", self.real_features), ("fake", self.fake_features)):
            check_count(f"{kind} samples", sum(map(len, batches)), minimum=self.neighbors + 1)
        return self._score(dim_zero_cat(self.fake_features), dim_zero_cat(self.real_features))

    def floor(self, seed: int | None = 0) -> tuple[Tensor, Tensor]:
        """Return both scores of one random half of the real samples against the other: what a perfect model reaches.

        Args:
            seed: Seed of the halves; None draws a fresh one.

        Raises:
            ArgumentError: If too few real samples were given.
        """
        check_count("real samples", sum(map(len, self.real_features)), minimum=2 * self.neighbors + 2)
        real = dim_zero_cat(self.real_features)
        first, second = torch.randperm(len(real), generator=torch_generator(seed, _HALVES_STREAM)).tensor_split(2)
        return self._score(real[first.to(real.device)], real[second.to(real.device)])

    def reset(self) -> None:
        """Forget the generated samples, and the real ones if ``reset_real_features``."""
        kept = list(self.real_features)
        super().reset()
        if not self.reset_real_features:
            self.real_features = kept

    @abstractmethod
    def _score(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Return both scores of features."""
