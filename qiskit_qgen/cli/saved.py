"""Saved models by their folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qiskit_qgen.cli.run_folder import MODEL
from qiskit_qgen.cli.settings import MODELS, model_class
from qiskit_qgen.exceptions import CheckpointError


def load_model(path: Path) -> Any:
    """Return the model saved in ``path``, or in the run whose folder that is.

    Raises:
        CheckpointError: If there is none, or it is damaged.
    """
    from qiskit_qgen.persistence import load_model_folder

    inner = path / MODEL
    folder = inner if inner.is_dir() else path
    name = load_model_folder(folder)[0]["class_name"]
    if name not in MODELS:
        raise CheckpointError(f"The folder {str(folder)!r} holds a {name}, which no command knows.")
    return model_class(name).from_pretrained(folder)
