"""A variational autoencoder of images (arXiv 1312.6114)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_shape
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.networks.autoencoder import check_image_shape, conv_decoder, conv_encoder, halvings

_LOG_VARIANCES = (-20.0, 10.0)


class VariationalAutoencoderConfig(Settings):
    """What a :class:`VariationalAutoencoder` is."""

    kind: ClassVar[str] = "variational"
    width: int = setting(
        "Channels after the first convolution; later convolutions have twice as many", default=32, minimum=1
    )
    hidden: int = setting("Width of the hidden layer next to the latent", default=256, minimum=1)


class VariationalAutoencoder(nn.Module):
    """Encodes images to normal distributions of short vectors, and decodes vectors.

    The layers are those of :class:`ConvAutoencoder`, but the encoder ends in the means and the logarithms of the
    variances of the latent's components, without a bound. :meth:`encode` gives the means.

    Args:
        image_shape: Channels, height and width; each side from 8 to 64 pixels, odd and unequal ones included.
        latent_dim: Length of a latent vector.
        config: Its sizes.

    Raises:
        ArgumentError: If ``image_shape`` is out of range.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int,
        config: VariationalAutoencoderConfig = VariationalAutoencoderConfig(),
    ) -> None:
        super().__init__()
        channels, *sides = check_image_shape(image_shape)
        self.image_shape = image_shape
        self.latent_dim = latent_dim
        sizes = halvings((sides[0], sides[1]))
        self.encoder = conv_encoder(channels, sizes, config.width, config.hidden, 2 * latent_dim)
        self.decoder = conv_decoder(channels, sizes, config.width, config.hidden, latent_dim)
        # A quarter faster on CPUs than channels before pixels.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and standard deviations, (N, latent_dim) each, of the latents of ``images`` (N, C, H, W).

        Raises:
            ArgumentError: If ``images`` has another shape.
        """
        expected = f"(N, {', '.join(map(str, self.image_shape))})"
        check_shape("images", images.shape, expected, images.shape[1:] == self.image_shape)
        numbers = self.encoder(images.contiguous(memory_format=torch.channels_last))
        means, log_variances = numbers.chunk(2, dim=1)
        return means, (log_variances.clamp(*_LOG_VARIANCES) / 2).exp()

    def encode(self, images: Tensor) -> Tensor:
        """Return the means (N, latent_dim) of the latents of ``images`` (N, C, H, W) in [0, 1].

        Raises:
            ArgumentError: If ``images`` has another shape.
        """
        return self.posterior(images)[0]

    def decode(self, latents: Tensor) -> Tensor:
        """Return the images (N, C, H, W) in [0, 1] of ``latents`` (N, latent_dim)."""
        images: Tensor = self.decoder(latents)
        return images

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstructions of ``images``."""
        return self.decode(self.encode(images))
