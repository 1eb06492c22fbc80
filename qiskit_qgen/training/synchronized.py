"""Batch normalisation over the whole batch of a data-parallel training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from qiskit_qgen.training.distributed import total, world_size


@contextmanager
def synchronized(module: nn.Module) -> Iterator[None]:
    """Make all batch normalisations in ``module`` take mean and variance over the batches of all ranks.

    This is ``torch.nn.SyncBatchNorm`` for any device, without replacing layers. With a single process, nothing changes.
    """
    layers: list[Any] = []
    if world_size() > 1:
        found = [each for each in module.modules() if isinstance(each, _BatchNorm)]
        layers = [each for each in found if not isinstance(each, nn.SyncBatchNorm)]
    for layer in layers:
        layer.forward = partial(_normalized, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _normalized(layer: _BatchNorm, x: Tensor) -> Tensor:
    """Apply ``layer`` to the equal-sized batches of all ranks as one batch; see ``torch.nn.BatchNorm2d``."""
    if not layer.training and layer.running_mean is not None:
        result: Tensor = type(layer).forward(layer, x)
        return result
    dims = [0, *range(2, x.dim())]
    shape = [1, -1] + [1] * (x.dim() - 2)
    count = x.numel() // x.shape[1] * world_size()
    mean = total(x.sum(dims)) / count
    centred = x - mean.view(shape)
    variance = total(centred.square().sum(dims)) / count
    if layer.training and layer.running_mean is not None:
        _track(layer, mean.detach(), variance.detach() * (count / max(count - 1, 1)))
    scaled = centred * torch.rsqrt(variance + layer.eps).view(shape)
    if layer.weight is not None:
        scaled = scaled * layer.weight.view(shape) + layer.bias.view(shape)
    return scaled


def _track(layer: Any, mean: Tensor, variance: Tensor) -> None:
    """Update the running mean and variance, which are used after training."""
    layer.num_batches_tracked.add_(1)
    # Without a momentum, the plain mean over all batches.
    factor = 1.0 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
    for tracked, value in ((layer.running_mean, mean), (layer.running_var, variance)):
        tracked.mul_(1 - factor).add_(value, alpha=factor)
