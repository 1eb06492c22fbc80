"""``qgen reproduce``: run a paper's own task here and write a page that ends with a verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.exceptions import ArgumentError

if TYPE_CHECKING:
    from qiskit_qgen.studies.reproductions.outcome import Outcome

RECORD, PAGE = "reproduction.json", "reproduction.md"


@reports_errors
def reproduce(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The reproduction to run; without a name, all are listed.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Directory of the data that cannot be downloaded.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Run folder (default: runs/NAME).")] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A run of a few minutes that shows that everything works; draws no conclusions."),
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Run at the size of the paper instead of in about two hours.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Number of concurrent trials; 0 runs them in this process.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads for each trial.")] = 1,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Rerun failed trials.")] = False,
) -> None:
    """Run a paper's task, resumably, and write its page: claim, set-up, scores with baselines, images and verdict."""
    from qiskit_qgen.cli.environment import machine, versions
    from qiskit_qgen.cli.pages.reproduction_page import write_reproduction_page
    from qiskit_qgen.persistence import atomic_write
    from qiskit_qgen.studies.reproductions.page import page_content, page_text
    from qiskit_qgen.studies.reproductions.recipe import load_recipe, recipe_names
    from qiskit_qgen.studies.reproductions.run import run_recipe

    if name is None:
        for each in recipe_names():
            recipe = load_recipe(each)
            typer.echo(f"{each:<26} arXiv {recipe.paper}: {recipe.title}")
        return
    if quick and full:
        raise ArgumentError("Options --quick and --full exclude each other: give one of them.")
    recipe = load_recipe(name, "quick" if quick else "full" if full else "default")
    place = out or Path("runs") / name
    results = run_recipe(
        recipe, place, data_dir=data_dir, workers=workers, threads=threads, retry_failed=retry_failed, on_trial=_tell
    )
    figures = {each.part.title: _draw(each.outcome, place, f"figure-{number}") for number, each in enumerate(results)}
    content = page_content(recipe, results, figures, {**versions(), **machine()})
    atomic_write(place / RECORD, json.dumps(content, indent=1) + "\n")
    atomic_write(place / PAGE, page_text(content))
    write_reproduction_page(place, content)
    typer.echo(f"{content['verdict'][:1].upper()}{content['verdict'][1:]}. " + results[0].outcome.reason)
    note(f"Folder {place}: {', '.join(sorted(path.name for path in place.iterdir()))}")


def _tell(record: dict[str, Any]) -> None:
    """Report how a trial ended."""
    known = record["configuration"]
    words = [str(known[key]) for key in ("size", "arm", "generator", "critic_width") if key in known]
    note(f"seed {known['seed']}, {', '.join(words)}: {record['status']} {record.get('error', '')}".rstrip())


def _draw(outcome: Outcome, folder: Path, stem: str) -> dict[str, str]:
    """Draw the figures of a part and return their files by caption."""
    from qiskit_qgen.cli.pages.study_page import save_figure
    from qiskit_qgen.plotting import plot_comparison, plot_marginals

    drawn = {caption: plot_comparison(rows) for caption, rows in outcome.images.items()}
    drawn |= {caption: plot_marginals(sets, columns=names) for caption, (names, sets) in outcome.marginals.items()}
    files = {}
    for number, (caption, figure) in enumerate(drawn.items()):
        files[caption] = f"{stem}-{number}.png"
        save_figure(figure, folder / files[caption])
    return files
