"""TOML: reading with errors in one sentence, and writing of tables of plain values."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qiskit_qgen.exceptions import ArgumentError


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ArgumentError: If the file is missing, no file, or not valid TOML.
    """
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise ArgumentError(f"File {path} must be a TOML file, but {problem}.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ArgumentError(f"File {path} must be a TOML file, but is no text in UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ArgumentError(f"File {path} is not valid TOML: {error}.") from error


def parse_value(text: str) -> Any:
    """Return ``text`` as the TOML value that it is, such as 3, 0.5, true or ["ry", "rz"]; as a string if it is none."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
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
    # JSON's strings, integers and booleans are TOML's, but for this one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
