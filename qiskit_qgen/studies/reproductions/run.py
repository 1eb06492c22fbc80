"""Runs a recipe, part by part, and stores the results for its page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_folder
from qiskit_qgen._typing import PathLike
from qiskit_qgen.studies.reproductions.collisions import run_collisions
from qiskit_qgen.studies.reproductions.latent_gans import run_latent_gans
from qiskit_qgen.studies.reproductions.of_studies import run_arms, run_capacity
from qiskit_qgen.studies.reproductions.outcome import Outcome
from qiskit_qgen.studies.reproductions.recipe import Part, Recipe
from qiskit_qgen.studies.trials.folder import TIMING

KINDS: dict[str, Callable[..., Outcome]] = {
    "collisions": run_collisions,
    "latent_gans": run_latent_gans,
    "placement": partial(run_arms, "placement"),
    "low_data": partial(run_arms, "low_data"),
    "capacity": run_capacity,
}


@dataclass(frozen=True)
class PartResult:
    """The result of one part of a recipe, and the core time of its trials."""

    part: Part
    outcome: Outcome
    core_seconds: float


def run_recipe(
    recipe: Recipe, folder: PathLike, *, data_dir: PathLike | None = None, **runner: Any
) -> list[PartResult]:
    """Run the missing trials of a recipe's parts; repeating the call resumes them.

    Args:
        recipe: See :func:`load_recipe`.
        folder: Where the parts' studies are kept, each in a folder of its own.
        data_dir: Where the data are; None looks for known data sets in the usual places.
        **runner: Where trials run, as for :func:`~qiskit_qgen.studies.run_trials`.

    Raises:
        ArgumentError: If the folder holds another study.
        DatasetError: If data are missing or damaged.
        ExecutionError: If trials were lost with the processes that ran them.
    """
    place = check_folder("folder", folder)
    located = [part.locate(data_dir) for part in recipe.parts]  # all before the first training
    found = []
    for number, (part, data) in enumerate(zip(recipe.parts, located, strict=True)):
        own = place / f"part-{number}"
        outcome = KINDS[recipe.kind](part.settings, data, own, **runner)
        found.append(PartResult(part, outcome, _core_seconds(own)))
    return found


def _core_seconds(folder: Path) -> float:
    timings = (json.loads(path.read_text()) for path in folder.rglob(TIMING))
    return float(sum(timing["seconds"] * timing["threads"] for timing in timings))
