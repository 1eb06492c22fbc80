"""Pretrained convolutional networks in stages: seen at several scales, or cut after some of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks.backbones.base import AbstractBackbone
from qiskit_qgen.networks.backbones.config import StagedConfig
from qiskit_qgen.networks.backbones.pyramid import FrozenPyramid, PyramidTail
from qiskit_qgen.persistence import digest_tensors

RGB = (1, 3)
"""Channel counts that a network for colour images takes: grey is repeated."""


class StagedBackbone(AbstractBackbone):
    """A network of stages, one after another, seen by a discriminator in one of two ways.

    *Scales* (Projected GAN, arXiv 2111.01007): the maps of several frozen stages, from fine to coarse, go into a few
    convolutions that are trained from scratch. This is what a generator of small images learns from: maps that still
    know where things are. *A cut*: stages 1 to ``frozen_stages`` stay as they are, stages up to ``last_stage`` are
    trained on, and the last maps are averaged over a coarse grid.

    Images are resized to a square (bilinear, with antialiasing), grey is repeated to three channels, and values go
    to ``(x - mean) / std``.

    Args:
        name: Name of network and training.
        stages: The network's stages in order, in evaluation mode; they are copied.
        config: How the network is seen.
        mean: Mean of each channel that the network was trained with, for values in [0, 1].
        std: Standard deviation of each channel.
        input_size: Side of the network's input in pixels, where ``config`` leaves it open.
        minimum_size: The smallest side that it can take.
        usual_scales: The scales if neither they nor a cut are given; None for an average of the last stage.

    Raises:
        ArgumentError: If an argument is out of range or without effect.
    """

    def __init__(
        self,
        name: str,
        stages: Sequence[nn.Module],
        config: StagedConfig,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        input_size: int,
        minimum_size: int = 1,
        usual_scales: Sequence[int] | None = None,
    ) -> None:
        super().__init__(name, num_channels=RGB, channels=config.channels)
        size = input_size if config.input_size is None else config.input_size
        self.input_size = check_int("input_size", size, minimum=minimum_size)
        self._mean, self._std = (torch.tensor(list(values)).view(1, -1, 1, 1) for values in (mean, std))
        chosen = usual_scales if config.scales is None and not config.has_cut else config.scales
        self._parts: _Scales | _Cut
        if chosen is not None:
            self._parts = _Scales(
                stages, _checked_scales(chosen, len(stages)), config.scale_width or 32, self.input_size
            )
        else:
            config.refuse(("scale_width",), "without `scales`")
            self._parts = _Cut(stages, config, self.input_size)

    @property
    def frozen(self) -> nn.Module:
        """The frozen stages."""
        return self._parts.frozen

    @property
    def num_features(self) -> int:
        """Length of the vectors that :meth:`tail` gives."""
        return self._parts.num_features

    @property
    def is_trained(self) -> bool:
        """Whether what a discriminator trains starts from the network's own stages, as it does after a cut."""
        return isinstance(self._parts, _Cut)

    def tail(self, image_shape: tuple[int, int, int]) -> nn.Module:  # noqa: ARG002
        """Return a fresh trainable part: convolutions of several scales, or the stages that are not frozen."""
        return self._parts.tail()

    def digest(self) -> str:
        """Return a digest of the weights, of the size of the input and of how the network is seen."""
        return digest_tensors(
            f"{self.name} {self.input_size} {self._parts.description}", self._parts.all_stages.state_dict()
        )

    def _frozen(self, images: Tensor) -> Tensor:
        size = (self.input_size, self.input_size)
        if images.shape[-2:] != size:
            images = F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
        if self._mean.device != images.device:  # moved once
            self._mean, self._std = self._mean.to(images), self._std.to(images)
        normalised = (images.expand(-1, 3, -1, -1) - self._mean) / self._std
        return self._parts.features(normalised.contiguous(memory_format=torch.channels_last))


class _Scales:
    """The frozen maps of several stages, and the convolutions that are trained on them."""

    def __init__(self, stages: Sequence[nn.Module], scales: tuple[int, ...], width: int, input_size: int) -> None:
        used = nn.Sequential(*copy.deepcopy(list(stages[: scales[-1]]))).eval().requires_grad_(False)
        self.frozen = FrozenPyramid(used, scales, input_size=input_size)
        self.all_stages: nn.Module = used
        self.description = f"{scales}"
        self._width = width
        shapes = self.frozen.shapes
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            self.num_features = int(self.tail()(torch.zeros(1, sum(map(math.prod, shapes)))).shape[1])

    def features(self, images: Tensor) -> Tensor:
        joined: Tensor = self.frozen(images)
        return joined

    def tail(self) -> nn.Module:
        return PyramidTail(self.frozen.shapes, width=self._width)


class _Cut:
    """Stages that stay as they are, stages that are trained on, and an average."""

    def __init__(self, stages: Sequence[nn.Module], config: StagedConfig, input_size: int) -> None:
        count = len(stages)
        last = (
            count if config.last_stage is None else check_int("last_stage", config.last_stage, minimum=1, maximum=count)
        )
        frozen = last if config.frozen_stages is None else config.frozen_stages
        check_int("frozen_stages", frozen, minimum=1, maximum=last)
        self.grid = grid = config.grid or 1
        self.description = f"{grid}"
        self.frozen = nn.Sequential(*copy.deepcopy(list(stages[:frozen]))).eval().requires_grad_(False)
        self._trainable = nn.Sequential(*copy.deepcopy(list(stages[frozen:last]))).eval()
        self.all_stages = nn.ModuleList([self.frozen, self._trainable])
        with torch.no_grad():
            example = self._trainable(self.frozen(torch.zeros(1, 3, input_size, input_size)))
        self.num_features = math.prod(F.adaptive_avg_pool2d(example, grid).shape[1:])

    def features(self, images: Tensor) -> Tensor:
        maps: Tensor = self.frozen(images)
        # What no trained stage follows is averaged here, so that little need be kept of real images.
        return F.adaptive_avg_pool2d(maps, self.grid).flatten(1) if len(self._trainable) == 0 else maps

    def tail(self) -> nn.Module:
        return _Tail(self._trainable, None if len(self._trainable) == 0 else self.grid)


class _Tail(nn.Module):
    """Stages that are trained on, with the statistics of their batch normalisations as they are, and an average."""

    def __init__(self, stages: nn.Sequential, grid: int | None) -> None:
        super().__init__()
        self.stages = copy.deepcopy(stages).requires_grad_(True).eval()
        self.grid = grid

    def train(self, mode: bool = True) -> _Tail:
        super().train(mode)
        self.stages.eval()
        return self

    def forward(self, features: Tensor) -> Tensor:
        if self.grid is None:
            return features
        maps: Tensor = self.stages(features)
        return F.adaptive_avg_pool2d(maps, self.grid).flatten(1)


def _checked_scales(scales: Sequence[int], count: int) -> tuple[int, ...]:
    checked = tuple(check_int("scales", stage, minimum=1, maximum=count) for stage in scales)
    if not checked or any(first >= second for first, second in pairwise(checked)):
        raise ArgumentError(f"Argument `scales` must hold stages in rising order, at least one, but is {list(scales)}.")
    return checked
