"""The U-Net of the code published with arXiv 2504.00034."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qiskit_qgen._settings import Settings
from qiskit_qgen.networks.bottleneck_gates import Bottleneck, QuantumBottleneck, TimeEmbedding, channel_gate
from qiskit_qgen.networks.unet import AbstractDenoiser


class PublishedUNetConfig(Settings):
    """The network in the code of arXiv 2504.00034: :class:`PublishedUNet`."""

    kind: ClassVar[str] = "published"


class PublishedUNet(AbstractDenoiser):
    """32, 64 and 128 channels, no normalisation, one residual block, one skip: 445,985 parameters for one channel.

    The time is added once, in the bottleneck; there the feature maps are multiplied by the gate, without an activation
    in between. The "plain" bottleneck has no gate.

    Args:
        channels: Channels of the images.
        bottleneck: What stands in the bottleneck.
        num_classes: Number of labels, or None (the published code trains one model for each label).
        num_outputs: Numbers that are predicted of each pixel.
    """

    def __init__(
        self,
        channels: int = 1,
        *,
        bottleneck: Bottleneck = QuantumBottleneck(),
        num_classes: int | None = None,
        num_outputs: int = 1,
    ) -> None:
        super().__init__(channels, num_classes, num_outputs)
        self.time = nn.Sequential(TimeEmbedding(128), nn.Linear(128, 128))
        self.label = None if num_classes is None else nn.Embedding(num_classes + 1, 128)
        self.encode = nn.ModuleList(
            [nn.Conv2d(channels, 32, 3, padding=1), nn.Conv2d(32, 64, 3, 2, 1), nn.Conv2d(64, 128, 3, 2, 1)]
        )
        self.gate = channel_gate(bottleneck, 128)
        self.residual = nn.ModuleList([nn.Conv2d(128, 128, 3, padding=1), nn.Conv2d(128, 128, 3, padding=1)])
        self.decode = nn.ModuleList([nn.ConvTranspose2d(128, 64, 2, 2), nn.ConvTranspose2d(64, 32, 2, 2)])
        self.last = nn.Conv2d(64, channels * num_outputs, 3, padding=1)

    def forward(self, x: Tensor, steps: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return predictions (N, C * num_outputs, H, W) of images, steps (N,) and, if it takes them, labels (N,).

        Raises:
            ArgumentError: If labels are missing, or given to a network that takes none.
        """
        self.check_labels(labels)
        time = self.time[1:](self.time[0](steps).to(x.dtype))
        if self.label is not None:
            time = time + self.label(labels)
        full = F.relu(self.encode[0](x))
        h = F.relu(self.encode[2](F.relu(self.encode[1](full)))) + time[:, :, None, None]
        if self.gate is not None:
            h = h * self.gate(h)
        h = F.relu(h + self.residual[1](F.relu(self.residual[0](h))))
        h = F.relu(self.decode[1](F.relu(self.decode[0](h))))
        result: Tensor = self.last(torch.cat([h, full], 1))
        return result
