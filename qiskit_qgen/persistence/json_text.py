"""JSON text without NaN, infinity or silently changed keys."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any, NoReturn

from qiskit_qgen.exceptions import ArgumentError, CheckpointError

MAXIMUM_DEPTH = 50


def dump_json(value: Any, name: str, *, indent: int | None = None) -> str:
    """Return ``value`` as JSON text; tuples become lists.

    Args:
        value: What to store: dicts with text keys, lists, tuples, text, numbers, booleans and None.
        name: Name of the argument in error messages.
        indent: Spaces per level; None puts everything on one line.

    Raises:
        ArgumentError: If ``value`` holds a type that JSON does not know, a key that is not text, NaN or infinity.
    """
    _check(value, name, depth=0)
    return json.dumps(value, allow_nan=False, indent=indent)


def parse_json(text: str | bytes, source: str) -> Any:
    """Return the value of JSON ``text``.

    Args:
        text: The text, as str or UTF-8 bytes.
        source: Where the text came from, as the subject of error messages: "File config.json".

    Raises:
        CheckpointError: If the text is not JSON, holds NaN or infinity, or is nested too deeply.
    """
    try:
        text = text.removeprefix("\ufeff") if isinstance(text, str) else text
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        level, depth = [value], 0
        while level:
            level = [each for part in level for each in _parts(part)]
            depth += 1
            if depth > MAXIMUM_DEPTH:
                raise RecursionError
        return value
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise CheckpointError(f"{source} is damaged or was not written by this package: {reason}.") from error


def _parts(value: Any) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _check(value: Any, where: str, depth: int) -> None:
    """Raise unless JSON stores ``value`` without changing it."""
    if depth > MAXIMUM_DEPTH:
        raise ArgumentError(f"Argument `{where[:80]}` must not be nested more than {MAXIMUM_DEPTH} levels deep.")
    if value is None or isinstance(value, (bool, int, str)):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ArgumentError(f"Argument `{where}` must be finite to be stored as JSON, but is {value!r}.")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check(item, f"{where}[{index}]", depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ArgumentError(f"Argument `{where}` must have text keys to be stored as JSON, but has {key!r}.")
            _check(item, f"{where}.{key}", depth + 1)
    else:
        raise ArgumentError(
            f"Argument `{where}` must be a dict, list, text, number, boolean or None to be stored as JSON, "
            f"but is of type {type(value).__name__}."
        )


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"it holds the number {text[:40]}, which is too large")
    return value
