"""The one door to torchvision: its networks as backbones, with weights from a file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import CheckpointError
from qiskit_qgen.networks.backbones.config import ResNet18Config
from qiskit_qgen.networks.backbones.staged import StagedBackbone
from qiskit_qgen.optionals import HAS_TORCHVISION

_FILES = {"resnet18": "resnet18-f37072fd.pth", "inception_v3": "inception_v3_google-0cc3c7bd.pth"}
_MINIMUM_SIZE = {"resnet18": 32, "inception_v3": 75}
_USUAL_SCALES = {"resnet18": (1, 3, 4)}  # maps of 16 x 16, 8 x 8 and 4 x 4 at 64 pixels
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TorchvisionBackbone(StagedBackbone):
    """torchvision's ResNet-18 in 5 stages, or its Inception-v3 as one, trained on ImageNet.

    Args:
        config: Which network and how it is seen; the usual scales of ResNet-18 are stages 1, 3 and 4.
        side: Side of the network's input, where ``config`` leaves it open; at least 64 for ResNet-18, 75 for
            Inception-v3.

    Raises:
        ArgumentError: If an option is out of range.
        CheckpointError: If the file of weights is missing or does not fit.
        MissingOptionalLibraryError: If torchvision is not installed, or not for this torch.
    """

    def __init__(self, config: ResNet18Config, *, side: int = 64) -> None:
        architecture = config.kind
        HAS_TORCHVISION.require_now(f"the backbone '{architecture}'")
        super().__init__(
            architecture,
            _stages(architecture, _weights_file(architecture, config.weights)),
            config,
            mean=_MEAN,
            std=_STD,
            input_size=max(64, _MINIMUM_SIZE[architecture], side),
            minimum_size=_MINIMUM_SIZE[architecture],
            usual_scales=_USUAL_SCALES.get(architecture),
        )


def _weights_file(architecture: str, weights: PathLike | None) -> Path:
    if weights is not None:
        return check_path("weights", weights)
    return Path(torch.hub.get_dir()) / "checkpoints" / _FILES[architecture]


def _stages(architecture: str, path: Path) -> list[nn.Module]:
    from torchvision import models

    if not path.is_file():
        raise CheckpointError(
            f"The weights of '{architecture}' are not at {path}: pass their file as `weights`, or put them there."
        )
    options: dict[str, bool] = {} if architecture == "resnet18" else {"init_weights": False, "transform_input": False}
    with torch.random.fork_rng(devices=[]):
        network = getattr(models, architecture)(weights=None, **options)
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"File {path} does not hold the weights of '{architecture}': {reason}") from error
    if architecture == "resnet18":
        stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        return [stem, network.layer1, network.layer2, network.layer3, network.layer4]
    network.fc = nn.Identity()
    return [_AsMaps(network)]


class _AsMaps(nn.Module):
    """Gives a network's vectors as maps of one pixel."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        vectors: Tensor = self.network(images)
        return vectors[:, :, None, None]
