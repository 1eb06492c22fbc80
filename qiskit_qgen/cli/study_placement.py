"""``qgen study placement``: circuits of a hybrid GAN in generator, discriminator, both or neither."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.cli.study_options import OUT, RetryFailed, Threads, Workers, refuse_without_results, trial_reporter

FIGURE = "placement.png"
_KNOWN = {
    "data": ("name", "data_dir", "labels", "side", "held_out"),
    "study": (
        "places",
        "sizes",
        "seeds",
        "steps",
        "score_every",
        "batch_size",
        "num_samples",
        "extractor",
    ),
    "model": (),  # checked by the study
}


@reports_errors
def placement(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG]",
            help="TOML file: tables data (name, data_dir, labels, side, held_out), study (places, sizes, seeds, steps, "
            "score_every, batch_size, num_samples, extractor) and model (further arguments of HybridGAN). Without it: "
            "bundled trousers, three seeds, two sizes.",
        ),
    ] = None,
    out: Annotated[Path, OUT] = Path("runs/placement"),
    workers: Workers = 0,
    threads: Threads = 1,
    retry_failed: RetryFailed = False,
) -> None:
    """Compare where the circuits of HybridGAN are, over numbers of training pictures; the same command resumes."""
    from qiskit_qgen.cli.study_settings import read_study_tables
    from qiskit_qgen.persistence import atomic_path
    from qiskit_qgen.plotting import plot_comparison, plot_placement
    from qiskit_qgen.studies import run_placement_study

    tables = read_study_tables(config, _KNOWN)
    data = dict(tables["data"])
    if "name" in data:
        data["data"] = data.pop("name")
        data.setdefault("labels", None)  # the usual labels belong to the usual data
    study = run_placement_study(
        out,
        **data,
        **tables["study"],
        model=tables["model"],
        workers=workers,
        threads=threads,
        retry_failed=retry_failed,
        on_trial=trial_reporter(
            lambda trial: f"{trial['size']} pictures, circuits in {trial['place']}",
            lambda result: result["kernel_distance"][-1],
            name="kernel distance",
        ),
    )
    refuse_without_results(study.records)
    study.save(out)
    figures = {FIGURE: plot_placement(study.to_dict())}
    figures |= {f"pictures-{size}.png": plot_comparison(study.pictures(size)) for size in study.sizes}
    for name, figure in figures.items():
        with atomic_path(out / name) as temporary:
            figure.savefig(temporary, dpi=150)
    typer.echo(study.table())
    note(f"Folder {out}: placement.md, placement.json, {', '.join(figures)}, trials/")
