"""The training loop."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError, TrainingDivergedError
from qiskit_qgen.persistence import remove_leftovers
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME, load_checkpoint, save_checkpoint
from qiskit_qgen.training.history import History
from qiskit_qgen.training.interrupts import InterruptGuard
from qiskit_qgen.training.phase import AbstractPhase
from qiskit_qgen.training.state import TrainingState

_LOGGER = logging.getLogger(__name__)


class Trainer:
    """Runs phases one after another, keeps the history, calls the callbacks and writes checkpoints.

    With ``checkpoint_dir``, the file ``checkpoint.safetensors`` in it is replaced as one atomic step: at the start,
    where a callback asks for it, at the end of each phase and on Ctrl-C. A run that was killed at any moment and is
    started again with ``resume=True`` ends with the same bits as one that was not, on the same machine with the same
    number of threads; what it had half-written is removed. Without ``checkpoint_dir`` nothing is written.

    Args:
        phases: The phases in order.
        seed: Seed of the run; the phases have the same.
        config: All that decides the result, as values that JSON can hold; a resumed run must have the same.
        callbacks: Called in this order.
        checkpoint_dir: Folder of the checkpoint.
        resume: Continue the run whose checkpoint is in ``checkpoint_dir``. If that folder holds none, as when a job was
            ended before it wrote its first, the run starts at its first step and a warning is logged.

    Raises:
        ArgumentError: If ``phases`` is empty, or ``resume`` is asked for without ``checkpoint_dir``.
        CheckpointError: If ``checkpoint_dir`` holds a checkpoint and ``resume`` is False, or if that checkpoint is
            damaged or of another configuration, or the folder cannot be made or written to.
    """

    def __init__(
        self,
        phases: Sequence[AbstractPhase],
        *,
        seed: int,
        config: Mapping[str, Any],
        callbacks: Sequence[AbstractCallback] = (),
        checkpoint_dir: PathLike | None = None,
        resume: bool = False,
    ) -> None:
        if not phases:
            raise ArgumentError("Argument `phases` must hold at least one phase, but is empty.")
        if resume and checkpoint_dir is None:
            raise ArgumentError("Argument `checkpoint_dir` must name a folder if `resume` is True, but is None.")
        folder = None if checkpoint_dir is None else Path(checkpoint_dir)
        self.state = TrainingState(tuple(phases), seed, checkpoint_dir=folder)
        self._callbacks = tuple(callbacks)
        self._config = dict(config)
        if folder is not None:
            self._open(folder / CHECKPOINT_NAME, resume)

    def run(self) -> History:
        """Train to the end and return the history.

        Raises:
            KeyboardInterrupt: After Ctrl-C; the running step is finished and a checkpoint written first.
            TrainingDivergedError: If a loss or weight is NaN or infinite; the last checkpoint is left as it is.
        """
        with InterruptGuard() as interrupt:
            try:
                self._notify("on_train_begin")
                while not self.state.finished:
                    self._run_phase(interrupt)
            finally:
                self._notify("on_train_end")
        return self.state.history

    def _run_phase(self, interrupt: InterruptGuard) -> None:
        state, phase = self.state, self.state.phase
        phase.begin()
        self._notify("on_phase_begin")
        while state.step < phase.num_steps and not state.stop_requested:
            start = time.perf_counter()
            phase.set_learning_rates(state.step)
            losses = self._finite(phase.train_step(state.step))
            state.step += 1
            state.history.record(phase.name, state.step, losses)
            self._notify("on_step_end")
            state.history.add_seconds(phase.name, time.perf_counter() - start)
            if state.checkpoint_requested or interrupt.requested:
                self._save()
            interrupt.raise_if_requested()
        self._notify("on_phase_end")
        state.advance()
        self._save()
        interrupt.raise_if_requested()

    def _notify(self, hook: str) -> None:
        for callback in self._callbacks:
            getattr(callback, hook)(self.state)

    def _finite(self, losses: Mapping[str, Tensor]) -> dict[str, float]:
        """Return the losses as numbers if they and the weights of the phase are all finite."""
        values = {name: float(value) for name, value in losses.items()}
        for name, value in values.items():
            if not math.isfinite(value):
                self._raise_diverged(f"loss `{name}` is {value}")
        tensors = [
            (f"{part}.{name}", parameter)
            for part, module in self.state.phase.modules.items()
            for name, parameter in module.named_parameters()
            if parameter.numel()
        ]
        if tensors and not bool(torch.stack([parameter.detach().isfinite().all() for _, parameter in tensors]).all()):
            broken = next(name for name, parameter in tensors if not parameter.detach().isfinite().all())
            self._raise_diverged(f"weight `{broken}` is not finite")
        return values

    def _raise_diverged(self, what: str) -> None:
        state = self.state
        kept = (
            "No checkpoint was asked for."
            if state.checkpoint_dir is None
            else f"The last good checkpoint in {str(state.checkpoint_dir)!r} is unchanged."
        )
        raise TrainingDivergedError(
            f"Training diverged in phase {state.phase.name!r} at step {state.step + 1}: {what}. {kept} "
            "Try smaller learning rates or gradient clipping."
        )

    def _open(self, path: Path, resume: bool) -> None:
        remove_leftovers(path)
        if path.exists():
            if not resume:
                raise CheckpointError(
                    f"The folder {str(path.parent)!r} holds the checkpoint of an earlier run: pass `resume=True` to "
                    "continue it, or choose another `checkpoint_dir`."
                )
            load_checkpoint(path, self.state, self._callbacks, self._config)
            return
        if resume:
            _LOGGER.warning("There is no checkpoint in %r: training starts at its first step.", str(path.parent))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"Folder {path.parent} cannot be made: {error.strerror or error}.") from error
        self._save()

    def _save(self) -> None:
        self.state.checkpoint_requested = False
        if self.state.checkpoint_dir is not None:
            save_checkpoint(self.state.checkpoint_dir / CHECKPOINT_NAME, self.state, self._callbacks, self._config)
