"""Pretrained convolutional networks, cut into stages: frozen up to one of them, used up to another."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qiskit_qgen._checks import check_int
from qiskit_qgen.networks.backbones.base import AbstractBackbone, digest_of_module

RGB = (1, 3)
"""Channel counts that a network for colour pictures takes: grey is repeated."""


class StagedBackbone(AbstractBackbone):
    """A network of stages, one after another, whose last maps are averaged over a coarse grid.

    Pictures are resized to a square (bilinear, with antialiasing), grey is repeated to three channels, and values go
    to ``(x - mean) / std``. Stages 1 to ``frozen_stages`` stay as they are; stages up to ``last_stage`` are trained on.

    Args:
        name: Name of network and training.
        stages: The network's stages in order, in evaluation mode; they are copied.
        mean: Mean of each channel that the network was trained with, for values in [0, 1].
        std: Standard deviation of each channel.
        input_size: Side of the network's input in pixels.
        minimum_size: The smallest ``input_size`` that it can take.
        frozen_stages: How many stages stay as they are; None for all that are used.
        last_stage: The stage whose maps are the features; None for the last one.
        grid: The maps are averaged over a grid x grid division of the picture; 1 averages over all of it.
        channels: Which channels of the pictures are taken; None takes all.

    Raises:
        ArgumentError: If an argument is out of range.
    """

    def __init__(
        self,
        name: str,
        stages: Sequence[nn.Module],
        *,
        mean: Sequence[float],
        std: Sequence[float],
        input_size: int,
        minimum_size: int = 1,
        frozen_stages: int | None = None,
        last_stage: int | None = None,
        grid: int = 1,
        channels: Sequence[int] | None = None,
    ) -> None:
        super().__init__(name, num_channels=RGB, channels=channels)
        last = (
            len(stages) if last_stage is None else check_int("last_stage", last_stage, minimum=1, maximum=len(stages))
        )
        frozen = last if frozen_stages is None else check_int("frozen_stages", frozen_stages, minimum=1, maximum=last)
        self.input_size = check_int("input_size", input_size, minimum=minimum_size)
        self.grid = check_int("grid", grid, minimum=1)
        self.network = nn.Sequential(*copy.deepcopy(list(stages[:frozen]))).eval().requires_grad_(False)
        self._trainable = nn.Sequential(*copy.deepcopy(list(stages[frozen:last]))).eval()
        self._mean, self._std = (torch.tensor(list(values)).view(1, -1, 1, 1) for values in (mean, std))
        with torch.no_grad():
            example = self._trainable(self.network(torch.zeros(1, 3, input_size, input_size)))
        self._num_features = math.prod(F.adaptive_avg_pool2d(example, grid).shape[1:])

    @property
    def num_features(self) -> int:
        """Length of the vectors that :meth:`tail` gives."""
        return self._num_features

    def tail(self, image_shape: tuple[int, int, int]) -> nn.Module:  # noqa: ARG002
        """Return a fresh trainable part: the stages that are not frozen, and the average."""
        return _Tail(self._trainable, None if len(self._trainable) == 0 else self.grid)

    def digest(self) -> str:
        """Return a digest of the weights and of the size of the input."""
        whole = nn.ModuleList([self.network, self._trainable])
        return digest_of_module(f"{self.name} {self.input_size} {self.grid}", whole)

    def _frozen(self, images: Tensor) -> Tensor:
        size = (self.input_size, self.input_size)
        pictures = images
        if pictures.shape[-2:] != size:
            pictures = F.interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=True)
        pictures = (pictures.expand(-1, 3, -1, -1) - self._mean.to(images)) / self._std.to(images)
        maps: Tensor = self.network(pictures.contiguous(memory_format=torch.channels_last))
        # What no trained stage follows is averaged here, so that little need be kept of real pictures.
        return F.adaptive_avg_pool2d(maps, self.grid).flatten(1) if len(self._trainable) == 0 else maps


class _Tail(nn.Module):
    """Stages that are trained on, with the statistics of their batch normalisations as they are, and an average."""

    def __init__(self, stages: nn.Sequential, grid: int | None) -> None:
        super().__init__()
        self.stages: Any = copy.deepcopy(stages).requires_grad_(True).eval()
        self.grid = grid

    def train(self, mode: bool = True) -> _Tail:
        super().train(mode)
        self.stages.eval()
        return self

    def forward(self, features: Tensor) -> Tensor:
        if self.grid is None:
            return features
        return F.adaptive_avg_pool2d(self.stages(features), self.grid).flatten(1)
