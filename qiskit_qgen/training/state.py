"""The state of a training run, as callbacks see it and checkpoints store it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from qiskit_qgen.training.history import History
from qiskit_qgen.training.phases.base import AbstractPhase


@dataclass
class TrainingState:
    """The state of a run, passed to every hook of every callback."""

    phases: tuple[AbstractPhase, ...]
    """All phases of the run, in order."""

    seed: int
    """Seed of the run."""

    history: History = field(default_factory=History)
    """All losses and scores so far."""

    phase_index: int = 0
    """Number of phases that are finished."""

    step: int = 0
    """Number of steps of the present phase that are finished."""

    stop_requested: bool = False
    """Whether the present phase ends after this step."""

    checkpoint_requested: bool = False
    """Whether a checkpoint is written after this step."""

    checkpoint_dir: Path | None = None
    """Folder of the checkpoint; None if the run writes none."""

    @property
    def phase(self) -> AbstractPhase:
        """The current phase; the last one when ``on_train_end`` runs after a complete training."""
        return self.phases[min(self.phase_index, len(self.phases) - 1)]

    @property
    def finished(self) -> bool:
        """Whether all phases are finished."""
        return self.phase_index >= len(self.phases)

    def request_stop(self) -> None:
        """End the current phase after this step; the next phase, if any, follows."""
        self.stop_requested = True

    def request_checkpoint(self) -> None:
        """Write a checkpoint after all callbacks have seen this step."""
        self.checkpoint_requested = True

    def advance(self) -> None:
        """Move on to the first step of the next phase; after the last phase, ``step`` does not change."""
        self.phase_index += 1
        self.step = self.step if self.finished else 0
        self.stop_requested = False
