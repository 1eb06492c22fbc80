"""The critic of a Wasserstein GAN."""

from __future__ import annotations

from torch import Tensor, nn

from qiskit_qgen._checks import check_int


class Critic(nn.Module):
    """A multilayer perceptron that gives one unbounded value per sample.

    It has no normalisation layer, since the gradient penalty holds for each sample by itself (arXiv 1704.00028).

    Args:
        num_features: Number of features of a sample.
        width: Width of each hidden layer.
        depth: Number of hidden layers.

    Raises:
        ArgumentError: If an argument is not a positive integer.
    """

    def __init__(self, num_features: int, *, width: int = 256, depth: int = 3) -> None:
        super().__init__()
        inputs = check_int("num_features", num_features, minimum=1)
        check_int("width", width, minimum=1)
        layers: list[nn.Module] = []
        for _ in range(check_int("depth", depth, minimum=1)):
            layers += [nn.Linear(inputs, width), nn.LeakyReLU(0.2)]
            inputs = width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, 1))

    def forward(self, samples: Tensor) -> Tensor:
        """Return the values (N,) of ``samples`` (N, num_features)."""
        values: Tensor = self.layers(samples)
        return values.squeeze(-1)
