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
    """The known settings of a published system, and our choice for unknown ones.

    The documentation's page on published systems distinguishes the two, fact by fact.
    """

    model: Mapping[str, Any]
    """Settings of the model."""
    training: Mapping[str, Any]
    """Settings of its training."""
    adapted: Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any]] = _as_given
    """What other settings follow from changes: takes the settings with the changes, and these."""

    @property
    def of_images(self) -> bool:
        """Whether the system generates images rather than rows of a table."""
        return self.model.get("image_shape") is not None

    def model_with(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the model settings with ``changes`` applied."""
        return self.adapted(_replaced(self.model, changes), changes)

    def training_with(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the training settings with ``changes`` applied."""
        return _replaced(self.training, changes)


def _replaced(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` with ``changes`` applied; a part of the same kind keeps its other options."""
    found = dict(settings)
    for name, value in changes.items():
        part = found.get(name)
        same = isinstance(part, Settings) and isinstance(value, Mapping) and value.get("kind", part.kind) == part.kind
        found[name] = {**part.to_dict(), **value} if same and isinstance(part, Settings) else value
    return found
