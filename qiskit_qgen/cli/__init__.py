"""The command line ``qgen``."""

from __future__ import annotations

import typer

from qiskit_qgen.cli.doctor import doctor
from qiskit_qgen.cli.report import report
from qiskit_qgen.cli.saved import compare, cost, evaluate, sample
from qiskit_qgen.cli.study import study
from qiskit_qgen.cli.train import demo, train

__all__ = ["app", "main"]

app = typer.Typer(
    name="qgen",
    help="Quantum generative models: train, sample, score, compare.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (demo, train, sample, evaluate, compare, cost, report, doctor):
    app.command()(_command)
app.add_typer(study)


def main() -> None:
    """Run the command line; the entry point of ``qgen``."""
    app(prog_name="qgen")
