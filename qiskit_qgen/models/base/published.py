"""Published systems by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Published:
    """What is known of a published system, and our own choice where nothing is.

    The page on published systems of the documentation tells one from the other, fact by fact.
    """

    model: Mapping[str, Any]
    """Settings of the model."""
    training: Mapping[str, Any]
    """Settings of its training."""
