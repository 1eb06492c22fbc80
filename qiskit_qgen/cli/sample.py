"""``qgen sample``: pictures from a saved model."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.executions import FORM
from qiskit_qgen.cli.reporting import reports_errors

_SUFFIXES = (".png", ".npy")


@reports_errors
def sample(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="A saved model, or the folder of a run.")],
    num_samples: Annotated[int, typer.Option("-n", "--num-samples", min=1, help="Number of samples.")] = 64,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="File to write: a grid of pictures (.png) or an array (.npy).")
    ] = Path("samples.png"),
    columns: Annotated[int | None, typer.Option(min=1, help="Pictures in a row of the grid.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the noise; a fresh one if left out.")] = None,
    execution: Annotated[str | None, typer.Option(help=f"Where circuits run. {FORM}.")] = None,
    label: Annotated[int | None, typer.Option(min=0, help="Of a diffusion model with classes: which to draw.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Of the same: strength of the guidance.")] = None,
    sampler: Annotated[str | None, typer.Option(help="Of a diffusion model: ddim, dpm-solver or ddpm.")] = None,
    sampling_steps: Annotated[int | None, typer.Option(min=1, help="Of the same: calls of its network.")] = None,
) -> None:
    """Generate samples of a trained model."""
    from qiskit_qgen._random import resolve_seed
    from qiskit_qgen.cli.executions import parse_execution
    from qiskit_qgen.cli.saved import load_model
    from qiskit_qgen.exceptions import ArgumentError

    if out.suffix not in _SUFFIXES:
        raise ArgumentError(f"Option --out must name a file that ends in {' or '.join(_SUFFIXES)}, but is {out}.")
    if columns is not None and out.suffix != ".png":
        raise ArgumentError("Option --columns must be left out unless --out ends in .png.")
    seed = resolve_seed(seed)
    trained = load_model(model)
    given = {"labels": label, "guidance": guidance, "sampler": sampler, "sampling_steps": sampling_steps}
    options = {name: value for name, value in given.items() if value is not None}
    with nullcontext() if execution is None else parse_execution(execution) as chosen:
        samples = trained.sample(num_samples, seed=seed, execution=chosen, **options)
    if out.suffix == ".png" and samples.dim() != 4:
        raise ArgumentError("This model generates rows of a table, not pictures: name a file that ends in .npy.")
    _write(samples, out, columns)
    typer.echo(f"{out}: {num_samples} samples of shape {tuple(samples.shape[1:])}, seed {seed}")


def _write(samples: Any, out: Path, columns: int | None) -> None:
    from qiskit_qgen.persistence import atomic_path

    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(out) as temporary:
        if out.suffix == ".npy":
            import numpy as np

            np.save(temporary, samples.numpy(), allow_pickle=False)
        else:
            from qiskit_qgen.plotting import plot_images

            plot_images(samples, columns=columns).savefig(temporary)
