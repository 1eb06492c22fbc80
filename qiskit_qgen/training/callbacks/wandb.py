"""Losses and scores for Weights & Biases."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from qiskit_qgen._checks import check_choice, check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.optionals import HAS_WANDB
from qiskit_qgen.persistence import atomic_write
from qiskit_qgen.training.callbacks.logger import AbstractLogger
from qiskit_qgen.training.state import TrainingState

_RUN_ID = "run-id.txt"


class WeightsAndBiases(AbstractLogger):
    """Writes losses and scores as ``PHASE/NAME`` to a Weights & Biases run, over the steps of the phase.

    Needs the ``wandb`` extra. Offline, nothing leaves this machine until you call ``wandb sync
    FOLDER/wandb/offline-run-...``. The run's ID is kept in ``folder``, so that a resumed training continues the same
    run.

    Args:
        folder: Folder for local files.
        every: Steps between two logged losses; scores are always written.
        project: Project of the run.
        mode: "offline", or "online" with the account of ``wandb login``.
        config: Settings to show with the run, as JSON-serialisable values.

    Raises:
        ArgumentError: If ``every`` is not a positive integer, or ``mode`` is unknown.
        ArgumentTypeError: If ``folder`` is not a path.
        MissingOptionalLibraryError: If ``wandb`` is not installed.
    """

    def __init__(
        self,
        folder: PathLike,
        every: int = 10,
        *,
        project: str = "qiskit_qgen",
        mode: Literal["offline", "online"] = "offline",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        HAS_WANDB.require_now("WeightsAndBiases")
        super().__init__(every)
        self.folder: Path = check_path("folder", folder)
        self.project = project
        check_choice("mode", mode, ("offline", "online"))
        self.mode = mode
        self.config = dict(config or {})
        self._run: Any = None

    def _open(self, state: TrainingState) -> None:
        if self._run is None:
            self._run = self._started(is_resumed=state.phase_index > 0 or state.step > 0)
        name = state.phase.name
        self._run.define_metric(f"{name}/step", hidden=True)
        self._run.define_metric(f"{name}/*", step_metric=f"{name}/step")

    def _started(self, *, is_resumed: bool) -> Any:
        """Start a run, or continue the one whose ID was kept."""
        import wandb

        kept = self.folder / _RUN_ID
        self.folder.mkdir(parents=True, exist_ok=True)
        run_id = kept.read_text(encoding="utf-8") if is_resumed and kept.is_file() else secrets.token_hex(4)
        atomic_write(kept, run_id)
        return wandb.init(
            project=self.project,
            dir=str(self.folder),
            mode=self.mode,
            id=run_id,
            resume="allow" if self.mode == "online" else None,
            config=self.config,
            settings=wandb.Settings(silent=True, console="off"),
        )

    def _write(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        self._run.log({f"{phase}/step": step, **{f"{phase}/{name}": value for name, value in values.items()}})

    def _close(self) -> None:
        if self._run is not None:
            self._run.finish()
            self._run = None
