"""What metrics that keep all features of real and of generated samples have in common."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from qiskit_qgen.metrics._features import check_count, check_numbers
from qiskit_qgen.metrics.extractors import PIXEL_EXTRACTOR, AbstractFeatureExtractor


class AbstractRealFakeMetric(Metric):
    """A score of generated ("fake") samples against real ones that needs the features of all of them.

    Args:
        extractor: What the features are of; None takes the samples' own values.
        reset_real_features: Whether :meth:`reset` also forgets the real samples.
        **kwargs: torchmetrics' own options of every metric.
    """

    is_differentiable: bool = False
    full_state_update: bool = False

    real_features: list[Tensor]
    fake_features: list[Tensor]

    def __init__(self, extractor: AbstractFeatureExtractor | None, reset_real_features: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extractor = extractor
        self.reset_real_features = reset_real_features
        self.add_state("real_features", [], dist_reduce_fx=None)
        self.add_state("fake_features", [], dist_reduce_fx=None)

    @property
    def extractor_name(self) -> str:
        """The name of the extractor whose features are compared, or "pixel"."""
        return PIXEL_EXTRACTOR if self.extractor is None else self.extractor.name

    def update(self, imgs: Tensor, real: bool) -> None:
        """Add samples.

        Args:
            imgs: Samples of shape (N, ...), images (N, C, H, W) in [0, 1].
            real: Whether they are real or generated ("fake").
        """
        features = check_numbers("imgs", imgs).flatten(1) if self.extractor is None else self.extractor(imgs)
        (self.real_features if real else self.fake_features).append(features)

    def reset(self) -> None:
        """Forget the generated samples, and the real ones if ``reset_real_features``."""
        kept = list(self.real_features)
        super().reset()
        if not self.reset_real_features:
            self.real_features = kept

    def _kept(self, minimum: int) -> tuple[Tensor, Tensor]:
        """Return the features of all generated and of all real samples, at least ``minimum`` of each."""
        for kind, batches in (("real", self.real_features), ("fake", self.fake_features)):
            check_count(f"{kind} samples", sum(map(len, batches)), minimum=minimum)
        return dim_zero_cat(self.fake_features), dim_zero_cat(self.real_features)
