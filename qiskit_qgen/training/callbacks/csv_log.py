"""Losses and scores as a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from qiskit_qgen._checks import check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.training.callbacks.logger import AbstractLogger
from qiskit_qgen.training.state import TrainingState

_HEADER = ["phase", "step", "name", "value"]


class CSVLogger(AbstractLogger):
    """Writes losses and scores as rows ``phase,step,name,value`` to a file that you can read while it grows.

    A resumed run drops the rows that the interrupted run had written after its checkpoint.

    Args:
        path: File to write; its folder is created if it does not exist.
        every: Steps between two logged losses; scores are always written.

    Raises:
        ArgumentError: If ``every`` is not a positive integer.
        ArgumentTypeError: If ``path`` is not a path.

    Example:
        >>> import pandas  # doctest: +SKIP
        >>> pandas.read_csv("metrics.csv").pivot_table(index=["phase", "step"], columns="name")  # doctest: +SKIP
    """

    def __init__(self, path: PathLike, every: int = 10) -> None:
        super().__init__(every)
        self.path: Path = check_path("path", path)
        self._file: IO[str] | None = None
        self._writer: Any = None

    def _open(self, state: TrainingState) -> None:
        if self._file is None:
            kept = self._kept(state)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", newline="", encoding="utf-8")
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerows([_HEADER, *kept])

    def _kept(self, state: TrainingState) -> list[list[str]]:
        """Return the rows of an interrupted run that are older than its checkpoint."""
        if not self.path.is_file():
            return []
        before = {phase.name for phase in state.phases[: state.phase_index]}
        with self.path.open(newline="", encoding="utf-8") as file:
            whole = [row for row in csv.reader(file) if len(row) == len(_HEADER)][1:]
        return [row for row in whole if row[0] in before or (row[0] == state.phase.name and int(row[1]) < state.step)]

    def _write(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        assert self._file is not None  # noqa: S101 - opened when the phase began
        self._writer.writerows((phase, step, name, value) for name, value in values.items())
        self._file.flush()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
