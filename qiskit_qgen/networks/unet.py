"""The U-Net of a diffusion model: three sizes, two skips, time-conditioned residual blocks."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qiskit_qgen._checks import check_int
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks.bottleneck_gates import Bottleneck, QuantumBottleneck, TimeEmbedding, channel_gate

_EXAMPLE_SIZE = 8
_EXAMPLE_STEPS = 1000


class AbstractDenoiser(nn.Module):
    """A network from noisy images (N, C, H, W), H and W divisible by 4, and their steps (N,) to predictions.

    Args:
        channels: Channels C of the images.
        num_classes: Number of labels; None for a network that takes none. The label ``num_classes`` stands for none.
        num_outputs: Number of predicted values per pixel.
    """

    def __init__(self, channels: int, num_classes: int | None, num_outputs: int) -> None:
        super().__init__()
        self.channels = check_int("channels", channels, minimum=1)
        self.num_outputs = check_int("num_outputs", num_outputs, minimum=1)
        self.num_classes = None if num_classes is None else check_int("num_classes", num_classes, minimum=1)

    def check_labels(self, labels: Tensor | None) -> None:
        """Raise unless labels are given exactly if the network takes them.

        Raises:
            ArgumentError: If they are not.
        """
        if (labels is None) != (self.num_classes is None):
            rule = "None for a network without classes" if self.num_classes is None else "given"
            raise ArgumentError(f"Argument `labels` must be {rule}.")

    def example_inputs(self, num_rows: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return small images, steps and, if the network takes them, labels to call it with."""
        x = torch.randn(num_rows, self.channels, _EXAMPLE_SIZE, _EXAMPLE_SIZE, generator=generator)
        steps = torch.randint(_EXAMPLE_STEPS, (num_rows,), generator=generator)
        if self.num_classes is None:
            return x, steps
        return x, steps, torch.randint(self.num_classes, (num_rows,), generator=generator)


class UNetConfig(Settings):
    """Our default network, :class:`UNet`."""

    kind: ClassVar[str] = "default"
    width: int = setting("Channels at full size, divisible by 8", default=32, minimum=8)

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless the width is divisible by 8."""
        if self.width % 8:
            raise ArgumentError(f"Argument `width` must be divisible by 8, but is {self.width}.")


class ResidualBlock(nn.Module):
    """Two normalised convolutions beside a shortcut, with the time added in between.

    The second convolution starts at zero, so that the block starts as its shortcut.
    """

    def __init__(self, channels_in: int, channels_out: int, time_dim: int) -> None:
        super().__init__()
        self.first_norm = nn.GroupNorm(8, channels_in)
        self.first = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.time = nn.Linear(time_dim, 2 * channels_out)
        self.second_norm = nn.GroupNorm(8, channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.shortcut = nn.Identity() if channels_in == channels_out else nn.Conv2d(channels_in, channels_out, 1)
        nn.init.zeros_(self.second.weight)
        if self.second.bias is not None:
            nn.init.zeros_(self.second.bias)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        """Return (N, channels_out, H, W) of (N, channels_in, H, W) and the embedded time (N, time_dim)."""
        scale, shift = self.time(time)[:, :, None, None].chunk(2, dim=1)
        inner = self.first(F.silu(self.first_norm(h)))
        inner = self.second_norm(inner) * (1 + scale) + shift
        result: Tensor = self.shortcut(h) + self.second(F.silu(inner))
        return result


class UNet(AbstractDenoiser):
    """Our default: group normalisation, time-conditioned residual blocks, two skips, 32, 64 and 128 channels.

    Sizes H, H/2 and H/4. In the bottleneck the feature maps are multiplied by ``1 + gate``, so that a gate of zero is
    the plain network. All of it except the widths is our choice.

    Args:
        channels: Channels of the images.
        config: Its width.
        bottleneck: What stands in the bottleneck.
        num_classes: Number of labels, or None.
        num_outputs: Number of predicted values per pixel.
    """

    def __init__(
        self,
        channels: int = 1,
        config: UNetConfig = UNetConfig(),
        *,
        bottleneck: Bottleneck = QuantumBottleneck(),
        num_classes: int | None = None,
        num_outputs: int = 1,
    ) -> None:
        super().__init__(channels, num_classes, num_outputs)
        one, two, four = config.width, 2 * config.width, 4 * config.width
        self.time = nn.Sequential(TimeEmbedding(four), nn.Linear(four, four), nn.SiLU(), nn.Linear(four, four))
        self.label = None if num_classes is None else nn.Embedding(num_classes + 1, four)
        self.stem = nn.Conv2d(channels, one, 3, padding=1)
        self.down = nn.ModuleList([nn.Conv2d(one, two, 3, 2, 1), nn.Conv2d(two, four, 3, 2, 1)])
        self.encode = nn.ModuleList([ResidualBlock(two, two, four), ResidualBlock(four, four, four)])
        self.gate = channel_gate(bottleneck, four)
        self.middle = ResidualBlock(four, four, four)
        self.up = nn.ModuleList([nn.ConvTranspose2d(four, two, 2, 2), nn.ConvTranspose2d(two, one, 2, 2)])
        self.decode = nn.ModuleList([ResidualBlock(four, two, four), ResidualBlock(two, one, four)])
        self.last_norm = nn.GroupNorm(8, one)
        self.last = nn.Conv2d(one, channels * num_outputs, 1)
        nn.init.zeros_(self.last.weight)
        # Faster on CPUs than channels before pixels.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, steps: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return predictions (N, C * num_outputs, H, W) of images, steps (N,) and, if it takes them, labels (N,).

        Raises:
            ArgumentError: If labels are missing, or given to a network that takes none.
        """
        self.check_labels(labels)
        time = self.time[1:](self.time[0](steps).to(x.dtype))
        if self.label is not None:
            time = time + self.label(labels)
        time = F.silu(time)
        full = self.stem(x)
        half = self.encode[0](self.down[0](full), time)
        h = self.encode[1](self.down[1](half), time)
        if self.gate is not None:
            h = h * (1 + self.gate(h))
        h = self.middle(h, time)
        h = self.decode[0](torch.cat([self.up[0](h), half], 1), time)
        h = self.decode[1](torch.cat([self.up[1](h), full], 1), time)
        result: Tensor = self.last(F.silu(self.last_norm(h)))
        return result
