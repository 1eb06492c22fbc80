"""The two-sample scores, which see more than means and covariances, as torchmetrics metrics."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen.metrics.extractors import AbstractFeatureExtractor, get_extractor
from qiskit_qgen.metrics.functional.classifier import DEFAULT_FOLDS, classifier_accuracy
from qiskit_qgen.metrics.functional.gaussian_kernel import maximum_mean_discrepancy
from qiskit_qgen.metrics.functional.sliced_wasserstein import DEFAULT_DIRECTIONS, sliced_wasserstein_distance
from qiskit_qgen.metrics.real_fake import AbstractRealFakeMetric


class _AbstractTwoSample(AbstractRealFakeMetric):
    """A score of two sets of features of which less is better; see the subclasses."""

    higher_is_better: bool = False

    def __init__(
        self, feature: AbstractFeatureExtractor | str | None, reset_real_features: bool, **kwargs: Any
    ) -> None:
        super().__init__(None if feature is None else get_extractor(feature), reset_real_features, **kwargs)


class MaximumMeanDiscrepancy(_AbstractTwoSample):
    """Squared maximum mean discrepancy with a Gaussian kernel (arXiv 0805.2368), of samples or of their features.

    See :func:`~qiskit_qgen.metrics.maximum_mean_discrepancy` for the equation. All features are kept in memory.

    Args:
        feature: An extractor or its name; None compares the samples themselves, such as latents.
        bandwidth: The kernel's sigma; None takes the median distance between real samples.
        reset_real_features: Whether :meth:`reset` also forgets the real samples.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If no extractor has that name or ``bandwidth`` is not positive.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.

    Example:
        >>> import torch
        >>> metric = MaximumMeanDiscrepancy(bandwidth=1.0)
        >>> metric.update(torch.zeros(2, 3), real=True)
        >>> metric.update(torch.full((2, 3), 100.0), real=False)
        >>> round(float(metric.compute()), 6)
        2.0
    """

    def __init__(
        self,
        feature: AbstractFeatureExtractor | str | None = None,
        *,
        bandwidth: float | None = None,
        reset_real_features: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(feature, reset_real_features, **kwargs)
        if bandwidth is not None:
            check_float("bandwidth", bandwidth, minimum=0.0, open_minimum=True)
        self.bandwidth = bandwidth

    def compute(self) -> Tensor:
        """Return the discrepancy of all samples given so far, a float64 scalar.

        Raises:
            ArgumentError: If fewer than 2 real or 2 generated samples were given.
        """
        return maximum_mean_discrepancy(*self._kept(minimum=2), bandwidth=self.bandwidth)


class SlicedWassersteinDistance(_AbstractTwoSample):
    """Sliced 2-Wasserstein distance of samples or of their features.

    See :func:`~qiskit_qgen.metrics.sliced_wasserstein_distance` for the equation. All features are kept in memory.

    Args:
        feature: An extractor or its name; None compares the samples themselves, such as latents.
        directions: Number of directions.
        reset_real_features: Whether :meth:`reset` also forgets the real samples.
        seed: Seed of the directions; None draws fresh ones at each :meth:`compute`.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If no extractor has that name or ``directions`` is not positive.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.

    Example:
        >>> import torch
        >>> metric = SlicedWassersteinDistance()
        >>> metric.update(torch.tensor([[0.0], [1.0]]), real=True)
        >>> metric.update(torch.tensor([[2.0], [3.0]]), real=False)
        >>> float(metric.compute())
        2.0
    """

    def __init__(
        self,
        feature: AbstractFeatureExtractor | str | None = None,
        *,
        directions: int = DEFAULT_DIRECTIONS,
        reset_real_features: bool = True,
        seed: int | None = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(feature, reset_real_features, **kwargs)
        self.directions = check_int("directions", directions, minimum=1)
        self.seed = seed

    def compute(self) -> Tensor:
        """Return the distance of all samples given so far, a float64 scalar.

        Raises:
            ArgumentError: If fewer than 2 real or 2 generated samples were given.
        """
        return sliced_wasserstein_distance(*self._kept(minimum=2), directions=self.directions, seed=self.seed)


class ClassifierTwoSampleAccuracy(_AbstractTwoSample):
    """How many samples a classifier puts to the right side, real or generated, that it was not trained on.

    See :func:`~qiskit_qgen.metrics.classifier_accuracy` for the definition (arXiv 1610.06545). All features are kept in
    memory.

    Args:
        feature: An extractor or its name; None compares the samples themselves, such as latents.
        folds: Number of parts, of which each is classified by a classifier trained on the others.
        reset_real_features: Whether :meth:`reset` also forgets the real samples.
        seed: Seed of the parts and of the classifier; None draws fresh ones at each :meth:`compute`.
        **kwargs: torchmetrics' own options of every metric (``dist_sync_on_step``, ``sync_on_compute``, ...).

    Raises:
        ArgumentError: If no extractor has that name or ``folds`` is below 2.
        ArgumentTypeError: If ``feature`` is neither a name nor an extractor.

    Example:
        >>> import torch
        >>> metric = ClassifierTwoSampleAccuracy()
        >>> metric.update(torch.linspace(0, 1, 20)[:, None], real=True)
        >>> metric.update(torch.linspace(5, 6, 20)[:, None], real=False)
        >>> float(metric.compute())
        1.0
    """

    def __init__(
        self,
        feature: AbstractFeatureExtractor | str | None = None,
        *,
        folds: int = DEFAULT_FOLDS,
        reset_real_features: bool = True,
        seed: int | None = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(feature, reset_real_features, **kwargs)
        self.folds = check_int("folds", folds, minimum=2)
        self.seed = seed

    def compute(self) -> Tensor:
        """Return the accuracy of all samples given so far, a float64 scalar in [0, 1], 1/2 of equal distributions.

        Raises:
            ArgumentError: If fewer real or generated samples than ``folds`` were given.
        """
        return classifier_accuracy(*self._kept(minimum=self.folds), folds=self.folds, seed=self.seed)
