"""Scores from nearest neighbours in feature space: precision and recall, density and coverage, memorisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_features

PRECISION_NEIGHBORS = 3
DENSITY_NEIGHBORS = 5
COPY_RATIO = 1 / 3

_CHUNK = 1024
_PAIRS = 4096
# Squared distances below this part of the squared lengths lose digits in a matrix product, and are recomputed.
_NEAR = 1e-6
_MANY = 0.05
# Distances that are equal in exact arithmetic may differ by this part: a sample on a ball's surface lies within it.
_TIE = 1e-9
# Training samples nearer to each other than this part of their lengths, squared, are one: features are float32.
_SAME = 1e-10


class MemorizationScores(NamedTuple):
    """What :func:`memorization` finds; all are float64 scalars."""

    copy_rate: Tensor
    """Part of the generated samples that are copies of a training sample."""
    held_out_copy_rate: Tensor
    """The same part of real samples that were not trained on: what no model can be blamed for."""
    closer: Tensor
    """Probability that a generated sample is nearer to the training set than a held-out one: 1/2 without copying."""


class Support(NamedTuple):
    """Sample by sample, of N generated and M real ones, the values whose means are four scores."""

    precision: Tensor
    """Whether each generated sample lies in the support of the real ones, (N,)."""
    recall: Tensor
    """Whether each real sample lies in the support of the generated ones, (M,)."""
    density: Tensor
    """In how many real samples' balls each generated sample lies, by the number of neighbours; ties count in part."""
    coverage: Tensor
    """Whether each real sample's ball holds a generated sample, (M,)."""


class Copies(NamedTuple):
    """Sample by sample, of N generated and L held-out ones, the values whose means are :class:`MemorizationScores`.

    `closer` and `passed` have the same mean; ties count one half.
    """

    copy_rate: Tensor
    """Whether each generated sample is a copy, (N,)."""
    held_out_copy_rate: Tensor
    """Whether each held-out sample would count as one, (L,)."""
    closer: Tensor
    """Than which part of the held-out samples each generated one is nearer to the training set, (N,)."""
    passed: Tensor
    """Which part of the generated samples is nearer to it than each held-out one, (L,)."""


def precision_recall(
    fake_features: TensorLike, real_features: TensorLike, *, neighbors: int = PRECISION_NEIGHBORS
) -> tuple[Tensor, Tensor]:
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
    precision, _ = _inside(fake, real, *_balls(real, neighbors))
    recall, _ = _inside(real, fake, *_balls(fake, neighbors))
    return (precision > 0).double().mean(), (recall > 0).double().mean()


def density_coverage(
    fake_features: TensorLike, real_features: TensorLike, *, neighbors: int = DENSITY_NEIGHBORS
) -> tuple[Tensor, Tensor]:
    """Return density and coverage (arXiv 2002.09797), which outliers move less than precision and recall.

    With balls around the real samples up to their k-th nearest real neighbours, density is the mean number of balls
    around a generated sample, divided by k, and coverage the part of the balls that hold a generated sample. Of two
    equal distributions, density is 1 on average, and coverage ``1 - (M-1)...(M-k) / ((N+M-1)...(N+M-k))``, or more
    where distances tie. A sample on the surface of a ball counts for density by the chance that it is among the k
    nearest when ties are broken at random: the publication's code, which leaves it out, gives 0 for equal constant
    sets.

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
    counts, covered = _inside(fake, real, *_balls(real, neighbors))
    return counts.mean() / neighbors, covered.double().mean()


def support(fake_features: TensorLike, real_features: TensorLike) -> Support:
    """Return what :func:`precision_recall` and :func:`density_coverage` average, at their publications' neighbours.

    A set of few samples has fewer neighbours: at most one less than the samples of the smaller set.

    Args:
        fake_features: Features of generated samples (N, D), at least 2.
        real_features: Features of real samples (M, D), at least 2.

    Raises:
        ArgumentError: If shapes do not fit, a value is not finite or a set is too small.
    """
    fake, real = _checked(fake_features, real_features, 1)
    few, many = (min(k, len(fake) - 1, len(real) - 1) for k in (PRECISION_NEIGHBORS, DENSITY_NEIGHBORS))
    precision, _ = _inside(fake, real, *_balls(real, few))
    recall, _ = _inside(real, fake, *_balls(fake, few))
    counts, covered = _inside(fake, real, *_balls(real, many))
    return Support(precision > 0, recall > 0, counts / many, covered)


def memorization(
    fake_features: TensorLike, train_features: TensorLike, held_out_features: TensorLike, *, ratio: float = COPY_RATIO
) -> MemorizationScores:
    """Return how often generated samples are copies of training samples, beside how often unseen real ones are.

    A sample counts as a copy if its distance to the nearest training sample is less than ``ratio`` times that to the
    second nearest (1/3 in arXiv 2310.02664), or 0; of equal training samples only one counts. `closer` compares the
    distances to the nearest training sample of generated and of held-out samples, by the statistic of Mann and Whitney,
    as arXiv 2004.05675 does.

    Args:
        fake_features: Features of generated samples (N, D).
        train_features: Features of all images that the model was trained on (M, D), at least 2.
        held_out_features: Features of real images that it was not trained on (L, D).
        ratio: Below which a sample counts as a copy, in (0, 1).

    Raises:
        ArgumentError: If shapes do not fit, a value is not finite, a set is too small or ``ratio`` is out of range.
    """
    values = copies(fake_features, train_features, held_out_features, ratio=ratio)
    return MemorizationScores(*(value.double().mean() for value in values[:3]))


def copies(
    fake_features: TensorLike, train_features: TensorLike, held_out_features: TensorLike, *, ratio: float = COPY_RATIO
) -> Copies:
    """Return what :func:`memorization` averages; arguments and errors are the same."""
    check_float("ratio", ratio, minimum=0, maximum=1, open_minimum=True, open_maximum=True)
    train = check_features("train_features", train_features)
    sets = {"fake_features": fake_features, "held_out_features": held_out_features}
    (first, other), (second, another) = (
        _two_nearest(check_features(name, value, num_features=train.shape[1], minimum=1), train)
        for name, value in sets.items()
    )
    is_copy, would_be = (first == 0) | (first < ratio * other), (second == 0) | (second < ratio * another)
    return Copies(is_copy, would_be, 1 - _share_below(first, second), _share_below(second, first))


def _share_below(values: Tensor, others: Tensor) -> Tensor:
    """Return which part of ``others`` is less than each of ``values``; equal ones count one half."""
    ordered = others.sort().values
    ends = (torch.searchsorted(ordered, values, right=right).double() for right in (False, True))
    return sum(ends, torch.zeros_like(values)) / (2 * len(others))


def _checked(fake: TensorLike, real: TensorLike, neighbors: int, *, both: bool = True) -> tuple[Tensor, Tensor]:
    check_int("neighbors", neighbors, minimum=1)
    real = check_features("real_features", real)
    fake = check_features("fake_features", fake, num_features=real.shape[1], minimum=1)
    for name, samples in (("real_features", real), ("fake_features", fake))[: 2 if both else 1]:
        if len(samples) <= neighbors:
            raise ArgumentError(
                f"Argument `{name}` must hold more than `neighbors={neighbors}` samples, but holds {len(samples)}."
            )
    return fake, real


def _inside(samples: Tensor, centres: Tensor, radii: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Return in how many balls each of the samples lies, and whether each ball holds a sample.

    A sample on a ball's surface lies within it, and counts as the ball's share of a sample.
    """
    counts, held = [], torch.zeros(len(centres), dtype=torch.bool, device=centres.device)
    for part in _distances(samples, centres):
        inside, within = part <= radii * (1 + _TIE), part < radii * (1 - _TIE)
        counts.append(within.sum(1) + (inside & ~within).double() @ shares)
        held |= inside.any(0)
    return torch.cat(counts), held


def _distances(samples: Tensor, others: Tensor) -> Iterator[Tensor]:
    """Give the distances (n, M) of parts of ``samples`` to ``others``: 20 times as fast as sums of differences."""
    centre = others.mean(0)
    moved = others - centre
    lengths = moved.square().sum(1)
    for part in (samples - centre).split(_CHUNK):
        scale = part.square().sum(1, keepdim=True) + lengths
        squared = (scale - 2 * part @ moved.T).clamp(min=0)
        near = squared < _NEAR * scale
        if near.double().mean() > _MANY:  # repeated samples
            yield torch.cdist(part, moved, compute_mode="donot_use_mm_for_euclid_dist")
            continue
        for rows, columns in (pairs.T for pairs in near.nonzero().split(_PAIRS)):
            squared[rows, columns] = (part[rows] - moved[columns]).square().sum(1)
        yield squared.sqrt()


def _balls(samples: Tensor, neighbors: int) -> tuple[Tensor, Tensor]:
    """Return the distance of each sample to its k-th nearest neighbour, and the share of a sample that lies there.

    With a neighbours nearer than the k-th and b as far, one more as far is among the k nearest with the chance
    ``(k - a) / (b + 1)`` when ties are broken at random.
    """
    radii, shares = [], []
    rows = torch.arange(len(samples), device=samples.device).split(_CHUNK)
    for own, part in zip(rows, _distances(samples, samples), strict=True):
        part[torch.arange(len(own)), own] = torch.inf  # no neighbour of its own
        reach = part.kthvalue(neighbors, dim=1, keepdim=True).values
        nearer, near = ((part < reach * (1 - _TIE)).sum(1), (part <= reach * (1 + _TIE)).sum(1))
        radii.append(reach[:, 0])
        shares.append((neighbors - nearer).double() / (near - nearer + 1))
    return torch.cat(radii), torch.cat(shares)


def _two_nearest(samples: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distances to the nearest training sample and to the nearest that differs from it, each (N,).

    The first is 0 where a sample is the training sample up to rounding, the second if all training samples are equal.
    """
    moved = train - train.mean(0)
    same = _SAME * moved.square().sum(1)
    nearest, others = [], []
    for part in _distances(samples, train):
        first, chosen = part.min(1)
        reach = (2 * same[chosen]).sqrt()
        # Only what is about as near as the nearest can be equal to it; each two are compared once for all samples.
        rows, columns = (part <= (first + reach)[:, None]).nonzero().T
        pairs, places = (chosen[rows] * len(train) + columns).unique(return_inverse=True)
        equal = torch.cat([_equal(each // len(train), each % len(train), moved, same) for each in pairs.split(_PAIRS)])
        part[rows[equal[places]], columns[equal[places]]] = torch.inf
        second = part.min(1).values
        nearest.append(torch.where(first <= reach, 0, first))
        others.append(torch.where(second.isinf(), 0, second))
    return torch.cat(nearest), torch.cat(others)


def _equal(first: Tensor, second: Tensor, moved: Tensor, same: Tensor) -> Tensor:
    return (moved[first] - moved[second]).square().sum(1) <= same[first] + same[second]
