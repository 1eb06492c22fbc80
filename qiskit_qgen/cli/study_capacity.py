"""``qgen study capacity``: how optimal classical sizes grow with the quantum generator's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.exceptions import ArgumentError

_STUDY = ("steps", "batch_size", "score_every", "pictures_every", "num_samples", "extractor", "autoencoder_steps")
_KNOWN = {
    "data": ("name", "data_dir", "num_pictures"),
    "grid": ("num_qubits", "num_layers", "generator_widths", "critic_widths", "seeds"),
    "study": _STUDY,
    "autoencoder": (),  # checked by the study, as the next
    "model": (),
    "rule": ("score", "late_part", "max_spread", "max_slope", "max_critic_drift", "min_stable", "confidence"),
}


@reports_errors
def capacity(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG]",
            help="TOML file: tables data (name, data_dir, num_pictures), grid, study, autoencoder, model (further "
            "arguments of StyleQGAN) and rule.",
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(help="Data set: a known name, a folder or a file of pictures.")] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the study.")] = Path("runs/capacity"),
    workers: Annotated[int, typer.Option(min=0, help="Trials at a time; 0 runs them in this process.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each trial.")] = 1,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run again what failed.")] = False,
) -> None:
    """Train generators and critics of many sizes and compare laws of growth; the same command resumes."""
    from qiskit_qgen.cli.report import REPORT, write_report
    from qiskit_qgen.cli.study_settings import read_study_tables
    from qiskit_qgen.datasets import load_dataset
    from qiskit_qgen.studies import CapacityGrid, OptimalityRule, run_capacity_study

    tables = read_study_tables(config, _KNOWN)
    name = data or tables["data"].get("name")
    if name is None:
        raise ArgumentError("The data must be named: `name` in the table [data], or the option --data.")
    place = tables["data"].get("data_dir")
    train, test = (load_dataset(name, split=split, data_dir=place) for split in ("train", "test"))
    study = run_capacity_study(
        train.images[: tables["data"].get("num_pictures")],
        CapacityGrid(**tables["grid"]),
        held_out=test.images,
        folder=out,
        autoencoder=tables["autoencoder"],
        model=tables["model"],
        rule=OptimalityRule(**tables["rule"]),
        **tables["study"],
        workers=workers,
        threads=threads,
        retry_failed=retry_failed,
        on_trial=_report,
    )
    study.save(out)
    write_report(out)
    typer.echo(study.analysis.table())
    typer.echo("\n" + study.analysis.reading)
    note(f"Folder {out}: {REPORT}, capacity.md, capacity.csv, capacity.json, trials/")


def _report(record: dict[str, Any]) -> None:
    """Tell how a trial ended."""
    from qiskit_qgen.studies.capacity_grid import generator_name

    configuration = record["configuration"]
    place = f"seed {configuration['seed']}, {generator_name(configuration)}, critic {configuration['critic_width']}"
    if record["status"] == "done":
        values = record["result"]["scores"]["latent_frechet_distance"]["values"]
        note(f"{place}: latent Fréchet distance {values[-1]:.4g}")
    else:
        note(f"{place}: {record['status']}: {record['error']}")
