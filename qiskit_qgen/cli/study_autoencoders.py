"""``qgen study autoencoders``: the floor that each setting of the autoencoder sets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.cli.study_options import OUT, Data, RetryFailed, Threads, Workers, trial_reporter

_KNOWN = {
    "data": ("name", "data_dir", "num_images", "subset_seed"),
    "grid": (),  # checked by the study, as the next
    "autoencoder": (),
    "study": ("steps", "batch_size", "num_samples", "extractor", "seeds"),
}
_GRID: dict[str, Any] = {"latent_dim": [8, 16, 24, 32], "latent_noise": [0.0, 0.2]}


@reports_errors
def autoencoders(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG]",
            help="TOML file: tables data (name, data_dir, num_images, subset_seed), grid (lists of values of options "
            "of the autoencoder, such as latent_dim), autoencoder (options of one value) and study (steps, batch_size, "
            "num_samples, extractor, seeds). Without a grid: four latent sizes, with and without noise on latents.",
        ),
    ] = None,
    data: Data = None,
    out: Annotated[Path, OUT] = Path("runs/autoencoders"),
    workers: Workers = 0,
    threads: Threads = 1,
    retry_failed: RetryFailed = False,
) -> None:
    """Train autoencoders with every setting of a grid and compare their floors; the same command resumes."""
    from qiskit_qgen.cli.report import REPORT, write_report
    from qiskit_qgen.cli.study_settings import read_study_tables, training_and_test_images
    from qiskit_qgen.persistence import atomic_path
    from qiskit_qgen.plotting import plot_autoencoder_sweep
    from qiskit_qgen.studies import AutoencoderSweep, run_autoencoder_sweep
    from qiskit_qgen.studies.capacity.autoencoder_sweep import SWEEP_FILE, option_grid
    from qiskit_qgen.studies.trials.folder import trial_folder

    tables = read_study_tables(config, _KNOWN)
    common = tables["autoencoder"]
    options = option_grid(tables["grid"] or {key: _GRID[key] for key in _GRID if key not in common}, common)
    images, held_out = training_and_test_images(tables["data"], data)
    records = run_autoencoder_sweep(
        images,
        held_out,
        options,
        out,
        **tables["study"],
        workers=workers,
        threads=threads,
        retry_failed=retry_failed,
        on_trial=trial_reporter(
            lambda trial: ", ".join(f"{key} {value}" for key, value in trial["options"].items()),
            lambda result: result["floor_reconstruction"]["frechet_distance"],
            name="Fréchet distance of reconstructions",
        ),
    )
    sweep = AutoencoderSweep(records)
    sweep.save(out)
    if sweep.best is not None:
        with atomic_path(out / f"{SWEEP_FILE}.png") as temporary:
            plot_autoencoder_sweep(sweep.to_dict()).savefig(temporary, dpi=130)
        best = trial_folder(out, sweep.best["digest"]) / "reconstructions.png"
        shutil.copyfile(best, out / f"{SWEEP_FILE}_best_reconstructions.png")
    write_report(out)
    typer.echo(sweep.table())
    typer.echo("\n" + sweep.reading)
    note(f"Folder {out}: {REPORT}, {SWEEP_FILE}.md, {SWEEP_FILE}.csv, {SWEEP_FILE}.json, trials/")
