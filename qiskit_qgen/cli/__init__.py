"""The command line ``qgen``."""

from __future__ import annotations

from typing import Annotated

import typer

from qiskit_qgen._version import __version__
from qiskit_qgen.cli.doctor import doctor
from qiskit_qgen.cli.init import init
from qiskit_qgen.cli.report import report
from qiskit_qgen.cli.reproduce import reproduce
from qiskit_qgen.cli.sampling import sample
from qiskit_qgen.cli.saved import compare, cost, evaluate
from qiskit_qgen.cli.sharing import share
from qiskit_qgen.cli.study import study
from qiskit_qgen.cli.train import demo, train
from qiskit_qgen.cli.web_app import web_app

__all__ = ["app", "main"]

app = typer.Typer(
    name="qgen",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (init, demo, train, sample, evaluate, compare, cost, reproduce, report, share, doctor):
    app.command()(_command)
app.command("app")(web_app)
app.add_typer(study)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"qiskit_qgen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Quantum generative models: train, sample, score, compare."""


def main() -> None:
    """Run the command line; the entry point of ``qgen``."""
    app(prog_name="qgen")
