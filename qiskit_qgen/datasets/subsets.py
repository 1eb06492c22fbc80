"""Subsets of data sets: which images are drawn or held out depends only on the numbers and a seed."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen._random import SEED_MAXIMUM, torch_generator
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.table_dataset import TableDataset
from qiskit_qgen.exceptions import ArgumentError

Dataset = TypeVar("Dataset", ImageDataset, TableDataset)

_SUBSET_STREAM = 0x73756273
_VALIDATION_STREAM = 0x76616C69


def subset_rows(count: int, num_images: int | None, subset_seed: int) -> Tensor | None:
    """Return which of ``count`` images to draw, in the order of the draw; None for all of them in order.

    Equal arguments give equal draws everywhere, and a smaller draw is the beginning of a larger one.

    Args:
        count: Number of images.
        num_images: Number of images to draw, from 1 to ``count``; None takes all.
        subset_seed: Seed of the draw.

    Returns:
        int64 of shape (num_images,), or None.

    Raises:
        ArgumentError: If ``num_images`` or ``subset_seed`` is out of range, or ``subset_seed`` has no effect.
    """
    check_int("subset_seed", subset_seed, minimum=0, maximum=SEED_MAXIMUM)
    if num_images is None:
        if subset_seed != 0:
            raise ArgumentError("Argument `subset_seed` has no effect without `num_images`: leave it out.")
        return None
    check_int("num_images", num_images, minimum=1, maximum=count)
    return torch.randperm(count, generator=torch_generator(subset_seed, _SUBSET_STREAM))[:num_images]


def subset(images: Tensor, num_images: int | None, subset_seed: int) -> Tensor:
    """Return the ``images`` that :func:`subset_rows` draws, or all of them.

    Raises:
        ArgumentError: As :func:`subset_rows`.
    """
    rows = subset_rows(len(images), num_images, subset_seed)
    return images if rows is None else images[rows]


def hold_out(data: Dataset, num_images: int, *, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Split off validation data for choosing settings, steps and models, so that test data are used only once.

    Args:
        data: Images or a table for training.
        num_images: Number of images or rows to hold out, from 1 to one less than there are.
        seed: Seed of the draw.

    Returns:
        The remaining data, in their order, and the held-out data, whose ``split`` is "val".

    Raises:
        ArgumentError: If ``num_images`` or ``seed`` is out of range.

    Example:
        >>> from qiskit_qgen import load_dataset
        >>> train, validation = hold_out(load_dataset("digits"), 200)
        >>> len(train), len(validation)
        (1242, 200)
    """
    check_type("data", data, (ImageDataset, TableDataset), "what `load_dataset` or `load_table` returns")
    check_int("seed", seed, minimum=0, maximum=SEED_MAXIMUM)
    check_int("num_images", num_images, minimum=1, maximum=len(data) - 1)
    order = torch.randperm(len(data), generator=torch_generator(seed, _VALIDATION_STREAM))
    held_out, kept = order[:num_images], order[num_images:].sort().values
    return data.take(kept), replace(data.take(held_out), split="val")
