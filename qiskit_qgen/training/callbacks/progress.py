"""A progress bar with losses and scores."""

from __future__ import annotations

from typing import Any

from qiskit_qgen._checks import check_int
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.state import TrainingState


class ProgressBar(AbstractCallback):
    """Shows, for each phase, the steps done, the time left and the newest value of every loss and score.

    Args:
        every: Steps between two updates of the shown values.
        disable: True shows nothing, False always shows, None shows only on a terminal.

    Raises:
        ArgumentError: If ``every`` is not a positive integer.
    """

    def __init__(self, every: int = 10, *, disable: bool | None = False) -> None:
        self.every = check_int("every", every, minimum=1)
        self.disable = disable
        self._bar: Any = None

    def on_phase_begin(self, state: TrainingState) -> None:
        """Open a bar that starts at the steps already done."""
        from tqdm.auto import tqdm

        phase = state.phase
        self._bar = tqdm(
            total=phase.num_steps, initial=state.step, desc=phase.name, disable=self.disable, dynamic_ncols=True
        )

    def on_step_end(self, state: TrainingState) -> None:
        """Advance the bar, and show the newest values at every ``every``-th step."""
        if state.step % self.every == 0 or state.step == state.phase.num_steps:
            name = state.phase.name
            newest = {key: f"{state.history.last(name, key):.4g}" for key in state.history.names(name)}
            self._bar.set_postfix(newest, refresh=False)
        self._bar.update()

    def on_phase_end(self, state: TrainingState) -> None:  # noqa: ARG002
        """Close the bar."""
        self._close()

    def on_train_end(self, state: TrainingState) -> None:  # noqa: ARG002
        """Close the bar if the run ended within a phase."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
