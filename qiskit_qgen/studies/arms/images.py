"""The pictures of studies that train on parts of a data set, and what all of their trials are scored against."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from qiskit_qgen._checks import check_distinct, check_int, check_path
from qiskit_qgen._random import torch_generator
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import AbstractFeatureExtractor, FeatureCache, kernel_distance

_SPLIT_SEED = 0  # one split for all trials
_SPLIT_STREAM = 0x73706C69


class SplitPictures(NamedTuple):
    """The pictures of a study, in two parts that are the same in all its trials."""

    pool: Tensor
    """What trials draw their training pictures from, (N, C, H, W)."""
    held_out: Tensor
    """What samples are scored against and no trial trains on, (M, C, H, W)."""

    def rows(self, size: int, seed: int) -> Tensor:
        """Return which pictures of the pool a trial trains on; those of a seed hold the smaller ones of that seed."""
        return subset(torch.arange(len(self.pool)), size, seed)

    def digest(self) -> str:
        """Return a short digest of all pictures."""
        digest = hashlib.sha256()
        for part in self:
            digest.update(str(tuple(part.shape)).encode() + part.numpy().tobytes())
        return digest.hexdigest()[:16]

    def features(self, network: AbstractFeatureExtractor) -> tuple[Tensor, Tensor]:
        """Return the features of the pool and of the held-out pictures, computed once and kept on disk."""
        cache = FeatureCache()
        return cache.features(self.pool, network), cache.features(self.held_out, network)


def data_settings(
    data: PathLike,
    *,
    data_dir: PathLike | None,
    labels: Sequence[int] | None,
    held_out: int,
    side: int | None = None,
) -> dict[str, Any]:
    """Return a study's choice of pictures as :func:`split_pictures` takes it and JSON holds it.

    Raises:
        ArgumentError: If an argument is out of range.
        ArgumentTypeError: If an argument has the wrong type.
    """
    settings: dict[str, Any] = {
        "name": str(check_path("data", data)),
        "data_dir": None if data_dir is None else str(check_path("data_dir", data_dir)),
        "labels": None
        if labels is None
        else [check_int("labels", each, minimum=0) for each in check_distinct("labels", labels)],
        "held_out": held_out,
    }
    return settings if side is None else {**settings, "side": check_int("side", side, minimum=8, maximum=128)}


def split_pictures(
    name: str, *, data_dir: str | None, labels: list[int] | None, held_out: int, side: int | None = None
) -> SplitPictures:
    """Load a data set's pictures for training and split them at random, always alike.

    Args:
        name: What :func:`~qiskit_qgen.datasets.load_dataset` takes: a known name, a file or a folder.
        data_dir: The same function's argument.
        labels: Labels of the pictures to take; None takes all.
        held_out: Number of pictures to hold out.
        side: Pictures are resized to a square of this many pixels; None leaves them as they are.

    Raises:
        ArgumentError: If the data set has no such labels, or no 2 pictures would be left.
        DatasetError: If the data are missing or damaged.
    """
    data = load_dataset(name, data_dir=data_dir)
    images = data.images
    if labels is not None:
        known = [] if data.labels is None else data.labels.unique().tolist()
        if data.labels is None or not set(labels) <= set(known):
            raise ArgumentError(f"Argument `labels` must hold labels of {name!r}, which are {known}, but is {labels}.")
        images = images[torch.isin(data.labels, torch.tensor(labels))]
    check_int("held_out", held_out, minimum=2)
    if len(images) < held_out + 2:
        raise ArgumentError(
            f"Argument `held_out` must leave at least 2 of the {len(images)} pictures, but is {held_out}."
        )
    order = torch.randperm(len(images), generator=torch_generator(_SPLIT_SEED, _SPLIT_STREAM))
    parts = images[order[held_out:]].contiguous(), images[order[:held_out]].contiguous()
    return SplitPictures(*(part if side is None else _resized(part, side) for part in parts))


def same_pictures(settings: Mapping[str, Any]) -> SplitPictures:
    """Load the pictures that a study began with.

    Args:
        settings: What :func:`data_settings` returned, and `digest`, that of the pictures.

    Raises:
        ArgumentError: If the pictures are not those that the study began with.
        DatasetError: If the data are missing or damaged.
    """
    pictures = split_pictures(**{name: value for name, value in settings.items() if name != "digest"})
    if pictures.digest() != settings["digest"]:
        raise ArgumentError(f"The data {settings['name']!r} are no longer those that this study began with.")
    return pictures


def whole_kernel_distance(features: Tensor, others: Tensor) -> float:
    """Return the unbiased kernel distance of sets of features, of all of the smaller one at once."""
    mean, _ = kernel_distance(features, others, subsets=1, subset_size=min(len(features), len(others)))
    return float(mean)


def _resized(images: Tensor, side: int) -> Tensor:
    if images.shape[-2:] == (side, side):
        return images
    resized = F.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)
    return resized.clamp(0, 1)
