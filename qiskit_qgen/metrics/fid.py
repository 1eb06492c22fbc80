"""The Fréchet distance as a torchmetrics metric."""

from __future__ import annotations

from typing import Any

import torchmetrics.image.fid
from torch import Tensor

from qiskit_qgen.metrics._features import check_count
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR, AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.functional.frechet import FeatureStatistics


class FrechetInceptionDistance(torchmetrics.image.fid.FrechetInceptionDistance):
    r"""torchmetrics' Fréchet distance on a named extractor's features (arXiv 1706.08500).

    The class keeps torchmetrics' name and states. Its value may be called FID only if the extractor is the
    Inception-v3 of that paper; name :attr:`extractor_name` next to it otherwise. Images go to the extractor as they
    are, in [0, 1], neither quantised to 8 bits nor resized to 299 pixels; sums are float64; the matrix square root is
    :func:`~qiskit_qgen.metrics.frechet_distance`'s, exact for covariances of deficient rank, constant sets included.

    With N samples the distance is biased upwards by an amount that falls as 1/N and is large for N below the number
    of features: compare only values of the same sizes.

    Args:
        feature: An extractor or its name.
        reset_real_features: Whether :meth:`reset` also forgets the real samples.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If no extractor has that name.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.

    Example:
        >>> import torch
        >>> from qiskit_qgen.metrics import IdentityFeatureExtractor
        >>> metric = FrechetInceptionDistance(IdentityFeatureExtractor(1, name="latent"))
        >>> metric.update(torch.tensor([[0.0], [2.0]]), real=True)
        >>> metric.update(torch.tensor([[3.0], [5.0]]), real=False)
        >>> float(metric.compute())
        9.0
    """

    def __init__(
        self,
        feature: str | AbstractFeatureExtractor = DEFAULT_EXTRACTOR,
        *,
        reset_real_features: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            feature=get_extractor(feature), reset_real_features=reset_real_features, normalize=True, **kwargs
        )

    @property
    def extractor_name(self) -> str:
        """The name of the extractor whose features are compared."""
        return str(self.inception.name)

    def compute(self) -> Tensor:
        """Return the distance of all samples given so far, a float64 scalar.

        Raises:
            ArgumentError: If fewer than 2 real or 2 generated samples were given.
        """
        found = []
        for kind in ("real", "fake"):
            count = int(getattr(self, f"{kind}_features_num_samples"))
            check_count(f"{kind} samples", count, minimum=2)
            total, products = (getattr(self, f"{kind}_features_{name}") for name in ("sum", "cov_sum"))
            found.append(FeatureStatistics.from_sums(total, products, count))
        return found[1].frechet_distance(found[0])
