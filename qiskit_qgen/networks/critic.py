"""The critic of a Wasserstein GAN."""

from __future__ import annotations

from torch import Tensor, nn

from qiskit_qgen._settings import Settings, setting


class CriticConfig(Settings):
    """What a :class:`Critic` is."""

    width: int = setting("Width of each hidden layer", default=256, minimum=1)
    depth: int = setting("Number of hidden layers", default=3, minimum=1, maximum=100)


class Critic(nn.Module):
    """A multilayer perceptron that gives one unbounded value per sample.

    It has no normalisation layer, since the gradient penalty holds for each sample by itself (arXiv 1704.00028).

    Args:
        num_features: Number of features of a sample.
        config: Its sizes.
    """

    def __init__(self, num_features: int, config: CriticConfig = CriticConfig()) -> None:
        super().__init__()
        inputs, layers = num_features, []
        for _ in range(config.depth):
            layers += [nn.Linear(inputs, config.width), nn.LeakyReLU(0.2)]
            inputs = config.width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, 1))

    def forward(self, samples: Tensor) -> Tensor:
        """Return the values (N,) of ``samples`` (N, num_features)."""
        values: Tensor = self.layers(samples)
        return values.squeeze(-1)
