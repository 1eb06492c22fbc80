"""Reads circuits from files of QPY or OpenQASM."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qiskit_qgen.exceptions import ArgumentError

if TYPE_CHECKING:
    from qiskit.circuit import QuantumCircuit

_MAX_BYTES = 1 << 28
_IMPORTER = "qiskit_qasm3_import"


def read_circuits(path: Path) -> list[QuantumCircuit]:
    """Return the circuits of a file, which its content tells to be QPY, OpenQASM 2 or OpenQASM 3.

    Raises:
        OSError: If the file cannot be read.
        ArgumentError: If it holds no circuit, or needs a package that is not installed.
    """
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise ArgumentError(f"{path} is too large for a circuit: {size / 1e6:.0f} MB.")
    data = path.read_bytes()
    if data.startswith(b"QISKIT"):
        return _parsed(path, "QPY", lambda: _from_qpy(data))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    version = re.search(r"^\s*OPENQASM\s+(\d+)", text, re.MULTILINE)
    if version is None:
        raise ArgumentError(
            f"{path} holds neither QPY nor OpenQASM, which begins with its version, such as `OPENQASM 2.0;`."
        )
    if version[1] == "2":
        return _parsed(path, "OpenQASM 2", lambda: _from_qasm2(text, path.parent))
    if importlib.util.find_spec(_IMPORTER) is None:
        package = _IMPORTER.replace("_", "-")
        raise ArgumentError(f"Reading OpenQASM 3 needs `{package}`: pip install {package}, or save {path} as QPY.")
    return _parsed(path, "OpenQASM 3", lambda: _from_qasm3(text))


def _parsed(path: Path, language: str, parse: Callable[[], list[Any]]) -> list[QuantumCircuit]:
    from qiskit.circuit import QuantumCircuit

    try:
        found = parse()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # whatever a parser makes of a damaged file; a panic of Rust is no Exception
        lines = str(getattr(error, "message", error)).splitlines() or [type(error).__name__]
        raise ArgumentError(f"{path} cannot be read as {language}: {lines[0].rstrip(' .:')}.") from error
    if not found or not all(isinstance(circuit, QuantumCircuit) for circuit in found):
        raise ArgumentError(f"{path} holds no circuits.")
    return found


def _from_qpy(data: bytes) -> list[Any]:
    from io import BytesIO

    from qiskit import qpy

    return qpy.load(BytesIO(data))


def _from_qasm2(text: str, folder: Path) -> list[Any]:
    from qiskit import qasm2

    instructions = qasm2.LEGACY_CUSTOM_INSTRUCTIONS  # Qiskit writes more gates than the language's own file defines
    return [qasm2.loads(text, include_path=(folder,), custom_instructions=instructions)]


def _from_qasm3(text: str) -> list[Any]:
    from qiskit import qasm3

    return [qasm3.loads(text)]
