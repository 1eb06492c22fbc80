"""The autoencoder of a public re-implementation of LaSt-QGAN (arXiv 2406.02668)."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_shape
from qiskit_qgen._settings import Settings
from qiskit_qgen.exceptions import ArgumentError

_FIRST, _SECOND, _HIDDEN = 64, 128, 1024


class LastAutoencoderConfig(Settings):
    """The autoencoder of the public re-implementation of arXiv 2406.02668, :class:`LastAutoencoder`."""

    kind: ClassVar[str] = "last-qgan"


class LastAutoencoder(nn.Module):
    """Two convolutions and one hidden layer of 1024 on each side, a latent in (-1, 1): LaSt-QGAN's (arXiv 2406.02668).

    This is how the public code ``incllude/LaSt-QGAN``, which is not the authors', reads the paper; of the paper itself
    the tanh at the encoder's end is known. Of 28 x 28 pixels, 6,272 numbers meet the hidden layers.

    Args:
        image_shape: Channels, height and width; both sides divisible by 4.
        latent_dim: Length of a latent vector.

    Raises:
        ArgumentError: If a side is not divisible by 4.
    """

    def __init__(self, image_shape: tuple[int, int, int], latent_dim: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        check_sides(image_shape)
        self.image_shape = image_shape
        self.latent_dim = check_int("latent_dim", latent_dim, minimum=1)
        pixels = _SECOND * (height // 4) * (width // 4)
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, _FIRST, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(_FIRST, _SECOND, 4, 2, 1),
            nn.ReLU(),
            nn.BatchNorm2d(_SECOND),
            nn.Flatten(),
            nn.Linear(pixels, _HIDDEN),
            nn.BatchNorm1d(_HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, latent_dim),
            nn.Tanh(),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, _HIDDEN),
            nn.BatchNorm1d(_HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, pixels),
            nn.Unflatten(1, (_SECOND, height // 4, width // 4)),
            nn.BatchNorm2d(_SECOND),
            nn.ReLU(),
            nn.ConvTranspose2d(_SECOND, _FIRST, 4, 2, 1),
            nn.BatchNorm2d(_FIRST),
            nn.ReLU(),
            nn.ConvTranspose2d(_FIRST, channels, 4, 2, 1),
            nn.Sigmoid(),
        )

    def encode(self, images: Tensor) -> Tensor:
        """Return the latents (N, latent_dim) in (-1, 1) of ``images`` (N, C, H, W) in [0, 1].

        Raises:
            ArgumentError: If ``images`` has another shape.
        """
        expected = f"(N, {', '.join(map(str, self.image_shape))})"
        check_shape("images", images.shape, expected, images.shape[1:] == self.image_shape)
        latents: Tensor = self.encoder(images)
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Return the images (N, C, H, W) in [0, 1] of ``latents`` (N, latent_dim)."""
        images: Tensor = self.decoder(latents)
        return images

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstructions of ``images``."""
        return self.decode(self.encode(images))


def check_sides(image_shape: tuple[int, int, int]) -> None:
    """Raise :class:`ArgumentError` unless both sides of an image are divisible by 4."""
    for size in image_shape[1:]:
        if size % 4:
            raise ArgumentError(
                f"Argument `image_shape` must have sides divisible by 4 for this autoencoder, but is {image_shape}."
            )
