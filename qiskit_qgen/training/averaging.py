"""Exponential moving average of a network's weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_float


class ExponentialMovingAverage:
    """A moving average of weights, ``average += (1 - d) (weight - average)``, for more stable samples.

    The decay warms up, ``d = min(decay, (1 + k) / (20 + k))`` at update ``k``, so that a short training is not
    dominated by the initial weights. Parameters are averaged; buffers are not.

    Args:
        module: Network whose weights are averaged.
        decay: Maximum decay, in [0, 1); 0 follows the weights exactly.

    Raises:
        ArgumentError: If ``decay`` is not in [0, 1).
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = check_float("decay", decay, minimum=0, maximum=1, open_maximum=True)
        self.module = module
        self.tensors: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in module.named_parameters()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the weights after update number ``step``, counted from 0."""
        decay = min(self.decay, (1 + step) / (20 + step))
        for name, parameter in self.module.named_parameters():
            self.tensors[name].lerp_(parameter, 1 - decay)

    @torch.no_grad()
    def copy_to_module(self) -> None:
        """Overwrite the network's weights with their average."""
        for name, parameter in self.module.named_parameters():
            parameter.copy_(self.tensors[name])

    @contextmanager
    def applied(self) -> Iterator[nn.Module]:
        """Use the averaged weights inside the context, then restore the network's own, bit for bit."""
        own = {name: parameter.detach().clone() for name, parameter in self.module.named_parameters()}
        self.copy_to_module()
        try:
            yield self.module
        finally:
            with torch.no_grad():
                for name, parameter in self.module.named_parameters():
                    parameter.copy_(own[name])
