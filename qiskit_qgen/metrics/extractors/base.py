"""What every feature extractor has in common: a name, checks, batches, and no gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_shape, check_type
from qiskit_qgen._typing import TensorLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics._features import check_numbers


class AbstractFeatureExtractor(nn.Module, ABC):
    """A named map from samples to features, without gradients.

    A subclass says what it accepts (:meth:`_check`) and what it computes on one batch (:meth:`_extract`).

    Args:
        name: The extractor's name, which every score carries.
        num_features: D, the number of features of one sample.
        batch_size: How many samples are computed at once.

    Raises:
        ArgumentError: If ``name`` is empty or a number is not positive.
    """

    def __init__(self, *, name: str, num_features: int, batch_size: int) -> None:
        super().__init__()
        if not check_type("name", name, str, "a string"):
            raise ArgumentError("Argument `name` must be a non-empty string, but is ''.")
        self.name = name
        self.num_features = check_int("num_features", num_features, minimum=1)
        self.batch_size = check_int("batch_size", batch_size, minimum=1)

    @torch.no_grad()
    def forward(self, samples: TensorLike) -> Tensor:
        """Compute the features of ``samples``.

        Args:
            samples: Samples of shape (N, ...): for image extractors (N, C, H, W) in [0, 1].

        Returns:
            Features of shape (N, num_features), floating point, on the device of ``samples``.

        Raises:
            ArgumentError: If ``samples`` is empty, has a wrong shape or range or holds values that are not finite, or
                if the wrapped network does not return (N, num_features) finite numbers.
        """
        samples = check_numbers("samples", samples)
        if samples.ndim == 0 or samples.numel() == 0:
            raise ArgumentError(f"Argument `samples` must not be empty, but has shape {tuple(samples.shape)}.")
        self._check(samples)
        samples = samples if samples.is_floating_point() else samples.float()
        parameter = next(self.parameters(), samples)
        batches = [self._extract(batch.to(parameter.device)) for batch in samples.split(self.batch_size)]
        features = torch.cat(batches).to(samples.device)
        expected = (samples.shape[0], self.num_features)
        check_shape(f"features of {self.name}", features.shape, f"{expected}", tuple(features.shape) == expected)
        return check_numbers(f"features of {self.name}", features)

    def logits(self, features: Tensor) -> Tensor | None:  # noqa: ARG002 - most extractors have no classes
        """Return the logits (N, K) of the classes that the extractor was trained on, or None if it has none.

        Args:
            features: Features (N, num_features), as a call of the extractor returns them.
        """
        return None

    @property
    def accuracy(self) -> float | None:
        """The part of unseen images whose class the extractor tells, if that was measured where it was made."""
        return None

    def digest(self) -> str | None:
        """Return a digest of all that the features depend on besides the samples, or None if that cannot be known."""
        return None

    @abstractmethod
    def _check(self, samples: Tensor) -> None:
        """Raise :class:`ArgumentError` if ``samples``, finite numbers, have a shape or range that is not accepted."""

    @abstractmethod
    def _extract(self, batch: Tensor) -> Tensor:
        """Return the features, (n, num_features), of one batch of checked samples."""


def check_images(samples: Tensor, extractor: str, *, any_channels: bool = False, remedy: str = "") -> None:
    """Raise :class:`ArgumentError` unless ``samples`` are images in [0, 1], grey or of three colours."""
    check_shape("samples", samples.shape, "(N, C, H, W)", samples.ndim == 4)
    if not any_channels and samples.shape[1] not in (1, 3):
        raise ArgumentError(
            f"Argument `samples` must have 1 or 3 channels for the extractor '{extractor}', but has "
            f"{samples.shape[1]}{remedy}."
        )
    low, high = float(samples.min()), float(samples.max())
    if not samples.is_floating_point() or low < 0 or high > 1:
        raise ArgumentError(
            f"Argument `samples` must be floating point in [0, 1], but is {samples.dtype} in [{low:g}, {high:g}]."
        )
