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
from qiskit_qgen.training import AbstractCallback, ProgressBar, SampleDiscrepancy, Scores, TrainingState
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME
from qiskit_qgen.training.distributed import broadcast_object, is_main, join, on_main, together

_NUM_SAMPLES = 64
_LINES = 10  # of progress in a phase


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
    scored = tables["evaluate"]
    begins = on_main(lambda: folder.open(tables, resume=resume, overwrite=overwrite))
    tables["training"]["seed"] = broadcast_object(tables["training"]["seed"])
    if not begins:
        note(f"Folder {out} holds this run, finished; pass --overwrite to train it anew.")
        _report(folder)
        return
    shape = " x ".join(map(str, train.images.shape[1:]))
    held_out = "" if validation is None else f" and {len(validation)} held out for scores on the way"
    note(f"{len(train)} images of {tables['data']['name']}, {shape}{held_out}; seed {tables['training']['seed']}.")
    note(model.summary())
    with _resumable(folder, again):
        seconds = _train(model, train, validation, tables, execution, folder)
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
            train=train,
        )
        folder.write_json(files.SCORES, scores)
        folder.finish({**seconds, "scoring": time.perf_counter() - start})
    _report(folder)


def _prepare(tables: Tables, twin: str | None) -> tuple[Tables, Any, Any, Any, Any, Any]:
    """Return the complete settings, and what they name: data to train and to score, model, extractor, execution."""
    data = data_settings(tables)
    whole = data.load()
    channels, height, width = whole.images.shape[1:]
    asked = split_training(tables)[0].score_every is not None
    tables = complete(choose_categories(tables, whole), (channels, height, width))
    tables["training"]["num_validation"] = split_training(tables)[0].held_out(len(whole), asked=asked)
    train = split_data(whole, tables["training"]["num_validation"])
    scored, execution = tables["evaluate"], tables["training"]["execution"]
    remedy = "set `split` to 'train' in the table [evaluate], as does --set evaluate.split=train"
    test = load_scored_images(data.whole(), scored["split"], remedy)
    model = model_of(tables["model"], (channels, height, width))
    if twin is not None:
        model, tables["model"] = _challenger(model, twin)
    extractor = choose_extractor(scored["extractor"], train[0], (channels, height, width))
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
    hooks: list[Any] = [ProgressBar() if sys.stderr.isatty() else PrintedProgress()]
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


class PrintedProgress(AbstractCallback):
    """Progress where there is no terminal to draw a bar on: ten lines in each phase, with the newest losses, scores."""

    def __init__(self) -> None:
        self._start = 0.0

    def on_train_begin(self, state: TrainingState) -> None:  # noqa: ARG002
        """Start the clock."""
        self._start = time.perf_counter()

    def on_step_end(self, state: TrainingState) -> None:
        """Write a line after each tenth of the phase."""
        total = state.phase.num_steps
        if state.step * _LINES // total == (state.step - 1) * _LINES // total:
            return
        name = state.phase.name
        values = ", ".join(f"{key} {state.history.last(name, key):.4g}" for key in state.history.names(name))
        seconds = time.perf_counter() - self._start
        note(f"{seconds:6.0f} s  {name} {state.step}/{total}: {values}")


def _draw(model: Any, test: Any, seed: int, folder: RunFolder) -> None:
    from qiskit_qgen.plotting import plot_circuit, plot_history, plot_images, plot_reconstructions

    plot_images(model.sample(_NUM_SAMPLES, seed=seed), columns=8).savefig(folder.path / files.SAMPLES)
    plot_history(model.history).savefig(folder.path / files.HISTORY_IMAGE)
    if getattr(model.config, "autoencoder", None) is not None:
        some = test.images[:: max(1, len(test) // 32)][:32]
        plot_reconstructions(some, model.reconstruct(some)).savefig(folder.path / files.RECONSTRUCTIONS)
    if model.circuit is not None:
        plot_circuit(model.circuit).savefig(folder.path / files.CIRCUIT)


def _report(folder: RunFolder) -> None:
    """Write the scores, and where everything is, to the standard output."""
    if not is_main():
        return
    report(folder.read_json(files.SCORES))
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.path.iterdir())
    typer.echo(f"Folder {folder.path}: {', '.join(names)}")
