"""``qgen demo``: the package's main job on real pictures, in some minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import reports_errors

_SETTINGS = Path(__file__).with_name("demo.toml")


@reports_errors
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of the run.")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of the generator.")] = None,
    autoencoder_steps: Annotated[int | None, typer.Option(min=1, help="Steps of the autoencoder.")] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Any other setting; repeatable.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the folder.")] = False,
) -> None:
    """Train a StyleQGAN of 12 qubits on Fashion-MNIST, draw and score it.

    An interrupted demonstration is continued by the same command; a finished one is only reported.
    """
    from qiskit_qgen.cli.running import run
    from qiskit_qgen.cli.settings import override, read_settings

    flags = {
        ("training", "steps"): steps,
        ("training", "autoencoder_steps"): autoencoder_steps,
        ("training", "seed"): seed,
    }
    tables = override(read_settings(_SETTINGS), flags, assign or [])
    run(tables, out, resume=not overwrite, overwrite=overwrite, again="the same command")
