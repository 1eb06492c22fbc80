"""Progress where there is no terminal to draw a bar on: a line now and then."""

from __future__ import annotations

import time

from qiskit_qgen.cli.reporting import note
from qiskit_qgen.training import AbstractCallback, TrainingState

_LINES = 10  # in a phase


class PrintedProgress(AbstractCallback):
    """Writes ten lines in each phase, each with the newest value of every loss and score."""

    def __init__(self) -> None:
        self._start = 0.0

    def on_train_begin(self, state: TrainingState) -> None:  # noqa: ARG002
        """Start the clock."""
        self._start = time.perf_counter()

    def on_step_end(self, state: TrainingState) -> None:
        """Write a line after each tenth of the phase."""
        total = state.phase.num_steps
        if state.step * _LINES // total == (state.step - 1) * _LINES // total:
            return
        name = state.phase.name
        values = ", ".join(f"{key} {state.history.last(name, key):.4g}" for key in state.history.names(name))
        seconds = time.perf_counter() - self._start
        note(f"{seconds:6.0f} s  {name} {state.step}/{total}: {values}")
