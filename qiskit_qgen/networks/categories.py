"""The kinds of samples that a model distinguishes: labels of the data, or clusters of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_shape
from qiskit_qgen.exceptions import ArgumentError

_STARTS = 4  # of k-means, the best of which is kept


class Categories(nn.Module):
    """How often each category is in the data, and, of clusters, where they are; fitted once, then kept.

    Args:
        number: Number K of categories.
        num_features: Length of the vectors that clusters are found in; None for labels, which need none.

    Attributes:
        frequencies: Part of the data in each category, (K,), on the CPU always; 1 / K before the training.
        centers: Means of the clusters, (K, num_features).

    Raises:
        ArgumentError: If a number is not positive.
    """

    frequencies: Tensor
    centers: Tensor

    def __init__(self, number: int, num_features: int | None = None) -> None:
        super().__init__()
        self.number = check_int("number", number, minimum=1)
        self.num_features = None if num_features is None else check_int("num_features", num_features, minimum=1)
        self.register_buffer("frequencies", torch.full((number,), 1 / number))
        self.register_buffer("centers", torch.zeros(number, num_features or 0))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        frequencies = self.frequencies
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.frequencies = frequencies  # what is random is drawn on the CPU
        return self

    @torch.no_grad()
    def fit_labels(self, labels: Tensor) -> None:
        """Count ``labels`` (N,), integers from 0 to K - 1."""
        counts = torch.bincount(labels.cpu(), minlength=self.number)
        self.frequencies.copy_(counts / len(labels))

    @torch.no_grad()
    def fit_clusters(self, vectors: Tensor) -> None:
        """Find K clusters of ``vectors`` (N, num_features) by k-means, the largest first.

        Raises:
            ArgumentError: If there are fewer different vectors than clusters.
        """
        from sklearn.cluster import KMeans  # slow to import

        points = vectors.detach().cpu().double()
        check_shape("vectors", points.shape, f"(N, {self.num_features})", points.shape[1:] == (self.num_features,))
        found = len(points.unique(dim=0))
        if found < self.number:
            raise ArgumentError(
                f"Argument `num_clusters` must be at most the number of different images, {found}, but is "
                f"{self.number}."
            )
        means = KMeans(self.number, n_init=_STARTS, random_state=0).fit(points.numpy())
        counts = torch.bincount(torch.from_numpy(means.labels_).long(), minlength=self.number)
        order = counts.argsort(descending=True, stable=True)
        self.centers.copy_(torch.from_numpy(means.cluster_centers_)[order])
        self.frequencies.copy_(counts[order] / len(points))

    @torch.no_grad()
    def assign(self, vectors: Tensor) -> Tensor:
        """Return the nearest cluster of each of ``vectors`` (N, num_features), (N,)."""
        return torch.cdist(vectors.double(), self.centers.double()).argmin(1)
