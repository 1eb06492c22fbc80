"""``qgen compare``: one trained model on several executions."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.executions import NAMED_FORM
from qiskit_qgen.cli.reporting import reports_errors


@reports_errors
def compare(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="A saved model, or the folder of a run.")],
    execution: Annotated[list[str], typer.Option(help=f"An execution; repeatable. {NAMED_FORM}.")],
    data: Annotated[str, typer.Option(help="Real pictures: a known name, a folder or a file.")],
    split: Annotated[str, typer.Option(help="Which of them: test or train.")] = "test",
    data_dir: Annotated[str | None, typer.Option(help="Folder with the files of fashion-mnist.")] = None,
    num_samples: Annotated[int, typer.Option("-n", "--num-samples", min=2, help="Samples for each seed.")] = 256,
    seed: Annotated[list[int] | None, typer.Option(min=0, help="Seed of the noise; repeatable. 0, 1 and 2.")] = None,
    extractor: Annotated[
        str | None, typer.Option(help="Features to compare: efficientnet-lite0-96px or pixel.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the table, the numbers and the picture.")] = Path(
        "comparison"
    ),
) -> None:
    """Compare what shots, noise, mitigation and devices make of the same model and noise vectors."""
    from qiskit_qgen.cli.executions import parse_named
    from qiskit_qgen.cli.saved import load_model
    from qiskit_qgen.cli.scoring import choose_extractor, load_scored_images
    from qiskit_qgen.persistence import atomic_path
    from qiskit_qgen.plotting import plot_comparison
    from qiskit_qgen.studies import compare_executions

    trained = load_model(model)
    real = load_scored_images(data, split, data_dir)
    network = choose_extractor(extractor, tuple(real.images.shape[1:]))
    with ExitStack() as stack:
        executions = {name: stack.enter_context(each) for name, each in parse_named(execution).items()}
        found = compare_executions(trained, real, executions, num_samples, seed or (0, 1, 2), extractor=network)
    folder = found.save(out)
    with atomic_path(folder / "comparison.png") as temporary:
        plot_comparison(found.images).savefig(temporary)
    typer.echo(found.table())
    typer.echo(f"Folder {folder}: comparison.json, comparison.md, comparison.png")
