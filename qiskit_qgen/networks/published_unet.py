"""The U-Net of the code published with arXiv 2504.00034."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.networks.bottleneck_gates import Bottleneck, TimeEmbedding, channel_gate
from qiskit_qgen.networks.unet import AbstractDenoiser


class PublishedUNet(AbstractDenoiser):
    """32, 64 and 128 channels, no normalisation, one residual block, one skip: 445,985 parameters for one channel.

    The time is added once, in the bottleneck; there the feature maps are multiplied by the gate, without an activation
    in between. The "plain" bottleneck has no gate.

    Args:
        channels: Channels of the pictures.
        bottleneck: What stands in the bottleneck; see :class:`~qiskit_qgen.networks.ChannelGate`.
        num_qubits: Width of the gate.
        reps: Layers of the gate's circuit.
        num_classes: Number of labels, or None (the published code trains one model for each label).
        num_outputs: Numbers that are predicted of each pixel.
        execution: Where the circuit runs; None takes the built-in simulator with its defaults.

    Raises:
        ArgumentError: If an argument is out of range.
    """

    def __init__(
        self,
        channels: int = 1,
        *,
        bottleneck: Bottleneck = "quantum",
        num_qubits: int = 16,
        reps: int = 3,
        num_classes: int | None = None,
        num_outputs: int = 1,
        execution: AbstractExecution | None = None,
    ) -> None:
        super().__init__(channels, num_classes, num_outputs)
        self.time = nn.Sequential(TimeEmbedding(128), nn.Linear(128, 128))
        self.label = None if num_classes is None else nn.Embedding(num_classes + 1, 128)
        self.encode = nn.ModuleList(
            [nn.Conv2d(channels, 32, 3, padding=1), nn.Conv2d(32, 64, 3, 2, 1), nn.Conv2d(64, 128, 3, 2, 1)]
        )
        self.gate = channel_gate(bottleneck, 128, width=num_qubits, reps=reps, execution=execution)
        self.residual = nn.ModuleList([nn.Conv2d(128, 128, 3, padding=1), nn.Conv2d(128, 128, 3, padding=1)])
        self.decode = nn.ModuleList([nn.ConvTranspose2d(128, 64, 2, 2), nn.ConvTranspose2d(64, 32, 2, 2)])
        self.last = nn.Conv2d(64, channels * num_outputs, 3, padding=1)

    def forward(self, x: Tensor, steps: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return predictions (N, C * num_outputs, H, W) of pictures, steps (N,) and, if it takes them, labels (N,).

        Raises:
            ArgumentError: If labels are missing, or given to a network that takes none.
        """
        self.check_labels(labels)
        time = self.time(steps)
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
