"""Scores from nearest neighbours in feature space: precision and recall, density and coverage, memorisation."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_features

_CHUNK = 1024
COPY_RATIO = 1 / 3


class MemorizationScores(NamedTuple):
    """What :func:`memorization` finds; all are float64 scalars."""

    copy_rate: Tensor
    """Part of the generated samples that are copies of a training sample."""
    held_out_copy_rate: Tensor
    """The same part of real samples that were not trained on: what no model can be blamed for."""
    closer: Tensor
    """Probability that a generated sample is nearer to the training set than a held-out one: 1/2 without copying."""


def precision_recall(fake_features: Any, real_features: Any, *, neighbors: int = 3) -> tuple[Tensor, Tensor]:
    """Return improved precision and recall (arXiv 1904.06991).

    A set's support is the union of balls around its samples, each up to the sample's k-th nearest neighbour in the set.
    Precision is the part of the generated samples within the support of the real ones, recall the part of the real ones
    within that of the generated ones. Both depend on the numbers of samples: compare only values of the same numbers.

    Args:
        fake_features: Features of generated samples (N, D).
        real_features: Features of real samples (M, D).
        neighbors: k, less than N and M; 3 in the publication.

    Returns:
        Precision and recall, float64 scalars in [0, 1].

    Raises:
        ArgumentError: If shapes do not fit, a value is not finite or a set is too small.
    """
    fake, real = _checked(fake_features, real_features, neighbors)
    fake_radii, real_radii = _radii(fake, neighbors), _radii(real, neighbors)
    precision = torch.cat([(part <= real_radii).any(1) for part in _distances(fake, real)])
    recall = torch.cat([(part <= fake_radii).any(1) for part in _distances(real, fake)])
    return precision.double().mean(), recall.double().mean()


def density_coverage(fake_features: Any, real_features: Any, *, neighbors: int = 5) -> tuple[Tensor, Tensor]:
    """Return density and coverage (arXiv 2002.09797), which outliers move less than precision and recall.

    With balls around the real samples up to their k-th nearest real neighbours, density is the mean number of balls
    around a generated sample, divided by k, and coverage the part of the balls that hold a generated sample. Of two
    equal distributions, density is 1 on average, and coverage ``1 - (M-1)...(M-k) / ((N+M-1)...(N+M-k))``.

    Args:
        fake_features: Features of generated samples (N, D).
        real_features: Features of real samples (M, D).
        neighbors: k, less than M; 5 in the publication.

    Returns:
        Density, not negative and perhaps above 1, and coverage in [0, 1], float64 scalars.

    Raises:
        ArgumentError: If shapes do not fit, a value is not finite or a set is too small.
    """
    fake, real = _checked(fake_features, real_features, neighbors, both=False)
    radii = _radii(real, neighbors)
    inside = torch.cat([part <= radii for part in _distances(fake, real)])
    return inside.double().sum() / (neighbors * len(fake)), inside.any(0).double().mean()


def memorization(
    fake_features: Any, train_features: Any, held_out_features: Any, *, ratio: float = COPY_RATIO
) -> MemorizationScores:
    """Return how often generated samples are copies of training samples, beside how often unseen real ones are.

    A sample counts as a copy if its distance to the nearest training sample is less than ``ratio`` times that to the
    second nearest (1/3 in arXiv 2310.02664). `closer` compares the distances to the nearest training sample of
    generated and of held-out samples, by the statistic of Mann and Whitney, as arXiv 2004.05675 does.

    Args:
        fake_features: Features of generated samples (N, D).
        train_features: Features of all pictures that the model was trained on (M, D), at least 2.
        held_out_features: Features of real pictures that it was not trained on (L, D).
        ratio: Below which a sample counts as a copy, in (0, 1).

    Raises:
        ArgumentError: If shapes do not fit, a value is not finite, a set is too small or ``ratio`` is out of range.
    """
    check_float("ratio", ratio, minimum=0, maximum=1, open_minimum=True, open_maximum=True)
    train = check_features("train_features", train_features)
    sets = {"fake_features": fake_features, "held_out_features": held_out_features}
    fake, held_out = (
        check_features(name, value, num_features=train.shape[1], minimum=1) for name, value in sets.items()
    )
    fake_nearest, held_nearest = (_two_nearest(samples, train) for samples in (fake, held_out))
    fake_rate, held_rate = (
        (nearest[:, 0] < ratio * nearest[:, 1]).double().mean() for nearest in (fake_nearest, held_nearest)
    )
    first, second = fake_nearest[:, :1], held_nearest[:, 0]
    closer = (first < second).double().mean() + (first == second).double().mean() / 2
    return MemorizationScores(fake_rate, held_rate, closer)


def _checked(fake: Any, real: Any, neighbors: int, *, both: bool = True) -> tuple[Tensor, Tensor]:
    check_int("neighbors", neighbors, minimum=1)
    real = check_features("real_features", real)
    fake = check_features("fake_features", fake, num_features=real.shape[1], minimum=1)
    for name, samples in (("real_features", real), ("fake_features", fake))[: 2 if both else 1]:
        if len(samples) <= neighbors:
            raise ArgumentError(
                f"Argument `{name}` must hold more than `neighbors={neighbors}` samples, but holds {len(samples)}."
            )
    return fake, real


def _distances(samples: Tensor, others: Tensor) -> list[Tensor]:
    """Return the distances (n, M) of parts of ``samples`` to ``others``, without the rounding of a matrix product."""
    exact = "donot_use_mm_for_euclid_dist"
    return [torch.cdist(part, others, compute_mode=exact) for part in samples.split(_CHUNK)]


def _radii(samples: Tensor, neighbors: int) -> Tensor:
    """Return each sample's distance to its k-th nearest neighbour; the sample itself, at 0, is not counted."""
    return torch.cat([part.kthvalue(neighbors + 1, dim=1).values for part in _distances(samples, samples)])


def _two_nearest(samples: Tensor, train: Tensor) -> Tensor:
    return torch.cat([part.topk(2, largest=False, sorted=True).values for part in _distances(samples, train)])
