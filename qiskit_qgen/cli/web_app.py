"""``qgen app``: a trained model in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.exceptions import ArgumentError


@reports_errors
def web_app(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="A saved model, or a run folder.")],
    host: Annotated[
        str, typer.Option(help="Address to serve at; 0.0.0.0 makes the page visible to others on your network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve at.")] = 8080,
    show: Annotated[bool, typer.Option("--show/--no-show", help="Open the browser.")] = True,
) -> None:
    """Explore a trained model in the browser: noise, classes, interpolation, execution. Needs the extra `app`."""
    if not model.exists():
        raise ArgumentError(f"Folder {model} does not exist.")
    from qiskit_qgen.optionals import HAS_NICEGUI

    HAS_NICEGUI.require_now("qgen app")
    from qiskit_qgen.cli.explorer import Explorer
    from qiskit_qgen.cli.explorer_page import serve
    from qiskit_qgen.cli.run_folder import load_model

    explorer = Explorer(load_model(model))
    note(f"http://{host}:{port} shows {model}; Ctrl-C ends it.")
    serve(explorer, model.resolve().name, host=host, port=port, show=show)
