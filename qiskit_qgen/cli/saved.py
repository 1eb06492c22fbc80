"""Saved models by their folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qiskit_qgen.cli.run_folder import CONFIG, MODEL
from qiskit_qgen.cli.settings import MODELS, data_settings, model_class, read_settings
from qiskit_qgen.exceptions import ArgumentError, CheckpointError


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


def load_trained_on(path: Path) -> Any:
    """Return the pictures that the run in the folder ``path`` was trained on.

    Raises:
        ArgumentError: If the folder holds no run.
        DatasetError: If the data are missing or damaged.
    """
    from qiskit_qgen.datasets import load_dataset

    settings = path / CONFIG
    if not settings.is_file():
        raise ArgumentError(
            f"Folder {path} must be that of a run for --memorization: its {CONFIG} says what was trained on."
        )
    data = data_settings(read_settings(settings))
    return load_dataset(
        data.name, data_dir=data.data_dir, num_images=data.num_images, subset_seed=data.subset_seed
    ).images
