"""``qgen study low-data``: bottlenecks of a diffusion model on very few pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.cli.study_options import (
    OUT,
    Data,
    RetryFailed,
    Threads,
    Workers,
    refuse_without_results,
    trial_reporter,
)

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
    data: Data = None,
    out: Annotated[Path, OUT] = Path("runs/low-data"),
    workers: Workers = 0,
    threads: Threads = 1,
    retry_failed: RetryFailed = False,
) -> None:
    """Compare bottlenecks of QuantumDiffusion over numbers of training pictures; the same command resumes."""
    from qiskit_qgen.cli.settings import model_arguments
    from qiskit_qgen.cli.study_settings import named_data, read_study_tables
    from qiskit_qgen.persistence import atomic_path
    from qiskit_qgen.plotting import plot_low_data
    from qiskit_qgen.studies import run_low_data_study

    tables = read_study_tables(config, _KNOWN)
    name = named_data(tables["data"], data)
    tables["data"].pop("name", None)
    study = run_low_data_study(
        name,
        out,
        **tables["data"],
        **tables["study"],
        model=model_arguments({"model": {"class_name": "QuantumDiffusion", **tables["model"]}}),
        workers=workers,
        threads=threads,
        retry_failed=retry_failed,
        on_trial=trial_reporter(
            lambda trial: f"{trial['size']} pictures, {trial['arm']}",
            lambda result: result["kernel_distance"],
            name="kernel distance",
        ),
    )
    refuse_without_results(study.records)
    study.save(out)
    with atomic_path(out / FIGURE) as temporary:
        plot_low_data(study.to_dict()).savefig(temporary, dpi=150)
    typer.echo(study.table())
    note(f"Folder {out}: low_data.md, low_data.json, {FIGURE}, trials/")
