"""A test split for data without one: which images are held out depends only on their number."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from qiskit_qgen._checks import check_float
from qiskit_qgen._random import torch_generator
from qiskit_qgen.datasets.subsets import subset_rows
from qiskit_qgen.exceptions import ArgumentError, DatasetError

_LOGGER = logging.getLogger(__name__)
_STREAM = 0x74657374
_FEWEST = 2  # images in each of the two parts


@dataclass(frozen=True)
class HeldOut:
    """Which images of data without a test split are for training, and which for testing.

    Args:
        split: "train" or "test".
        subject: The data, as messages name them: "Folder cats".
        fraction: Share of the data to hold out for testing, in [0, 0.9].
        unit: What the data consist of: "images" or "rows".
    """

    split: str
    subject: str
    fraction: float = 0.1
    unit: str = "images"

    @classmethod
    def unless(
        cls, has_test: bool, split: str, subject: str, fraction: float | None, unit: str = "images"
    ) -> Self | None:
        """Return the held-out part, or None if the data have a test split or the validation split is requested.

        Raises:
            ArgumentError: If ``fraction`` is out of range or has no effect.
        """
        if fraction is not None:
            check_float("test_fraction", fraction, minimum=0, maximum=0.9)
            if has_test:
                raise ArgumentError(
                    f"Argument `test_fraction` has no effect, since {subject} has test {unit}: leave it out."
                )
        if has_test or split == "val":
            return None
        return cls(split, subject, cls.fraction if fraction is None else fraction, unit)

    def rows(self, count: int) -> Tensor | None:
        """Return the numbers of these images among ``count``, in order; None for all.

        Raises:
            DatasetError: If test images are requested and none are held out.
        """
        held_out = round(self.fraction * count)
        if min(held_out, count - held_out) < _FEWEST:
            if self.split == "test":
                raise DatasetError(
                    f"{self.subject} has no test {self.unit}, and {self.fraction:g} of its {count} {self.unit} are too "
                    f"few to be held out: add test {self.unit}, or give a larger `test_fraction`."
                )
            return None
        order = torch.randperm(count, generator=torch_generator(0, _STREAM))
        if self.split == "test":
            return order[:held_out].sort().values
        text = "%s has no test %s: %d of its %d are held out as such."
        _LOGGER.warning(text, self.subject, self.unit, held_out, count)
        return order[held_out:].sort().values


def draw_rows(count: int, part: HeldOut | None, num_images: int | None, subset_seed: int) -> Tensor | None:
    """Return which of ``count`` images to draw from one part; None for all of them in order.

    Raises:
        ArgumentError: If ``num_images`` or ``subset_seed`` is out of range.
        DatasetError: As :meth:`HeldOut.rows`.
    """
    rows = None if part is None else part.rows(count)
    drawn = subset_rows(count if rows is None else len(rows), num_images, subset_seed)
    if rows is None or drawn is None:
        return drawn if rows is None else rows
    return rows[drawn]
