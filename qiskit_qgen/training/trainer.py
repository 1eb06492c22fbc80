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
from qiskit_qgen.exceptions import ArgumentError, CheckpointError, ParallelError, TrainingDivergedError
from qiskit_qgen.persistence import remove_leftovers
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.checkpoint import (
    CHECKPOINT_NAME,
    check_configuration,
    load_checkpoint,
    run_tensors,
    save_checkpoint,
)
from qiskit_qgen.training.distributed import (
    alone,
    any_rank,
    average_values,
    broadcast_object,
    is_main,
    join,
    leave,
    on_main,
    rank,
    rank_threads,
    share_tensors,
    together,
)
from qiskit_qgen.training.history import History
from qiskit_qgen.training.interrupts import InterruptGuard
from qiskit_qgen.training.phases.base import AbstractPhase
from qiskit_qgen.training.state import TrainingState

_LOGGER = logging.getLogger(__name__)


class Trainer:
    """Runs phases one after another, records the history, calls the callbacks and writes checkpoints.

    With ``checkpoint_dir``, the trainer atomically replaces the file ``checkpoint.safetensors`` in it at the start,
    when a callback requests it, at the end of each phase and on Ctrl-C. A run that is killed at any moment and
    restarted with ``resume=True`` ends with the same bits as an uninterrupted run, on the same machine with the same
    number of threads; partly written files are removed. Without ``checkpoint_dir``, nothing is written.

    When started by ``torchrun``, the processes train together: each works on a part of every batch, see
    ``qiskit_qgen.training.distributed``. Only rank 0 calls callbacks and writes files. All processes read the
    checkpoint, stop at the same step, and end with the same weights and history.

    Args:
        phases: The phases in order.
        seed: Seed of the run, the same as that of the phases.
        config: Everything that determines the result, as JSON-serialisable values; a resumed run must have the same.
        callbacks: Called in this order.
        checkpoint_dir: Folder for the checkpoint.
        resume: Continue the run whose checkpoint is in ``checkpoint_dir``. If there is no checkpoint, for example
            because a job ended before writing one, the run starts at its first step and a warning is logged.

    Raises:
        ArgumentError: If ``phases`` is empty, or ``resume`` is requested without ``checkpoint_dir``.
        CheckpointError: If ``checkpoint_dir`` holds a checkpoint and ``resume`` is False, or if that checkpoint is
            damaged or has another configuration, or the folder cannot be created or written to.
        ParallelError: If processes that train together cannot be reached, fail or have different configurations.
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
        self._ended_together = False  # at a step that all ranks agreed on
        join()
        self._check_ranks()
        if folder is not None:
            self._open(folder / CHECKPOINT_NAME, resume)

    def run(self) -> History:
        """Train to the end and return the history.

        Raises:
            KeyboardInterrupt: After Ctrl-C; the current step is finished and a checkpoint written first.
            TrainingDivergedError: If a loss or weight is NaN or infinite; the last checkpoint is kept.
        """
        with rank_threads(), InterruptGuard() as interrupt:
            try:
                share_tensors(run_tensors(self.state).values())
                self._notify("on_train_begin")
                while not self.state.finished:
                    self._run_phase(interrupt)
                self._share_history()
            except BaseException as error:
                if not self._ended_together:
                    leave(f"{type(error).__name__} in training")
                raise
            finally:
                self._call("on_train_end")
        return self.state.history

    def _run_phase(self, interrupt: InterruptGuard) -> None:
        state, phase = self.state, self.state.phase
        phase.begin()
        self._notify("on_phase_begin")
        while state.step < phase.num_steps and not state.stop_requested:
            start = time.perf_counter()
            phase.set_learning_rates(state.step)
            with phase.threads():
                step_losses = phase.train_step(state.step)
            losses = self._finite(average_values(step_losses))
            state.step += 1
            state.history.record(phase.name, state.step, losses)
            self._notify("on_step_end")
            state.history.add_seconds(phase.name, time.perf_counter() - start)
            interrupted = self._agree(interrupt)
            if state.checkpoint_requested or interrupted:
                self._save()
            self._end(interrupted)
        self._notify("on_phase_end")
        state.advance()
        self._save()
        self._end(self._agree(interrupt))

    def _notify(self, hook: str) -> None:
        with together():
            self._call(hook)

    def _call(self, hook: str) -> None:
        if is_main():
            with alone():
                for callback in self._callbacks:
                    getattr(callback, hook)(self.state)

    def _agree(self, interrupt: InterruptGuard) -> bool:
        """Share the requests of all ranks; return whether any rank was interrupted."""
        state = self.state
        asked = [interrupt.requested, state.stop_requested, state.checkpoint_requested]
        interrupted, state.stop_requested, state.checkpoint_requested = any_rank(asked)
        return interrupted

    def _end(self, interrupted: bool) -> None:
        if interrupted:
            self._share_history()
            self._ended_together = True
            raise KeyboardInterrupt

    def _share_history(self) -> None:
        """Give all ranks the scores and times of rank 0."""
        self.state.history.replace(broadcast_object(self.state.history))

    def _check_ranks(self) -> None:
        """Raise unless all ranks have the configuration of rank 0."""
        own = {**self._config, "steps": self.state.phases[-1].num_steps}  # a resumed run may have more, all the same
        expected = broadcast_object(own)
        with together():
            check_configuration(
                expected,
                own,
                lambda key, first, here: ParallelError(
                    f"All processes must train the same, but `{key}` is {here!r} for rank {rank()} and {first!r} for "
                    "rank 0: give them the same settings, data and seed."
                ),
            )

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
        self._share_history()
        self._ended_together = True
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
        if on_main(lambda: self._found(path, resume)):
            with together():
                load_checkpoint(path, self.state, self._callbacks, self._config)
        else:
            self._save()

    def _found(self, path: Path, resume: bool) -> bool:
        """Prepare the folder and return whether it holds a checkpoint to resume."""
        remove_leftovers(path)
        if path.exists():
            if not resume:
                raise CheckpointError(
                    f"The folder {str(path.parent)!r} holds the checkpoint of an earlier run: pass `resume=True` to "
                    "continue it, or choose another `checkpoint_dir`."
                )
            return True
        if resume:
            _LOGGER.warning("There is no checkpoint in %r: training starts at its first step.", str(path.parent))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"Folder {path.parent} cannot be made: {error.strerror or error}.") from error
        return False

    def _save(self) -> None:
        self.state.checkpoint_requested = False
        folder = self.state.checkpoint_dir
        with together():
            if folder is not None and is_main():
                save_checkpoint(folder / CHECKPOINT_NAME, self.state, self._callbacks, self._config)
