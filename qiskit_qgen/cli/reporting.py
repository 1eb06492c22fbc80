"""Command-line output: notes, and one sentence for an error instead of a traceback."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import typer

from qiskit_qgen.exceptions import QGenError

USER_ERROR = 2
INTERRUPTED = 130

P = ParamSpec("P")


def note(text: str) -> None:
    """Write a line to standard error, on rank 0 only; standard output is reserved for results."""
    if "RANK" in os.environ:
        from qiskit_qgen.training.distributed import is_main

        if not is_main():
            return
    typer.echo(text, err=True)


def reports_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Make ``command`` end with one sentence and exit code 2 on user errors, and with exit code 130 on Ctrl-C.

    Any other exception is a bug in this package and keeps its traceback.
    """

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        for name, value in kwargs.items():
            if isinstance(value, Path) and str(value).startswith("~/"):
                kwargs[name] = value.expanduser()
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt as interrupt:
            note(f"Interrupted. {interrupt}".rstrip())
            raise typer.Exit(INTERRUPTED) from None
        except (QGenError, OSError, ImportError) as error:
            note(f"Error: {_sentence(error)}")
            raise typer.Exit(USER_ERROR) from None

    return wrapper


def _sentence(error: QGenError | OSError | ImportError) -> str:
    """Describe ``error`` in one sentence; re-raise it if it is not a user error."""
    if isinstance(error, ImportError):
        from qiskit.exceptions import MissingOptionalLibraryError

        if not isinstance(error, MissingOptionalLibraryError):
            raise error
        return str(error.message)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return str(error)
