"""``qgen train`` and ``qgen demo``: train a model with your settings and data, or with those of the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.exceptions import ArgumentError

DEMO = Path(__file__).with_name("demo.toml")
QUICK_DEMO = DEMO.with_name("demo_quick.toml")
_DATA_SUFFIXES = (".csv", ".tsv", ".parquet", ".npz", ".npy", ".pt", ".pth", ".zip")

Steps = Annotated[int | None, typer.Option(min=1, help="Training steps.")]
AutoencoderSteps = Annotated[int | None, typer.Option(min=1, help="Training steps of the autoencoder.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TABLE.KEY=VALUE",
        help="Any other setting, as TABLE.KEY=VALUE or TABLE.PART.KEY=VALUE; repeatable.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run in the folder.")]


@reports_errors
def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder (default: runs/demo or runs/demo-quick).")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Run for about a minute: 8 qubits on 8 x 8 digits, with few steps.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = 0,
    steps: Steps = None,
    autoencoder_steps: AutoencoderSteps = None,
    assign: Assignments = None,
    overwrite: Overwrite = False,
) -> None:
    """Train a StyleQGAN of 12 qubits on Fashion-MNIST, draw samples and score them.

    Run the same command again to continue an interrupted demo; a finished demo is only reported. A quick demo does the
    same at a small size; its samples and scores say nothing about what the model can reach.
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
        Path, typer.Argument(metavar="CONFIG", help="TOML file with the tables data, model, training and evaluate.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder (default: runs/NAME for a file NAME.toml).")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Data set: a known name, a folder or a file of images.")] = None,
    steps: Steps = None,
    autoencoder_steps: AutoencoderSteps = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images per batch.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the run (default: a fresh one).")] = None,
    twin: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="Train a challenger of the model instead: weights, width, budget, unentangled, frozen or fourier.",
        ),
    ] = None,
    assign: Assignments = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in the folder; a finished run continues with more steps.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Train a model with the settings in CONFIG, draw samples and score them. Options override the file."""
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
    """Run with the settings of a file, overridden by the options."""
    from qiskit_qgen.cli.settings import override, read_settings

    if config.is_dir() or config.suffix.lower() in _DATA_SUFFIXES:
        raise ArgumentError(
            f"Argument CONFIG must be a file of settings, but {config} holds data: write one with "
            f"`qgen init {config}`, then train it with `qgen train settings.toml`."
        )
    given = {("data", "name"): data, **{("training", name): value for name, value in flags.items()}}
    tables = override(read_settings(config), given, assignments or [])
    from qiskit_qgen.cli.running import run  # imports torch; a refused file need not wait for it

    run(tables, out, **how)
