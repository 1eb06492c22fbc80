"""A classical generator, the counterpart of the quantum generator."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from qiskit_qgen._settings import Settings, setting


class ClassicalGeneratorConfig(Settings):
    """What a :class:`ClassicalGenerator` is."""

    kind: ClassVar[str] = "classical"
    width: int = setting("Width of each hidden layer", default=64, minimum=1)
    depth: int = setting("Number of hidden layers", default=2, minimum=1, maximum=100)
    skip: bool = setting(
        "Whether to add the noise to the output of the layers, which starts at 0: the generator then "
        "starts as close to normal numbers as a circuit; otherwise it starts with torch's default "
        "initialisation, far from them",
        default=True,
    )


class ClassicalGenerator(nn.Module):
    """A multilayer perceptron from noise to features, by default with the noise added to its output.

    With ``config.skip``, feature k is ``start_std z_j + f_k(z)`` with j = k mod the number of z's continuous
    components; the last layer of f starts at 0, so that samples start as independent normal numbers if there is a
    component for each feature. The skip has no weights.

    Args:
        noise_dim: Length of a noise vector.
        num_features: Number of features of a generated sample; they are unbounded.
        config: Its sizes.
        start_std: The spread that samples start with; without effect if there is no skip.
        num_categories: Number of category components at the end of a noise vector; the skip excludes them.
    """

    def __init__(
        self,
        noise_dim: int,
        num_features: int,
        config: ClassicalGeneratorConfig = ClassicalGeneratorConfig(),
        *,
        start_std: float = 1.0,
        num_categories: int = 0,
    ) -> None:
        super().__init__()
        inputs, layers = noise_dim, []
        for _ in range(config.depth):
            layers += [nn.Linear(inputs, config.width), nn.SiLU()]
            inputs = config.width
        last = nn.Linear(inputs, num_features)
        self.num_features, self.skip, self.start_std = num_features, config.skip, start_std
        self.num_continuous = noise_dim - num_categories
        if self.skip:
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)

    def forward(self, z: Tensor) -> Tensor:
        """Return samples (N, num_features) of noise ``z`` (N, noise_dim)."""
        samples: Tensor = self.layers(z)
        if not self.skip:
            return samples
        chosen = torch.arange(self.num_features, device=z.device) % self.num_continuous
        return samples + self.start_std * z[:, chosen]
