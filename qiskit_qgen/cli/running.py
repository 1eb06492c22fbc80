"""A run from its settings to its scores, as ``qgen demo`` and ``qgen train`` do it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import typer

from qiskit_qgen.cli import run_folder as files
from qiskit_qgen.cli.executions import parse_execution
from qiskit_qgen.cli.reporting import note
from qiskit_qgen.cli.run_folder import RunFolder
from qiskit_qgen.cli.scoring import choose_extractor, load_scored_images, report, score
from qiskit_qgen.cli.settings import Tables, complete, data_settings, model_settings, split_training
from qiskit_qgen.exceptions import ArgumentError, QGenError

_NUM_SAMPLES = 64


def run(tables: Tables, out: Path, *, resume: bool, overwrite: bool, again: str) -> None:
    """Train, save, draw and score a model; a run that is finished is only reported.

    Of processes that torchrun started, all train, and the one of rank 0 does all else.

    Args:
        tables: Settings, checked; what they leave open takes its default.
        out: The run's folder.
        resume: Whether to continue a run that the folder holds.
        overwrite: Whether to replace it.
        again: The command that continues an interrupted run.

    Raises:
        KeyboardInterrupt: After Ctrl-C, with a sentence on how to continue.
        QGenError: If a setting is wrong, the data are missing or damaged, or the training diverges.
    """
    from qiskit_qgen.training.distributed import broadcast_object, is_main, join, on_main, together

    join()
    with together():
        tables, train, test, model, extractor, execution = _prepare(tables)
    scored = tables["evaluate"]
    folder = RunFolder(out)
    begins = on_main(lambda: folder.open(tables, resume=resume, overwrite=overwrite))
    tables["training"]["seed"] = broadcast_object(tables["training"]["seed"])
    if not begins:
        note(f"Folder {out} holds this run, finished; pass --overwrite to train it anew.")
        _report(folder)
        return
    shape = " x ".join(map(str, train.images.shape[1:]))
    note(f"{len(train)} pictures of {tables['data']['name']}, {shape}; seed {tables['fit']['seed']}.")
    note(model.summary())
    with _resumable(folder, again):
        seconds = _train(model, train, tables, execution, folder)
        if not is_main():
            return
        _draw(model, test, tables["training"]["seed"], folder)
        note("Scoring ...")
        start = time.perf_counter()
        scores = score(
            model,
            test,
            extractor=extractor,
            num_samples=scored["num_samples"],
            seed=tables["training"]["seed"],
            reference=train if scored["split"] == "test" else None,
        )
        folder.write_json(files.SCORES, scores)
        folder.finish({**seconds, "scoring": time.perf_counter() - start})
    _report(folder)


def _prepare(tables: Tables) -> tuple[Tables, Any, Any, Any, Any, Any]:
    """Return the complete settings, and what they name: data to train and to score, model, extractor, execution."""
    from qiskit_qgen.datasets import load_dataset

    data = data_settings(tables)
    drawn = {"num_images": data.num_images, "subset_seed": data.subset_seed}
    train = load_dataset(data.name, data_dir=data.data_dir, **drawn)
    channels, height, width = train.images.shape[1:]
    tables = complete(tables, (channels, height, width))
    scored = tables["evaluate"]
    test = load_scored_images(data.name, scored["split"], data.data_dir)
    model = model_settings(tables["model"], (channels, height, width))
    extractor = choose_extractor(scored["extractor"], (channels, height, width))
    return tables, train, test, model, extractor, _execution(tables["training"]["execution"])


def _execution(text: Any) -> Any:
    """Return the execution of the training that the settings describe; None for the built-in simulator."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise ArgumentError(
            f"`execution` in the table [training] must be a text such as 'aer:shots=1024', but is {text!r}."
        )
    return parse_execution(text)


@contextmanager
def _resumable(folder: RunFolder, again: str) -> Iterator[None]:
    """Say on Ctrl-C how to continue; remove a run that is refused before it has anything to keep."""
    from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME
    from qiskit_qgen.training.distributed import is_main

    checkpoints = folder.path / files.CHECKPOINTS
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"The checkpoint is in {checkpoints}: {again} continues from it.") from None
    except QGenError:
        if is_main() and not (checkpoints / CHECKPOINT_NAME).exists():
            folder.abandon()
        raise


def _train(model: Any, data: Any, tables: Tables, execution: Any, folder: RunFolder) -> dict[str, float]:
    """Train ``model`` from the run's checkpoint, or from the start, and save it; return the seconds of each phase."""
    from qiskit_qgen.cli.progress import PrintedProgress
    from qiskit_qgen.training import LatentFrechetDistance, ProgressBar, Scores
    from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME
    from qiskit_qgen.training.distributed import is_main, on_main

    options, training = split_training(tables)
    hooks: list[Any] = [ProgressBar() if sys.stderr.isatty() else PrintedProgress()]
    if options.score_every is not None:
        hooks.insert(0, Scores({"latent_frechet_distance": LatentFrechetDistance()}, every=options.score_every))
    checkpoints = folder.path / files.CHECKPOINTS
    resume = on_main((checkpoints / CHECKPOINT_NAME).exists)
    with (is_main() and execution) or nullcontext():
        history = model.fit(
            data,
            seed=options.seed,
            training=training,
            execution=execution,
            callbacks=hooks,
            checkpoint_dir=checkpoints,
            checkpoint_every=options.checkpoint_every,
            resume=resume,
        )
    if is_main():
        model.save_pretrained(folder.path / files.MODEL)
        history.save(folder.path / files.HISTORY)
    seconds: dict[str, float] = history.seconds
    return seconds


def _draw(model: Any, test: Any, seed: int, folder: RunFolder) -> None:
    from qiskit_qgen.plotting import plot_circuit, plot_history, plot_images, plot_reconstructions

    plot_images(model.sample(_NUM_SAMPLES, seed=seed), columns=8).savefig(folder.path / files.SAMPLES)
    plot_history(model.history).savefig(folder.path / files.HISTORY_PICTURE)
    if getattr(model.config, "autoencoder", None) is not None:
        some = test.images[:: max(1, len(test) // 32)][:32]
        plot_reconstructions(some, model.reconstruct(some)).savefig(folder.path / files.RECONSTRUCTIONS)
    if model.circuit is not None:
        plot_circuit(model.circuit).savefig(folder.path / files.CIRCUIT)


def _report(folder: RunFolder) -> None:
    """Write the scores, and where everything is, to the standard output."""
    from qiskit_qgen.training.distributed import is_main

    if not is_main():
        return
    report(folder.read_json(files.SCORES))
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.path.iterdir())
    typer.echo(f"Folder {folder.path}: {', '.join(names)}")
