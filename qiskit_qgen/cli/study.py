"""``qgen study``: the studies, and how one stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import reports_errors
from qiskit_qgen.cli.study_autoencoders import autoencoders
from qiskit_qgen.cli.study_capacity import capacity
from qiskit_qgen.cli.study_low_data import low_data
from qiskit_qgen.cli.study_placement import placement

study = typer.Typer(name="study", help="Studies of many trainings: run, resume, look at.", no_args_is_help=True)
study.command()(capacity)
study.command()(autoencoders)
study.command("low-data")(low_data)
study.command()(placement)


@study.command()
@reports_errors
def status(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a study.")],
) -> None:
    """Tell how many trials have ended, failed and run now, and how long the rest takes."""
    from qiskit_qgen.studies import study_status
    from qiskit_qgen.studies.trials.folder import AUTOENCODERS, is_study

    if not is_study(folder) and is_study(folder / AUTOENCODERS):
        typer.echo("The trials have not begun: the autoencoder that they share comes first.")
        folder = folder / AUTOENCODERS
    found = study_status(folder)
    ended = found["done"] + found["diverged"] + found["failed"]
    typer.echo(
        f"{ended} of {found['planned']} trials have ended: {found['done']} done, {found['diverged']} diverged, "
        f"{found['failed']} failed; {found['running']} running."
    )
    if found["seconds_left"] is not None and ended < found["planned"]:
        typer.echo(
            f"{found['seconds_per_trial']:.1f} s per trial; {_duration(found['seconds_left'])} left with "
            f"{max(1, found['running'])} at a time."
        )


def _duration(seconds: float) -> str:
    """Return a time in hours and minutes, or in seconds if it is short."""
    if seconds < 120:
        return f"about {seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"about {hours} h {minutes} min" if hours else f"about {minutes} min"
