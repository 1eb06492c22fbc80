"""``qgen study low-data``: bottlenecks of a diffusion model on very few pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.reporting import note, reports_errors

FIGURE = "low_data.png"
_KNOWN = {
    "data": ("name", "data_dir", "labels", "held_out"),
    "study": ("arms", "sizes", "seeds", "steps", "batch_size", "extractor"),
    "model": (),  # checked by the study
}


@reports_errors
def low_data(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG]",
            help="TOML file: tables data (name, data_dir, labels, held_out), study (arms, sizes, seeds, steps, "
            "batch_size, extractor) and model (further arguments of QuantumDiffusion).",
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(help="Data set: a known name, a folder or a file of pictures.")] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the study.")] = Path("runs/low-data"),
    workers: Annotated[int, typer.Option(min=0, help="Trials at a time; 0 runs them in this process.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each trial.")] = 1,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run again what failed.")] = False,
) -> None:
    """Compare bottlenecks of QuantumDiffusion over numbers of training pictures; the same command resumes."""
    from qiskit_qgen.cli.settings import model_arguments
    from qiskit_qgen.cli.study_settings import read_study_tables
    from qiskit_qgen.exceptions import ArgumentError
    from qiskit_qgen.persistence import atomic_path
    from qiskit_qgen.plotting import plot_low_data
    from qiskit_qgen.studies import run_low_data_study

    tables = read_study_tables(config, _KNOWN)
    name = tables["data"].pop("name", None) if data is None else data
    tables["data"].pop("name", None)
    if name is None:
        raise ArgumentError("The data must be named: `name` in the table [data], or the option --data.")
    study = run_low_data_study(
        name,
        out,
        **tables["data"],
        **tables["study"],
        model=model_arguments({"model": {"class_name": "QuantumDiffusion", **tables["model"]}}),
        workers=workers,
        threads=threads,
        retry_failed=retry_failed,
        on_trial=_report,
    )
    study.save(out)
    with atomic_path(out / FIGURE) as temporary:
        plot_low_data(study.to_dict()).savefig(temporary, dpi=150)
    typer.echo(study.table())
    note(f"Folder {out}: low_data.md, low_data.json, {FIGURE}, trials/")


def _report(record: dict[str, Any]) -> None:
    """Tell how a trial ended."""
    configuration = record["configuration"]
    place = f"seed {configuration['seed']}, {configuration['size']} pictures, {configuration['arm']}"
    if record["status"] == "done":
        note(f"{place}: kernel distance {record['result']['kernel_distance']:.4g}")
    else:
        note(f"{place}: {record['status']}: {record['error']}")
