"""The settings of backbones."""

from __future__ import annotations

from typing import ClassVar

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ArgumentError


class StagedConfig(Settings):
    """How a discriminator sees through a :class:`StagedBackbone`: the maps of several stages, or a cut."""

    input_size: int | None = setting(
        "Side of the network's input in pixels; None takes the images' longer side, or the least that it takes",
        default=None,
        minimum=1,
    )
    scales: tuple[int, ...] | None = setting(
        "The frozen stages whose maps are seen, counted from 1, in rising order; None takes the network's usual ones, "
        "unless there is a cut",
        default=None,
    )
    scale_width: int | None = setting(
        "Channels of the first trained convolution on these maps, later ones have twice as many; None takes 32",
        default=None,
        minimum=1,
    )
    frozen_stages: int | None = setting(
        "A cut: how many stages stay as they are; None for all that are used", default=None, minimum=1
    )
    last_stage: int | None = setting(
        "A cut: the stage whose maps are the features; None for the last", default=None, minimum=1
    )
    grid: int | None = setting(
        "A cut: the maps are averaged over a grid x grid division of the image; None takes 1", default=None, minimum=1
    )
    channels: tuple[int, ...] | None = setting("Which channels of the images are taken; None takes all", default=None)

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
        "File with the state dictionary; None takes torchvision's from the cache of torch.hub, nothing is downloaded",
        default=None,
    )


class InceptionV3Config(ResNet18Config):
    """torchvision's Inception-v3, 2048 features, :class:`~qiskit_qgen.networks.TorchvisionBackbone`."""

    kind: ClassVar[str] = "inception_v3"


class ConvBackboneConfig(Settings):
    """:class:`~qiskit_qgen.networks.ConvBackbone`, trained from scratch."""

    kind: ClassVar[str] = "conv"
    width: int = setting(
        "Channels after the first convolution; each later one has twice as many, at most four times",
        default=32,
        minimum=1,
    )
