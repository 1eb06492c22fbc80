"""``qgen report``: the report of a study, from what its folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.exceptions import ArgumentError

REPORT = "report.html"
_STUDIES = {
    "capacity": "Capacity study",
    "low_data": "Low-data study",
    "placement": "Placement study",
    "autoencoders": "Autoencoder sweep",
    "comparison": "Comparison of executions",
}
_CAPACITY_FIGURES = {
    "capacity_scaling": "Optimal classical sizes over the quantum generator's size, with the fitted laws. Bars: middle "
    "95 % over draws of the seeds; hollow: at the edge of the grid.",
    "capacity_scores": "Score of every trial over the critic's size. Crosses: not stable; dotted: the optimal critic; "
    "dashed: the floor, which real pictures score in the generated ones' place.",
    "capacity_curves": "Score over the steps, first seed. Dotted: not stable.",
}


@reports_errors
def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a study or a comparison.")],
) -> None:
    """Write report.html, one file with the text, tables and figures of a study."""
    write_report(folder)
    note(f"File {folder / REPORT}")


def write_report(folder: Path) -> None:
    """Write the report of the study in ``folder``; the figures of a capacity study are drawn anew.

    Raises:
        ArgumentError: If the folder holds no finished study.
        CheckpointError: If a file of it is damaged.
    """
    from qiskit_qgen.cli.html_page import html_page
    from qiskit_qgen.persistence import atomic_write

    name = next((each for each in _STUDIES if (folder / f"{each}.md").is_file()), None)
    if name is None:
        listed = ", ".join(f"{each}.md" for each in _STUDIES)
        raise ArgumentError(
            f"Folder {folder} holds no finished study: it has none of {listed}. The command that began it goes on with "
            "it, and `qgen study status` tells how it stands."
        )
    if name == "capacity":
        draw_capacity(folder)
        pictures = {folder / f"{figure}.png": caption for figure, caption in _CAPACITY_FIGURES.items()}
    else:
        pictures = {path: path.stem.replace("_", " ") for path in sorted(folder.glob(f"{name}*.png"))}
    text = (folder / f"{name}.md").read_text(encoding="utf-8")
    atomic_write(folder / REPORT, html_page(_STUDIES[name], text, pictures))


def draw_capacity(folder: Path) -> None:
    """Draw the figures of the capacity study in ``folder``.

    Raises:
        ArgumentError: If the folder holds no capacity study.
        CheckpointError: If its file is damaged.
    """
    from qiskit_qgen.persistence import atomic_path
    from qiskit_qgen.plotting import plot_capacity_curves, plot_capacity_scaling, plot_capacity_scores
    from qiskit_qgen.studies import CapacityStudy

    study = CapacityStudy.load(folder).to_dict()
    plots = (plot_capacity_scaling, plot_capacity_scores, plot_capacity_curves)
    for name, plot in zip(_CAPACITY_FIGURES, plots, strict=True):
        with atomic_path(folder / f"{name}.png") as temporary:
            plot(study).savefig(temporary, dpi=130)
