"""Features of the Inception-v3 of the npm package nsfwjs, with which no model of this package is trained."""

from __future__ import annotations

import base64
import hashlib
import re
import tarfile
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from qiskit_qgen._checks import check_int, check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor, check_images
from qiskit_qgen.metrics.extractors.layers_model import LayersModel, parse_network, read_weights
from qiskit_qgen.persistence import cache_folder, digest_tensors

NSFW_EXTRACTOR = "nsfw-inception-v3"
"""How the extractor's name begins; its size in pixels follows."""

CLASSES = ("drawing", "hentai", "neutral", "porn", "sexy")
"""What the network was fine-tuned to distinguish."""

_FILE_NAME = "nsfwjs-4.4.0.tgz"
_DIGEST = "585cd178f3b994337c4d10a87b080d342fc52f8b9bf0085c4d1f345a3a1c5382"
_FOLDER = "package/dist/models/inception_v3"
_LAST_MAPS, _FLAT = "mixed10", "flatten_1"
_NUM_FEATURES = 2048
_BATCH_SIZE = 16
_MINIMUM_SIZE = 75  # below it the last maps have no pixel


class NsfwInceptionExtractor(AbstractFeatureExtractor):
    """The 2048 pooled features of an Inception-v3 that was fine-tuned to distinguish drawings and kinds of photographs.

    An independent second opinion: no model of this package is trained with it, as one can be with EfficientNet-Lite0 in
    its discriminator. Its distances are not FID, which another Inception-v3 defines. Images are resized to a square
    (bilinear, with antialiasing when they shrink), grey is repeated to three channels, and values stay in [0, 1], as
    nsfwjs hands them over. The weights are the package's 8-bit ones.

    Args:
        weights: The file ``nsfwjs-4.4.0.tgz``, as ``npm pack nsfwjs@4.4.0`` writes it (MIT licence, 25 MB); None takes
            it from the folder ``weights`` of the cache.
        input_size: Side of the network's input in pixels, at least 75; it was trained at 299. Smaller ones take less
            time, in proportion to their square.

    Raises:
        ArgumentError: If the file is missing or another one, or ``input_size`` is below 75.
        ArgumentTypeError: If ``weights`` is not a path.
    """

    def __init__(self, weights: PathLike | None = None, *, input_size: int = 299) -> None:
        check_int("input_size", input_size, minimum=_MINIMUM_SIZE)
        name = f"{NSFW_EXTRACTOR}-{input_size}px"
        super().__init__(name=name, num_features=_NUM_FEATURES, batch_size=_BATCH_SIZE)
        self.input_size = input_size
        default = cache_folder("weights") / _FILE_NAME
        whole = _load_network(default if weights is None else check_path("weights", weights))
        self.network, self.head = whole.split(_LAST_MAPS, after=_FLAT)

    def train(self, mode: bool = True) -> NsfwInceptionExtractor:  # noqa: ARG002
        """Stay in evaluation mode, whatever ``mode`` says: these features are never trained."""
        return super().train(False)

    @torch.no_grad()
    def classify(self, features: Tensor) -> Tensor:
        """Return the probabilities (N, 5) of :data:`CLASSES`, of features as a call of the extractor returns them."""
        probabilities: Tensor = self.head(features.to(next(self.head.parameters())))
        return probabilities

    def digest(self) -> str:
        """Return a digest of the name and of the weights, which are always the same."""
        return digest_tensors(f"{self.name} {_DIGEST}", {})

    def _check(self, samples: Tensor) -> None:
        check_images(samples, self.name)

    def _extract(self, batch: Tensor) -> Tensor:
        images = batch.float()
        size = (self.input_size, self.input_size)
        if images.shape[-2:] != size:
            images = F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
        images = images.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        maps: Tensor = self.network(images)
        return maps.mean(dim=(2, 3))


def _load_network(path: Path) -> LayersModel:
    if not path.is_file():
        raise ArgumentError(
            f"Argument `weights` must be the file {_FILE_NAME}, but there is no file {path}: "
            "`npm pack nsfwjs@4.4.0` writes it."
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _DIGEST:
        raise ArgumentError(f"Argument `weights` must be the file {_FILE_NAME}, but {path} holds something else.")
    with tarfile.open(path) as archive:

        def read(name: str) -> str:
            member = archive.extractfile(f"{_FOLDER}/{name}.min.js")
            assert member is not None  # noqa: S101 - the digest says what the archive holds
            return member.read().decode()

        found = parse_network(read("model"))
        shards = [name for group in found["weightsManifest"] for name in group["paths"]]
        data = b"".join(_embedded(read(name)) for name in shards)
    return LayersModel(found["modelTopology"], read_weights(found["weightsManifest"], data))


def _embedded(script: str) -> bytes:
    """Return the bytes that a script exports as base64."""
    text = re.search(r'exports="([A-Za-z0-9+/=]+)"', script)
    assert text is not None  # noqa: S101 - the digest says what the archive holds
    return base64.b64decode(text[1])
