"""A convolutional autoencoder for images of any channel count and of 8 to 64 pixels a side."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_channels_first, check_int, check_shape
from qiskit_qgen._settings import Settings, setting

MINIMUM_SIDE, MAXIMUM_SIDE = 8, 64


class ConvAutoencoderConfig(Settings):
    """What a :class:`ConvAutoencoder` is."""

    kind: ClassVar[str] = "conv"
    width: int = setting(
        "Channels after the first convolution; later convolutions have twice as many", default=32, minimum=1
    )
    hidden: int = setting("Width of the hidden layer next to the latent", default=256, minimum=1)
    latent_bound: Literal["norm", "tanh"] = setting(
        "How the latent is bounded: by a batch normalisation without scale and shift, which keeps each "
        "component at mean 0 and variance 1 over the training images, or by tanh to (-1, 1)",
        default="norm",
    )


class ConvAutoencoder(nn.Module):
    """Encodes images to short vectors and decodes them.

    The encoder halves the image with strided convolutions until no side is longer than 4 pixels, then maps it through
    one hidden layer to the latent. The decoder mirrors it from one size above. All hidden layers have batch
    normalisation and SiLU; the decoder ends in a sigmoid.

    Args:
        image_shape: Channels, height and width; each side from 8 to 64 pixels, odd and unequal ones included.
        latent_dim: Length of a latent vector.
        config: Its sizes, and what limits the latent.

    Raises:
        ArgumentError: If ``image_shape`` is out of range.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int,
        config: ConvAutoencoderConfig = ConvAutoencoderConfig(),
    ) -> None:
        super().__init__()
        channels, *sides = check_image_shape(image_shape)
        self.image_shape = image_shape
        self.latent_dim = latent_dim
        width, hidden = config.width, config.hidden
        sizes = halvings((sides[0], sides[1]))
        is_normalised = config.latent_bound == "norm"
        bound = nn.BatchNorm1d(latent_dim, affine=False) if is_normalised else nn.Tanh()
        compress = conv_encoder(channels, sizes, width, hidden, latent_dim)
        if is_normalised:
            # The normalisation takes it away again: its gradient would be rounding errors, which Adam blows up.
            compress[-1].bias.requires_grad_(False)
        self.encoder = nn.Sequential(compress, bound)
        self.decoder = conv_decoder(channels, sizes, width, hidden, latent_dim)
        # A quarter faster on CPUs than channels before pixels.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(self, images: Tensor) -> Tensor:
        """Return the latents (N, latent_dim) of ``images`` (N, C, H, W) in [0, 1].

        Raises:
            ArgumentError: If ``images`` has another shape.
        """
        expected = f"(N, {', '.join(map(str, self.image_shape))})"
        check_shape("images", images.shape, expected, images.shape[1:] == self.image_shape)
        latents: Tensor = self.encoder(images.contiguous(memory_format=torch.channels_last))
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Return the images (N, C, H, W) in [0, 1] of ``latents`` (N, latent_dim)."""
        images: Tensor = self.decoder(latents)
        return images

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstructions of ``images``."""
        return self.decode(self.encode(images))


def check_image_shape(image_shape: object, *, maximum_side: int = MAXIMUM_SIDE) -> tuple[int, int, int]:
    """Return ``image_shape`` as channels, height, width, or raise :class:`ArgumentError`."""
    sizes = tuple(image_shape) if isinstance(image_shape, (tuple, list)) else ()
    check_shape("image_shape", sizes, "(C, H, W) as three integers", len(sizes) == 3)
    if all(isinstance(size, int) for size in sizes):
        check_channels_first(sizes)
    channels = check_int("image_shape[0]", sizes[0], minimum=1)
    height, width = (
        check_int(f"image_shape[{axis}]", sizes[axis], minimum=MINIMUM_SIDE, maximum=maximum_side) for axis in (1, 2)
    )
    return channels, height, width


def halvings(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the sizes of the image before and after each strided convolution; there are at least two convolutions."""
    sizes = [size]
    while (max(sizes[-1]) > 4 or len(sizes) < 3) and min(sizes[-1]) >= 4:
        height, width = sizes[-1]
        sizes.append((height // 2, width // 2))
    return sizes


def conv_encoder(
    channels: int, sizes: list[tuple[int, int]], width: int, hidden: int, num_outputs: int
) -> nn.Sequential:
    """Return the encoder from images through ``sizes``, of :func:`halvings`, to ``num_outputs`` numbers."""
    layers: list[nn.Module] = []
    inputs = channels
    for stage in range(len(sizes) - 1):
        outputs = width if stage == 0 else 2 * width
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU()]
        inputs = outputs
    pixels = sizes[-1][0] * sizes[-1][1]
    return nn.Sequential(*layers, nn.Flatten(), *_dense(inputs * pixels, hidden), nn.Linear(hidden, num_outputs))


def conv_decoder(
    channels: int, sizes: list[tuple[int, int]], width: int, hidden: int, latent_dim: int
) -> nn.Sequential:
    """Return the decoder from latents to images in [0, 1], through ``sizes`` of :func:`halvings` from their last on."""
    start, targets = sizes[-2], sizes[-3::-1]
    deep = 2 * width
    layers: list[nn.Module] = [
        *_dense(latent_dim, hidden),
        *_dense(hidden, deep * start[0] * start[1]),
        nn.Unflatten(1, (deep, *start)),
        *_convolution(deep, deep),
    ]
    inputs = deep
    for stage, target in enumerate(targets):
        last = stage == len(targets) - 1
        # A kernel of 4 with stride 2 doubles the size; an odd target needs one more row or column.
        extra = (target[0] % 2, target[1] % 2)
        if last:
            layers.append(nn.ConvTranspose2d(inputs, channels, 4, 2, 1, output_padding=extra))
        else:
            outputs = width if stage == len(targets) - 2 else deep
            layers += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, output_padding=extra, bias=False)]
            layers += [nn.BatchNorm2d(outputs), nn.SiLU(), *_convolution(outputs, outputs)]
            inputs = outputs
    return nn.Sequential(*layers, nn.Sigmoid())


def _dense(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.SiLU()]


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU()]
