"""What follows a run's training: a bar or lines, grids of samples, and the loggers that [logging] asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qiskit_qgen.cli import run_folder as files
from qiskit_qgen.cli.reporting import note
from qiskit_qgen.cli.settings import LoggingSettings, class_name
from qiskit_qgen.optionals import HAS_TENSORBOARD, HAS_WANDB
from qiskit_qgen.training import (
    AbstractCallback,
    CSVLogger,
    ProgressBar,
    ProgressLog,
    SampleGrid,
    TensorBoard,
    WeightsAndBiases,
)
from qiskit_qgen.training.callbacks.progress import is_watched

_NUM_GRIDS, _NUM_IMAGES = 20, 64
_NUM_SLOW_GRIDS, _NUM_SLOW_IMAGES = 8, 16  # of a diffusion model, whose samples take many passes


def check_loggers(tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse, before a run begins, loggers that are not installed.

    Raises:
        MissingOptionalLibraryError: If the library of one is not installed.
    """
    options = LoggingSettings.of(**tables["logging"])
    if options.tensorboard:
        HAS_TENSORBOARD.require_now("[logging] tensorboard")
    if options.wandb:
        HAS_WANDB.require_now("[logging] wandb")


def followers(tables: Mapping[str, Mapping[str, Any]], folder: Path, *, billed: bool) -> list[AbstractCallback]:
    """Return the callbacks that show, draw and log a training with complete settings ``tables``.

    They stand behind the callback that records scores; ``billed`` says whether circuits cost something.
    """
    options = LoggingSettings.of(**tables["logging"])
    found: list[AbstractCallback] = [ProgressBar() if is_watched() else ProgressLog(write=note)]
    is_slow = class_name(tables) == "QuantumDiffusion"
    every = options.images_every
    if every is None and not billed:
        every = max(1, tables["training"]["steps"] // (_NUM_SLOW_GRIDS if is_slow else _NUM_GRIDS))
    if every:
        number = _NUM_SLOW_IMAGES if is_slow else _NUM_IMAGES
        found.append(SampleGrid(folder / files.PROGRESS, every, num_images=number))
    if options.csv:
        found.append(CSVLogger(folder / files.METRICS, options.every))
    if options.tensorboard:
        found.append(TensorBoard(folder / files.TENSORBOARD, options.every))
    if options.wandb:
        place, project, mode = folder / files.WANDB, options.wandb_project, options.wandb_mode
        found.append(WeightsAndBiases(place, options.every, project=project, mode=mode, config=tables))
    return found
