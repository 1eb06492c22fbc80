"""What ``fit`` decides before a training starts, alike for all models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen._random import resolve_seed
from qiskit_qgen._typing import PathLike
from qiskit_qgen.training import AbstractCallback, Checkpoint, ProgressBar
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME, read_checkpoint_seed


def choose_callbacks(
    callbacks: Sequence[AbstractCallback] | None, checkpoint_dir: PathLike | None, checkpoint_every: int
) -> list[AbstractCallback]:
    """Return the callbacks of a run: those given, or a progress bar on a terminal; and checkpoints if it has a folder.

    Raises:
        ArgumentError: If ``checkpoint_every`` is not a positive integer.
        ArgumentTypeError: If ``callbacks`` holds something else.
    """
    check_int("checkpoint_every", checkpoint_every, minimum=1)
    chosen: list[AbstractCallback] = [ProgressBar(disable=None)] if callbacks is None else list(callbacks)
    for index, callback in enumerate(chosen):
        check_type(f"callbacks[{index}]", callback, AbstractCallback, "a callback")
    if checkpoint_dir is not None and not any(isinstance(callback, Checkpoint) for callback in chosen):
        chosen.append(Checkpoint(checkpoint_every))
    return chosen


def choose_seed(seed: int | None, checkpoint_dir: PathLike | None, resume: bool) -> int:
    """Return the seed of a run: ``seed``, or that of the run to resume, or a fresh one.

    Raises:
        ArgumentError: If ``seed`` is not a non-negative integer.
        CheckpointError: If the checkpoint is damaged.
    """
    if seed is None and resume and checkpoint_dir is not None:
        path = Path(checkpoint_dir) / CHECKPOINT_NAME
        if path.exists():
            return read_checkpoint_seed(path)
    return resolve_seed(seed)
