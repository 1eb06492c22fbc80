"""The Jensen-Shannon divergence as a torchmetrics metric."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from qiskit_qgen._checks import check_int
from qiskit_qgen.metrics.extractors import PIXEL_EXTRACTOR, AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.functional.jensen_shannon import DEFAULT_BINS, PIXEL_LIMITS, jensen_shannon_divergence
from qiskit_qgen.metrics.real_fake import AbstractRealFakeMetric


class JensenShannonDivergence(AbstractRealFakeMetric):
    """Jensen-Shannon divergence of the histograms of pixels or of features, averaged over them, in bits.

    See :func:`~qiskit_qgen.metrics.jensen_shannon_divergence` for the equation. Pixels are binned over [0, 1], features
    over the range of the real samples, which is why all features are kept in memory.

    Args:
        feature: "pixel" to compare the values of the samples themselves, or an extractor or its name.
        bins: Number of bins of each histogram, at least 2.
        reset_real_features: Whether :meth:`reset` also forgets the real samples.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If no extractor has that name or ``bins`` is below 2.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.

    Example:
        >>> import torch
        >>> metric = JensenShannonDivergence("pixel")
        >>> metric.update(torch.zeros(3, 1, 8, 8), real=True)
        >>> metric.update(torch.ones(3, 1, 8, 8), real=False)
        >>> float(metric.compute()), metric.extractor_name
        (1.0, 'pixel')
    """

    higher_is_better: bool = False
    plot_lower_bound: float = 0.0
    plot_upper_bound: float = 1.0

    def __init__(
        self,
        feature: str | AbstractFeatureExtractor = PIXEL_EXTRACTOR,
        *,
        bins: int = DEFAULT_BINS,
        reset_real_features: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(None if feature == PIXEL_EXTRACTOR else get_extractor(feature), reset_real_features, **kwargs)
        self.bins = check_int("bins", bins, minimum=2)

    def compute(self) -> Tensor:
        """Return the divergence of all samples given so far, a float64 scalar in [0, 1].

        Raises:
            ArgumentError: If fewer than 2 real or 2 generated samples were given.
        """
        limits = PIXEL_LIMITS if self.extractor is None else None
        return jensen_shannon_divergence(*self._kept(minimum=2), bins=self.bins, limits=limits)
