"""The Jensen-Shannon divergence as a torchmetrics metric."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from qiskit_qgen._checks import check_int
from qiskit_qgen.metrics._features import check_count, check_numbers
from qiskit_qgen.metrics.extractors import AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.functional import jensen_shannon_divergence
from qiskit_qgen.metrics.functional.jensen_shannon import DEFAULT_BINS, PIXEL_LIMITS


class JensenShannonDivergence(Metric):
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
    is_differentiable: bool = False
    full_state_update: bool = False
    plot_lower_bound: float = 0.0
    plot_upper_bound: float = 1.0

    real_features: list[Tensor]
    fake_features: list[Tensor]

    def __init__(
        self,
        feature: Literal["pixel"] | str | AbstractFeatureExtractor = "pixel",
        *,
        bins: int = DEFAULT_BINS,
        reset_real_features: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.extractor = None if feature == "pixel" else get_extractor(feature)
        self.bins = check_int("bins", bins, minimum=2)
        self.reset_real_features = reset_real_features
        self.add_state("real_features", [], dist_reduce_fx=None)
        self.add_state("fake_features", [], dist_reduce_fx=None)

    @property
    def extractor_name(self) -> str:
        """The name of the extractor whose features are compared, or "pixel"."""
        return "pixel" if self.extractor is None else self.extractor.name

    def update(self, imgs: Tensor, real: bool) -> None:
        """Add samples.

        Args:
            imgs: Samples of shape (N, ...), pictures (N, C, H, W) in [0, 1].
            real: Whether they are real or generated ("fake").
        """
        features = check_numbers("imgs", imgs).flatten(1) if self.extractor is None else self.extractor(imgs)
        (self.real_features if real else self.fake_features).append(features)

    def compute(self) -> Tensor:
        """Return the divergence of all samples given so far, a float64 scalar in [0, 1].

        Raises:
            ArgumentError: If fewer than 2 real or 2 generated samples were given.
        """
        for kind, batches in (("real", self.real_features), ("fake", self.fake_features)):
            check_count(f"{kind} samples", sum(len(batch) for batch in batches), minimum=2)
        return jensen_shannon_divergence(
            dim_zero_cat(self.fake_features),
            dim_zero_cat(self.real_features),
            bins=self.bins,
            limits=PIXEL_LIMITS if self.extractor is None else None,
        )

    def reset(self) -> None:
        """Forget the generated samples, and the real ones if ``reset_real_features``."""
        kept = list(self.real_features)
        super().reset()
        if not self.reset_real_features:
            self.real_features = kept
