"""A classical generator, the rival of the quantum one in the same place."""

from __future__ import annotations

from torch import Tensor, nn

from qiskit_qgen._checks import check_int


class ClassicalGenerator(nn.Module):
    """A multilayer perceptron from noise to features.

    Args:
        noise_dim: Length of a noise vector.
        num_features: Number of features of a generated sample; they are unbounded.
        width: Width of each hidden layer.
        depth: Number of hidden layers.

    Raises:
        ArgumentError: If an argument is not a positive integer.
    """

    def __init__(self, noise_dim: int, num_features: int, *, width: int = 64, depth: int = 2) -> None:
        super().__init__()
        inputs = check_int("noise_dim", noise_dim, minimum=1)
        check_int("num_features", num_features, minimum=1)
        check_int("width", width, minimum=1)
        layers: list[nn.Module] = []
        for _ in range(check_int("depth", depth, minimum=1)):
            layers += [nn.Linear(inputs, width), nn.SiLU()]
            inputs = width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, num_features))

    def forward(self, z: Tensor) -> Tensor:
        """Return samples (N, num_features) of noise ``z`` (N, noise_dim)."""
        samples: Tensor = self.layers(z)
        return samples
