"""The one door to torchvision: its networks as backbones, with weights from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_choice, check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import CheckpointError
from qiskit_qgen.networks.backbones.staged import StagedBackbone
from qiskit_qgen.optionals import HAS_TORCHVISION

NAMES = ("resnet18", "inception_v3")
"""The networks that are known by torchvision's names."""

_FILES = {"resnet18": "resnet18-f37072fd.pth", "inception_v3": "inception_v3_google-0cc3c7bd.pth"}
_MINIMUM_SIZE = {"resnet18": 32, "inception_v3": 75}
_USUAL_SCALES = {"resnet18": (1, 3, 4)}  # maps of 16 x 16, 8 x 8 and 4 x 4 at 64 pixels
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TorchvisionBackbone(StagedBackbone):
    """torchvision's ResNet-18 in 5 stages, or its Inception-v3 as one, trained on ImageNet.

    Args:
        architecture: "resnet18", 512 features, or "inception_v3", 2048 features.
        weights: File with the state dictionary; None takes torchvision's file of ImageNet weights from the cache of
            ``torch.hub``. Nothing is downloaded.
        input_size: Side of the network's input in pixels, at least 32 for "resnet18" and 75 for "inception_v3".
        scales: The frozen stages whose maps are seen, in rising order; by default 1, 3 and 4 of
            "resnet18", unless there is a cut.
        scale_width: Channels of the first trained convolution, later ones have twice as many; only with ``scales``,
            where None takes 32.
        frozen_stages: A cut: how many stages stay as they are; None for all that are used.
        last_stage: A cut: the stage whose maps are the features; None for the last one.
        grid: A cut: the maps are averaged over a grid x grid division of the picture; None takes 1.
        channels: Which channels of the pictures are taken; None takes all.

    Raises:
        ArgumentError: If an argument is out of range.
        CheckpointError: If the file of weights is missing or does not fit.
        MissingOptionalLibraryError: If torchvision is not installed, or not for this torch.
    """

    def __init__(
        self,
        architecture: str = "resnet18",
        *,
        weights: PathLike | None = None,
        input_size: int | None = None,
        scales: Sequence[int] | None = None,
        scale_width: int | None = None,
        frozen_stages: int | None = None,
        last_stage: int | None = None,
        grid: int | None = None,
        channels: Sequence[int] | None = None,
    ) -> None:
        check_choice("architecture", architecture, NAMES)
        HAS_TORCHVISION.require_now(f"the backbone '{architecture}'")
        minimum = _MINIMUM_SIZE[architecture]
        super().__init__(
            architecture,
            _stages(architecture, _weights_file(architecture, weights)),
            mean=_MEAN,
            std=_STD,
            input_size=max(64, minimum) if input_size is None else input_size,
            minimum_size=minimum,
            usual_scales=_USUAL_SCALES.get(architecture),
            scales=scales,
            scale_width=scale_width,
            frozen_stages=frozen_stages,
            last_stage=last_stage,
            grid=grid,
            channels=channels,
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
