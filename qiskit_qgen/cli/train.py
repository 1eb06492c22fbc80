"""``qgen train`` and ``qgen demo``: a model with your settings and data, or the package's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.reporting import note, reports_errors

DEMO = Path(__file__).with_name("demo.toml")
QUICK_DEMO = DEMO.with_name("demo_quick.toml")

Steps = Annotated[int | None, typer.Option(min=1, help="Steps of the training.")]
AutoencoderSteps = Annotated[int | None, typer.Option(min=1, help="Steps of the autoencoder.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Any other setting, also TABLE.PART.KEY=VALUE; repeatable."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run in the folder.")]


@reports_errors
def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the run; runs/demo, or runs/demo-quick, if left out.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="About a minute: 8 qubits on 8 x 8 digits, with few steps.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = 0,
    steps: Steps = None,
    autoencoder_steps: AutoencoderSteps = None,
    assign: Assignments = None,
    overwrite: Overwrite = False,
) -> None:
    """Train a StyleQGAN of 12 qubits on Fashion-MNIST, draw and score it.

    An interrupted demonstration is continued by the same command; a finished one is only reported. A quick one does
    the same at a small size, and its samples and scores say nothing about what the model can reach.
    """
    flags = {"steps": steps, "autoencoder_steps": autoencoder_steps, "seed": seed}
    config, folder = (QUICK_DEMO, "runs/demo-quick") if quick else (DEMO, "runs/demo")
    again = "the same command"
    _run(config, flags, assign, out or Path(folder), resume=not overwrite, overwrite=overwrite, again=again)
    if quick:
        note("This was the quick demonstration, trained too briefly to judge the model by: `qgen demo` takes its time.")


@reports_errors
def train(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="TOML file: tables data, model, training, evaluate.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the run; runs/NAME for a file NAME.toml if left out.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Data set: a known name, a folder or a file of images.")] = None,
    steps: Steps = None,
    autoencoder_steps: AutoencoderSteps = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images in a batch.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the run; a fresh one if left out.")] = None,
    twin: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="Train the model's challenger in its place: weights, width, budget, unentangled, frozen or fourier.",
        ),
    ] = None,
    assign: Assignments = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in the folder, also a finished one with more steps.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Train a model as CONFIG says, draw and score it; options win over the file."""
    flags = {"steps": steps, "autoencoder_steps": autoencoder_steps, "batch_size": batch_size, "seed": seed}
    folder = Path("runs", config.stem) if out is None else out
    again = "the same command with --resume"
    _run(config, flags, assign, folder, data=data, twin=twin, resume=resume, overwrite=overwrite, again=again)


def _run(
    config: Path,
    flags: dict[str, int | None],
    assignments: list[str] | None,
    out: Path,
    *,
    data: str | None = None,
    **how: Any,
) -> None:
    """Run with the settings of a file and the options over them."""
    from qiskit_qgen.cli.settings import override, read_settings

    given = {("data", "name"): data, **{("training", name): value for name, value in flags.items()}}
    tables = override(read_settings(config), given, assignments or [])
    from qiskit_qgen.cli.running import run  # imports torch, which a refused file need not wait for

    run(tables, out, **how)
