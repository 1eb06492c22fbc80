"""The hooks of a callback."""

from __future__ import annotations

from abc import ABC
from typing import Any

from qiskit_qgen.training.state import TrainingState


class AbstractCallback(ABC):  # noqa: B024 - every hook is optional
    """Base class of all callbacks: hooks that do nothing; override the ones you need.

    Hooks may read the state, record scores in ``state.history``, and request a stop or a checkpoint. They must not
    change weights. Callbacks run in the given order, so a callback that records a score must come before one that reads
    it; a checkpoint is written after all of them.
    """

    def on_train_begin(self, state: TrainingState) -> None:  # noqa: B027
        """Called once before the first step, and again at the start of every resumed run."""

    def on_phase_begin(self, state: TrainingState) -> None:  # noqa: B027
        """Called when the current phase is ready to train, at its start or after a resume."""

    def on_step_end(self, state: TrainingState) -> None:  # noqa: B027
        """Called after each step; ``state.step`` includes it, and its losses are in the history."""

    def on_phase_end(self, state: TrainingState) -> None:  # noqa: B027
        """Called after the last step of a phase; not when a run is interrupted."""

    def on_train_end(self, state: TrainingState) -> None:  # noqa: B027
        """Called once when the run ends, even by an error or an interrupt: the place to close files."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a resumed run needs from this callback, as JSON-serialisable values."""
        return {}

    def load_state_dict(self, content: dict[str, Any]) -> None:  # noqa: B027
        """Restore the result of :meth:`state_dict`."""
