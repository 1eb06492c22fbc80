"""Published systems by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qiskit_qgen._settings import Settings


def _as_given(settings: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    return settings


@dataclass(frozen=True)
class Published:
    """What is known of a published system, and our choice where nothing is.

    The page on published systems of the documentation tells one from the other, fact by fact.
    """

    model: Mapping[str, Any]
    """Settings of the model."""
    training: Mapping[str, Any]
    """Settings of its training."""
    adapted: Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any]] = _as_given
    """What other settings follow from changes: takes the settings with the changes, and these."""

    @property
    def of_images(self) -> bool:
        """Whether the system generates images, not rows of a table."""
        return self.model.get("image_shape") is not None

    def model_with(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of the model with ``changes`` in their place."""
        return self.adapted(_replaced(self.model, changes), changes)

    def training_with(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of its training with ``changes`` in their place."""
        return _replaced(self.training, changes)


def _replaced(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` with ``changes`` in their place; a part of the same kind keeps what they leave open."""
    found = dict(settings)
    for name, value in changes.items():
        part = found.get(name)
        same = isinstance(part, Settings) and isinstance(value, Mapping) and value.get("kind", part.kind) == part.kind
        found[name] = {**part.to_dict(), **value} if same and isinstance(part, Settings) else value
    return found
