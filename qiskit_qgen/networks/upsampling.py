"""An image generator: a block that turns noise into a short vector, then stages that double the size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qiskit_qgen._checks import check_int, check_shape
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks.autoencoder import check_image_shape
from qiskit_qgen.networks.blocks import Block

_MAXIMUM_SIDE = 128
_START = 4
_NARROWEST = 16
_GROUP = 8


class UpsamplingGenerator(nn.Module):
    """Maps noise by a block to a vector, and the vector by 4 x 4 -> 8 x 8 -> 16 x 16 -> ... to images.

    Each stage doubles height and width (nearest pixel), convolves (3 x 3), normalises groups of channels and applies a
    leaky rectifier; a last convolution and a sigmoid give the images. Sides that are not 4 times a power of two come
    from the next larger square, resized. The sizes 4 to 32 are those of arXiv 2507.09706; channels, normalisation and
    activations are our choice.

    Args:
        block: Maps noise (N, noise_dim) to vectors (N, ``block.num_outputs``).
        image_shape: Channels (1, 3 or 4), height and width (8 to 128).
        noise_dim: Length of a noise vector; if it is not ``block.num_inputs``, a linear map without biases leads from
            one to the other. None for ``block.num_inputs``.
        num_categories: Number of categories; a noise vector then is ``[z, e_k]`` with the unit vector of category k,
            which passes the block by and joins the vector that it gives.
        width: Channels of the first two stages, a multiple of 8 from 16 on; each later stage has half as many, but at
            least 16.

    Raises:
        ArgumentError: If an argument is out of range.
    """

    def __init__(
        self,
        block: Block,
        image_shape: tuple[int, int, int],
        *,
        noise_dim: int | None = None,
        num_categories: int = 0,
        width: int = 64,
    ) -> None:
        super().__init__()
        self.num_categories = check_int("num_categories", num_categories, minimum=0)
        noise_dim = block.num_inputs if noise_dim is None else check_int("noise_dim", noise_dim, minimum=1)
        self.noise_dim = noise_dim
        fits = noise_dim == block.num_inputs
        self.entry = nn.Identity() if fits else nn.Linear(noise_dim, block.num_inputs, bias=False)
        channels, height, width_of_image = check_generated_shape(image_shape)
        check_width("width", width)
        self.image_shape = (channels, height, width_of_image)
        self.block = block
        stages: list[nn.Module] = []
        inputs, side = width, _START
        while side < max(height, width_of_image):
            outputs = width if side == _START else max(inputs // 2 // _GROUP * _GROUP, _NARROWEST)
            stages += [nn.Upsample(scale_factor=2), *_convolution(inputs, outputs)]
            inputs, side = outputs, 2 * side
        # Without biases: beside the small expectation values of a circuit these would drown what the noise changes, and
        # all images would begin alike. The normalisation that follows makes small vectors as strong as any.
        self.project = nn.Linear(self.num_latents, width * _START * _START, bias=False)
        self.start = nn.Sequential(nn.Unflatten(1, (width, _START, _START)), nn.GroupNorm(width // _GROUP, width))
        self.stages = nn.Sequential(nn.LeakyReLU(0.2), *stages)
        self.to_pixels = nn.Conv2d(inputs, channels, 3, 1, 1)
        # Nearly twice as fast on CPUs as channels before pixels.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def example_inputs(self, num_rows: int, generator: torch.Generator) -> tuple[Tensor]:
        """Return noise (num_rows, noise_dim + num_categories), such as this network is called with."""
        return (torch.randn(num_rows, self.noise_dim + self.num_categories, generator=generator),)

    @property
    def num_latents(self) -> int:
        """Length of the vector that the block gives, and of the category."""
        return int(self.block.num_outputs) + self.num_categories

    def forward(self, z: Tensor) -> Tensor:
        """Return images (N, C, H, W) in [0, 1] of noise ``z`` (N, noise_dim + num_categories)."""
        return self.decode(self.latents(z))

    def latents(self, z: Tensor) -> Tensor:
        """Return the block's vectors (N, num_latents) of noise ``z`` (N, noise_dim + num_categories)."""
        vectors: Tensor = self.block(self.entry(z[:, : self.noise_dim]))
        return torch.cat([vectors, z[:, self.noise_dim :]], 1) if self.num_categories else vectors

    def decode(self, latents: Tensor) -> Tensor:
        """Return the images (N, C, H, W) of the block's vectors (N, num_latents).

        Raises:
            ArgumentError: If ``latents`` has another shape.
        """
        matches = latents.dim() == 2 and latents.shape[1] == self.num_latents
        check_shape("latents", latents.shape, f"(N, {self.num_latents})", matches)
        images = torch.sigmoid(self.to_pixels(self.stages(self.start(self.project(latents)))))
        size = self.image_shape[1:]
        if images.shape[2:] != size:
            images = F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
        return images


def check_width(name: str, value: object) -> int:
    """Return the width of a generator.

    Raises:
        ArgumentError: If it is not a multiple of 8, at least 16.
    """
    width = check_int(name, value, minimum=_NARROWEST)
    if width % _GROUP:
        raise ArgumentError(f"Argument `{name}` must be a multiple of {_GROUP}, but is {width}.")
    return width


def check_generated_shape(image_shape: object) -> tuple[int, int, int]:
    """Return ``image_shape`` as channels, height, width.

    Raises:
        ArgumentError: If there are not 1, 3 or 4 channels or a side is not from 8 to 128.
    """
    channels, height, width = check_image_shape(image_shape, maximum_side=_MAXIMUM_SIDE)
    if channels not in (1, 3, 4):
        raise ArgumentError(f"Argument `image_shape[0]` must be 1, 3 or 4 channels, but is {channels}.")
    return channels, height, width


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
        nn.GroupNorm(outputs // _GROUP, outputs),
        nn.LeakyReLU(0.2),
    ]
