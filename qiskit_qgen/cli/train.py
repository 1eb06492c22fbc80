"""``qgen train``: a model of one's own settings and data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import reports_errors


@reports_errors
def train(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="TOML file: tables data, model, training, evaluate.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the run; runs/NAME for a file NAME.toml if left out.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Data set: a known name, a folder or a file of pictures.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of the training.")] = None,
    autoencoder_steps: Annotated[int | None, typer.Option(min=1, help="Steps of the autoencoder.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Pictures in a batch.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the run; a fresh one if left out.")] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Any other setting; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the folder.")] = False,
) -> None:
    """Train a model as CONFIG says, draw and score it; options win over the file."""
    from qiskit_qgen.cli.running import run
    from qiskit_qgen.cli.settings import override, read_settings

    flags = {
        ("data", "name"): data,
        ("training", "steps"): steps,
        ("training", "autoencoder_steps"): autoencoder_steps,
        ("training", "batch_size"): batch_size,
        ("training", "seed"): seed,
    }
    tables = override(read_settings(config), flags, assign or [])
    folder = Path("runs", config.stem) if out is None else out
    run(tables, folder, resume=resume, overwrite=overwrite, again="the same command with --resume")
