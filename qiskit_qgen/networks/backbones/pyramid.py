"""Frozen maps of several stages as one vector, and the convolutions that are trained on them (arXiv 2111.01007)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qiskit_qgen._random import torch_generator

_LAST_SIDE = 4
_CALIBRATION_SEED, _CALIBRATION_IMAGES, _CALIBRATION_SIDE = 0, 8, 4


class FrozenPyramid(nn.Module):
    """The maps of chosen stages of a network, brought to one scale and joined to one vector per image.

    The maps of a stage are divided by one number, their root mean square over smooth random images, and by the square
    root of how many values they hold. Whatever the network, an image's part of each stage then has a length near 1, so
    that scores of slope 1, which a gradient penalty asks for, differ by about 1: a bounded block can give these.

    Args:
        stages: The network's stages in order, up to the last one that is used.
        scales: Which of them give maps, counted from 1, in rising order.
        input_size: Side of the network's input in pixels.
    """

    def __init__(self, stages: nn.Sequential, scales: Sequence[int], *, input_size: int) -> None:
        super().__init__()
        self.stages = stages
        self.scales = tuple(scales)
        self._factors: list[float] = []
        maps = self._maps(_smooth_images(input_size))
        self.shapes = [(each.shape[1], each.shape[2], each.shape[3]) for each in maps]
        self._factors = [float((each.square().mean() * each[0].numel()).rsqrt()) for each in maps]

    def forward(self, images: Tensor) -> Tensor:
        """Return joined maps (N, values of all maps) of ``images`` (N, 3, H, W), normalised as the network needs."""
        parts = zip(self._maps(images), self._factors, strict=True)
        return torch.cat([maps.flatten(1) * factor for maps, factor in parts], dim=1)

    def _maps(self, images: Tensor) -> list[Tensor]:
        found = []
        for number, stage in enumerate(self.stages, start=1):
            images = stage(images)
            if number in self.scales:
                found.append(images)
        return found


class PyramidTail(nn.Module):
    """Convolutions from the finest maps down to the coarsest, at each size of which the maps of a stage join in.

    Args:
        shapes: Channels, height and width of each stage's maps, finest first.
        width: Channels after the first convolution; later ones give twice as many.
    """

    def __init__(self, shapes: Sequence[tuple[int, int, int]], *, width: int) -> None:
        super().__init__()
        self.shapes = list(shapes)
        sides = [shape[1] for shape in shapes]
        convolutions = []
        joined = 0
        for index, (side, following) in enumerate(pairwise([*sides, min(sides[-1], _LAST_SIDE)])):
            outputs = width if index == 0 else 2 * width
            convolutions.append(nn.Conv2d(shapes[index][0] + joined, outputs, 3, max(1, side // following), 1))
            joined = outputs
        self.convolutions = nn.ModuleList(convolutions)

    def forward(self, features: Tensor) -> Tensor:
        """Return vectors (N, num_features) of joined maps (N, values of all maps)."""
        sizes = [math.prod(shape) for shape in self.shapes]
        hidden = features[:, :0]
        for convolution, part, shape in zip(self.convolutions, features.split(sizes, 1), self.shapes, strict=True):
            maps = part.unflatten(1, shape) * math.sqrt(math.prod(shape))
            joined = torch.cat([hidden, maps], dim=1) if hidden.dim() == maps.dim() else maps
            hidden = F.leaky_relu(convolution(joined), 0.2)
        return hidden.flatten(1)


@torch.no_grad()
def _smooth_images(side: int) -> Tensor:
    """Random images of a few blotches with values in [-1, 1]: to measure the size of a network's maps."""
    shape = (_CALIBRATION_IMAGES, 3, _CALIBRATION_SIDE, _CALIBRATION_SIDE)
    blotches = 2 * torch.rand(shape, generator=torch_generator(_CALIBRATION_SEED)) - 1
    return F.interpolate(blotches, (side, side), mode="bilinear", align_corners=False)
