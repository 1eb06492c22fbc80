"""When checkpoints are written."""

from __future__ import annotations

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.state import TrainingState


class Checkpoint(AbstractCallback):
    """Writes a checkpoint every ``every`` steps of each phase.

    A checkpoint is also written at the start of a run, at the end of each phase and on Ctrl-C, with or without this
    callback.

    Args:
        every: Steps between two checkpoints.

    Raises:
        ArgumentError: If ``every`` is not a positive integer.
    """

    def __init__(self, every: int = 100) -> None:
        self.every = check_int("every", every, minimum=1)

    def on_train_begin(self, state: TrainingState) -> None:
        """Refuse a run without a folder for checkpoints.

        Raises:
            ArgumentError: If the run has no ``checkpoint_dir``.
        """
        if state.checkpoint_dir is None:
            raise ArgumentError(
                "Argument `checkpoint_dir` must name a folder if `callbacks` has a Checkpoint, but is None."
            )

    def on_step_end(self, state: TrainingState) -> None:
        """Request a checkpoint at every ``every``-th step."""
        if state.step % self.every == 0:
            state.request_checkpoint()
