"""The frame of studies that compare arms of a model over numbers of training pictures, seed by seed."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

from qiskit_qgen._checks import check_distinct, check_int, check_path, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import get_extractor
from qiskit_qgen.persistence import atomic_write
from qiskit_qgen.studies.arms.images import SplitPictures, whole_kernel_distance
from qiskit_qgen.studies.intervals import mean_interval
from qiskit_qgen.studies.paired import PairedComparison, compare_arms
from qiskit_qgen.studies.trials.run import run_trials

ALL = "all"


@dataclass(frozen=True, eq=False)
class AbstractArmStudy(ABC):
    """What a study found that trained each arm on each number of pictures with each seed."""

    records: list[dict[str, Any]]
    """The trials' records, see :func:`~qiskit_qgen.studies.run_trials`."""
    settings: dict[str, Any]
    """What all trials have in common."""
    floor: float
    """Kernel distance of the pictures for training, all of them, to those held out: what real pictures reach."""

    KEY: ClassVar[str]
    """What an arm is called in a trial's configuration."""
    BASELINE: ClassVar[str]
    """The arm that all others are compared with."""
    FILE: ClassVar[str]
    """Name of the files that :meth:`save` writes, without suffix."""

    @property
    def arms(self) -> list[str]:
        """The arms, in order."""
        return list(dict.fromkeys(record["configuration"][self.KEY] for record in self.records))

    @property
    def sizes(self) -> list[int]:
        """The numbers of training pictures, in order."""
        return list(dict.fromkeys(record["configuration"]["size"] for record in self.records))

    @abstractmethod
    def table(self) -> str:
        """Return scores and differences as Markdown."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""

    def save(self, folder: PathLike) -> Path:
        """Write numbers (``.json``) and table (``.md``) to ``folder``, and return it."""
        target = check_path("folder", folder)
        target.mkdir(parents=True, exist_ok=True)
        atomic_write(target / f"{self.FILE}.json", json.dumps(self.to_dict(), indent=1) + "\n")
        atomic_write(target / f"{self.FILE}.md", self.table() + "\n")
        return target

    def _results(self, size: int, arm: str) -> dict[int, dict[str, Any]]:
        """Return the results of the trials that are done, by seed."""
        return {
            record["configuration"]["seed"]: record["result"]
            for record in self.records
            if record["status"] == "done"
            and (record["configuration"]["size"], record["configuration"][self.KEY]) == (size, arm)
        }

    def _rows(self, scores: Mapping[str, Callable[[dict[str, Any]], float]]) -> list[dict[str, Any]]:
        """Return for each size and arm the number of trials, and the mean and interval of each score."""
        return [
            {
                "size": size,
                self.KEY: arm,
                "num_trials": len(found),
                **{name: mean_interval([score(result) for result in found.values()]) for name, score in scores.items()},
            }
            for size, arm in product(self.sizes, self.arms)
            if (found := self._results(size, arm))
        ]

    def _differences(
        self,
        score: Callable[[dict[str, Any]], float],
        *,
        setting: Callable[[int], int | str],
        further: Iterable[tuple[str, str]] = (),
    ) -> list[PairedComparison]:
        """Return the differences in a score of trials of one size and seed: of all arms to the baseline, and more."""
        pairs = [(arm, self.BASELINE) for arm in self.arms if arm != self.BASELINE and self.BASELINE in self.arms]
        pairs += [pair for pair in further if set(pair) <= set(self.arms)]
        found: list[PairedComparison] = []
        for size in self.sizes:
            scores = {
                arm: {seed: score(result) for seed, result in self._results(size, arm).items()} for arm in self.arms
            }
            found += compare_arms(scores, pairs, setting=setting(size))
        return found

    def _caption(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
        """Return what repeated training pictures reach, and how many held-out pictures look like copies, by size."""
        by_size = {row["size"]: row for row in rows}
        repeated = ", ".join(f"{n}: {row['copies_kernel_distance']['mean']:.3g}" for n, row in by_size.items())
        return repeated, ", ".join(f"{n}: {percent(row['held_out_copy_rate']['mean'])}" for n, row in by_size.items())

    def _lost(self) -> list[str]:
        """Return a sentence on trials that have no result, if there are any."""
        lost = sum(record["status"] != "done" for record in self.records)
        return [f"{lost} of {len(self.records)} trials failed or diverged."] * (lost > 0)


def run_arms(
    trial: Callable[[dict[str, Any], Path], dict[str, Any]],
    folder: PathLike,
    pictures: SplitPictures,
    *,
    key: str,
    arms: Sequence[str],
    sizes: Sequence[int | str],
    seeds: Sequence[int],
    settings: Mapping[str, Any],
    **runner: Any,
) -> tuple[list[dict[str, Any]], dict[str, Any], float]:
    """Run the trials of a study of arms that are missing in its folder.

    Args:
        trial: The trial, as :func:`~qiskit_qgen.studies.run_trials` takes it.
        folder: The study's folder.
        pictures: The pictures of all trials.
        key: What an arm is called in a configuration.
        arms: The arms.
        sizes: Numbers of training pictures; "all" stands for as many as there are.
        seeds: Seeds of the trials.
        settings: What all trials have in common.
        **runner: Where trials run, as of :func:`~qiskit_qgen.studies.run_trials`.

    Returns:
        The records, the settings and the floor of the study.

    Raises:
        ArgumentError: If an argument is out of range, or the folder holds another study.
        ArgumentTypeError: If an argument has the wrong type.
        ExecutionError: If trials were lost with the processes that ran them.
    """
    seeds = [check_int("seeds", seed, minimum=0) for seed in check_distinct("seeds", seeds)]
    numbers = _numbers(sizes, len(pictures.pool))
    common = {**settings, "extractor": check_type("extractor", settings["extractor"], str, "the name of an extractor")}
    network = get_extractor(common["extractor"], image_shape=pictures.pool.shape[1:], name="extractor")
    # Once here, so that the workers find the features of real pictures on disk.
    floor = whole_kernel_distance(*pictures.features(network))
    # Seed by seed, so that a study that is stopped holds whole comparisons.
    configurations = [
        {**common, key: arm, "size": size, "seed": seed} for seed, size, arm in product(seeds, numbers, arms)
    ]
    return run_trials(trial, configurations, folder, settings=common, **runner), common, floor


def percent(share: float) -> str:
    """Return a part of 1 in percent."""
    return f"{100 * share:.0f} %"


def _numbers(sizes: Any, most: int) -> list[int]:
    """Return the sizes as numbers, ascending."""
    numbers = [most if size == ALL else size for size in check_distinct("sizes", sizes)]
    for number in numbers:
        check_int("sizes", number, minimum=2)
        if number > most:
            raise ArgumentError(
                f"Argument `sizes` must hold at most the {most} pictures that are left, but holds {number}."
            )
    return sorted(check_distinct("sizes", numbers))
