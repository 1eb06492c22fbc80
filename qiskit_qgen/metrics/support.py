"""Precision and recall, density and coverage, as torchmetrics metrics: they keep all features."""

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
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR, AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.functional import density_coverage, precision_recall
from qiskit_qgen.metrics.functional.neighbors import DENSITY_NEIGHBORS, PRECISION_NEIGHBORS

_HALVES_STREAM = 0x6E6D


class _AbstractSupportMetric(Metric):
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


class PrecisionRecall(_AbstractSupportMetric):
    """Improved precision and recall of generated samples (arXiv 1904.06991) on a named extractor's features.

    See :func:`~qiskit_qgen.metrics.precision_recall` for the definitions. All features are kept in memory. The
    values depend on the numbers of samples; :meth:`floor` gives those of real samples against real ones.

    Args:
        feature: An extractor or its name.
        neighbors: How many neighbours make a ball's radius.
        reset_real_features: Whether :meth:`reset` also forgets the real samples.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If no extractor has that name or ``neighbors`` is not positive.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.

    Example:
        >>> import torch
        >>> from qiskit_qgen.metrics import IdentityFeatureExtractor
        >>> metric = PrecisionRecall(IdentityFeatureExtractor(1), neighbors=1)
        >>> metric.update(torch.tensor([[0.0], [1.0], [2.0]]), real=True)
        >>> metric.update(torch.tensor([[0.5], [1.5], [9.0]]), real=False)
        >>> [round(float(score), 3) for score in metric.compute()]
        [0.667, 1.0]
    """

    def __init__(
        self,
        feature: str | AbstractFeatureExtractor = DEFAULT_EXTRACTOR,
        *,
        neighbors: int = PRECISION_NEIGHBORS,
        reset_real_features: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(feature, neighbors, reset_real_features=reset_real_features, **kwargs)

    def _score(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        return precision_recall(fake, real, neighbors=self.neighbors)


class DensityCoverage(_AbstractSupportMetric):
    """Density and coverage of generated samples (arXiv 2002.09797) on a named extractor's features.

    See :func:`~qiskit_qgen.metrics.density_coverage` for the definitions. All features are kept in memory. The
    values depend on the numbers of samples; :meth:`floor` gives those of real samples against real ones.

    Args:
        feature: An extractor or its name.
        neighbors: How many neighbours make a ball's radius.
        reset_real_features: Whether :meth:`reset` also forgets the real samples.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If no extractor has that name or ``neighbors`` is not positive.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.

    Example:
        >>> import torch
        >>> from qiskit_qgen.metrics import IdentityFeatureExtractor
        >>> metric = DensityCoverage(IdentityFeatureExtractor(1), neighbors=1)
        >>> metric.update(torch.tensor([[0.0], [1.0], [2.0]]), real=True)
        >>> metric.update(torch.tensor([[0.5], [1.5], [9.0]]), real=False)
        >>> [round(float(score), 3) for score in metric.compute()]
        [1.333, 1.0]
    """

    def __init__(
        self,
        feature: str | AbstractFeatureExtractor = DEFAULT_EXTRACTOR,
        *,
        neighbors: int = DENSITY_NEIGHBORS,
        reset_real_features: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(feature, neighbors, reset_real_features=reset_real_features, **kwargs)

    def _score(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        return density_coverage(fake, real, neighbors=self.neighbors)
