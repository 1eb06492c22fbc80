"""``qgen cost``: what sampling or training on a device would cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.executions import FORM
from qiskit_qgen.cli.reporting import reports_errors


@reports_errors
def cost(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="A saved model, or the folder of a run.")],
    execution: Annotated[str, typer.Option(help=f"A device, such as runtime:backend=ibm_torino. {FORM}.")],
    num_samples: Annotated[int | None, typer.Option("-n", "--num-samples", min=1, help="Samples to generate.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of training, instead.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Samples in a batch of the training.")] = None,
) -> None:
    """Say what sampling or training on a device would cost, without submitting anything."""
    from qiskit_qgen.cli.executions import parse_execution
    from qiskit_qgen.cli.saved import load_model
    from qiskit_qgen.exceptions import ArgumentError

    if (num_samples is None) == (steps is None):
        raise ArgumentError("Exactly one of the options -n/--num-samples and --steps must be given.")
    if batch_size is not None and steps is None:
        raise ArgumentError("Option --batch-size has an effect on training only: give --steps, or leave it out.")
    trained = load_model(model)
    with parse_execution(execution) as device:
        if not device.has_cost:
            raise ArgumentError(
                "Option --execution must name a device that is billed, such as runtime:backend=ibm_torino, but is "
                f"{execution!r}, which costs nothing."
            )
        found = trained.estimate_cost(num_samples, steps=steps, batch_size=batch_size, execution=device)
    seconds = f"{found.qpu_seconds:,.1f} (unmitigated {found.qpu_seconds_unmitigated:,.1f})"
    rows = {
        "jobs": f"{found.jobs:,}",
        "PUBs": f"{found.pubs:,}",
        "measured circuits": f"{found.circuits:,}",
        "shots": f"{found.shots:,}",
        "two-qubit gates": f"{found.two_qubit_gates:,}",
        "QPU seconds, estimated": seconds,
        "payload": f"{found.payload_bytes / 1e6:,.1f} MB",
    }
    for title, text in rows.items():
        typer.echo(f"{title:<24}{text}")
