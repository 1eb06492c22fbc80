"""A small convolutional network without any training before: the control of transfer learning."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from qiskit_qgen.networks.backbones.base import AbstractBackbone
from qiskit_qgen.networks.backbones.config import ConvBackboneConfig

NAME = "conv"
_LAST_SIDE = 4


class ConvBackbone(AbstractBackbone):
    """Strided convolutions from scratch, each side down to 4 or less; nothing is frozen or comes from other images.

    It has no normalisation over a batch, since the gradient penalty holds for each sample by itself.

    Args:
        image_shape: Channels, height and width of the images.
        config: Its width.
    """

    def __init__(self, image_shape: tuple[int, int, int], config: ConvBackboneConfig = ConvBackboneConfig()) -> None:
        super().__init__(NAME, num_channels=(image_shape[0],))
        self.width = config.width
        with torch.random.fork_rng(devices=[]), torch.no_grad(), torch.device("meta"):
            self._num_features = int(self.tail(image_shape)(torch.zeros(1, *image_shape)).shape[1])

    @property
    def num_features(self) -> int:
        """Length of the vectors that the network gives."""
        return self._num_features

    @property
    def usual_gradient_penalty(self) -> float:
        """The weight of a gradient penalty on raw pixels, of a length of about 10."""
        return 10.0

    @property
    def is_trained(self) -> bool:
        """False: the network starts from random weights."""
        return False

    def tail(self, image_shape: tuple[int, int, int]) -> nn.Module:
        """Return the network with fresh weights."""
        layers: list[nn.Module] = []
        inputs, sides, outputs = image_shape[0], image_shape[1:], self.width
        while max(sides) > _LAST_SIDE:
            height, width = (side > _LAST_SIDE for side in sides)  # which sides are halved; the other one stays
            layers += [
                nn.Conv2d(inputs, outputs, (3 + height, 3 + width), (1 + height, 1 + width), 1),
                nn.LeakyReLU(0.2),
            ]
            sides = (sides[0] // (1 + height), sides[1] // (1 + width))
            inputs, outputs = outputs, min(2 * outputs, 4 * self.width)
        return nn.Sequential(*layers, nn.Flatten())

    def digest(self) -> str:
        """Return the name: there are no frozen weights."""
        return self.name

    def _frozen(self, images: Tensor) -> Tensor:
        return images
