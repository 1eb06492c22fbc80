"""Trivial baselines: samples that take no training of a generator, beside which every score has to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int, check_shape
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_count, check_numbers
from qiskit_qgen.metrics.functional.frechet import FeatureStatistics

_STREAM = 0x62617365
_CLUSTERS = 10
_STANDARD = 0.01
_FEWEST_IN_CLUSTER = 20  # a cluster of fewer samples says nothing of a covariance


@dataclass(frozen=True)
class Baseline:
    """What is known of a baseline before any score.

    Attributes:
        title: Its name in tables and sentences.
        kind: "trivial" if it holds nothing of the data but means and covariances, or marginals, or nothing at all;
            "fitted" if it is a model of the density, though an easy one; "bound" if it repeats the data.
    """

    title: str
    kind: Literal["trivial", "fitted", "bound"]


BASELINES = {
    "untrained": Baseline("untrained model", "trivial"),
    "standard_normal": Baseline("N(0, I) in the latent", "trivial"),
    "marginals": Baseline("shuffled columns", "trivial"),
    "gaussian": Baseline("fitted Gaussian", "trivial"),
    "mixture": Baseline("fitted Gaussian mixture", "fitted"),
    "training": Baseline("training data repeated", "bound"),
}
"""All baselines by name, from the one that knows least to the one that knows most."""


def standard_normal(num_samples: int, num_features: int, *, seed: int | None = 0) -> Tensor:
    """Return samples (num_samples, num_features) of N(0, I), float32.

    Raises:
        ArgumentError: If a number is not positive.
    """
    check_int("num_features", num_features, minimum=1)
    return _normal(check_int("num_samples", num_samples, minimum=1), num_features, seed, 0).float()


def fitted_baselines(
    train: TensorLike, num_samples: int, *, labels: TensorLike | None = None, seed: int | None = 0
) -> dict[str, Tensor]:
    """Return what takes no training but the training data alone: the baselines of vectors, rows or images.

    ==============  =============================================================================================
    ``marginals``   each column drawn by itself from the training samples, so that nothing of their correlation is left
    ``gaussian``    the normal distribution of their mean and covariance
    ``mixture``     a normal distribution with full covariance for each class, in the classes' parts; without labels,
                    for each cluster of scikit-learn's k-means (10, or one for 20 samples if that is less)
    ``training``    the training samples themselves: without repetition as far as there are enough, in random order
    ==============  =============================================================================================

    Args:
        train: Training samples of shape (N, ...), N of at least 2; images are fitted pixel by pixel.
        num_samples: How many samples each baseline has.
        labels: The training samples' classes (N,), integers; None takes clusters.
        seed: Seed of all draws; None draws a fresh one.

    Returns:
        float32 tensors of shape (num_samples, ...) by the names of :data:`BASELINES`. Those of images must be clipped
        to [0, 1], where a normal distribution does not stay.

    Raises:
        ArgumentError: If ``train`` holds fewer than 2 samples or values that are not finite, or ``labels`` another
            number.

    Example:
        >>> import torch
        >>> train = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
        >>> {name: tuple(samples.shape) for name, samples in fitted_baselines(train, 5).items()}
        {'marginals': (5, 2), 'gaussian': (5, 2), 'mixture': (5, 2), 'training': (5, 2)}
    """
    data = check_numbers("train", train).cpu()
    if data.dim() < 2:
        raise ArgumentError(f"Argument `train` must have shape (N, ...), but has shape {tuple(data.shape)}.")
    check_count("train", len(data), minimum=2)
    number = check_int("num_samples", num_samples, minimum=1)
    vectors = data.flatten(1).double()
    groups = _clusters(vectors, seed) if labels is None else check_numbers("labels", labels).cpu()
    check_shape("labels", groups.shape, f"({len(data)},)", tuple(groups.shape) == (len(data),))
    whole = FeatureStatistics.from_features(vectors)
    found = {
        "marginals": _shuffled(vectors, number, seed),
        "gaussian": whole.mean + _normal(number, whole.factor.shape[1], seed, 2) @ whole.factor.T,
        "mixture": _mixture(vectors, groups, number, seed),
        "training": vectors[repeated_rows(len(vectors), number, seed=seed)],
    }
    return {name: samples.float().unflatten(1, data.shape[1:]) for name, samples in found.items()}


def is_standard(train: Tensor) -> bool:
    """Whether samples (N, D) have nearly the mean 0 and the covariance I, so that their Gaussian is N(0, I)."""
    vectors = train.double()
    covariance = vectors.T.cov().reshape(vectors.shape[1], -1)
    identity = torch.eye(len(covariance), dtype=covariance.dtype)
    return float(vectors.mean(0).abs().max()) < _STANDARD and float((covariance - identity).abs().max()) < _STANDARD


def _normal(number: int, width: int, seed: int | None, *stream: int) -> Tensor:
    return torch.randn(number, width, generator=torch_generator(seed, _STREAM, *stream), dtype=torch.float64)


def _shuffled(vectors: Tensor, number: int, seed: int | None) -> Tensor:
    rows = torch.randint(len(vectors), (number, vectors.shape[1]), generator=torch_generator(seed, _STREAM, 1))
    return vectors.gather(0, rows)


def _mixture(vectors: Tensor, groups: Tensor, number: int, seed: int | None) -> Tensor:
    """Draw groups by their parts, and each one's samples from its normal distribution; a single sample is repeated."""
    samples = vectors.new_empty(number, vectors.shape[1])
    randomness = torch_generator(seed, _STREAM, 3)
    drawn = groups[torch.randint(len(groups), (number,), generator=randomness)]
    for index, group in enumerate(groups.unique()):
        members, wanted = vectors[groups == group], drawn == group
        if len(members) == 1:
            samples[wanted] = members
            continue
        own = FeatureStatistics.from_features(members)
        samples[wanted] = own.mean + _normal(int(wanted.sum()), own.factor.shape[1], seed, 3, index) @ own.factor.T
    return samples


def _clusters(vectors: Tensor, seed: int | None) -> Tensor:
    from sklearn.cluster import KMeans

    number = max(1, min(_CLUSTERS, len(vectors) // _FEWEST_IN_CLUSTER))
    state = int(torch.randint(2**31 - 1, (), generator=torch_generator(seed, _STREAM, 4)))
    return torch.from_numpy(KMeans(number, n_init=1, random_state=state).fit_predict(vectors.numpy()))


def repeated_rows(count: int, number: int, *, seed: int | None = 0) -> Tensor:
    """Return ``number`` rows of ``count`` samples, of which each is drawn as often as any other, up to one."""
    order = torch.randperm(count, generator=torch_generator(seed, _STREAM, 5))
    return order.repeat(-(-number // count))[:number]
