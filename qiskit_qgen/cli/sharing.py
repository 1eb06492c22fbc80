"""``qgen share``: upload a saved model to the Hugging Face Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import reports_errors
from qiskit_qgen.exceptions import ArgumentError


@reports_errors
def share(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="A saved model, or a run folder.")],
    repo: Annotated[str, typer.Argument(metavar="USER/NAME", help="The repository; created if it does not exist.")],
    license: Annotated[str | None, typer.Option(help="The license's identifier, such as apache-2.0.")] = None,  # noqa: A002
    data: Annotated[
        str | None, typer.Option(help="What the model was trained on (default for a run: its data).")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    revision: Annotated[str | None, typer.Option(help="Branch to upload to.")] = None,
) -> None:
    """Upload a model to the Hugging Face Hub, with a model card that contains the run's scores."""
    if not model.exists():
        raise ArgumentError(f"Folder {model} does not exist.")
    from qiskit_qgen.cli.run_folder import SCORES, data_of_run, load_model

    trained, scores = load_model(model), model / SCORES
    address = trained.push_to_hub(
        repo,
        data=data or data_of_run(model),
        scores=json.loads(scores.read_text()) if scores.is_file() else None,
        license=license,
        private=private or None,
        revision=revision,
    )
    typer.echo(f"{address}: the model of {model}")
