"""Checkpoints: everything that a run needs to continue, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from qiskit_qgen.exceptions import CheckpointError
from qiskit_qgen.persistence import check_state, load_tensors, save_tensors
from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.history import History
from qiskit_qgen.training.state import TrainingState

CHECKPOINT_NAME = "checkpoint.safetensors"
_FORMAT = 2
_WEIGHTS = ("module/", "average/", "tensor/")


def save_checkpoint(
    path: Path, state: TrainingState, callbacks: Sequence[AbstractCallback], config: Mapping[str, Any]
) -> None:
    """Atomically replace the checkpoint at ``path`` with one of ``state``.

    The file holds the tensors of all modules, averages and optimizers, the history, the callbacks' states, the position
    of the run and its configuration.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    tensors = run_tensors(state)
    optimizer_values: dict[str, dict[str, Any]] = {}
    for name, optimizer in _optimizers(state).items():
        for entry, value in _optimizer_entries(optimizer).items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{name}/{entry}"] = value
            else:
                optimizer_values.setdefault(name, {})[entry] = value
    columns, description = state.history.to_tensors()
    tensors.update({f"history/{name}": column for name, column in columns.items()})
    content = {
        "format": _FORMAT,
        "config": dict(config),
        "seed": state.seed,
        "phase_index": state.phase_index,
        "step": state.step,
        "num_steps": state.phases[-1].num_steps,
        "stop_requested": state.stop_requested,
        "history": description,
        "optimizer_values": optimizer_values,
        "callbacks": [[type(callback).__name__, callback.state_dict()] for callback in callbacks],
    }
    save_tensors(path, tensors, metadata=content)


def read_checkpoint_seed(path: Path) -> int:
    """Return the seed of the run whose checkpoint is at ``path``.

    Raises:
        CheckpointError: If the file is missing, damaged or not a checkpoint.
    """
    return int(_read(path)[1]["seed"])


def load_checkpoint(
    path: Path, state: TrainingState, callbacks: Sequence[AbstractCallback], config: Mapping[str, Any]
) -> None:
    """Restore the run of ``state`` from the checkpoint at ``path``.

    The last phase may have more steps than in the checkpoint: a finished run then continues.

    Raises:
        CheckpointError: If the file is damaged, or was written by a run with another configuration or other callbacks.
    """
    tensors, content = _read(path)
    check_configuration(
        content["config"],
        config,
        lambda key, before, now: CheckpointError(
            f"The checkpoint {str(path)!r} belongs to another run: `{key}` was {before!r}, but is now {now!r}. Resume "
            "with the same settings and data, or choose another `checkpoint_dir`."
        ),
    )
    _check_callbacks(path, content["callbacks"], callbacks)
    index, step, last = content["phase_index"], content["step"], state.phases[-1]
    if index >= len(state.phases) - 1 and step > last.num_steps:
        raise CheckpointError(
            f"The checkpoint {str(path)!r} is {step} steps into phase {last.name!r}: `steps` must be at least as many, "
            f"but is {last.num_steps}."
        )
    if index == len(state.phases) and last.num_steps > content["num_steps"]:
        index -= 1
    saved = {name: tensor for name, tensor in tensors.items() if name.startswith(_WEIGHTS)}
    copy_tensors(saved, run_tensors(state), source=f"File {path}")
    for name, optimizer in _optimizers(state).items():
        _load_optimizer(optimizer, f"optimizer/{name}/", tensors, content["optimizer_values"].get(name, {}))
    columns = {name.removeprefix("history/"): column for name, column in tensors.items() if name.startswith("history/")}
    state.history = History.from_tensors(columns, content["history"])
    state.phase_index, state.step = index, step
    state.stop_requested = content["stop_requested"]
    for callback, (_, kept) in zip(callbacks, content["callbacks"], strict=False):
        if kept:
            callback.load_state_dict(kept)


@torch.no_grad()
def copy_tensors(saved: Mapping[str, Tensor], target: Mapping[str, Tensor], *, source: str) -> None:
    """Overwrite the tensors of ``target`` with those of the same names in ``saved``; errors name ``source``.

    Raises:
        CheckpointError: If the names, shapes or types differ.
    """
    check_state(saved, target, source=source)
    for name, tensor in target.items():
        tensor.copy_(saved[name])


def run_tensors(state: TrainingState) -> dict[str, Tensor]:
    """All tensors that a run changes in place, except for the optimizers', by their names in the file."""
    modules: dict[str, nn.Module] = {}
    tensors: dict[str, Tensor] = {}
    for phase in state.phases:
        modules.update(phase.modules)
        tensors.update({f"tensor/{phase.name}/{key}": tensor for key, tensor in phase.tensors.items()})
        for name, average in phase.averages.items():
            tensors.update({f"average/{name}/{key}": tensor for key, tensor in average.tensors.items()})
    for name, module in modules.items():
        tensors.update({f"module/{name}/{key}": tensor for key, tensor in module.state_dict().items()})
    return tensors


def _optimizers(state: TrainingState) -> dict[str, Optimizer]:
    return {f"{phase.name}/{name}": opt for phase in state.phases for name, opt in phase.optimizers.items()}


def _optimizer_entries(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer's state as "INDEX/KEY" entries, without its learning rates, which follow from the step."""
    states = optimizer.state_dict()["state"]
    return {f"{index}/{key}": value for index, entry in states.items() for key, value in entry.items()}


def _load_optimizer(
    optimizer: Optimizer, prefix: str, tensors: Mapping[str, Tensor], values: Mapping[str, Any]
) -> None:
    entries: dict[str, Any] = {
        name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)
    }
    states: dict[int, dict[str, Any]] = {}
    for entry, value in {**entries, **values}.items():
        index, _, key = entry.partition("/")
        states.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})


def _check_callbacks(path: Path, saved: Sequence[Any], callbacks: Sequence[AbstractCallback]) -> None:
    """Raise unless every callback with a saved state is present; callbacks without a state may differ."""
    before, now = [name for name, _ in saved], [type(callback).__name__ for callback in callbacks]
    if any(kept for _, kept in saved) and before != now:
        raise CheckpointError(
            f"The checkpoint {str(path)!r} was written with the callbacks {', '.join(before)}, but this run has "
            f"{', '.join(now) or 'none'}: pass the same ones in the same order."
        )


def check_configuration(
    expected: Mapping[str, Any], present: Mapping[str, Any], error: Callable[[str, Any, Any], Exception]
) -> None:
    """Raise ``error(key, expected value, current value)`` for the first key in which two configurations differ."""
    first, second = (_flatten(json.loads(json.dumps(dict(each)))) for each in (expected, present))
    for key in sorted(first.keys() | second.keys()):
        if first.get(key) != second.get(key):
            raise error(key, first.get(key), second.get(key))


def _flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, content = load_tensors(path)
    if "format" not in content or "phase_index" not in content:
        raise CheckpointError(f"The file {str(path)!r} is not a checkpoint of a training.")
    if content["format"] != _FORMAT:
        raise CheckpointError(
            f"The checkpoint {str(path)!r} has format {content['format']!r}, but this version reads format {_FORMAT}."
        )
    return tensors, content
