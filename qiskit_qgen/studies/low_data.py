"""What a quantum bottleneck does for a diffusion model that is trained on very few pictures."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_choice, check_distinct, check_int, check_path, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import get_extractor
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR
from qiskit_qgen.models import QuantumDiffusion
from qiskit_qgen.networks.bottleneck_gates import BOTTLENECKS
from qiskit_qgen.persistence import atomic_write
from qiskit_qgen.studies.intervals import interval_text, mean_interval
from qiskit_qgen.studies.low_data_trial import (
    LowDataPictures,
    build_arm,
    low_data_pictures,
    real_features,
    run_low_data_trial,
    whole_kernel_distance,
)
from qiskit_qgen.studies.paired import PairedComparison, compare_arms, comparison_reading, comparison_table
from qiskit_qgen.studies.trials import run_trials

ALL = "all"
BASELINE = "plain"
_CONTROL = ("quantum", "se")  # what the circuit adds to a classical gate of the same size
_ARMS = ("plain", "se", "se_frozen", "quantum")
_SIZES = (10, 25, 50, 100, 250, 500, 1000, ALL)
_SCORES = ("kernel_distance", "copies_kernel_distance", "copy_rate", "held_out_copy_rate", "closer")
_SET_HERE = ("image_shape", "bottleneck", "num_classes", "label_dropout", "guidance")


@dataclass(frozen=True, eq=False)
class LowDataStudy:
    """What :func:`run_low_data_study` found."""

    records: list[dict[str, Any]]
    """The trials' records, see :func:`~qiskit_qgen.studies.run_trials`."""
    settings: dict[str, Any]
    """What all trials have in common."""
    floor: float
    """Kernel distance of the pictures for training, all of them, to those held out: what real pictures reach."""
    pool: int
    """Number of pictures that subsets are drawn from."""

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each size and arm: `num_trials` and the mean and interval of each score."""
        return [
            {
                "size": size,
                "arm": arm,
                "num_trials": len(found),
                **{score: mean_interval([result[score] for result in found.values()]) for score in _SCORES},
            }
            for size, arm in product(self.sizes, self.arms)
            if (found := self._results(size, arm))
        ]

    @cached_property
    def comparisons(self) -> list[PairedComparison]:
        """Differences in kernel distance of trials of one size and seed: to "plain", and of "quantum" to "se"."""
        pairs = [(arm, BASELINE) for arm in self.arms if arm != BASELINE and BASELINE in self.arms]
        pairs += [_CONTROL] * (set(_CONTROL) <= set(self.arms))
        found: list[PairedComparison] = []
        for size in self.sizes:
            scores = {
                arm: {seed: result["kernel_distance"] for seed, result in self._results(size, arm).items()}
                for arm in self.arms
            }
            found += compare_arms(scores, pairs, setting=size)
        return found

    @property
    def arms(self) -> list[str]:
        """The arms, in order."""
        return list(dict.fromkeys(record["configuration"]["arm"] for record in self.records))

    @property
    def sizes(self) -> list[int]:
        """The numbers of training pictures, in order."""
        return list(dict.fromkeys(record["configuration"]["size"] for record in self.records))

    @property
    def reading(self) -> str:
        """Which differences are beyond what the seeds explain, in words."""
        return comparison_reading(self.comparisons, score="kernel distance", unit="training pictures")

    def table(self) -> str:
        """Return scores and differences as Markdown."""
        titles = ("training pictures", "arm", "seeds", "kernel distance", "copies", "nearer than held out")
        lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
        for row in self.rows:
            cells = [row["size"], row["arm"], row["num_trials"]]
            cells += [interval_text(row["kernel_distance"]), _percent(row["copy_rate"]["mean"])]
            lines.append("| " + " | ".join(map(str, [*cells, _percent(row["closer"]["mean"])])) + " |")
        rows = {row["size"]: row for row in self.rows}
        repeated = ", ".join(f"{size}: {row['copies_kernel_distance']['mean']:.3g}" for size, row in rows.items())
        real = ", ".join(f"{size}: {_percent(row['held_out_copy_rate']['mean'])}" for size, row in rows.items())
        lost = [record for record in self.records if record["status"] != "done"]
        lines += [
            "",
            f"Mean [95 % interval] over seeds; lower is better. {self.settings['data']['held_out']} samples against "
            f"the held-out pictures; features: {self.settings['extractor']}. Real pictures against the held-out ones: "
            f"{self.floor:.3g}. The training pictures themselves, repeated: {repeated}. *Copies* are samples whose "
            "nearest training picture is three times nearer than the second nearest, in pixels; of held-out pictures: "
            f"{real}. *Nearer than held out*: how often a sample is nearer to a training picture than a held-out "
            "picture is; 50 % without copying.",
            *([f"{len(lost)} of {len(self.records)} trials failed or diverged."] if lost else []),
            "",
            comparison_table(self.comparisons, title="training pictures"),
            "",
            self.reading,
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "settings": self.settings,
            "pool": self.pool,
            "floor": self.floor,
            "rows": self.rows,
            "comparisons": [each.to_dict() for each in self.comparisons],
            "trials": self.records,
        }

    def save(self, folder: PathLike) -> Path:
        """Write ``low_data.json`` and ``low_data.md`` to ``folder``, and return it."""
        target = check_path("folder", folder)
        target.mkdir(parents=True, exist_ok=True)
        atomic_write(target / "low_data.json", json.dumps(self.to_dict(), indent=1) + "\n")
        atomic_write(target / "low_data.md", self.table() + "\n")
        return target

    def _results(self, size: int, arm: str) -> dict[int, dict[str, Any]]:
        """Return the results of the trials that are done, by seed."""
        return {
            record["configuration"]["seed"]: record["result"]
            for record in self.records
            if record["status"] == "done"
            and (record["configuration"]["size"], record["configuration"]["arm"]) == (size, arm)
        }


def run_low_data_study(
    data: PathLike,
    folder: PathLike,
    *,
    data_dir: PathLike | None = None,
    labels: Sequence[int] | None = None,
    held_out: int = 500,
    arms: Sequence[str] = _ARMS,
    sizes: Sequence[int | str] = _SIZES,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    steps: int = 2000,
    batch_size: int = 64,
    model: Mapping[str, Any] | None = None,
    extractor: str = DEFAULT_EXTRACTOR,
    executor: Any = None,
    workers: int = 0,
    threads: int = 1,
    retry_failed: bool = False,
    on_trial: Callable[[dict[str, Any]], None] | None = None,
) -> LowDataStudy:
    """Train a :class:`~qiskit_qgen.models.QuantumDiffusion` with each bottleneck on ever more pictures, and compare.

    Every trial has the same number of steps, whatever the number of pictures. Trials of one seed share the subset, the
    order of batches, the noise of training and sampling, and the held-out pictures, so that their differences are those
    of the bottlenecks; the subset of a seed holds that seed's smaller ones. Called again with the same folder, the
    study runs what is missing; more arms, sizes and seeds may join.

    Args:
        data: What :func:`~qiskit_qgen.datasets.load_dataset` takes: a known name, a file or a folder.
        folder: The study's folder.
        data_dir: The same function's argument.
        labels: Labels of the pictures to take; None takes all.
        held_out: Number of pictures that no trial trains on; as many samples are scored against them.
        arms: Bottlenecks; "plain" is what the others are compared with.
        sizes: Numbers of training pictures; "all" stands for as many as there are.
        seeds: Seeds of the trials, which move the subset too.
        steps: Steps of each training.
        batch_size: Pictures in a batch.
        model: Further arguments of the model.
        extractor: Name of the feature extractor of the kernel distance.
        executor: See :func:`~qiskit_qgen.studies.run_trials`, as for the rest.
        workers: Number of worker processes.
        threads: Number of threads of each trial.
        retry_failed: Whether trials that failed are run again.
        on_trial: Called with the record of each trial as it ends.

    Raises:
        ArgumentError: If an argument is out of range, or the folder holds another study.
        ArgumentTypeError: If an argument has the wrong type.
        DatasetError: If the data are missing or damaged.
        ExecutionError: If trials were lost with the processes that ran them.
    """
    check_int("steps", steps, minimum=1)
    check_int("batch_size", batch_size, minimum=1)
    chosen = (
        None if labels is None else [check_int("labels", each, minimum=0) for each in check_distinct("labels", labels)]
    )
    place: dict[str, Any] = {
        "name": str(check_path("data", data)),
        "data_dir": None if data_dir is None else str(check_path("data_dir", data_dir)),
        "labels": chosen,
        "held_out": held_out,
    }
    pictures = low_data_pictures(**place)
    arms = [check_choice("arms", arm, BOTTLENECKS) for arm in check_distinct("arms", arms)]
    seeds = [check_int("seeds", seed, minimum=0) for seed in check_distinct("seeds", seeds)]
    numbers = _numbers(sizes, len(pictures.pool))
    settings = {
        "data": {**place, "digest": pictures.digest()},
        "steps": steps,
        "batch_size": batch_size,
        "model": _model_arguments(model, arms, pictures),
        "extractor": check_type("extractor", extractor, str, "the name of an extractor"),
    }
    network = get_extractor(extractor, image_shape=pictures.pool.shape[1:], name="extractor")
    # Once here, so that the workers find the features of real pictures on disk.
    floor = whole_kernel_distance(*real_features(pictures, network))
    # Seed by seed, so that a study that is stopped holds whole comparisons.
    trials = [{**settings, "arm": arm, "size": size, "seed": seed} for seed, size, arm in product(seeds, numbers, arms)]
    records = run_trials(
        run_low_data_trial,
        trials,
        folder,
        settings=settings,
        executor=executor,
        workers=workers,
        threads=threads,
        retry_failed=retry_failed,
        on_trial=on_trial,
    )
    return LowDataStudy(records=records, settings=settings, floor=floor, pool=len(pictures.pool))


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


def _model_arguments(model: Any, arms: Sequence[str], pictures: LowDataPictures) -> dict[str, Any]:
    """Return the model's further arguments, checked with each arm."""
    given = dict(check_type("model", {} if model is None else model, Mapping, "a mapping of arguments"))
    known = [name for name in inspect.signature(QuantumDiffusion).parameters if name not in _SET_HERE]
    for name in given:
        check_choice("model", name, known)
    for arm in arms:
        build_arm(pictures, arm, given).summary()  # which builds the networks
    return given


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
