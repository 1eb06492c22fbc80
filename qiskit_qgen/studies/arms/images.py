"""The images of studies that train on subsets of a data set, and the images that score all their trials."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from qiskit_qgen._checks import check_distinct
from qiskit_qgen._random import torch_generator
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.datasets import ImageDataset, load_dataset
from qiskit_qgen.datasets.subsets import subset
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import AbstractFeatureExtractor, FeatureCache, kernel_distance

_SPLIT_SEED = 0  # one split for all trials
_SPLIT_STREAM = 0x73706C69
_FEWEST_HELD_OUT = 6  # so that each has the five neighbours that coverage needs


class ImageSplit(NamedTuple):
    """The images of a study, in three parts that are the same in all its trials."""

    pool: Tensor
    """The pool from which trials draw their training images, (N, C, H, W)."""
    validation: Tensor
    """The validation images that choose a trial's step, (V, C, H, W)."""
    held_out: Tensor
    """The held-out images that score the samples of that step, once, (M, C, H, W)."""

    def rows(self, size: int, seed: int) -> Tensor:
        """Return which images of the pool a trial trains on; for each seed, larger subsets contain the smaller ones."""
        return subset(torch.arange(len(self.pool)), size, seed)

    def digest(self) -> str:
        """Return a short digest of all images."""
        digest = hashlib.sha256()
        for part in self:
            digest.update(str(tuple(part.shape)).encode() + part.numpy().tobytes())
        return digest.hexdigest()[:16]

    def features(self, network: AbstractFeatureExtractor) -> tuple[Tensor, Tensor]:
        """Return the features of the validation and the held-out images, computed once and kept on disk."""
        cache = FeatureCache()
        return cache.features(self.validation, network), cache.features(self.held_out, network)


class ImageSelection(Settings):
    """Which images a study uses."""

    name: str = setting("A known data set, a file or a folder, as for `load_dataset`", default="fashion-mnist-mini")
    data_dir: str | None = setting(
        "Where the files of a known data set are; None looks in the usual places", default=None
    )
    labels: tuple[int, ...] | None = setting("Labels of the images to use; None uses all", default=None, minimum=0)
    side: int | None = setting(
        "Images are resized to a square of this many pixels; None leaves them as they are",
        default=None,
        minimum=8,
        maximum=128,
    )
    held_out: int = setting(
        "Number of held-out images, which no trial trains on; samples are scored against them once",
        default=500,
        minimum=_FEWEST_HELD_OUT,
    )
    validation: int = setting(
        "Number of validation images, which no trial trains on; they choose the step of each trial",
        default=200,
        minimum=2,
    )
    digest: str | None = setting(
        "Digest of the images that the study began with; None accepts any images", default=None
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless labels differ."""
        if self.labels is not None:
            check_distinct("labels", self.labels)

    def load(self) -> ImageSplit:
        """Load the data set's training images and split them at random, always in the same way.

        Raises:
            ArgumentError: If the data set has no such labels, fewer than 2 images would be left for training, or the
                digest differs.
            DatasetError: If the data are missing or damaged.
        """
        data = load_dataset(self.name, data_dir=self.data_dir)
        rows = self._order(data)
        kept = self.held_out + self.validation
        parts = (rows[kept:], rows[self.held_out : kept], rows[: self.held_out])
        split = ImageSplit(*(_resized(data.images[part].contiguous(), self.side) for part in parts))
        if self.digest not in (None, split.digest()):
            raise ArgumentError(f"The data {self.name!r} are no longer those that this study began with.")
        return split

    def labelled(self) -> ImageDataset:
        """Return the images of all labels except the held-out ones, for a classifier of the labels.

        Raises:
            ArgumentError: If the data have no labels, or as :meth:`load`.
            DatasetError: If the data are missing or damaged.
        """
        data = load_dataset(self.name, data_dir=self.data_dir)
        if data.labels is None:
            raise ArgumentError(
                f"Argument `extractors` must not name 'labels' with the data {self.name!r}, which have none: leave it "
                "out."
            )
        rest = torch.ones(len(data.images), dtype=torch.bool)
        rest[self._order(data)[: self.held_out]] = False
        return replace(data, images=_resized(data.images[rest], self.side), labels=data.labels[rest])

    def _order(self, data: ImageDataset) -> Tensor:
        """Return the rows of the selected images: first the held-out ones, then those for validation."""
        rows = torch.arange(len(data.images))
        if self.labels is not None:
            known = [] if data.labels is None else sorted(set(data.labels.tolist()))
            if data.labels is None or not set(self.labels) <= set(known):
                raise ArgumentError(
                    f"Argument `labels` must hold labels of {self.name!r}, which are {known}, but is "
                    f"{list(self.labels)}."
                )
            rows = rows[torch.isin(data.labels, torch.tensor(self.labels))]
        if len(rows) < self.held_out + self.validation + 2:
            raise ArgumentError(
                f"Arguments `held_out` and `validation` must leave at least 2 of the {len(rows)} images, but are "
                f"{self.held_out} and {self.validation}."
            )
        return rows[torch.randperm(len(rows), generator=torch_generator(_SPLIT_SEED, _SPLIT_STREAM))]


def whole_kernel_distance(features: Tensor, others: Tensor) -> float:
    """Return the unbiased kernel distance between sets of features, from all samples of the smaller set at once."""
    mean, _ = kernel_distance(features, others, subsets=1, subset_size=min(len(features), len(others)))
    return float(mean)


def _resized(images: Tensor, side: int | None) -> Tensor:
    if side is None or images.shape[-2:] == (side, side):
        return images
    resized = F.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)
    return resized.clamp(0, 1)
