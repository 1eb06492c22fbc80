"""Settings of backbones."""

from __future__ import annotations

from typing import ClassVar

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ArgumentError


class StagedConfig(Settings):
    """How a discriminator uses a :class:`StagedBackbone`: the feature maps of several stages, or a cut."""

    input_size: int | None = setting(
        "Side of the network's input in pixels; None takes the longer side of the images, or the network's minimum",
        default=None,
        minimum=1,
    )
    scales: tuple[int, ...] | None = setting(
        "The frozen stages whose feature maps to use, counted from 1, in increasing order; None takes "
        "the network's usual ones, unless there is a cut",
        default=None,
    )
    scale_width: int | None = setting(
        "Channels of the first trained convolution on these maps; later convolutions have twice as many; None takes 32",
        default=None,
        minimum=1,
    )
    frozen_stages: int | None = setting(
        "For a cut: number of frozen stages; None freezes all stages in use", default=None, minimum=1
    )
    last_stage: int | None = setting(
        "For a cut: the stage whose maps are the features; None takes the last one", default=None, minimum=1
    )
    grid: int | None = setting(
        "For a cut: average the maps over grid x grid cells of the image; None takes 1", default=None, minimum=1
    )
    channels: tuple[int, ...] | None = setting("Channels of the images to use; None uses all", default=None)

    def check(self) -> None:
        """Raise :class:`ArgumentError` if there are both scales and a cut."""
        if self.has_cut and self.scales is not None:
            raise ArgumentError(
                "Argument `scales` must be None with `frozen_stages`, `last_stage` or `grid`, which cut the network."
            )

    @property
    def has_cut(self) -> bool:
        """Whether the network is cut after some stages."""
        return any(part is not None for part in (self.frozen_stages, self.last_stage, self.grid))


class EfficientNetLite0Config(StagedConfig):
    """:class:`~qiskit_qgen.networks.EfficientNetLite0Backbone`; its weights come with the extra `pretrained`."""

    kind: ClassVar[str] = "efficientnet-lite0"


class ResNet18Config(StagedConfig):
    """torchvision's ResNet-18, 512 features, :class:`~qiskit_qgen.networks.TorchvisionBackbone`."""

    kind: ClassVar[str] = "resnet18"
    weights: str | None = setting(
        "File with the state dictionary; None takes torchvision's weights from the torch.hub cache; "
        "nothing is downloaded",
        default=None,
    )


class InceptionV3Config(ResNet18Config):
    """torchvision's Inception-v3, 2048 features, :class:`~qiskit_qgen.networks.TorchvisionBackbone`."""

    kind: ClassVar[str] = "inception_v3"


class ConvBackboneConfig(Settings):
    """:class:`~qiskit_qgen.networks.ConvBackbone`, trained from scratch."""

    kind: ClassVar[str] = "conv"
    width: int = setting(
        "Channels after the first convolution; each later convolution has twice as many, up to four times as many",
        default=32,
        minimum=1,
    )
