"""The base class of discriminator backbones: a frozen part, a trainable part, and checks of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_shape, check_type
from qiskit_qgen.exceptions import ArgumentError

_BATCH = 64
_ROUNDING = 1e-4  # antialiased resizing may leave [0, 1] by this much


class AbstractBackbone(ABC):
    """Turns images into features in two parts: a frozen part, and a part that a discriminator trains.

    The frozen part does not belong to any trained or saved module; gradients pass through it to the images. Its
    features of images that do not change need to be computed only once.

    Args:
        name: Name of the network and its training, for tables and errors.
        num_channels: Numbers of channels that the network accepts.
        channels: Channels of the images to use; None uses all.

    Raises:
        ArgumentError: If ``name`` is empty, or ``channels`` does not name as many channels as the network takes.
    """

    def __init__(self, name: str, *, num_channels: Sequence[int], channels: Sequence[int] | None = None) -> None:
        if not check_type("name", name, str, "a string"):
            raise ArgumentError("Argument `name` must be a non-empty string, but is ''.")
        self.name = name
        self.num_channels = tuple(num_channels)
        self.channels = None if channels is None else _checked_channels(channels, self.num_channels, name)

    def features(self, images: Tensor) -> Tensor:
        """Return the frozen part's features of ``images``, differentiable with respect to ``images``.

        Args:
            images: Images (N, C, H, W) in [0, 1].

        Returns:
            (N, ...), as :meth:`tail` takes them.

        Raises:
            ArgumentError: If the images have a channel count that the network does not take, or are not floating point
                in [0, 1]; values are only checked on the CPU, because other devices would have to wait.
        """
        self.check_channels(images.shape[1] if images.dim() == 4 else 0, images.shape)
        if images.device.type == "cpu":
            low, high = (float(bound) for bound in images.detach().aminmax())
            if not images.is_floating_point() or not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
                raise ArgumentError(
                    f"Argument `images` must be floating point in [0, 1] for the backbone '{self.name}', but is "
                    f"{images.dtype} in [{low:g}, {high:g}]."
                )
        return self._frozen(images if self.channels is None else images[:, list(self.channels)])

    @torch.no_grad()
    def features_of(self, images: Tensor) -> Tensor:
        """Return the frozen part's features of many ``images``, computed in batches and without gradient."""
        return torch.cat([self.features(part) for part in images.split(_BATCH)])

    def check_channels(self, count: int, shape: Sequence[int] | None = None, *, name: str = "images") -> None:
        """Raise :class:`ArgumentError` unless the network takes images of ``count`` channels."""
        check_shape("images", shape or (1, count, 1, 1), "(N, C, H, W)", shape is None or len(shape) == 4)
        if self.channels is None and count not in self.num_channels:
            allowed = " or ".join(map(str, self.num_channels))
            raise ArgumentError(
                f"Argument `{name}` must have {allowed} channels for the backbone '{self.name}', but has {count}: name "
                "the channels to take, as `channels` of the backbone."
            )
        if self.channels is not None and count <= max(self.channels):
            raise ArgumentError(
                f"Argument `{name}` must have more than {max(self.channels)} channels for the backbone '{self.name}', "
                f"but has {count}."
            )

    def feature_shape(self, image_shape: tuple[int, int, int]) -> torch.Size:
        """Return the shape of the frozen part's features of one image."""
        weight = next(iter(self.frozen.parameters()), None)
        device = torch.device("cpu") if weight is None else weight.device
        with torch.no_grad():
            return self.features(torch.zeros(1, *image_shape, device=device)).shape[1:]

    def move(self, convert: Callable[[Tensor], Tensor]) -> None:
        """Apply what ``Module.to`` does to each tensor of the frozen part, which is not part of any module."""
        self.frozen._apply(convert)

    @property
    def frozen(self) -> nn.Module:
        """The frozen part; one without weights if there is none."""
        return nn.Identity()

    @property
    def usual_gradient_penalty(self) -> float:
        """The weight of a gradient penalty that suits the features: of about unit length here."""
        return 1.0

    @property
    def is_trained(self) -> bool:
        """Whether :meth:`tail` starts from weights that were trained elsewhere."""
        return True

    @property
    @abstractmethod
    def num_features(self) -> int:
        """Length of the vectors that :meth:`tail` gives."""

    @abstractmethod
    def tail(self, image_shape: tuple[int, int, int]) -> nn.Module:
        """Return a fresh trainable part: maps the frozen part's features to vectors (N, num_features)."""

    @abstractmethod
    def digest(self) -> str:
        """Return a digest of the frozen part's weights, by which a resumed training knows it again."""

    @abstractmethod
    def _frozen(self, images: Tensor) -> Tensor:
        """Return the frozen part's features of checked images."""


def _checked_channels(channels: Sequence[int], allowed: Sequence[int], name: str) -> tuple[int, ...]:
    chosen = tuple(check_int("channels", channel, minimum=0) for channel in channels)
    if len(chosen) not in allowed:
        counts = " or ".join(map(str, allowed))
        raise ArgumentError(f"Argument `channels` must name {counts} channels for '{name}', but is {chosen}.")
    return chosen
