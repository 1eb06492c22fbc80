"""What the commands of all studies have in common: options, and how trials are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.reporting import note
from qiskit_qgen.exceptions import ExecutionError

Data = Annotated[str | None, typer.Option(help="Data set: a known name, a folder or a file of pictures.")]
Workers = Annotated[int, typer.Option(min=0, help="Trials at a time; 0 runs them in this process.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of each trial.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run again what failed.")]

OUT = typer.Option("-o", "--out", help="Folder of the study.")


def refuse_without_results(records: Sequence[Mapping[str, Any]]) -> None:
    """Raise if no trial is done.

    Raises:
        ExecutionError: With the number of trials, and what ended the first.
    """
    if all(record["status"] != "done" for record in records):
        raise ExecutionError(
            f"None of the {len(records)} trials is done, so that there is nothing to report; the first ended with "
            f"{records[0]['error']}"
        )


def trial_reporter(
    describe: Callable[[Mapping[str, Any]], str], score: Callable[[Mapping[str, Any]], float], *, name: str
) -> Callable[[dict[str, Any]], None]:
    """Return a function that tells how a trial ended, given its record.

    Args:
        describe: Says what a trial is, given its configuration; the seed is told before it.
        score: The score to tell, given a trial's result.
        name: What that score is called.
    """

    def report(record: dict[str, Any]) -> None:
        configuration = record["configuration"]
        place = f"seed {configuration['seed']}, {describe(configuration)}"
        if record["status"] == "done":
            note(f"{place}: {name} {score(record['result']):.4g}")
        else:
            note(f"{place}: {record['status']}: {record['error']}")

    return report
