"""Scores during training."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping

from qiskit_qgen._checks import check_int
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.state import TrainingState

_LOGGER = logging.getLogger(__name__)


class Scores(AbstractCallback):
    """Computes scores before the first step of a phase and every ``every`` steps, and records them in the history.

    A score that is NaN or infinite is skipped with a logged warning; training continues.

    Args:
        scores: Functions by name; each takes the :class:`~qiskit_qgen.training.TrainingState` and returns a number, or
            None if there is nothing to score, for example samples while the autoencoder trains.
        every: Steps between two computations; the last step of a phase is always scored.

    Raises:
        ArgumentError: If ``every`` is not a positive integer or ``scores`` is empty.
        ArgumentTypeError: If a score is not callable.
    """

    def __init__(self, scores: Mapping[str, Callable[[TrainingState], float | None]], every: int = 250) -> None:
        self.every = check_int("every", every, minimum=1)
        if not scores:
            raise ArgumentError("Argument `scores` must hold at least one function, but is empty.")
        for name, function in scores.items():
            if not callable(function):
                raise ArgumentTypeError(
                    f"Argument `scores` must hold functions, but {name!r} is of type {type(function).__name__}."
                )
        self.scores = dict(scores)

    def on_phase_begin(self, state: TrainingState) -> None:
        """Compute and record the scores of the untrained networks, at step 0."""
        if state.step == 0:
            self._record(state)

    def on_step_end(self, state: TrainingState) -> None:
        """Compute and record the scores at every ``every``-th step and at the last."""
        if state.step % self.every == 0 or state.step == state.phase.num_steps:
            self._record(state)

    def _record(self, state: TrainingState) -> None:
        known: dict[str, float] = {}
        for name, function in self.scores.items():
            value = function(state)
            if value is not None and math.isfinite(value):
                known[name] = float(value)
            elif value is not None:
                place = f"step {state.step} of phase {state.phase.name!r}"
                _LOGGER.warning("Score %r is %r at %s and is not recorded.", name, float(value), place)
        state.history.record(state.phase.name, state.step, known)
