"""The base of all loggers: which losses and scores they write, and when."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from qiskit_qgen._checks import check_int
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.history import History
from qiskit_qgen.training.state import TrainingState


class AbstractLogger(AbstractCallback):
    """Base class of callbacks that write losses and scores outside of the history.

    Place a logger after the callback that records the scores.

    Args:
        every: Steps between two logged losses; scores are always written.

    Raises:
        ArgumentError: If ``every`` is not a positive integer.
    """

    def __init__(self, every: int = 10) -> None:
        self.every = check_int("every", every, minimum=1)

    def on_phase_begin(self, state: TrainingState) -> None:
        """Open the output and write the values of the untrained networks."""
        self._open(state)
        self._log(state)

    def on_step_end(self, state: TrainingState) -> None:
        """Write the values of this step."""
        self._log(state)

    def on_train_end(self, state: TrainingState) -> None:  # noqa: ARG002
        """Close the output."""
        self._close()

    def _log(self, state: TrainingState) -> None:
        values = due_values(state.history, state.phase.name, state.step, self.every)
        if values:
            self._write(state.phase.name, state.step, values)

    @abstractmethod
    def _open(self, state: TrainingState) -> None:
        """Open the output at the beginning of a phase, or when a phase is resumed."""

    @abstractmethod
    def _write(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Write the values of a step."""

    @abstractmethod
    def _close(self) -> None:
        """Close the output, if it is open."""


def due_values(history: History, phase: str, step: int, every: int) -> dict[str, float]:
    """Return the values to write for a step: its scores, and its losses if it is an ``every``-th step."""
    found = {}
    for name in history.names(phase):
        steps = history.steps(phase, name)
        is_score = steps[0] == 0 or len(steps) < steps[-1]
        if steps[-1] == step and (is_score or step % every == 0):
            found[name] = history.last(phase, name)
    return found
