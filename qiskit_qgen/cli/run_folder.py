"""The folder of a run: what it holds, and when it may be written to; and the model that a folder holds."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_folder
from qiskit_qgen.cli.data import DataSettings, in_memory
from qiskit_qgen.cli.environment import machine, versions
from qiskit_qgen.cli.reporting import note
from qiskit_qgen.cli.settings import (
    MODELS,
    Tables,
    data_settings,
    model_class,
    read_settings,
    split_data,
    split_training,
)
from qiskit_qgen.cli.toml_text import dump_tables
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.persistence import atomic_write, load_model_config, remove_leftovers
from qiskit_qgen.persistence.hub import local_folder
from qiskit_qgen.persistence.json_text import parse_json

CHECKPOINTS, MODEL = "checkpoints", "model"
SAMPLES, RECONSTRUCTIONS, NEAREST, CIRCUIT = "samples.png", "reconstructions.png", "nearest.png", "circuit.png"
MARGINALS, PAIRS = "marginals.png", "pairs.png"
HISTORY, HISTORY_IMAGE, SCORES = "history.json", "history.png", "scores.json"
CONFIG, RECORD, REPORT = "config.toml", "run.json", "report.html"
PROGRESS, METRICS, TENSORBOARD, WANDB = "progress", "metrics.csv", "tensorboard", "wandb"
_REPLACED = ".replaced"  # where a run waits until the one that replaces it is finished
_MOVED = ".moved"  # where it is while it is moved there or back: a call that finds it moves it back
_LOGS = "logging"  # the one table that a finished run may be asked for with other settings
_OWN = (
    CHECKPOINTS, MODEL, SAMPLES, RECONSTRUCTIONS, NEAREST, CIRCUIT, MARGINALS, PAIRS, HISTORY, HISTORY_IMAGE, SCORES,
    PROGRESS, METRICS, TENSORBOARD, WANDB, REPORT, CONFIG, RECORD,
)  # fmt: skip
_DECISIVE = ("data", "model", "training")  # for the trained model; a finished run is held to all its settings


class RunFolder:
    """One run: its settings, the record of how it stands, its checkpoint, model, images and scores.

    ========================  =====================================================================================
    ``config.toml``           complete settings; ``qgen train`` takes them again
    ``run.json``              whether the run is finished, its seed, times, versions and machine
    ``checkpoints/``          the newest state of the training
    ``model/``                the trained model
    ``history.json``          every loss and score of the training
    ``scores.json``           the scores of the trained model with their floors
    images                    ``samples.png``, ``reconstructions.png``, ``nearest.png``, ``history.png``,
                              ``circuit.png``; of a table ``marginals.png`` and ``pairs.png``
    ``progress/``             grids of samples on the way
    ``report.html``           all of it as one page
    logs                      ``metrics.csv``, ``tensorboard/``, ``wandb/``, where [logging] asks for them
    ========================  =====================================================================================

    Args:
        path: The folder; it need not exist.

    Raises:
        ArgumentError: If ``path`` is a file, or lies in one.
    """

    def __init__(self, path: Path) -> None:
        self.path = check_folder("--out", path)
        self._record: dict[str, Any] = {}

    def open(self, tables: Tables, *, resume: bool, overwrite: bool) -> bool:
        """Make the folder ready for a run with the settings ``tables``, whose seed is filled in.

        Args:
            tables: Complete settings; the seed may be None, for that of the run to resume or a fresh one.
            resume: Whether to go on with a run that the folder holds.
            overwrite: Whether to replace it instead; it is kept until the new run is finished.

        Returns:
            Whether there is anything to do: False if the run to resume is finished.

        Raises:
            ArgumentError: If the folder holds a run and neither is asked for, a run with other settings, or anything
                else.
        """
        if resume and overwrite:
            raise ArgumentError("Options --resume and --overwrite exclude each other.")
        self._recover()
        entries = {entry.name for entry in self.path.iterdir()} if self.path.is_dir() else set()
        if RECORD in entries:
            if not overwrite:
                return self._continue(tables, resume)
            self._set_aside()
        elif foreign := sorted(entries - {CONFIG}):
            raise ArgumentError(
                f"Folder {self.path} holds {foreign[0]!r}, but no run: choose an empty or new folder with --out."
            )
        self._begin(tables)
        return True

    def note(self, **facts: Any) -> None:
        """Add facts to the record of the run."""
        self._record |= facts
        self._write_record()

    def finish(self, seconds: Mapping[str, float]) -> None:
        """Note that the run is finished, and how long its parts took."""
        times = {part: round(each, 2) for part, each in seconds.items()}
        self.note(finished=True, ended=_now(), seconds=times)
        shutil.rmtree(self.path / _REPLACED, ignore_errors=True)

    def abandon(self) -> None:
        """Remove the run, and nothing else that the folder may hold, and bring back the one that it was to replace."""
        self._remove()
        self._recover()

    def _recover(self) -> None:
        """Undo what a killed process left half done: its temporary files, and the moves of a run to be replaced."""
        replaced, moved = self.path / _REPLACED, self.path / _MOVED
        for name in _OWN:
            remove_leftovers(self.path / name)
        if (replaced / RECORD).is_file() and not (self.path / RECORD).exists():  # the new run did not begin
            self._remove()
            replaced.rename(moved)
        elif replaced.is_dir():
            with suppress(ArgumentError):
                if self.read_json(RECORD).get("finished"):
                    shutil.rmtree(replaced)
        if moved.is_dir():
            for entry in moved.iterdir():
                entry.rename(self.path / entry.name)
            moved.rmdir()

    def _set_aside(self) -> None:
        """Move the run away; the last of the renames, which is atomic, decides whether it was."""
        moved = self.path / _MOVED
        if (self.path / _REPLACED).is_dir():  # a run that never finished was to replace it
            self._remove()
            return
        moved.mkdir()
        for name in _OWN:
            if (self.path / name).exists():
                (self.path / name).rename(moved / name)
        moved.rename(self.path / _REPLACED)

    def _remove(self) -> None:
        """Remove the run; its record goes first, without which nothing takes the rest for a run."""
        for name in reversed(_OWN):
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def write_json(self, name: str, content: Any) -> None:
        """Write ``content`` to the file ``name``."""
        atomic_write(self.path / name, json.dumps(content, indent=2) + "\n")

    def read_json(self, name: str) -> dict[str, Any]:
        """Read the file ``name``, which holds an object.

        Raises:
            ArgumentError: If it is missing or damaged.
        """
        path = self.path / name
        try:
            content: dict[str, Any] = dict(parse_json(path.read_bytes(), f"File {path}"))
        except (FileNotFoundError, TypeError, ValueError, CheckpointError) as error:
            raise ArgumentError(f"File {path} is missing or damaged; start the run again with --overwrite.") from error
        return content

    def _begin(self, tables: Tables) -> None:
        from qiskit_qgen._random import resolve_seed

        note(f"A new run begins in {self.path}.")
        tables["training"]["seed"] = resolve_seed(tables["training"]["seed"])
        self.path.mkdir(parents=True, exist_ok=True)
        atomic_write(self.path / CONFIG, dump_tables(tables))
        self._record = {
            "finished": False,
            "began": _now(),
            "seed": tables["training"]["seed"],
            "versions": versions(),
            "machine": machine(),
        }
        self._write_record()

    def _continue(self, tables: Tables, resume: bool) -> bool:
        self._record = self.read_json(RECORD)
        finished = bool(self._record.get("finished"))
        if not resume:
            way = "" if finished else "--resume to continue it, "
            raise ArgumentError(
                f"Folder {self.path} holds {'a finished' if finished else 'an unfinished'} run: pass {way}"
                "--overwrite to replace it, or another folder with --out."
            )
        grown = self._check_settings(
            tables, tuple(table for table in tables if table != _LOGS) if finished else _DECISIVE
        )
        if finished and not grown:
            return False
        self._record["finished"] = False
        note(f"The run in {self.path} continues.")
        atomic_write(self.path / CONFIG, dump_tables(tables))
        now = {**versions(), **machine()}
        then = {**self._record.get("versions", {}), **self._record.get("machine", {})}
        if now != then:
            changed = ", ".join(name for name in now if now[name] != then.get(name))
            note(f"Changed since the run began, so its last digits may depend on where it was interrupted: {changed}.")
        return True

    def _check_settings(self, tables: Tables, decisive: Sequence[str]) -> bool:
        """Take over the seed of the run, and return whether it has more steps to do than before.

        Raises:
            ArgumentError: If another setting of a decisive table differs.
        """
        saved = read_settings(self.path / CONFIG)
        if tables["training"]["seed"] is None:
            tables["training"]["seed"] = saved["training"]["seed"]
        grown = False
        for table in decisive:
            former, present = (_flat(each.get(table, {})) for each in (saved, tables))
            for key, now in present.items():
                before = former.get(key)
                if (table, key) == ("training", "steps") and before is not None and now > before:
                    grown = True
                elif now != before:
                    raise ArgumentError(
                        f"Folder {self.path} holds a run whose `{key}` in [{table}] is {before!r}, but now it is "
                        f"{now!r}: pass --overwrite to replace that run, or another folder with --out."
                    )
        return grown

    def _write_record(self) -> None:
        self.write_json(RECORD, self._record)


def _now() -> str:
    """Return the time, as ledgers write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with the keys of its parts as PART.KEY, and None for the word "none"."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{inner}": each for inner, each in _flat(value).items()}
        else:
            found[key] = None if value == "none" else value
    return found


def load_model(path: Path) -> Any:
    """Return the model saved in ``path``, or in the run whose folder that is.

    Raises:
        CheckpointError: If there is none, or it is damaged.
    """
    folder = path / MODEL if (path / MODEL).is_dir() else Path(local_folder(path))
    name = load_model_config(folder)["class_name"]
    if name not in MODELS:
        raise CheckpointError(f"The folder {str(folder)!r} holds a {name}, which no command knows.")
    return model_class(name).from_pretrained(folder)


def load_trained_on(path: Path) -> Any:
    """Return the data set that the run in the folder ``path``, or of the model there, was trained on; None if unknown.

    Raises:
        DatasetError: If the data are missing or damaged.
    """
    tables = _settings_of(path)
    if tables is None:
        return None
    number = split_training(tables)[0].num_validation or 0
    return in_memory(split_data(data_settings(tables).load(), number)[0])


def data_of_run(path: Path) -> str | None:
    """Return what the run in the folder ``path``, or of the model there, was trained on, if it is known."""
    tables = _settings_of(path)
    if tables is None:
        return None
    data = data_settings(tables)
    count = "" if data.num_images is None else f", {data.num_images:,} images"
    return f"{Path(str(data.name)).name}{count}"


def data_beside(path: Path, name: str | None, **given: Any) -> DataSettings:
    """Return the settings of the data ``name`` for scoring the model in ``path``; None takes those of its run.

    Where its run was trained on the same data, they are the run's own, so that images are converted as then and none of
    those trained on is taken for a test image; what is ``given`` wins over them, None leaves out, and the word "none"
    stands for None.

    Raises:
        ArgumentError: If an option is out of range, or no data are named and the model is of no run.
    """
    tables = _settings_of(path)
    own = None if tables is None else data_settings(tables)
    if name is None:
        if own is None:
            raise ArgumentError(
                f"Option --data must be given, since {path} is not the folder of a run, which names its data."
            )
        name = str(own.name)
    known = own is not None and (own.name == name or _is_same_path(str(own.name), name))
    base = own.whole().to_dict() if own is not None and known else {}
    chosen = {option: value for option, value in given.items() if value not in (None, False)}
    return DataSettings.of(**{**base, "name": name, **DataSettings.without_none_words(chosen)})


def _is_same_path(first: str, second: str) -> bool:
    return Path(first).exists() and Path(second).exists() and Path(first).samefile(second)


def _settings_of(path: Path) -> Tables | None:
    """Return the settings of the run in the folder ``path``, or of the model there; None if it is of no run."""
    settings = (path.parent if path.name == MODEL else path) / CONFIG
    return read_settings(settings) if settings.is_file() else None
