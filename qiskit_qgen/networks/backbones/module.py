"""Any network or function as a backbone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_shape
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.networks.backbones.base import AbstractBackbone
from qiskit_qgen.persistence import digest_tensors


class ModuleBackbone(AbstractBackbone):
    """Wrap a module or function that maps images (N, C, H, W) in [0, 1] to features (N, num_features).

    Args:
        module: The module, which is copied, or a function that torch can differentiate.
        num_features: Length of the vectors that it returns.
        name: Name of network and training.
        num_channels: Numbers of channels that it takes.
        channels: Which channels of the images are taken; None takes all.
        trainable: Whether a discriminator trains a copy of the module, in place of keeping it as it is.

    Raises:
        ArgumentError: If a number is not positive, or a function is to be trained.
        ArgumentTypeError: If ``module`` cannot be called.
    """

    def __init__(
        self,
        module: Callable[[Tensor], Tensor],
        num_features: int,
        *,
        name: str,
        num_channels: Sequence[int] = (1, 3, 4),
        channels: Sequence[int] | None = None,
        trainable: bool = False,
    ) -> None:
        super().__init__(name, num_channels=num_channels, channels=channels)
        if not callable(module):
            raise ArgumentTypeError(
                f"Argument `module` must be a module or a function, but is of type {type(module).__name__}."
            )
        self._num_features = check_int("num_features", num_features, minimum=1)
        if trainable and not isinstance(module, nn.Module):
            raise ArgumentError("Argument `trainable` must be False for a function, which has no weights to train.")
        self.trainable = trainable
        self.module = module
        if isinstance(module, nn.Module):
            self.module = copy.deepcopy(module).eval().requires_grad_(trainable)

    @property
    def frozen(self) -> nn.Module:
        """The module, unless it is trained; a function has no weights."""
        return self.module if isinstance(self.module, nn.Module) and not self.trainable else nn.Identity()

    @property
    def num_features(self) -> int:
        """Length of the vectors that the module returns."""
        return self._num_features

    def tail(self, image_shape: tuple[int, int, int]) -> nn.Module:  # noqa: ARG002
        """Return a copy of the module to train; of a frozen one, nothing to train."""
        if self.trainable and isinstance(self.module, nn.Module):
            return copy.deepcopy(self.module).train()
        return nn.Identity()

    def digest(self) -> str:
        """Return a digest of the name and the module's weights; of a function, of the name alone."""
        return digest_tensors(self.name, self.module.state_dict() if isinstance(self.module, nn.Module) else {})

    def _frozen(self, images: Tensor) -> Tensor:
        if self.trainable:
            return images
        features = self.module(images)
        found = features.shape if isinstance(features, Tensor) else ()
        matches = tuple(found) == (len(images), self._num_features)
        check_shape(f"features of {self.name}", found, f"(N, {self._num_features})", matches)
        return features
