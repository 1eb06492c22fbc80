"""The folder of a study's trials: the study's identity, its trials, and their status."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.persistence import atomic_write, is_held
from qiskit_qgen.persistence.json_text import dump_json, parse_json
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME

TRIAL, TIMING, LOCK, ERROR = "trial.json", "timing.json", ".lock", "error.txt"
AUTOENCODERS = "autoencoders"
"""Folder of the autoencoders within the folder of a latent-space study."""
STATUSES = ("done", "diverged", "failed")
_DIGEST = re.compile("[0-9a-f]{8,128}")  # and no path that leads out of the folder
_SETTINGS, _PLAN, _TRIALS = "settings.json", "plan.json", "trials"


def trial_folder(folder: Path, digest: str) -> Path:
    """Return the folder of a trial."""
    return folder / _TRIALS / digest


@contextmanager
def kept_checkpoint(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the folder of a trial's training checkpoint, and whether there is one to resume from.

    The checkpoint is kept until the block, which must contain the whole trial, has ended without an error.
    """
    checkpoints = folder / "checkpoints"
    yield checkpoints, (checkpoints / CHECKPOINT_NAME).exists()
    shutil.rmtree(checkpoints, ignore_errors=True)


def read_trial(folder: Path, digest: str) -> dict[str, Any] | None:
    """Return the record of a trial, or None if it has not ended yet.

    Raises:
        CheckpointError: If the record is damaged.
    """
    path = trial_folder(folder, digest) / TRIAL
    try:
        record = _read_object(path)
        if record is not None and (record.get("digest") != digest or record.get("status") not in STATUSES):
            raise CheckpointError(f"File {path} is damaged: it is not the record of trial {digest}.")
    except CheckpointError as error:
        raise CheckpointError(f"{error} Delete it, and the trial runs again.") from error
    return record


def claim_folder(folder: Path, identity: Mapping[str, Any], planned: Mapping[str, Any]) -> None:
    """Make ``folder`` the folder of the study with an ``identity``, and write its trials' configurations by digest.

    Raises:
        ArgumentError: If the folder holds a study of another identity, or other files and no study.
        CheckpointError: If a file of the folder is damaged.
    """
    text = dump_json(dict(identity), "settings", indent=2) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    found = _read_object(folder / _SETTINGS)
    if found is None:
        _refuse_foreign_files(folder)
        atomic_write(folder / _SETTINGS, text)
    elif found != json.loads(text):
        before, now = flat(found), flat(json.loads(text))
        words = [{key: repr(value) for key, value in each.items()} for each in (before, now)]
        name = next(key for key in [*now, *before] if words[0].get(key) != words[1].get(key))
        then, today = (each.get(name, "not set") for each in words)
        raise ArgumentError(
            f"Folder {folder} holds a study whose `{name}` is {then}, but now it is {today}: choose another folder."
        )
    trials = [{"digest": digest, "configuration": configuration} for digest, configuration in planned.items()]
    atomic_write(folder / _PLAN, "[\n" + ",\n".join(map(json.dumps, trials)) + "\n]\n")


def _refuse_foreign_files(folder: Path) -> None:
    """Raise unless the folder is empty or holds only files that a study may write before its first trial."""
    for entry in sorted(folder.iterdir()):
        own = entry.name in (_PLAN, _TRIALS, AUTOENCODERS) or entry.suffix in (".safetensors", ".log", ".journal")
        if not own and not entry.name.startswith("."):
            raise ArgumentError(f"Folder {folder} holds {entry.name!r}, but no study: choose an empty or new folder.")


def is_study(folder: Path) -> bool:
    """Return whether ``folder`` holds a study whose trials are planned."""
    return (folder / _PLAN).is_file()


def study_status(folder: PathLike) -> dict[str, Any]:
    """Return the status of a study's trials.

    Args:
        folder: The study's folder.

    Returns:
        Numbers of trials: ``planned`` in all; ``done``, ``diverged`` and ``failed`` have ended; ``running`` run now, as
        far as this machine can see. Also ``seconds_per_trial``, the mean over trials that have ended, and
        ``seconds_left``, if the number of trials that run at once stays the same (at least one); both are None until
        the first trial has ended.

    Raises:
        ArgumentError: If the folder holds no study.
        CheckpointError: If a file of the folder is damaged.
    """
    place = check_path("folder", folder)
    if not is_study(place):
        raise ArgumentError(f"Folder {place} holds no study: it has no {_PLAN}.")
    plan = place / _PLAN
    trials = parse_json(plan.read_bytes(), f"File {plan}")
    if not isinstance(trials, list) or not all(
        isinstance(trial, dict) and _DIGEST.fullmatch(str(trial.get("digest"))) for trial in trials
    ):
        raise CheckpointError(f"File {plan} is damaged: it lists no trials. The study's command regenerates it.")
    digests = [trial["digest"] for trial in trials]
    records = {digest: read_trial(place, digest) for digest in digests}
    ended = {digest: record for digest, record in records.items() if record is not None}
    running = sum(is_held(trial_folder(place, digest) / LOCK) for digest in digests if digest not in ended)
    timings = [_read_object(trial_folder(place, digest) / TIMING) for digest in ended]
    found = [timing.get("seconds") for timing in timings if timing is not None]
    seconds = [float(each) for each in found if isinstance(each, (int, float))]
    mean = math.fsum(seconds) / len(seconds) if seconds else None
    return {
        "planned": len(digests),
        **{status: sum(record["status"] == status for record in ended.values()) for status in STATUSES},
        "running": running,
        "seconds_per_trial": mean,
        "seconds_left": None if mean is None else mean * (len(digests) - len(ended)) / max(1, running),
    }


def _read_object(path: Path) -> dict[str, Any] | None:
    """Return the object of a JSON file, or None if there is no file."""
    try:
        content = parse_json(path.read_bytes(), f"File {path}")
    except FileNotFoundError:
        return None
    if not isinstance(content, dict):
        raise CheckpointError(f"File {path} must hold a JSON object, but holds a {type(content).__name__}.")
    return content


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested dictionaries by their dotted names."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            leaves |= flat(value, f"{prefix}{key}.")
        else:
            leaves[prefix + key] = value
    return leaves
