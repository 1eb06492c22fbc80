"""A run from its settings to its scores, as ``qgen demo`` and ``qgen train`` do it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import typer

from qiskit_qgen.cli import run_folder as files
from qiskit_qgen.cli.classes import recognition, samples_by_class
from qiskit_qgen.cli.data import in_memory, samples_of, unit_of
from qiskit_qgen.cli.executions import parse_execution
from qiskit_qgen.cli.following import check_loggers, followers
from qiskit_qgen.cli.pages.run_page import write_run_page
from qiskit_qgen.cli.reporting import note
from qiskit_qgen.cli.run_folder import RunFolder
from qiskit_qgen.cli.scoring import choose_extractor, load_scored_images, report, score, score_chosen
from qiskit_qgen.cli.settings import (
    Tables,
    choose_categories,
    complete,
    data_settings,
    model_of,
    model_table,
    split_data,
    split_training,
)
from qiskit_qgen.exceptions import ArgumentError, QGenError
from qiskit_qgen.models.base.module import count
from qiskit_qgen.training import SampleDiscrepancy, Scores
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME
from qiskit_qgen.training.distributed import broadcast_object, is_main, join, on_main, together

_NUM_SAMPLES = 64
_NUM_NEAREST = 20
_FEWEST_ROWS, _MOST_ROWS = 500, 5000
_FEWEST_CLASSIFIED = 1000  # images from which a classifier of their labels says something


def run(tables: Tables, out: Path, *, resume: bool, overwrite: bool, again: str, twin: str | None = None) -> None:
    """Train, save, draw and score a model; a run that is finished is only reported.

    Of processes that torchrun started, all train, and the one of rank 0 does all else. The settings ``tables`` are
    checked, and take defaults for what they leave open; ``again`` is the command that continues an interrupted run.
    ``twin`` is a level of :func:`~qiskit_qgen.studies.classical_twin`, whose model takes the place of the settings'.

    Raises:
        KeyboardInterrupt: After Ctrl-C, with a sentence on how to continue.
        QGenError: If a setting is wrong, the data are missing or damaged, or the training diverges.
    """
    join()
    folder = RunFolder(out)
    with together():
        tables, (train, validation), test, model, extractor, execution = _prepare(tables, twin)
    begins = on_main(lambda: folder.open(tables, resume=resume, overwrite=overwrite))
    tables["training"]["seed"] = broadcast_object(tables["training"]["seed"])
    if not begins:
        note(f"Folder {out} holds this run, finished; pass --overwrite to train it again.")
        _report(folder)
        return
    shape = " x ".join(map(str, samples_of(train).shape[1:])) + " columns" * (unit_of(train) == "rows")
    held_out = "" if validation is None else f" and {len(validation)} held out for scores on the way"
    text = f"{len(train)} {unit_of(train)} of {tables['data']['name']}, {shape}{held_out}"
    note(f"{text}; seed {tables['training']['seed']}.")
    _, _, parts = model.summary().partition("\n")  # without "not trained", which a resumed run is not
    note(f"{type(model).__name__}\n{parts}")
    if is_main():
        folder.note(trained_on=len(train), weights={name: count(part) for name, part in model.named_children()})
    with _resumable(folder, again):
        seconds = _train(model, train, validation, tables, execution, folder)
        if not is_main():
            return
        known = in_memory(train)
        _draw(model, known, test, tables["training"]["seed"], folder)
        note("Scoring ...")
        start = time.perf_counter()
        scores = _scores(model, known, test, extractor, tables)
        folder.write_json(files.SCORES, scores)
        model.save_pretrained(folder.path / files.MODEL, data=files.data_of_run(folder.path), scores=scores)
        folder.finish({**seconds, "scoring": time.perf_counter() - start})
        write_run_page(folder.path)
    _report(folder)


def _prepare(tables: Tables, twin: str | None) -> tuple[Tables, Any, Any, Any, Any, Any]:
    """Return the complete settings, and what they name: data to train and to score, model, extractor, execution."""
    data = data_settings(tables)
    whole = data.load()
    shape = tuple(samples_of(whole).shape[1:])
    asked = split_training(tables)[0].score_every is not None
    tables = complete(choose_categories(tables, whole), shape)
    tables["training"]["num_validation"] = split_training(tables)[0].held_out(len(whole), asked=asked)
    train = split_data(whole, tables["training"]["num_validation"])
    check_loggers(tables)
    scored, execution = tables["evaluate"], tables["training"]["execution"]
    remedy = "set `split` to 'train' in the table [evaluate], as does --set evaluate.split=train"
    test = load_scored_images(data.whole(), scored["split"], remedy)
    model = model_of(tables["model"], shape)
    if twin is not None:
        model, tables["model"] = _challenger(model, twin)
    extractor = choose_extractor(scored["extractor"], train[0], shape)
    return tables, train, test, model, extractor, None if execution is None else parse_execution(execution)


def _challenger(model: Any, level: str) -> tuple[Any, dict[str, Any]]:
    """Return the challenger of a model, and the table [model] that makes it.

    Raises:
        ArgumentError: If the level is unknown, or searches, or the model has no circuit.
    """
    from qiskit_qgen.studies import classical_twin
    from qiskit_qgen.studies.challengers.settings import LEVELS

    known = [each for each in LEVELS if each != "search"]
    if level not in known:
        raise ArgumentError(f"Option --twin must be one of {', '.join(map(repr, known))}, but is {level!r}.")
    twin = classical_twin(model, level)
    note(f"In the place of the model, its challenger of level {level!r}: {twin}.")
    return twin.model, model_table(twin.model)


@contextmanager
def _resumable(folder: RunFolder, again: str) -> Iterator[None]:
    """Say on Ctrl-C how to continue; remove a run that is refused before it has anything to keep."""
    checkpoints = folder.path / files.CHECKPOINTS
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"The checkpoint is in {checkpoints}: {again} continues from it.") from None
    except QGenError:
        if is_main() and not (checkpoints / CHECKPOINT_NAME).exists():
            folder.abandon()
        raise


def _train(
    model: Any, data: Any, validation: Any, tables: Tables, execution: Any, folder: RunFolder
) -> dict[str, float]:
    """Train ``model`` from the run's checkpoint, or from the start, and save it; return the seconds of each phase."""
    options, training = split_training(tables)
    hooks: list[Any] = followers(tables, folder.path, billed=bool(execution and execution.has_cost))
    if options.score_every is not None and validation is not None:
        hooks.insert(0, Scores({"sample_discrepancy": SampleDiscrepancy(validation)}, every=options.score_every))
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


def _scores(model: Any, train: Any, test: Any, extractor: Any, tables: Tables) -> dict[str, Any]:
    """Return the scores of a trained model, of its critic's choice, and of its classes."""
    scored, seed = tables["evaluate"], tables["training"]["seed"]
    number, times = scored["num_samples"], scored["oversample"]
    scores = score(model, test, extractor=extractor, num_samples=number, seed=seed, train=train)
    if times > 1:
        scores["chosen"] = score_chosen(model, test, scores, extractor=extractor, oversample=times)
    if model.image_shape and model.num_classes and len(train) >= _FEWEST_CLASSIFIED and test.labels is not None:
        scores["recognition"] = recognition(model, train, test, seed=seed, oversample=times)
    return scores


def _draw(model: Any, train: Any, test: Any, seed: int, folder: RunFolder) -> None:
    from qiskit_qgen.plotting import plot_circuit, plot_history, plot_marginals, plot_pairs, plot_reconstructions

    plot_history(model.history).savefig(folder.path / files.HISTORY_IMAGE)
    if model.image_shape is None:
        rows = model.sample(max(_FEWEST_ROWS, min(len(train), _MOST_ROWS)), seed=seed)
        sets = {"training": train, "generated": replace(train, rows=rows, labels=None)}
        plot_marginals(sets).savefig(folder.path / files.MARGINALS)
        plot_pairs(sets).savefig(folder.path / files.PAIRS)
    else:
        _draw_samples(model, train, seed, folder)
    if getattr(model.config, "has_autoencoder", False):
        some = test.images[:: max(1, len(test) // 32)][:32]
        plot_reconstructions(some, model.reconstruct(some)).savefig(folder.path / files.RECONSTRUCTIONS)
    if model.circuit is not None:
        plot_circuit(model.circuit).savefig(folder.path / files.CIRCUIT)


def _draw_samples(model: Any, train: Any, seed: int, folder: RunFolder) -> None:
    """Draw samples, of a model with classes in a row for each, and the training images nearest to some."""
    from qiskit_qgen.plotting import plot_classes, plot_images, plot_nearest

    if model.num_classes:
        rows = samples_by_class(model, seed)
        plot_classes(list(rows.values()), list(rows)).savefig(folder.path / files.SAMPLES)
        samples = torch.cat([row[:2] for row in rows.values()])
    else:
        samples = model.sample(_NUM_SAMPLES, seed=seed)
        plot_images(samples, columns=8).savefig(folder.path / files.SAMPLES)
    plot_nearest(samples[:_NUM_NEAREST], train, columns=10).savefig(folder.path / files.NEAREST)


def _report(folder: RunFolder) -> None:
    """Write the scores, and where everything is, to the standard output."""
    if not is_main():
        return
    report(folder.read_json(files.SCORES))
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.path.iterdir())
    typer.echo(f"Folder {folder.path}: {', '.join(names)}")
