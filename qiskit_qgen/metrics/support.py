"""Precision and recall, density and coverage as torchmetrics metrics."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics.utilities.data import dim_zero_cat

from qiskit_qgen._checks import check_int
from qiskit_qgen._random import torch_generator
from qiskit_qgen.metrics._features import check_count
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR, AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.functional.neighbors import (
    DENSITY_NEIGHBORS,
    PRECISION_NEIGHBORS,
    density_coverage,
    precision_recall,
)
from qiskit_qgen.metrics.real_fake import AbstractRealFakeMetric

_HALVES_STREAM = 0x6E6D


class _AbstractSupport(AbstractRealFakeMetric):
    """A pair of scores from the nearest neighbours of features; see the subclasses."""

    higher_is_better: bool = True
    _default_neighbors: ClassVar[int]

    def __init__(
        self,
        feature: str | AbstractFeatureExtractor = DEFAULT_EXTRACTOR,
        *,
        neighbors: int | None = None,
        reset_real_features: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(get_extractor(feature), reset_real_features, **kwargs)
        given = self._default_neighbors if neighbors is None else neighbors
        self.neighbors = check_int("neighbors", given, minimum=1)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return both scores of all samples given so far, float64 scalars.

        Raises:
            ArgumentError: If too few real or generated samples were given.
        """
        return self._score(*self._kept(minimum=self.neighbors + 1))

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

    @abstractmethod
    def _score(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Return both scores of features."""


class PrecisionRecall(_AbstractSupport):
    """Improved precision and recall of generated samples (arXiv 1904.06991) on a named extractor's features.

    See :func:`~qiskit_qgen.metrics.precision_recall` for the definitions. All features are kept in memory. The
    values depend on the numbers of samples; :meth:`floor` gives those of real samples against real ones.

    Args:
        feature: An extractor or its name.
        neighbors: How many neighbours make a ball's radius; None takes 3.
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

    _default_neighbors = PRECISION_NEIGHBORS

    def _score(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        return precision_recall(fake, real, neighbors=self.neighbors)


class DensityCoverage(_AbstractSupport):
    """Density and coverage of generated samples (arXiv 2002.09797) on a named extractor's features.

    See :func:`~qiskit_qgen.metrics.density_coverage` for the definitions. All features are kept in memory. The
    values depend on the numbers of samples; :meth:`floor` gives those of real samples against real ones.

    Args:
        feature: An extractor or its name.
        neighbors: How many neighbours make a ball's radius; None takes 5.
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

    _default_neighbors = DENSITY_NEIGHBORS

    def _score(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        return density_coverage(fake, real, neighbors=self.neighbors)
