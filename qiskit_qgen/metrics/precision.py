"""Improved precision and recall as a torchmetrics metric."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from qiskit_qgen.metrics._neighbor_metric import AbstractNeighborMetric
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR, AbstractFeatureExtractor
from qiskit_qgen.metrics.functional import precision_recall


class PrecisionRecall(AbstractNeighborMetric):
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
        neighbors: int = 3,
        reset_real_features: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(feature, neighbors, reset_real_features=reset_real_features, **kwargs)

    def _score(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        return precision_recall(fake, real, neighbors=self.neighbors)
