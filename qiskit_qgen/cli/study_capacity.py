"""``qgen study capacity``: how optimal classical sizes grow with the quantum generator's."""

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

_STUDY = ("steps", "batch_size", "score_every", "pictures_every", "num_samples", "extractor", "autoencoder_steps")
_KNOWN = {
    "data": ("name", "data_dir", "num_images", "subset_seed"),
    "grid": ("num_qubits", "num_layers", "generator_widths", "critic_widths", "seeds"),
    "study": _STUDY,
    "autoencoder": (),  # checked by the study, as the next
    "model": (),
    "quantum_model": (),
    "classical_model": (),
    "rule": (
        "score",
        "late_part",
        "max_spread",
        "max_slope",
        "max_critic_drift",
        "min_stable",
        "confidence",
        "min_aic_lead",
        "min_draw_share",
    ),
    "search": ("num_widths", "seed"),
}


@reports_errors
def capacity(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG]",
            help="TOML file: tables data (name, data_dir, num_images, subset_seed), grid, study, autoencoder, model "
            "(further arguments of StyleQGAN), quantum_model and classical_model (those of one kind of generator), "
            "rule and search (num_widths, seed).",
        ),
    ] = None,
    data: Data = None,
    out: Annotated[Path, OUT] = Path("runs/capacity"),
    search: Annotated[
        int | None,
        typer.Option(
            min=3,
            metavar="WIDTHS",
            help="Let Optuna propose that many critic widths for each generator, between the smallest and the largest "
            "of the grid.",
        ),
    ] = None,
    workers: Workers = 0,
    threads: Threads = 1,
    retry_failed: RetryFailed = False,
) -> None:
    """Train generators and critics of many sizes and compare laws of growth; the same command resumes."""
    from qiskit_qgen.cli.report import REPORT, write_report
    from qiskit_qgen.cli.study_settings import read_study_tables, training_and_test_images
    from qiskit_qgen.studies import CapacityGrid, CapacitySearch, OptimalityRule, run_capacity_study
    from qiskit_qgen.studies.capacity.grid import generator_name

    tables = read_study_tables(config, _KNOWN)
    if search is not None:
        tables["search"]["num_widths"] = search
    images, held_out = training_and_test_images(tables["data"], data)
    study = run_capacity_study(
        images,
        CapacityGrid(**tables["grid"]),
        held_out=held_out,
        folder=out,
        autoencoder=tables["autoencoder"],
        model=tables["model"],
        quantum_model=tables["quantum_model"],
        classical_model=tables["classical_model"],
        rule=OptimalityRule(**tables["rule"]),
        search=CapacitySearch(**tables["search"]) if tables["search"] else None,
        **tables["study"],
        workers=workers,
        threads=threads,
        retry_failed=retry_failed,
        on_trial=trial_reporter(
            lambda trial: f"{generator_name(trial)}, critic {trial['critic_width']}",
            lambda result: result["scores"]["latent_frechet_distance"]["values"][-1],
            name="latent Fréchet distance",
        ),
    )
    refuse_without_results(study.records)
    study.save(out)
    write_report(out)
    typer.echo(study.analysis.table())
    typer.echo("\n" + study.analysis.reading)
    note(f"Folder {out}: {REPORT}, capacity.md, capacity.csv, capacity.json, trials/")
