"""The kernel distance as a torchmetrics metric."""

from __future__ import annotations

import warnings
from typing import Any

import torchmetrics.image.kid
from torch import Tensor
from torchmetrics.utilities.data import dim_zero_cat

from qiskit_qgen.metrics._features import check_count
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR, AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.functional.kernel import kernel_distance


class KernelInceptionDistance(torchmetrics.image.kid.KernelInceptionDistance):
    """torchmetrics' kernel distance on a named extractor's features (arXiv 1801.01401).

    The class keeps torchmetrics' name and states; its value may be called KID only if the extractor is the Inception-v3
    of that paper. See :func:`~qiskit_qgen.metrics.kernel_distance` for the equation. The subsets come from a seed, not
    from the global generator, so the same samples always give the same value. All features are kept in memory.

    Args:
        feature: An extractor or its name.
        subsets: How many subsets are drawn.
        subset_size: Samples in each; 1000 as in torchmetrics. Must not exceed the number of samples.
        degree: Degree of the kernel.
        gamma: The kernel's scale; None takes 1 / num_features.
        coef: The kernel's constant, positive.
        reset_real_features: Whether :meth:`reset` also forgets the real samples.
        seed: Seed of the subsets; None draws fresh ones at each :meth:`compute`.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If no extractor has that name.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.
        MissingOptionalLibraryError: If the named extractor needs an extra that is not installed.
        ValueError: If another option is out of its range.
    """

    def __init__(
        self,
        feature: str | AbstractFeatureExtractor = DEFAULT_EXTRACTOR,
        *,
        subsets: int = 100,
        subset_size: int = 1000,
        degree: int = 3,
        gamma: float | None = None,
        coef: float = 1.0,
        reset_real_features: bool = True,
        seed: int | None = 0,
        **kwargs: Any,
    ) -> None:
        extractor = get_extractor(feature)
        with warnings.catch_warnings():
            # The docstring says it: this metric keeps all features.
            warnings.filterwarnings("ignore", message=".*will save all extracted features in buffer.*")
            super().__init__(
                feature=extractor,
                subsets=subsets,
                subset_size=subset_size,
                degree=degree,
                gamma=gamma,
                coef=coef,
                reset_real_features=reset_real_features,
                normalize=True,
                **kwargs,
            )
        self.seed = seed

    @property
    def extractor_name(self) -> str:
        """The name of the extractor whose features are compared."""
        return str(self.inception.name)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation over the subsets of all samples given so far, float64 scalars.

        Raises:
            ArgumentError: If fewer real or generated samples than ``subset_size`` were given.
        """
        for kind, batches in (("real", self.real_features), ("fake", self.fake_features)):
            check_count(f"{kind} samples", sum(len(batch) for batch in batches), minimum=2)
        return kernel_distance(
            dim_zero_cat(self.fake_features),
            dim_zero_cat(self.real_features),
            subsets=self.subsets,
            subset_size=self.subset_size,
            degree=self.degree,
            gamma=self.gamma,
            coef=self.coef,
            seed=self.seed,
        )
