"""A trial's samples on disk, and their scores, which are computed once for each extractor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen.exceptions import CheckpointError
from qiskit_qgen.metrics.baselines import BASELINES
from qiskit_qgen.persistence import atomic_path, atomic_write
from qiskit_qgen.persistence.json_text import parse_json
from qiskit_qgen.studies.arms.images import ImageSplit
from qiskit_qgen.studies.arms.scores import Networks, copying, feature_scores
from qiskit_qgen.studies.trials.folder import trial_folder

SAMPLES = "samples"
"""Name of an arm's samples; samples of baselines have the baselines' names."""
_SCORES, _COPYING = "scores.json", "copying"


def as_saved(samples: Tensor) -> Tensor:
    """Return samples (N, C, H, W) in [0, 1] as they are read back from disk: quantised to bytes."""
    return samples.clamp(0, 1).mul(255).round() / 255


def write_samples(folder: Path, samples: Tensor, name: str = SAMPLES) -> None:
    """Write samples (N, C, H, W) in [0, 1], as bytes."""
    with atomic_path(folder / f"{name}.npy") as temporary, temporary.open("wb") as file:
        np.save(file, samples.clamp(0, 1).mul(255).round().to(torch.uint8).numpy())


def read_samples(folder: Path, name: str = SAMPLES) -> Tensor:
    """Return a trial's samples, float32 (N, C, H, W) in [0, 1].

    Raises:
        CheckpointError: If their file is missing or damaged.
    """
    path = folder / f"{name}.npy"
    try:
        return torch.from_numpy(np.load(path)).float() / 255
    except (OSError, ValueError) as error:
        raise CheckpointError(f"File {path} with the samples of a trial is missing or damaged.") from error


def scored(
    record: Mapping[str, Any],
    folder: Path,
    images: ImageSplit,
    networks: Networks,
    *,
    copies_in: Literal["pixels", "features"],
) -> dict[str, Any]:
    """Return the record of a trial, with its scores against the held-out images added to its result.

    For an arm, these are ``scores`` by extractor and name, and the scores of copying; for baselines, ``scores`` by
    baseline, extractor and name. They are kept in the trial's folder, so that another extractor can be added later.

    Raises:
        CheckpointError: If samples or scores are missing or damaged.
    """
    if record["status"] != "done":
        return dict(record)
    place = trial_folder(folder, record["digest"])
    names = [name for name in (SAMPLES, *BASELINES) if (place / f"{name}.npy").exists()]
    known = before = _known(place / _SCORES)
    keys = {name: f"{name} {network.digest()}" for name, network in networks.items()}
    for name, (extractor, key) in product(names, keys.items()):
        if key not in known.get(name, {}):
            found = feature_scores(read_samples(place, name), images, {extractor: networks[extractor]})
            known = {**known, name: {**known.get(name, {}), key: found[extractor]}}
    first = next(iter(keys.values()))
    if names == [SAMPLES] and first not in known.get(_COPYING, {}):
        rows = images.rows(record["configuration"]["size"], record["configuration"]["seed"])
        copies = copying(read_samples(place), images, rows, networks, copies_in=copies_in)
        known = {**known, _COPYING: {first: copies}}
    if known is not before:
        atomic_write(place / _SCORES, json.dumps(known) + "\n")
    scores = {name: {extractor: known[name][key] for extractor, key in keys.items()} for name in names}
    if names == [SAMPLES]:
        own: dict[str, Any] = {"scores": scores[SAMPLES], **known[_COPYING][first]}
    else:
        own = {"scores": scores}
    return {**record, "result": {**record["result"], **own}}


def _known(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    try:
        content = parse_json(path.read_bytes(), f"File {path}")
    except FileNotFoundError:
        return {}
    if not isinstance(content, dict):
        raise CheckpointError(f"File {path} is damaged: delete it, and the samples are scored again.")
    return content
