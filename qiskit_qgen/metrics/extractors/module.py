"""An extractor around any network or function: an autoencoder's encoder, another pretrained trunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from qiskit_qgen.exceptions import ArgumentTypeError
from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor
from qiskit_qgen.persistence import digest_tensors


class ModuleFeatureExtractor(AbstractFeatureExtractor):
    """Wrap a module or a function that returns features, (N, num_features) or (N, num_features, 1, 1).

    A module is put into evaluation mode for each call and back into the modes it had. It is not copied: the features
    follow its training, and so does :meth:`digest`. A function that is not an ``nn.Module`` has no digest, so that its
    features cannot be cached.

    Args:
        module: The module or function; it gets float samples as they are given.
        num_features: D, the number of features it returns.
        name: The name that the scores carry; name the architecture and the training.
        batch_size: How many samples are given to it at once.

    Raises:
        ArgumentTypeError: If ``module`` cannot be called.

    Example:
        >>> import torch
        >>> encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 8))
        >>> ModuleFeatureExtractor(encoder, 8, name="digits-encoder")(torch.rand(5, 1, 8, 8)).shape
        torch.Size([5, 8])
    """

    def __init__(
        self, module: Callable[[Tensor], Tensor], num_features: int, *, name: str, batch_size: int = 128
    ) -> None:
        super().__init__(name=name, num_features=num_features, batch_size=batch_size)
        if not callable(module):
            raise ArgumentTypeError(
                f"Argument `module` must be a module or a function, but is of type {type(module).__name__}."
            )
        self.module = module

    def digest(self) -> str | None:
        """Return a digest of the name, the module's printed form and its present weights; None for a function."""
        if not isinstance(self.module, nn.Module):
            return None
        return digest_tensors(f"module {self.name} {self.module!r}", self.module.state_dict())

    def _check(self, samples: Tensor) -> None:
        """Accept every sample: the wrapped module knows its input."""

    def _extract(self, batch: Tensor) -> Tensor:
        with _evaluation_mode(self.module):
            features = self.module(batch)
        is_map = isinstance(features, Tensor) and features.ndim == 4 and features.shape[2:] == (1, 1)
        return features.flatten(1) if is_map else features


@contextmanager
def _evaluation_mode(module: object) -> Iterator[None]:
    if not isinstance(module, nn.Module):
        yield
        return
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
