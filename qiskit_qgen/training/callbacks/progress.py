"""The progress of a training while it runs: a bar in a terminal or notebook, or lines in a log."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from qiskit_qgen._checks import check_float, check_int
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.state import TrainingState

_LOGGER = logging.getLogger(__name__)
_SHARES = 10  # lines per phase, in addition to those after a time limit


class ProgressBar(AbstractCallback):
    """Shows the completed steps, the time left and the latest losses and scores for each phase.

    In a notebook, it is a widget if ``ipywidgets`` is installed, and otherwise a line of text.

    Args:
        every: Steps between two updates of the displayed values.
        disable: True never shows the bar, False always does, None only in a terminal or notebook.

    Raises:
        ArgumentError: If ``every`` is not a positive integer.
    """

    def __init__(self, every: int = 10, *, disable: bool | None = False) -> None:
        self.every = check_int("every", every, minimum=1)
        self.disable = disable
        self._bar: Any = None

    def on_phase_begin(self, state: TrainingState) -> None:
        """Open a bar that starts at the steps already done."""
        phase, options = state.phase, {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no widgets: the line of text replaces them
            from tqdm.auto import tqdm
        if in_notebook():
            options = {"file": sys.stdout, "disable": bool(self.disable)}
        self._bar = tqdm(
            **{"disable": self.disable, "dynamic_ncols": True, **options},
            total=phase.num_steps,
            initial=state.step,
            desc=phase.name,
        )

    def on_step_end(self, state: TrainingState) -> None:
        """Advance the bar and show the latest values at every ``every``-th step."""
        if state.step % self.every == 0 or state.step == state.phase.num_steps:
            self._bar.set_postfix(_newest(state), refresh=False)
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


class ProgressLog(AbstractCallback):
    """Writes a line with the latest losses and scores after each tenth of a phase, and after a maximum time.

    Use it where there is no terminal, such as in cluster jobs or service logs.

    Args:
        seconds: Maximum time without a line.
        write: Called with each line; None logs it at level INFO.

    Raises:
        ArgumentError: If ``seconds`` is not positive.
    """

    def __init__(self, seconds: float = 60.0, *, write: Callable[[str], object] | None = None) -> None:
        self.seconds = check_float("seconds", seconds, minimum=0, open_minimum=True)
        self._write = _LOGGER.info if write is None else write
        self._start = self._last = 0.0

    def on_train_begin(self, state: TrainingState) -> None:  # noqa: ARG002
        """Start the clock."""
        self._start = self._last = time.perf_counter()

    def on_step_end(self, state: TrainingState) -> None:
        """Write a line if it is time for one."""
        total, now = state.phase.num_steps, time.perf_counter()
        is_new_share = state.step * _SHARES // total > (state.step - 1) * _SHARES // total
        if is_new_share or now - self._last >= self.seconds:
            self._last = now
            values = ", ".join(f"{name} {value}" for name, value in _newest(state).items())
            self._write(f"{now - self._start:6.0f} s  {state.phase.name} {state.step}/{total}: {values}")


def is_watched() -> bool:
    """Return whether a progress bar is visible: in a terminal or a notebook."""
    return sys.stderr.isatty() or in_notebook()


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook, without importing IPython."""
    find_shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return "IPKernelApp" in getattr(find_shell(), "config", {})


def _newest(state: TrainingState) -> dict[str, str]:
    """Return the latest losses and scores of the current phase, as text."""
    name = state.phase.name
    return {key: f"{state.history.last(name, key):.4g}" for key in state.history.names(name)}
