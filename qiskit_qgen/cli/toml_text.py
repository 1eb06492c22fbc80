"""TOML: reading with errors in one sentence, and writing of tables of plain values."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qiskit_qgen.exceptions import ArgumentError

_MOST_BYTES = 2**20
_DEEP_KEY = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]+[ \t]*\.[ \t]*){50}")  # a.a.a....: a table in a table in a table


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ArgumentError: If the file is missing, no file, or not valid TOML.
    """
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise ArgumentError(f"File {path} must be a TOML file, but {problem}.")
    if path.stat().st_size > _MOST_BYTES:
        raise ArgumentError(f"File {path} is too large for settings: it has more than {_MOST_BYTES} bytes.")
    try:
        return _parse(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ArgumentError(f"File {path} must be a TOML file, but is not UTF-8 text.") from error
    except ValueError as error:
        raise ArgumentError(f"File {path} is not valid TOML: {error}.") from error


def _parse(text: str) -> dict[str, Any]:
    """Return the content of TOML text; deep nesting, which the parser takes long for, is a ValueError as well."""
    try:
        if _DEEP_KEY.search(text):
            raise RecursionError
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_value(text: str) -> Any:
    """Return ``text`` as the TOML value that it is, such as 3, 0.5, true or ["ry", "rz"]; as a string if it is none."""
    try:
        parsed = _parse(f"value = {text}")
    except ValueError:
        return text
    return parsed["value"] if len(parsed) == 1 else text


def dump_tables(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return ``tables`` as TOML text; None, which TOML does not have, becomes the word "none".

    Args:
        tables: Strings, numbers, booleans, lists of these, and tables of them, by key, by name of the table.
    """
    lines = []
    for table, values in tables.items():
        inner = {f"{table}.{key}": value for key, value in values.items() if isinstance(value, Mapping)}
        lines += [
            f"[{table}]",
            *(f"{key} = {_dump(value)}" for key, value in values.items() if f"{table}.{key}" not in inner),
        ]
        lines += ["", dump_tables(inner)] if inner else [""]
    return "\n".join(lines)


def _dump(value: Any) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(_dump(item) for item in value)}]"
    if isinstance(value, float):
        return repr(value)
    # JSON's strings, integers and booleans are TOML's, except for this one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
