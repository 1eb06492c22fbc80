"""Losses and scores for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qiskit_qgen._typing import PathLike
from qiskit_qgen.optionals import HAS_TENSORBOARD
from qiskit_qgen.training.callbacks.logger import AbstractLogger
from qiskit_qgen.training.state import TrainingState


class TensorBoard(AbstractLogger):
    """Writes losses and scores as ``PHASE/NAME`` to TensorBoard event files.

    Needs the ``tensorboard`` extra. A resumed run hides the values that the interrupted run had written after its
    checkpoint.

    Args:
        log_dir: Folder for the event files.
        every: Steps between two logged losses; scores are always written.

    Raises:
        ArgumentError: If ``every`` is not a positive integer.
        MissingOptionalLibraryError: If TensorBoard is not installed.
    """

    def __init__(self, log_dir: PathLike, every: int = 10) -> None:
        HAS_TENSORBOARD.require_now("TensorBoard")
        super().__init__(every)
        self.log_dir = log_dir
        self._writer: Any = None

    def _open(self, state: TrainingState) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._close()
        self._writer = SummaryWriter(str(self.log_dir), purge_step=state.step + 1)

    def _write(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"{phase}/{name}", value, step)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
