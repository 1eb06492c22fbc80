"""``qgen report``: the page of a run or a study, built from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.exceptions import ArgumentError

_RECORD = "run.json"
_STUDIES = ("capacity", "low_data", "placement", "autoencoders", "comparison")


@reports_errors
def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A run, study or comparison folder.")],
) -> None:
    """Write report.html, a single file with a run's images, curves, scores and settings, or with a study's results."""
    note(f"File {write_report(folder)}")


def write_report(folder: Path) -> Path:
    """Write the page of the run or study in ``folder`` and return its path.

    Raises:
        ArgumentError: If the folder holds neither a run nor a finished study.
        CheckpointError: If a file of it is damaged.
    """
    study = next((each for each in _STUDIES if (folder / f"{each}.md").is_file()), None)
    if study is not None:
        from qiskit_qgen.cli.pages.study_page import write_study_page

        return write_study_page(folder, study)
    if not (folder / _RECORD).is_file():
        listed = ", ".join(f"{each}.md" for each in _STUDIES)
        raise ArgumentError(
            f"Folder {folder} holds no run and no finished study: it has none of {_RECORD}, {listed}. The command that "
            "began a study goes on with it, and `qgen study status` tells how it stands."
        )
    from qiskit_qgen.cli.pages.run_page import write_run_page

    return write_run_page(folder)
