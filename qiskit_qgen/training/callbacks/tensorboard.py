"""Losses and scores for TensorBoard."""

from __future__ import annotations

from typing import Any

from qiskit_qgen._checks import check_int
from qiskit_qgen._typing import PathLike
from qiskit_qgen.optionals import HAS_TENSORBOARD
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.state import TrainingState


class TensorBoard(AbstractCallback):
    """Writes every loss and score as ``PHASE/NAME`` to TensorBoard's event files.

    Needs the ``tensorboard`` extra. A resumed run hides what the interrupted one had written beyond its checkpoint.

    Args:
        log_dir: Folder of the event files.
        every: Steps between two writings of the losses; scores are written whenever there are new ones.

    Raises:
        ArgumentError: If ``every`` is not a positive integer.
        MissingOptionalLibraryError: If TensorBoard is not installed.
    """

    def __init__(self, log_dir: PathLike, every: int = 10) -> None:
        HAS_TENSORBOARD.require_now("TensorBoard")
        self.log_dir = log_dir
        self.every = check_int("every", every, minimum=1)
        self._writer: Any = None

    def on_phase_begin(self, state: TrainingState) -> None:
        """Open the event file of the phase, and write what is known of the untrained networks."""
        from torch.utils.tensorboard import SummaryWriter

        self._close()
        self._writer = SummaryWriter(str(self.log_dir), purge_step=state.step + 1)
        self._write(state)

    def on_step_end(self, state: TrainingState) -> None:
        """Write the values of this step."""
        self._write(state)

    def on_train_end(self, state: TrainingState) -> None:  # noqa: ARG002
        """Close the event file."""
        self._close()

    def _write(self, state: TrainingState) -> None:
        name = state.phase.name
        for key in state.history.names(name):
            fresh = state.history.steps(name, key)
            scored_apart = len(fresh) < state.step
            if fresh[-1] == state.step and (scored_apart or state.step % self.every == 0):
                self._writer.add_scalar(f"{name}/{key}", state.history.last(name, key), state.step)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
