"""A classical generator, the rival of the quantum one in the same place."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from qiskit_qgen._settings import Settings, setting


class ClassicalGeneratorConfig(Settings):
    """What a :class:`ClassicalGenerator` is."""

    kind: ClassVar[str] = "classical"
    width: int = setting("Width of each hidden layer", default=64, minimum=1)
    depth: int = setting("Number of hidden layers", default=2, minimum=1, maximum=100)


class ClassicalGenerator(nn.Module):
    """A multilayer perceptron from noise to features.

    Args:
        noise_dim: Length of a noise vector.
        num_features: Number of features of a generated sample; they are unbounded.
        config: Its sizes.
    """

    def __init__(
        self,
        noise_dim: int,
        num_features: int,
        config: ClassicalGeneratorConfig = ClassicalGeneratorConfig(),
    ) -> None:
        super().__init__()
        inputs, layers = noise_dim, []
        for _ in range(config.depth):
            layers += [nn.Linear(inputs, config.width), nn.SiLU()]
            inputs = config.width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, num_features))

    def forward(self, z: Tensor) -> Tensor:
        """Return samples (N, num_features) of noise ``z`` (N, noise_dim)."""
        samples: Tensor = self.layers(z)
        return samples
