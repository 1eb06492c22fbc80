"""Features of the Inception-v3 that defines FID, KID and the Inception Score (arXiv 1706.08500, 1606.03498)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor, check_images
from qiskit_qgen.optionals import HAS_TORCH_FIDELITY
from qiskit_qgen.persistence import digest_tensors

FID_EXTRACTOR = "fid-inception-v3"
"""The name of the extractor; a distance may be called FID or KID only under it."""

_FILE_NAME = "weights-inception-2015-12-05-6726825d.pth"
_URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{_FILE_NAME}"
_DIGEST_BEGINS = "6726825d"
_NUM_FEATURES = 2048
_BATCH_SIZE = 32


class FidInceptionExtractor(AbstractFeatureExtractor):
    """The 2048 pooled features of TensorFlow's Inception-v3 of 2015, as torch-fidelity holds it in PyTorch.

    Images are rounded to 8 bits, grey is repeated to three channels, and torch-fidelity resizes them to 299 pixels as
    TensorFlow did. Nothing is downloaded, and a file with other weights is refused: what they give is not FID.

    Args:
        weights: The file ``weights-inception-2015-12-05-6726825d.pth``; None takes it from torch's cache, where
            torch-fidelity puts it.

    Raises:
        ArgumentError: If the file is missing or holds other weights.
        ArgumentTypeError: If ``weights`` is not a path.
        MissingOptionalLibraryError: If torch-fidelity is not installed.
    """

    network: nn.Module

    def __init__(self, weights: PathLike | None = None) -> None:
        HAS_TORCH_FIDELITY.require_now(f"the feature extractor '{FID_EXTRACTOR}'")
        super().__init__(name=FID_EXTRACTOR, num_features=_NUM_FEATURES, batch_size=_BATCH_SIZE)
        default = Path(torch.hub.get_dir()) / "checkpoints" / _FILE_NAME
        self.network = _load_network(default if weights is None else check_path("weights", weights))

    def train(self, mode: bool = True) -> FidInceptionExtractor:  # noqa: ARG002
        """Stay in evaluation mode, whatever ``mode`` says: these features are never trained."""
        return super().train(False)

    @torch.no_grad()
    def logits(self, features: Tensor) -> Tensor:
        """Return the logits (N, 1008) without bias, as the Inception Score is computed."""
        weight: Tensor = self.network.get_parameter("fc.weight")
        return (features.to(weight) @ weight.T).to(features)

    def digest(self) -> str:
        """Return a digest of the name and of the weights, which are always the same."""
        return digest_tensors(f"{self.name} {_DIGEST_BEGINS}", {})

    def _check(self, samples: Tensor) -> None:
        check_images(samples, self.name)

    def _extract(self, batch: Tensor) -> Tensor:
        images = (batch.float() * 255).round().to(torch.uint8).expand(-1, 3, -1, -1)
        features: Tensor = self.network(images)[0]
        return features


def _load_network(path: Path) -> nn.Module:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    if not path.is_file():
        raise ArgumentError(
            f"Argument `weights` must be the file of FID's Inception-v3, but there is no file {path}; it can be "
            f"downloaded from {_URL}."
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    # torch-fidelity unpickles the file, so that no other one may reach it.
    if not digest.startswith(_DIGEST_BEGINS):
        raise ArgumentError(
            f"Argument `weights` must be the file {_FILE_NAME}, but {path} holds something else: distances of other "
            "features are not FID."
        )
    options = {"feature_extractor_weights_path": str(path)}
    network: nn.Module = FeatureExtractorInceptionV3(FID_EXTRACTOR, [str(_NUM_FEATURES)], **options)
    return network
