"""Decisions before training or sampling starts, the same for all models."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from qiskit.circuit import QuantumCircuit
from torch import Tensor, nn

from qiskit_qgen._checks import check_int, check_path, check_type
from qiskit_qgen._random import resolve_seed, torch_generator
from qiskit_qgen._typing import PathLike
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.circuits.connectivity import entangled_groups
from qiskit_qgen.exceptions import ArgumentError, GradientError
from qiskit_qgen.execution import AbstractExecution, LocalExecution, RuntimeExecution
from qiskit_qgen.execution.runtime.digests import circuit_digest
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.layers.gradient_audit import audit_gradients
from qiskit_qgen.training import AbstractCallback, Checkpoint, ProgressBar, ProgressLog
from qiskit_qgen.training.callbacks.progress import is_watched
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME, read_checkpoint_seed
from qiskit_qgen.training.distributed import join, on_main

_LOGGER = logging.getLogger(__name__)

CHECKPOINT_EVERY = 100
_AUDIT_STREAM, _AUDIT_ROWS, _AUDIT_DRAWS = 0x61756469, 2, 2
_PLAIN = (bool, int, float, str, torch.dtype, type(None))


def choose_callbacks(
    callbacks: Sequence[AbstractCallback] | None, checkpoint_dir: PathLike | None, checkpoint_every: int
) -> list[AbstractCallback]:
    """Return the callbacks of a run: the given ones, or a progress bar or log; and checkpoints if there is a folder.

    Raises:
        ArgumentError: If ``checkpoint_every`` is not a positive integer, or has no effect.
        ArgumentTypeError: If ``callbacks`` holds something else.
    """
    check_int("checkpoint_every", checkpoint_every, minimum=1)
    if checkpoint_dir is not None:
        check_path("checkpoint_dir", checkpoint_dir)
    if callbacks is None:
        chosen: list[AbstractCallback] = [ProgressBar() if is_watched() else ProgressLog()]
    else:
        chosen = list(check_type("callbacks", callbacks, Iterable, "a list of callbacks"))
    for index, callback in enumerate(chosen):
        check_type(f"callbacks[{index}]", callback, AbstractCallback, "a callback")
    has_own = any(isinstance(callback, Checkpoint) for callback in chosen)
    if checkpoint_every != CHECKPOINT_EVERY and (has_own or checkpoint_dir is None):
        case = "without `checkpoint_dir`" if checkpoint_dir is None else "beside a callback Checkpoint"
        raise ArgumentError(f"Argument `checkpoint_every` has no effect {case}: leave it out.")
    if checkpoint_dir is not None and not has_own:
        chosen.append(Checkpoint(checkpoint_every))
    return chosen


def choose_seed(seed: int | None, checkpoint_dir: PathLike | None, resume: bool) -> int:
    """Return the seed of a run, the same in all processes: ``seed``, the seed of the run to resume, or a fresh one.

    Raises:
        ArgumentError: If ``seed`` is not a non-negative integer.
        ArgumentTypeError: If ``resume`` is not True or False.
        CheckpointError: If the checkpoint is damaged.
    """
    check_type("resume", resume, bool, "True or False")
    if seed is not None:
        resolve_seed(seed)

    def chosen() -> int:
        if seed is None and resume and checkpoint_dir is not None:
            path = check_path("checkpoint_dir", checkpoint_dir) / CHECKPOINT_NAME
            if path.exists():
                return read_checkpoint_seed(path)
        return resolve_seed(seed)

    join()
    of_rank_0 = on_main(chosen)
    return of_rank_0 if seed is None else seed


def describe_execution(execution: AbstractExecution | None) -> str | None:
    """Return a text that is the same for executions of the same settings, in every process; None for the default.

    It contains everything that determines the values of circuits, but neither accounts nor paths. For third-party
    classes, whose settings may be secret, it contains only the name.

    Raises:
        ArgumentTypeError: If ``execution`` is not an execution.
    """
    check_type("execution", execution, (AbstractExecution, type(None)), "an execution such as LocalExecution()")
    if execution is None or execution == LocalExecution():
        return None
    kind = type(execution)
    if not kind.__module__.startswith("qiskit_qgen."):
        return f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(execution, RuntimeExecution):
        return _call(kind, {name: getattr(execution, name) for name in ("backend", "shots", "mitigation")})
    return _described(execution)


def describe_ansatz(ansatz: ParametrizedCircuit | None) -> dict[str, str]:
    """Return a digest of a custom circuit, the same in every process; nothing without one."""
    if ansatz is None:
        return {}
    order = {parameter: number for number, parameter in enumerate(ansatz.circuit.parameters)}
    numbers = [[order[each] for each in params] for params in (ansatz.input_params, ansatz.weight_params)]
    return {"ansatz": f"{circuit_digest(ansatz.circuit)} {numbers}"}


def _described(value: Any) -> str:
    """Return a text for a setting that does not depend on its memory address."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if is_dataclass(value):
        given = {field.name: getattr(value, field.name) for field in fields(value) if field.repr}
        defaults = {field.name: field.default for field in fields(value)}
        return _call(type(value), {name: each for name, each in given.items() if each is not defaults[name]})
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_described(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_described, value)) + "]"
    if hasattr(value, "model_dump"):  # Runtime's options
        return _call(type(value), value.model_dump(exclude_unset=True))
    name = getattr(value, "name", None)
    if isinstance(name, str):  # a device
        return f"{type(value).__name__}({name!r})"
    if hasattr(value, "to_dict"):  # Aer's noise model, whose errors have random names
        errors = value.to_dict(serializable=True)["errors"]
        content = [{key: each for key, each in error.items() if key != "id"} for error in errors]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
        return f"{type(value).__name__}({digest.hexdigest()[:16]})"
    return type(value).__name__


def _call(kind: type, arguments: Mapping[str, Any]) -> str:
    return f"{kind.__name__}({', '.join(f'{name}={_described(value)}' for name, value in arguments.items())})"


@contextmanager
def executed_on(module: nn.Module, execution: AbstractExecution | None) -> Iterator[None]:
    """Run the circuits of ``module`` on ``execution`` inside the context; None changes nothing.

    Raises:
        ArgumentError: If ``module`` runs no circuit.
    """
    layers = [each for each in module.modules() if isinstance(each, QuantumLayer)]
    if execution is not None and not layers:
        raise ArgumentError("Argument `execution` must be None where no circuit runs.")
    former = [layer.execution for layer in layers]
    try:
        if execution is not None:
            for layer in layers:
                layer.execution = execution
        yield
    finally:
        for layer, before in zip(layers, former, strict=True):
            if layer.execution is not before:
                layer.execution = before


def audit_circuits(networks: Mapping[str, nn.Module], *, strict: bool) -> None:
    """Warn about circuit parameters that cannot be trained, or raise.

    Raises:
        GradientError: If ``strict`` is True and there are inert or detached ones.
    """
    for network in networks.values():
        layers = [each for each in network.modules() if isinstance(each, QuantumLayer)]
        example: Callable[..., tuple[Tensor, ...]] | None = getattr(network, "example_inputs", None)
        with executed_on(network, LocalExecution() if layers else None):  # the execution of the training may be billed
            if example is None:
                reports = [audit_gradients(layer, num_draws=_AUDIT_DRAWS) for layer in layers]
            elif layers:
                device = next(network.parameters()).device
                batch = [each.to(device) for each in example(_AUDIT_ROWS, torch_generator(0, _AUDIT_STREAM))]
                reports = [audit_gradients(network, num_draws=_AUDIT_DRAWS, inputs=batch)]
            else:
                reports = []
        for circuit in {id(each.circuit): each.circuit for each in layers}.values():
            _warn_of_groups(circuit)
        for report in reports:
            if report.inert or report.detached:
                if strict:
                    raise GradientError(f"The audit of the gradients failed: {report.summary}")
                _LOGGER.warning("The audit of the gradients: %s", report.summary)


def _warn_of_groups(circuit: QuantumCircuit) -> None:
    """Warn about a circuit that entangles qubits only within groups; a circuit without entanglement is deliberate."""
    groups = entangled_groups(circuit)
    if 1 < len(groups) < circuit.num_qubits:
        listed = ", ".join(f"({', '.join(map(str, group))})" for group in groups)
        _LOGGER.warning(
            "The circuit's qubits are in %d groups that no gate entangles with each other: %s. More layers or "
            "entanglement='ring' would connect them.",
            len(groups),
            listed,
        )
