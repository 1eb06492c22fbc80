"""Executions by a text: ``local``, ``aer:shots=1024,noise_model=fake_torino``, ``runtime:backend=ibm_torino``."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from qiskit_qgen._checks import nearest
from qiskit_qgen.cli.toml_text import parse_value
from qiskit_qgen.exceptions import ArgumentError

FORM = "KIND[:OPTION=VALUE,...], such as aer:shots=1024, with the kinds local, aer and runtime"
NAMED_FORM = f"[NAME=]{FORM}"
_KINDS = {"local": "LocalExecution", "aer": "AerExecution", "runtime": "RuntimeExecution"}


def parse_execution(text: str) -> Any:
    """Return the execution that a text of the form :data:`FORM` describes.

    The options are the arguments of ``LocalExecution``, ``AerExecution`` and ``RuntimeExecution``; for the last one
    those of ``ErrorMitigation`` as well.

    Raises:
        ArgumentError: If the text has another form, or an option is unknown or out of range.
        ExecutionError: If the device cannot be reached.
    """
    return _parse(text, text, FORM)


def parse_named(texts: list[str]) -> dict[str, Any]:
    """Return executions by name; one without a name is called by its text.

    Raises:
        ArgumentError: As :func:`parse_execution`, or if two have the same name.
    """
    executions: dict[str, Any] = {}
    for text in texts:
        before, equals, after = text.partition("=")
        named = bool(equals) and ":" not in before and "," not in before
        name, specification = (before, after) if named else (text, text)
        if name in executions:
            raise ArgumentError(f"Executions must have different names, but two are called {name!r}.")
        executions[name] = _parse(specification, text, NAMED_FORM)
    return executions


def _parse(specification: str, text: str, form: str) -> Any:
    """Return the execution of ``specification``; ``text`` and ``form`` are what was given, and its form, for errors."""
    kind, colon, rest = specification.partition(":")
    options = _options(rest, text)
    if kind not in _KINDS or (colon and not rest) or options is None:
        raise ArgumentError(f"An execution must have the form {form}, but is {text!r}.")
    from qiskit_qgen import execution

    chosen = getattr(execution, _KINDS[kind])
    mitigating = _fields(execution.ErrorMitigation) if kind == "runtime" else []
    known = [name for name in _fields(chosen) if name not in ("service", "mitigation")] + mitigating
    for name in options:
        if name not in known:
            near = nearest(name, known)
            remedy = f"it has {', '.join(known)}." if near is None else f"did you mean `{near}`?"
            raise ArgumentError(f"The execution {kind!r} has no option `{name}`: {remedy}")
    if kind == "runtime" and "backend" not in options:
        raise ArgumentError("An execution of the kind runtime must name a device, such as runtime:backend=ibm_torino.")
    if "dtype" in options:
        import torch

        dtypes = {"float32": torch.float32, "float64": torch.float64}
        options["dtype"] = dtypes.get(str(options["dtype"]).removeprefix("torch."), options["dtype"])
    mitigation = {name: options.pop(name) for name in mitigating if name in options}
    return chosen(**options, **({"mitigation": execution.ErrorMitigation(**mitigation)} if mitigation else {}))


def _options(rest: str, text: str) -> dict[str, Any] | None:
    """Return the options, or None if they have another form."""
    options: dict[str, Any] = {}
    for part in rest.split(",") if rest else []:
        key, equals, value = part.partition("=")
        if not equals or not key.isidentifier():
            return None
        if key in options:
            raise ArgumentError(f"An execution must have each option once, but {text!r} gives `{key}` twice.")
        options[key] = parse_value(value)
    return options


def _fields(kind: Any) -> list[str]:
    return [field.name for field in fields(kind) if field.init]
