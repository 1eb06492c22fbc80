"""``qgen evaluate``: the scores of a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.reporting import reports_errors


@reports_errors
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="A saved model, or the folder of a run.")],
    data: Annotated[str, typer.Option(help="Real pictures: a known name, a folder or a file.")],
    split: Annotated[str, typer.Option(help="Which of them: test, val or train.")] = "test",
    data_dir: Annotated[str | None, typer.Option(help="Where the files of a known data set are.")] = None,
    num_images: Annotated[
        int | None, typer.Option(min=4, help="Real pictures to draw from the split, by the seed; all of them.")
    ] = None,
    num_samples: Annotated[
        int | None, typer.Option("-n", "--num-samples", min=2, help="Samples to generate; as many as real ones.")
    ] = None,
    extractor: Annotated[
        str | None, typer.Option(help="Features to compare: efficientnet-lite0-96px or pixel.")
    ] = None,
    memorization: Annotated[
        bool, typer.Option("--memorization", help="Look for copies of the pictures that the run was trained on.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the samples and of the scores' random parts.")] = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="JSON file to write the scores to.")] = None,
) -> None:
    """Score a trained model against real pictures, with floors and intervals."""
    import json

    from qiskit_qgen.cli.saved import load_model, load_trained_on
    from qiskit_qgen.cli.scoring import choose_extractor, load_scored_images, report, score
    from qiskit_qgen.datasets import load_dataset
    from qiskit_qgen.persistence import atomic_write

    trained = load_model(model)
    drawn: dict[str, Any] = {} if num_images is None else {"num_images": num_images, "subset_seed": seed}
    real = load_scored_images(data, split, data_dir, **drawn)
    network = choose_extractor(extractor, tuple(real.images.shape[1:]))
    scores = score(
        trained,
        real,
        extractor=network,
        num_samples=num_samples,
        seed=seed,
        reference=load_dataset(data, data_dir=data_dir, **drawn) if split == "test" else None,
        train=load_trained_on(model) if memorization else None,
    )
    report(scores)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(out, json.dumps(scores, indent=2) + "\n")
        typer.echo(f"{out}: all scores")
