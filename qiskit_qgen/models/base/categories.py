"""The categories in a model's noise, labels or clusters, for all models that have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from qiskit_qgen.networks import Categories
from qiskit_qgen.noise import AbstractNoise, CategoricalNoise
from qiskit_qgen.noise.categorical import unit_vectors
from qiskit_qgen.training.distributed import share_tensors


def build_categories(num_classes: int, num_clusters: int, num_features: int) -> dict[str, nn.Module]:
    """Return the module for classes or clusters, by its name in the model; empty without categories."""
    if num_classes:
        return {"categories": Categories(num_classes)}
    return {"categories": Categories(num_clusters, num_features)} if num_clusters else {}


def with_categories(continuous: AbstractNoise, categories: nn.Module | None) -> AbstractNoise:
    """Return noise with a category, each as often as in the training data; ``continuous`` itself without categories."""
    if categories is None:
        return continuous
    return CategoricalNoise(continuous, cast(Categories, categories).frequencies)


def asked_for(noise: Tensor, labels: Tensor, number: int) -> Tensor:
    """Return noise (N, length) with the category, the last ``number`` components, set to ``labels`` (N,)."""
    return torch.cat([noise[:, :-number], unit_vectors(labels, number, noise)], 1)


def categorizer(
    categories: nn.Module | None, labels: Tensor | None, *, warm_start: bool
) -> Callable[[Tensor], Tensor] | None:
    """Return a function that fits the categories to vectors (N, num_features) and returns those of each, (N,).

    Args:
        categories: The model's categories; None for a model without them, which returns None.
        labels: The labels of the same data, for a model with classes.
        warm_start: Whether to keep the categories unchanged.
    """
    if categories is None:
        return None
    known = cast(Categories, categories)

    def of(vectors: Tensor) -> Tensor:
        if not warm_start:
            if labels is None:
                known.fit_clusters(vectors)
            else:
                known.fit_labels(labels)
            share_tensors(known.state_dict().values())  # clusters may differ between computers
        return known.assign(vectors) if labels is None else labels.to(vectors.device)

    return of
