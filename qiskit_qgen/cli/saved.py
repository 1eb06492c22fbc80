"""``qgen evaluate``, ``compare`` and ``cost``: commands for a saved model."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen._checks import is_hub_name
from qiskit_qgen.cli.executions import FORM, NAMED_FORM
from qiskit_qgen.cli.reporting import reports_errors
from qiskit_qgen.exceptions import ArgumentError

Model = Annotated[
    Path, typer.Argument(metavar="MODEL_DIR", help="A saved model, a run folder, or USER/NAME on the Hub.")
]
Data = Annotated[
    str | None, typer.Option(help="Real images or rows: a known name, a folder or a file (default: the run's data).")
]
Split = Annotated[str, typer.Option(help="Split of the data: test, val or train.")]
DataDir = Annotated[str | None, typer.Option(help="Directory with the files of a known data set.")]
Key = Annotated[str | None, typer.Option(help="Name of the array in an .npz or .pt file.")]
ImageSize = Annotated[
    str | None, typer.Option(help="Resize the images of a folder to this side in pixels, or to HEIGHTxWIDTH.")
]
Crop = Annotated[
    str | None, typer.Option(help="center crops the images of a folder to the new aspect ratio; none stretches them.")
]
TestFraction = Annotated[
    float | None, typer.Option(min=0, max=0.9, help="Fraction to hold out if there are no test images or rows.")
]
Mode = Annotated[str | None, typer.Option(help="Convert the images of a folder to this mode: L, RGB or RGBA.")]
SkipDamaged = Annotated[bool, typer.Option("--skip-damaged", help="Skip damaged files in a folder.")]
Extractor = Annotated[
    str | None,
    typer.Option(help="Features to compare: efficientnet-lite0-96px, nsfw-inception-v3-299px, labels or pixel."),
]


def _size(text: str | None) -> int | tuple[int, ...] | None:
    """Return the side, or the height and width, given by --image-size.

    Raises:
        ArgumentError: If it gives neither.
    """
    sides = [] if text is None else text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() for side in sides):
        raise ArgumentError(f"Option --image-size must be a side such as 32, or HEIGHTxWIDTH, but is {text!r}.")
    numbers = tuple(map(int, sides))
    return numbers if len(numbers) == 2 else next(iter(numbers), None)


def check_model_folder(model: Path) -> None:
    """Refuse a missing folder before any slow import."""
    if not model.exists() and not is_hub_name(model):
        raise ArgumentError(f"Folder {model} does not exist.")


@reports_errors
def evaluate(
    model: Model,
    data: Data = None,
    split: Split = "test",
    data_dir: DataDir = None,
    key: Key = None,
    image_size: ImageSize = None,
    mode: Mode = None,
    crop: Crop = None,
    skip_damaged: SkipDamaged = False,
    test_fraction: TestFraction = None,
    num_images: Annotated[
        int | None,
        typer.Option(min=4, help="Number of real images to draw from the split with the seed (default: all)."),
    ] = None,
    num_samples: Annotated[
        int | None,
        typer.Option(
            "-n", "--num-samples", min=2, help="Samples to generate (default: as many as there are real ones)."
        ),
    ] = None,
    extractor: Extractor = None,
    memorization: Annotated[
        bool, typer.Option("--memorization", help="Look for copies of the images that the run was trained on.")
    ] = False,
    oversample: Annotated[int, typer.Option(min=1, help="Candidates, of which a GAN's critic keeps the best.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the samples and of the scores' random parts.")] = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="JSON file to write the scores to.")] = None,
) -> None:
    """Score a trained model against real data, with floors, trivial baselines and confidence intervals."""
    import json

    from qiskit_qgen._checks import check_new_file

    check_model_folder(model)
    if memorization and split == "train":
        raise ArgumentError(
            "Option --memorization needs real images that were not trained on: leave it out, or score against another "
            "split than train."
        )
    if out is not None:
        check_new_file("--out", out)
    from qiskit_qgen.cli.data import in_memory, samples_of
    from qiskit_qgen.cli.run_folder import data_beside, load_model, load_trained_on
    from qiskit_qgen.cli.scoring import choose_extractor, data_to_score, load_scored_images, report, score
    from qiskit_qgen.persistence import atomic_write

    trained = load_model(model)
    options: dict[str, Any] = {"data_dir": data_dir, "key": key, "test_fraction": test_fraction}
    options |= {"image_size": _size(image_size), "mode": mode, "crop": crop, "skip_damaged": skip_damaged}
    drawn = {} if num_images is None else {"num_images": num_images, "subset_seed": seed}
    chosen = data_to_score(trained, data_beside(model, data, **options, **drawn))
    real = load_scored_images(chosen, split)
    trained_on = load_trained_on(model)
    if memorization and trained_on is None:
        raise ArgumentError(
            f"Folder {model} must be that of a run for --memorization: its settings say what was trained on."
        )
    if trained_on is None and split == "test":
        trained_on = in_memory(chosen.whole().load())
    scores = score(
        trained,
        real,
        extractor=choose_extractor(extractor, trained_on, samples_of(real).shape[1:]),
        num_samples=num_samples,
        seed=seed,
        train=trained_on,
        memorization=memorization,
        oversample=oversample,
    )
    report(scores)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(out, json.dumps(scores, indent=2) + "\n")
        typer.echo(f"{out}: all scores")


@reports_errors
def compare(
    model: Model,
    execution: Annotated[list[str], typer.Option(help=f"An execution; repeatable. {NAMED_FORM}.")],
    data: Data = None,
    split: Split = "test",
    data_dir: DataDir = None,
    key: Key = None,
    image_size: ImageSize = None,
    mode: Mode = None,
    crop: Crop = None,
    skip_damaged: SkipDamaged = False,
    test_fraction: TestFraction = None,
    num_samples: Annotated[int, typer.Option("-n", "--num-samples", min=2, help="Samples per seed.")] = 256,
    seed: Annotated[
        list[int] | None, typer.Option(min=0, help="Seed of the noise; repeatable (default: 0, 1 and 2).")
    ] = None,
    extractor: Extractor = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the table, the numbers and the images.")] = Path(
        "comparison"
    ),
) -> None:
    """Compare the effect of shots, noise, mitigation and devices on the same model and noise vectors."""
    from qiskit_qgen._checks import check_folder

    check_model_folder(model)
    check_folder("--out", out)
    from qiskit_qgen.cli.executions import parse_named
    from qiskit_qgen.cli.pages.study_page import save_figure, write_study_page
    from qiskit_qgen.cli.run_folder import data_beside, load_model
    from qiskit_qgen.cli.scoring import data_to_score, load_scored_images
    from qiskit_qgen.studies import compare_executions

    trained = load_model(model)
    options: dict[str, Any] = {"data_dir": data_dir, "key": key, "test_fraction": test_fraction}
    options |= {"image_size": _size(image_size), "mode": mode, "crop": crop, "skip_damaged": skip_damaged}
    real = load_scored_images(data_to_score(trained, data_beside(model, data, **options)), split)
    with ExitStack() as stack:
        executions = {name: stack.enter_context(each) for name, each in parse_named(execution).items()}
        found = compare_executions(trained, real, executions, num_samples, seed or (0, 1, 2), extractor=extractor)
    from qiskit_qgen.plotting import plot_comparison, plot_marginals

    folder = found.save(out)
    if trained.image_shape is None:
        made = {
            name: replace(real, rows=rows, columns=trained.columns, labels=None) for name, rows in found.images.items()
        }
        figure = plot_marginals({"real": real, **made})
    else:
        figure = plot_comparison(found.images)
    save_figure(figure, folder / "comparison.png")
    write_study_page(folder, "comparison")
    typer.echo(found.table())
    typer.echo(f"Folder {folder}: comparison.json, comparison.md, comparison.png, report.html")


@reports_errors
def cost(
    model: Model,
    execution: Annotated[str, typer.Option(help=f"A device, such as runtime:backend=ibm_torino. {FORM}.")],
    num_samples: Annotated[int | None, typer.Option("-n", "--num-samples", min=1, help="Samples to generate.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps, instead of samples.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Samples per training batch.")] = None,
    oversample: Annotated[int, typer.Option(min=1, help="Candidates for each sample, of which the best is kept.")] = 1,
) -> None:
    """Estimate what sampling or training on a device would cost, without submitting anything."""
    check_model_folder(model)
    if (num_samples is None) == (steps is None):
        raise ArgumentError("Exactly one of the options -n/--num-samples and --steps must be given.")
    if batch_size is not None and steps is None:
        raise ArgumentError("Option --batch-size has an effect on training only: give --steps, or leave it out.")
    from qiskit_qgen.cli.executions import parse_execution
    from qiskit_qgen.cli.run_folder import load_model

    trained = load_model(model)
    with parse_execution(execution) as device:
        if not device.has_cost:
            raise ArgumentError(
                "Option --execution must name a device that is billed, such as runtime:backend=ibm_torino, but is "
                f"{execution!r}, which costs nothing."
            )
        sizes = {"steps": steps, "batch_size": batch_size, "oversample": oversample}
        found = trained.estimate_cost(num_samples, **sizes, execution=device)
    rows = {
        "jobs": f"{found.jobs:,}",
        "PUBs": f"{found.pubs:,}",
        "measured circuits": f"{found.circuits:,}",
        "shots": f"{found.shots:,}",
        "two-qubit gates": f"{found.two_qubit_gates:,}",
        "QPU seconds, estimated": f"{found.qpu_seconds:,.1f} (unmitigated {found.qpu_seconds_unmitigated:,.1f})",
        "payload": f"{found.payload_bytes / 1e6:,.1f} MB",
    }
    for title, text in rows.items():
        typer.echo(f"{title:<24}{text}")
