"""The extractor that changes nothing: for latents, tables, and images compared pixel by pixel."""

from __future__ import annotations

from torch import Tensor

from qiskit_qgen._checks import check_shape
from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor
from qiskit_qgen.persistence import digest_tensors


class IdentityFeatureExtractor(AbstractFeatureExtractor):
    """Take the samples themselves as features, flattened to (N, num_features).

    Args:
        num_features: D, the number of values of one sample.
        name: The name that the scores carry, for example "latent" or "pixel".

    Example:
        >>> import torch
        >>> IdentityFeatureExtractor(24, name="latent")(torch.zeros(5, 24)).shape
        torch.Size([5, 24])
    """

    def __init__(self, num_features: int, *, name: str = "identity") -> None:
        super().__init__(name=name, num_features=num_features, batch_size=1_000_000)

    def digest(self) -> str:
        """Return a digest of the name and the number of features."""
        return digest_tensors(f"identity {self.name} {self.num_features}", {})

    def _check(self, samples: Tensor) -> None:
        fits = samples[0].numel() == self.num_features
        check_shape("samples", samples.shape, f"(N, ...) with {self.num_features} values a sample", fits)

    def _extract(self, batch: Tensor) -> Tensor:
        return batch.flatten(1) if batch.ndim > 1 else batch[:, None]
