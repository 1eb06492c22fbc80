"""Principal components instead of an autoencoder: a linear latent that needs no training."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_shape
from qiskit_qgen._settings import Settings
from qiskit_qgen.exceptions import ArgumentError


class PrincipalComponentsConfig(Settings):
    """Principal components, :class:`PrincipalComponents`, which have no options."""

    kind: ClassVar[str] = "pca"


class PrincipalComponents(nn.Module):
    """Encodes images as their first principal components, and decodes them, clipped to [0, 1].

    Args:
        image_shape: Channels, height and width.
        latent_dim: Number of components, at most the number of pixels.

    Raises:
        ArgumentError: If ``latent_dim`` is out of range.
    """

    mean: Tensor
    components: Tensor

    def __init__(self, image_shape: tuple[int, int, int], latent_dim: int) -> None:
        super().__init__()
        pixels = torch.Size(image_shape).numel()
        check_int("latent_dim", latent_dim, minimum=1, maximum=pixels)
        self.image_shape, self.latent_dim = tuple(image_shape), latent_dim
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("components", torch.zeros(latent_dim, pixels))

    def fit(self, images: Tensor) -> None:
        """Find the components of ``images`` (N, C, H, W), N of at least ``latent_dim``.

        Raises:
            ArgumentError: If there are too few images, or of another shape.
        """
        check_shape("images", images.shape, f"(N, {', '.join(map(str, self.image_shape))})",
                    tuple(images.shape[1:]) == self.image_shape)  # fmt: skip
        if len(images) < self.latent_dim:
            raise ArgumentError(
                f"Argument `images` must hold at least {self.latent_dim} images, one for each component, but holds "
                f"{len(images)}."
            )
        from sklearn.decomposition import PCA  # slow to import

        found = PCA(self.latent_dim, svd_solver="full").fit(images.flatten(1).double().numpy())
        self.mean.copy_(torch.from_numpy(found.mean_))
        self.components.copy_(torch.from_numpy(found.components_))

    def encode(self, images: Tensor) -> Tensor:
        """Return the components (N, latent_dim) of ``images`` (N, C, H, W)."""
        return (images.flatten(1) - self.mean) @ self.components.T

    def decode(self, latents: Tensor) -> Tensor:
        """Return the images (N, C, H, W) of ``latents`` (N, latent_dim)."""
        images: Tensor = (latents @ self.components + self.mean).clamp(0, 1).unflatten(1, self.image_shape)
        return images
