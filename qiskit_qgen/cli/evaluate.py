"""``qgen evaluate``: the scores of a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qiskit_qgen.cli.reporting import reports_errors


@reports_errors
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="A saved model, or the folder of a run.")],
    data: Annotated[str, typer.Option(help="Real pictures: a known name, a folder or a file.")],
    split: Annotated[str, typer.Option(help="Which of them: test or train.")] = "test",
    data_dir: Annotated[str | None, typer.Option(help="Folder with the files of fashion-mnist.")] = None,
    num_samples: Annotated[
        int | None, typer.Option("-n", "--num-samples", min=2, help="Samples to generate; as many as real ones.")
    ] = None,
    extractor: Annotated[
        str | None, typer.Option(help="Features to compare: efficientnet-lite0-96px or pixel.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the samples and of the scores' random parts.")] = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="JSON file to write the scores to.")] = None,
) -> None:
    """Score a trained model against real pictures, with floors."""
    import json

    from qiskit_qgen.cli.saved import load_model
    from qiskit_qgen.cli.scoring import choose_extractor, load_scored_images, report, score
    from qiskit_qgen.datasets import load_dataset
    from qiskit_qgen.persistence import atomic_write

    trained = load_model(model)
    real = load_scored_images(data, split, data_dir)
    network = choose_extractor(extractor, tuple(real.images.shape[1:]))
    reference = load_dataset(data, data_dir=data_dir) if split == "test" else None
    scores = score(trained, real, extractor=network, num_samples=num_samples, seed=seed, reference=reference)
    report(scores)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(out, json.dumps(scores, indent=2) + "\n")
        typer.echo(f"{out}: all scores")
