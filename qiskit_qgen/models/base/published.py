"""Published systems by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qiskit_qgen._settings import Settings


@dataclass(frozen=True)
class Published:
    """What is known of a published system, and our own choice where nothing is.

    The page on published systems of the documentation tells one from the other, fact by fact.
    """

    model: Mapping[str, Any]
    """Settings of the model."""
    training: Mapping[str, Any]
    """Settings of its training."""


def replaced(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` with ``changes`` in their place; a part of the same kind keeps what they leave open."""
    found = dict(settings)
    for name, value in changes.items():
        part = found.get(name)
        same = isinstance(part, Settings) and isinstance(value, Mapping) and value.get("kind", part.kind) == part.kind
        found[name] = {**part.to_dict(), **value} if same and isinstance(part, Settings) else value
    return found
