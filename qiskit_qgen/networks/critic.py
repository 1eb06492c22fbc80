"""Critics of adversarial training: one unbounded value for each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qiskit_qgen._settings import Settings, setting

_SIDE, _MAPS = 10, 2  # of the image that a sample becomes
_CHANNELS = (64, 32, 16, 8)
_SLOPE, _DROPOUT = 0.2, 0.2


class CriticConfig(Settings):
    """What a :class:`Critic` is."""

    kind: ClassVar[str] = "perceptron"
    width: int = setting("Width of each hidden layer", default=256, minimum=1)
    depth: int = setting("Number of hidden layers", default=3, minimum=1, maximum=100)
    halving: bool = setting("Whether each hidden layer is half as wide as the one before it", default=False)
    slope: float = setting("Negative slope of the leaky ReLUs", default=0.2, minimum=0, maximum=1)
    dropout: float = setting("Dropout rate of the hidden layers in training", default=0.0, minimum=0, below=1)
    bias: bool = setting("Whether the layers have biases", default=True)


class ConvCriticConfig(Settings):
    """The convolutional discriminator in the code of arXiv 2110.06933: :class:`ConvCritic`."""

    kind: ClassVar[str] = "conv"


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
        for index in range(config.depth):
            width = max(config.width >> index, 1) if config.halving else config.width
            layers += [nn.Linear(inputs, width, bias=config.bias), nn.LeakyReLU(config.slope)]
            if config.dropout:
                layers.append(SeededDropout(config.dropout))
            inputs = width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, 1, bias=config.bias))

    def forward(self, samples: Tensor) -> Tensor:
        """Return the values (N,) of ``samples`` (N, num_features)."""
        values: Tensor = self.layers(samples)
        return values.squeeze(-1)

    def input_gradient(self, samples: Tensor) -> Tensor:
        """Return the gradient of each value by its sample, (N, num_features), differentiable by the weights.

        The rectifiers' slopes are constants almost everywhere, so that the gradient is a product of the weights and
        these: two thirds of the work of differentiating :meth:`forward` twice.
        """
        back: list[Callable[[Tensor], Tensor]] = []
        with torch.no_grad():
            hidden = samples
            for layer in self.layers:
                if isinstance(layer, nn.Linear):
                    hidden = layer(hidden)
                    back.append(partial(_times_weight, layer))
                    continue
                factor = torch.ones_like(hidden)
                if isinstance(layer, nn.LeakyReLU):
                    factor = factor.where(hidden > 0, layer.negative_slope)
                else:
                    factor = layer(factor)  # dropout, of the next numbers of its generator
                hidden = hidden * factor
                back.append(partial(torch.mul, factor))
        gradient = torch.ones_like(hidden)
        for step in reversed(back):
            gradient = step(gradient)
        return gradient


def _times_weight(layer: nn.Linear, gradient: Tensor) -> Tensor:
    return gradient @ layer.weight


class ConvCritic(nn.Module):
    """A convolutional critic of short vectors, the discriminator of the code of arXiv 2110.06933.

    A dense layer without biases makes 10 x 10 pixels of 2 channels of a sample; convolutions of 3 x 3 with 64, 32, 16
    and 8 channels follow, each with a leaky rectifier of slope 0.2, then dropout of 0.2 and one value. There it ends in
    a sigmoid; here the value is the logit. Weights start as in Keras: those of convolutions normal, those of dense
    layers uniform, both after Glorot; biases at 0.

    Args:
        num_features: Number of features of a sample.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Linear(num_features, _MAPS * _SIDE**2, bias=False),
            nn.Unflatten(1, (_MAPS, _SIDE, _SIDE)),
        ]
        inputs = _MAPS
        for channels in _CHANNELS:
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.LeakyReLU(_SLOPE)]
            inputs = channels
        self.layers = nn.Sequential(*layers, nn.Flatten(), SeededDropout(_DROPOUT), nn.Linear(inputs * _SIDE**2, 1))
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.xavier_normal_(layer.weight)
            elif isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
            if isinstance(layer, (nn.Conv2d, nn.Linear)) and layer.bias is not None:
                nn.init.zeros_(layer.bias)
        # A third faster on CPUs than channels before pixels.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, samples: Tensor) -> Tensor:
        """Return the values (N,) of ``samples`` (N, num_features)."""
        values: Tensor = self.layers(samples)
        return values.squeeze(-1)


class SeededDropout(nn.Module):
    """Dropout whose randomness is an argument: within :func:`dropout_from` it follows a generator, else torch's own.

    Args:
        rate: Share of the numbers that are left out in training, in [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self._source: tuple[torch.Generator, tuple[int, int]] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` (N, ...), in training with a share of its numbers at 0 and the others made larger by as much."""
        if not self.training or self._source is None:
            return F.dropout(x, self.rate, self.training)
        generator, (index, count) = self._source
        # Drawn on the CPU for all processes that share a batch, so that one seed gives one mask everywhere.
        drawn = torch.rand(count * len(x), *x.shape[1:], generator=generator).chunk(count)[index]
        return x * (drawn >= self.rate).to(x) / (1 - self.rate)

    def extra_repr(self) -> str:
        """Return the rate, for ``repr``."""
        return f"rate={self.rate}"


@contextmanager
def dropout_from(module: nn.Module, generator: torch.Generator, part: tuple[int, int] = (0, 1)) -> Iterator[None]:
    """Draw what the dropout of ``module`` leaves out from ``generator`` while the context lasts.

    Args:
        module: A network.
        generator: Source of the masks, on the CPU.
        part: Of a batch that several processes share: the index of this part and the number of equal parts.
    """
    layers = [each for each in module.modules() if isinstance(each, SeededDropout)]
    for layer in layers:
        layer._source = (generator, part)
    try:
        yield
    finally:
        for layer in layers:
            layer._source = None
