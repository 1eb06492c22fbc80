"""Saved models by their folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qiskit_qgen.cli.run_folder import MODEL


def load_model(path: Path) -> Any:
    """Return the model saved in ``path``, or in the run whose folder that is.

    Raises:
        CheckpointError: If there is none, or it is damaged.
    """
    from qiskit_qgen.models import StyleQGAN

    inner = path / MODEL
    return StyleQGAN.from_pretrained(inner if inner.is_dir() else path)
