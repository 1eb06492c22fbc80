"""Where a quantum block helps a hybrid GAN: in the generator, in the discriminator, in both or in neither."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_distinct, check_int, check_path, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.metrics import get_extractor
from qiskit_qgen.models import HybridGAN
from qiskit_qgen.models.hybrid_arguments import QUANTUM_IN
from qiskit_qgen.persistence import atomic_write
from qiskit_qgen.studies.intervals import Interval, interval_text, mean_interval
from qiskit_qgen.studies.low_data_trial import LowDataPictures, real_features, whole_kernel_distance
from qiskit_qgen.studies.paired import PairedComparison, compare_arms, comparison_reading, comparison_table
from qiskit_qgen.studies.placement_trial import SAMPLES, placement_pictures, run_placement_trial
from qiskit_qgen.studies.study_folder import trial_folder
from qiskit_qgen.studies.trials import run_trials

BASELINE = "none"
_EXTRACTOR = "efficientnet-lite0-64px"
_SCORES = (
    "frechet_distance",
    "density",
    "coverage",
    "copy_rate",
    "held_out_copy_rate",
    "closer",
    "copies_kernel_distance",
)
_SET_HERE = ("image_shape", "quantum_in")


@dataclass(frozen=True, eq=False)
class PlacementStudy:
    """What :func:`run_placement_study` found."""

    records: list[dict[str, Any]]
    """The trials' records, see :func:`~qiskit_qgen.studies.run_trials`."""
    settings: dict[str, Any]
    """What all trials have in common."""
    floor: float
    """Kernel distance of the pictures for training, all of them, to those held out: what real pictures reach."""
    folder: Path
    """Where the trials lie."""

    @property
    def places(self) -> list[str]:
        """Where the circuits were, in order."""
        return list(dict.fromkeys(record["configuration"]["place"] for record in self.records))

    @property
    def sizes(self) -> list[int]:
        """The numbers of training pictures, in order."""
        return list(dict.fromkeys(record["configuration"]["size"] for record in self.records))

    @property
    def steps(self) -> list[int]:
        """The steps at which all trials were scored."""
        every, last = self.settings["score_every"], self.settings["steps"]
        return sorted({*range(every, last + 1, every), last})

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each size and place: `num_trials` and the mean and interval of each score at the end."""
        return [
            {
                "size": size,
                "place": place,
                "num_trials": len(found),
                "kernel_distance": mean_interval([result["kernel_distance"][-1] for result in found.values()]),
                **{score: mean_interval([result[score] for result in found.values()]) for score in _SCORES},
            }
            for size, place in product(self.sizes, self.places)
            if (found := self._results(size, place))
        ]

    @cached_property
    def curves(self) -> dict[int, dict[str, list[Interval]]]:
        """Mean and interval of the kernel distance at each of :attr:`steps`, by size and place."""
        return {
            size: {
                place: [
                    mean_interval([result["kernel_distance"][index] for result in found.values()])
                    for index in range(len(self.steps))
                ]
                for place in self.places
                if (found := self._results(size, place))
            }
            for size in self.sizes
        }

    @cached_property
    def comparisons(self) -> list[PairedComparison]:
        """Differences in kernel distance at the end, of trials of one size and seed: of each place to "none"."""
        return self.comparisons_at(self.steps[-1])

    def comparisons_at(self, step: int) -> list[PairedComparison]:
        """Return the differences in kernel distance to "none" at one of :attr:`steps`.

        Raises:
            ArgumentError: If the trials were not scored at that step.
        """
        index = self.steps.index(_known("step", step, self.steps))
        pairs = [(place, BASELINE) for place in self.places if place != BASELINE and BASELINE in self.places]
        found: list[PairedComparison] = []
        for size in self.sizes:
            scores = {
                place: {seed: result["kernel_distance"][index] for seed, result in self._results(size, place).items()}
                for place in self.places
            }
            found += compare_arms(scores, pairs, setting=f"{size} pictures, step {step}")
        return found

    @property
    def reading(self) -> str:
        """Which differences are beyond what the seeds explain, at the first scored step and at the last, in words."""
        first = comparison_reading(self.comparisons_at(self.steps[0]), score="kernel distance", unit="")
        last = comparison_reading(self.comparisons, score="kernel distance", unit="")
        return f"Early, at step {self.steps[0]}: {first}\n\nAt the end, at step {self.steps[-1]}: {last}"

    def pictures(self, size: int) -> dict[str, Tensor]:
        """Return a few samples of each place's first seed, float32 (N, C, H, W), all of the same noise vectors.

        Raises:
            ArgumentError: If no trial had ``size`` pictures.
            CheckpointError: If the samples of a trial are missing or damaged.
        """
        _known("size", size, self.sizes)
        found: dict[str, Tensor] = {}
        for record in self.records:
            configuration = record["configuration"]
            if record["status"] == "done" and configuration["size"] == size:
                found.setdefault(configuration["place"], self._samples(record["digest"]))
        return found

    def table(self) -> str:
        """Return scores and differences as Markdown."""
        titles = (
            "pictures",
            "circuits in",
            "seeds",
            "kernel distance",
            "Fréchet distance",
            "coverage",
            "copies",
            "nearer",
        )
        lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
        for row in self.rows:
            cells = [row["size"], row["place"], row["num_trials"]]
            cells += [interval_text(row[name]) for name in ("kernel_distance", "frechet_distance", "coverage")]
            cells += [f"{100 * row[name]['mean']:.0f} %" for name in ("copy_rate", "closer")]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
        rows = {row["size"]: row for row in self.rows}
        repeated = ", ".join(f"{size}: {row['copies_kernel_distance']['mean']:.3g}" for size, row in rows.items())
        real = ", ".join(f"{size}: {100 * row['held_out_copy_rate']['mean']:.0f} %" for size, row in rows.items())
        lost = [record for record in self.records if record["status"] != "done"]
        lines += [
            "",
            f"Mean [95 % interval] over the seeds after {self.settings['steps']} steps. {self.settings['num_samples']} "
            f"samples against {self.settings['data']['held_out']} held-out pictures; features: "
            f"{self.settings['extractor']}. Lower distances and higher coverage are better. Real pictures have the "
            f"kernel distance {self.floor:.3g}; the training pictures themselves, repeated: {repeated}. *Copies* are "
            "samples whose nearest training picture is three times nearer than the second nearest, in the features; "
            f"of held-out pictures: {real}. *Nearer*: how often a sample is nearer to a training picture than a "
            "held-out picture is; 50 % without copying.",
            *([f"{len(lost)} of {len(self.records)} trials failed or diverged."] if lost else []),
            "",
            comparison_table([*self.comparisons_at(self.steps[0]), *self.comparisons], title="setting"),
            "",
            self.reading,
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the pictures as JSON can hold it."""
        return {
            "settings": self.settings,
            "floor": self.floor,
            "steps": self.steps,
            "rows": self.rows,
            "curves": {str(size): curve for size, curve in self.curves.items()},
            "comparisons": [each.to_dict() for each in [*self.comparisons_at(self.steps[0]), *self.comparisons]],
            "trials": self.records,
        }

    def save(self, folder: PathLike) -> Path:
        """Write ``placement.json`` and ``placement.md`` to ``folder``, and return it."""
        target = check_path("folder", folder)
        target.mkdir(parents=True, exist_ok=True)
        atomic_write(target / "placement.json", json.dumps(self.to_dict(), indent=1) + "\n")
        atomic_write(target / "placement.md", self.table() + "\n")
        return target

    def _results(self, size: int, place: str) -> dict[int, dict[str, Any]]:
        """Return the results of the trials that are done, by seed."""
        return {
            record["configuration"]["seed"]: record["result"]
            for record in self.records
            if record["status"] == "done"
            and (record["configuration"]["size"], record["configuration"]["place"]) == (size, place)
        }

    def _samples(self, digest: str) -> Tensor:
        path = trial_folder(self.folder, digest) / SAMPLES
        try:
            return torch.from_numpy(np.load(path)).float() / 255
        except (OSError, ValueError) as error:
            raise CheckpointError(f"File {path} with the samples of a trial is missing or damaged.") from error


def run_placement_study(
    folder: PathLike,
    data: PathLike = "fashion-mnist-mini",
    *,
    data_dir: PathLike | None = None,
    labels: Sequence[int] | None = (1,),
    side: int | None = 32,
    held_out: int = 300,
    places: Sequence[str] = QUANTUM_IN,
    sizes: Sequence[int] = (40, 400),
    seeds: Sequence[int] = (0, 1, 2),
    steps: int = 240,
    score_every: int = 40,
    batch_size: int = 16,
    num_samples: int = 128,
    model: Mapping[str, Any] | None = None,
    extractor: str = _EXTRACTOR,
    executor: Any = None,
    workers: int = 0,
    threads: int = 1,
    retry_failed: bool = False,
    on_trial: Callable[[dict[str, Any]], None] | None = None,
) -> PlacementStudy:
    """Train a :class:`~qiskit_qgen.models.HybridGAN` with circuits in each place on few and more pictures, and compare.

    Trials of one seed share the subset, all weights outside of the blocks, the order of batches and the noise, so that
    their differences are those of the blocks; the subset of a seed holds that seed's smaller ones. Called again with
    the same folder, the study runs what is missing; more places, sizes and seeds may join.

    Args:
        folder: The study's folder.
        data: What :func:`~qiskit_qgen.datasets.load_dataset` takes: a known name, a file or a folder.
        data_dir: The same function's argument.
        labels: Labels of the pictures to take; None takes all.
        side: Pictures are resized to a square of this many pixels; None leaves them as they are.
        held_out: Number of pictures that no trial trains on, against which samples are scored.
        places: Where the circuits are; "none" is what the others are compared with.
        sizes: Numbers of training pictures.
        seeds: Seeds of the trials, which move the subset too.
        steps: Steps of each training.
        score_every: Steps between two scores.
        batch_size: Pictures in a batch.
        num_samples: Samples that are scored.
        model: Further arguments of the model.
        extractor: Name of the feature extractor of all scores.
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
    counts = {"steps": steps, "score_every": score_every, "batch_size": batch_size, "num_samples": num_samples}
    for name, count in counts.items():
        check_int(name, count, minimum=1 if name in ("steps", "score_every") else 2)
    place: dict[str, Any] = {
        "name": str(check_path("data", data)),
        "data_dir": None if data_dir is None else str(check_path("data_dir", data_dir)),
        "labels": None
        if labels is None
        else [check_int("labels", each, minimum=0) for each in check_distinct("labels", labels)],
        "held_out": held_out,
        "side": None if side is None else check_int("side", side, minimum=8, maximum=128),
    }
    pictures = placement_pictures(**place)
    places = [check_choice("places", each, QUANTUM_IN) for each in check_distinct("places", places)]
    seeds = [check_int("seeds", each, minimum=0) for each in check_distinct("seeds", seeds)]
    most = len(pictures.pool)
    sizes = sorted(check_int("sizes", each, minimum=2, maximum=most) for each in check_distinct("sizes", sizes))
    settings = {
        "data": {**place, "digest": pictures.digest()},
        **counts,
        "model": _model_arguments(model, places, pictures),
        "extractor": check_type("extractor", extractor, str, "the name of an extractor"),
    }
    network = get_extractor(extractor, image_shape=pictures.pool.shape[1:], name="extractor")
    # Once here, so that the workers find the features of real pictures on disk.
    floor = whole_kernel_distance(*real_features(pictures, network))
    # Seed by seed, so that a study that is stopped holds whole comparisons.
    trials = [
        {**settings, "place": each, "size": size, "seed": seed} for seed, size, each in product(seeds, sizes, places)
    ]
    records = run_trials(
        run_placement_trial,
        trials,
        folder,
        settings=settings,
        executor=executor,
        workers=workers,
        threads=threads,
        retry_failed=retry_failed,
        on_trial=on_trial,
    )
    return PlacementStudy(records=records, settings=settings, floor=floor, folder=check_path("folder", folder))


def _known(name: str, value: int, known: Sequence[int]) -> int:
    """Return ``value`` if it is one of ``known``."""
    if value not in known:
        raise ArgumentError(f"Argument `{name}` must be one of {list(known)}, but is {value!r}.")
    return value


def _model_arguments(model: Any, places: Sequence[str], pictures: LowDataPictures) -> dict[str, Any]:
    """Return the model's further arguments, checked with each place."""
    given = dict(check_type("model", {} if model is None else model, Mapping, "a mapping of arguments"))
    known = [name for name in inspect.signature(HybridGAN).parameters if name not in _SET_HERE]
    for name in given:
        check_choice("model", name, known)
    shape: Any = tuple(pictures.pool.shape[1:])
    for place in places:
        HybridGAN(shape, place, **given)  # type: ignore[arg-type]
    return given
