"""The discriminator of transfer learning: a backbone's features, a block, one score."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from qiskit_qgen._checks import check_int
from qiskit_qgen.networks.backbones import AbstractBackbone
from qiskit_qgen.networks.blocks import Block


class TransferDiscriminator(nn.Module):
    """Scores images by the features from the frozen part of a backbone.

    The backbone's trainable part makes vectors of the frozen features; these are normalised per sample, led through one
    hidden layer to the inputs of the block, and the block's outputs are weighed to one unbounded score. The block in
    this place is that of arXiv 2507.09706; what surrounds it is our choice.

    Args:
        backbone: Makes the features; its frozen part is not part of this module.
        image_shape: Channels, height and width of the images.
        block: Maps (N, ``block.num_inputs``) to (N, ``block.num_outputs``).
        width: Width of the hidden layer.
        spectral_normalization: Whether the linear layers around the block, and a backbone that starts from random
            weights, have spectral norm 1 (arXiv 1802.05957). What was trained before is left as it is.

        num_categories: Number of categories. The score is then also a product of the hidden layer and a vector of the
            category, which is trained: the projection of arXiv 1802.05637. It passes the block by.

    Raises:
        ArgumentError: If ``width`` is not a positive integer, or the backbone does not take such images.
    """

    def __init__(
        self,
        backbone: AbstractBackbone,
        image_shape: tuple[int, int, int],
        block: Block,
        *,
        width: int = 128,
        spectral_normalization: bool = False,
        num_categories: int = 0,
    ) -> None:
        super().__init__()
        self.num_categories = check_int("num_categories", num_categories, minimum=0)
        check_int("width", width, minimum=1)
        self._feature_shape = backbone.feature_shape(image_shape)
        self.tail = backbone.tail(image_shape)
        self.neck = nn.Sequential(
            nn.LayerNorm(backbone.num_features, elementwise_affine=False),
            nn.Linear(backbone.num_features, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, block.num_inputs),
        )
        self.block = block
        self.head = nn.Linear(block.num_outputs, 1)
        self.projection = nn.Linear(num_categories, width, bias=False) if num_categories else None
        if spectral_normalization:
            parts = [self.neck, self.head] if backbone.is_trained else [self.tail, self.neck, self.head]
            for part in [*parts, *([] if self.projection is None else [self.projection])]:
                _normalize(part)

    def example_inputs(self, num_rows: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return random vectors in the place of ``num_rows`` images' frozen features, and of their categories."""
        features = torch.randn(num_rows, *self._feature_shape, generator=generator)
        if not self.num_categories:
            return (features,)
        return features, torch.eye(self.num_categories)[torch.arange(num_rows) % self.num_categories]

    def forward(self, features: Tensor, categories: Tensor | None = None) -> Tensor:
        """Return the scores (N,) of images whose frozen features are ``features`` (N, ...).

        With categories, ``categories`` (N, num_categories) are their unit vectors.
        """
        *first, last = self.neck
        hidden: Tensor = self.tail(features)
        for layer in first:
            hidden = layer(hidden)
        scores: Tensor = self.head(self.block(last(hidden))).squeeze(-1)
        if categories is None or self.projection is None:
            return scores
        directions: Tensor = self.projection(categories)
        return scores + (hidden * directions).sum(1)


def _normalize(part: nn.Module) -> None:
    for module in list(part.modules()):
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            spectral_norm(module)
