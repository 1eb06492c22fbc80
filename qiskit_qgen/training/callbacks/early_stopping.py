"""Stop a phase that no longer improves."""

from __future__ import annotations

from typing import Any

from qiskit_qgen._checks import check_float, check_int, check_type
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.state import TrainingState


class EarlyStopping(AbstractCallback):
    """Ends a phase when a loss or score has not improved for ``patience`` consecutive records.

    Place it after the callback that records the score. Checkpoints include its counts.

    Args:
        monitor: Name of the loss or score in the history.
        patience: Number of records without improvement to tolerate.
        phase: Name of the phase to watch; None watches every phase that records ``monitor``.
        min_delta: Smallest change that counts as an improvement.
        higher_is_better: Whether an improvement is an increase.

    Raises:
        ArgumentError: If ``patience`` is not a positive integer or ``min_delta`` is negative.
        ArgumentTypeError: If ``monitor`` is not a string.
    """

    def __init__(
        self,
        monitor: str,
        patience: int = 10,
        *,
        phase: str | None = None,
        min_delta: float = 0.0,
        higher_is_better: bool = False,
    ) -> None:
        self.monitor = check_type("monitor", monitor, str, "the name of a loss or score")
        self.patience = check_int("patience", patience, minimum=1)
        self.phase = phase
        self.min_delta = check_float("min_delta", min_delta, minimum=0)
        self.higher_is_better = higher_is_better
        self._best: float | None = None
        self._best_step = 0
        self._stale = 0

    @property
    def best(self) -> float | None:
        """The best value of the watched phase so far; None before its first record."""
        return self._best

    @property
    def best_step(self) -> int:
        """The step of the best value; 0 before the first record."""
        return self._best_step

    def on_phase_begin(self, state: TrainingState) -> None:
        """Reset the counts of an earlier phase."""
        if state.step == 0 and self._watches(state):
            self._best, self._best_step, self._stale = None, 0, 0

    def on_step_end(self, state: TrainingState) -> None:
        """Compare a new value with the best one, and request a stop when patience runs out."""
        name = state.phase.name
        if not self._watches(state) or self.monitor not in state.history.names(name):
            return
        if state.history.steps(name, self.monitor)[-1] != state.step:
            return
        value = state.history.last(name, self.monitor)
        gain = None if self._best is None else (value - self._best) * (1 if self.higher_is_better else -1)
        if gain is None or gain > self.min_delta:
            self._best, self._best_step, self._stale = value, state.step, 0
        else:
            self._stale += 1
            if self._stale >= self.patience:
                state.request_stop()

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, its step and the number of records since then."""
        return {"best": self._best, "best_step": self._best_step, "stale": self._stale}

    def load_state_dict(self, content: dict[str, Any]) -> None:
        """Restore the result of :meth:`state_dict`."""
        self._best, self._best_step, self._stale = content["best"], content["best_step"], content["stale"]

    def _watches(self, state: TrainingState) -> bool:
        return self.phase is None or state.phase.name == self.phase
