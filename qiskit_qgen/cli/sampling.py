"""``qgen sample``: draw samples from a saved model as images, arrays or an animation."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.executions import FORM
from qiskit_qgen.cli.exports import ANIMATION, GRID, TABLES, check_target, write_animation, write_samples
from qiskit_qgen.cli.reporting import reports_errors
from qiskit_qgen.cli.saved import Model, check_model_folder
from qiskit_qgen.exceptions import ArgumentError

_NUM_SAMPLES, _NUM_ANIMATED, _NUM_FRAMES = 64, 16, 48


@reports_errors
def sample(
    model: Model,
    num_samples: Annotated[
        int | None,
        typer.Option("-n", "--num-samples", min=1, help="Number of samples (default: 64, or 16 for an animation)."),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="A grid of images (.png), an animation (.gif), arrays (.npz, .npy), a table (.csv, .parquet), or a "
            "folder of PNG files.",
        ),
    ] = Path("samples.png"),
    columns: Annotated[int | None, typer.Option(min=1, help="Images in a row of the grid.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the noise (default: a fresh one).")] = None,
    execution: Annotated[str | None, typer.Option(help=f"Where circuits run. {FORM}.")] = None,
    label: Annotated[
        str | None, typer.Option(help="For a model with classes or clusters: the one to draw, by number or name.")
    ] = None,
    oversample: Annotated[int, typer.Option(min=1, help="Candidates, of which a GAN's critic keeps the best.")] = 1,
    truncation: Annotated[
        float,
        typer.Option(help="For a GAN: a value below 1 pulls the noise towards its centre, for more typical samples."),
    ] = 1.0,
    frames: Annotated[
        int | None, typer.Option(min=3, help="Frames of an animation through three noise vectors (default: 48).")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(min=0, help="For a diffusion model with classes: guidance strength.")
    ] = None,
    sampler: Annotated[str | None, typer.Option(help="For a diffusion model: ddim, dpm-solver or ddpm.")] = None,
    sampling_steps: Annotated[
        int | None, typer.Option(min=1, help="For a diffusion model: number of network calls.")
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="Animate the run's training from its sample grids instead.")
    ] = False,
) -> None:
    """Generate samples from a trained model, or animate how they change with the noise or during training."""
    check_model_folder(model)
    check_target(out)
    if columns is not None and out.suffix not in (GRID, ANIMATION):
        raise ArgumentError("Option --columns must be left out unless --out ends in .png or .gif.")
    if out.suffix == ANIMATION:
        if oversample > 1:
            raise ArgumentError("Option --oversample must be left out of an animation, which follows all its noise.")
    elif frames is not None or training:
        raise ArgumentError(f"Option --{'training' if training else 'frames'} needs an --out that ends in .gif.")
    if training:
        _animate_training(model, out)
        return
    from qiskit_qgen._random import resolve_seed
    from qiskit_qgen.cli.executions import parse_execution
    from qiskit_qgen.cli.run_folder import load_model

    seed = resolve_seed(seed)
    trained = load_model(model)
    if out.suffix in (GRID, ANIMATION, "") and trained.image_shape is None:
        raise ArgumentError("This model generates rows of a table, not images: name a file that ends in .csv.")
    if out.suffix in TABLES and trained.image_shape is not None:
        raise ArgumentError(f"This model generates images: name a file that ends in .png or .npz, not {out.suffix}.")
    is_number = label is not None and label.isdecimal() and label not in (trained.class_names or ())
    asked = int(label) if label is not None and is_number else label
    given = {"labels": asked, "guidance": guidance, "sampler": sampler, "sampling_steps": sampling_steps}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with nullcontext() if execution is None else parse_execution(execution) as chosen:
        options["execution"] = chosen
        if out.suffix == ANIMATION:
            number, count = num_samples or _NUM_ANIMATED, frames or _NUM_FRAMES
            if truncation != 1:
                trained.sample(1, truncation=truncation)  # which raises if it is out of range or has no effect
            write_animation(
                trained, out, columns, number=number, frames=count, seed=seed, truncation=truncation, **options
            )
            typer.echo(f"{out}: {number} images in {count} frames, seed {seed}")
            return
        options |= {"oversample": oversample, "truncation": truncation}
        samples = trained.sample(num_samples or _NUM_SAMPLES, seed=seed, **options)
    write_samples(trained.to_frame(samples) if out.suffix in TABLES else samples, out, columns, seed=seed)
    typer.echo(f"{out}: {len(samples)} samples of shape {tuple(samples.shape[1:])}, seed {seed}")


def _animate_training(model: Path, out: Path) -> None:
    """Write a GIF of the training of the run in the folder."""
    from qiskit_qgen.cli.run_folder import PROGRESS
    from qiskit_qgen.plotting import animate_training

    folder = model / PROGRESS
    if not folder.is_dir():
        raise ArgumentError(
            f"Folder {model} must be that of a run with grids of samples in {PROGRESS}/ for --training, but has none."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    animate_training(folder, out)
    typer.echo(f"{out}: the training, from {len(list(folder.glob('*.png')))} grids")
