"""Where a quantum block helps a hybrid GAN: in the generator, in the discriminator, in both or in neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_distinct, check_int, check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.models import HybridGAN
from qiskit_qgen.models.hybrid_arguments import QUANTUM_IN
from qiskit_qgen.studies.arms.images import SplitPictures, data_settings, split_pictures
from qiskit_qgen.studies.arms.placement_trial import SAMPLES, run_placement_trial
from qiskit_qgen.studies.arms.study import AbstractArmStudy, percent, run_arms
from qiskit_qgen.studies.intervals import Interval, interval_text, mean_interval
from qiskit_qgen.studies.model_arguments import further_arguments
from qiskit_qgen.studies.paired import PairedComparison, comparison_reading, comparison_table
from qiskit_qgen.studies.trials.folder import trial_folder

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
class PlacementStudy(AbstractArmStudy):
    """What :func:`run_placement_study` found."""

    folder: Path
    """Where the trials lie."""

    KEY: ClassVar[str] = "place"
    BASELINE: ClassVar[str] = "none"
    FILE: ClassVar[str] = "placement"

    @property
    def steps(self) -> list[int]:
        """The steps at which all trials were scored."""
        every, last = self.settings["score_every"], self.settings["steps"]
        return sorted({*range(every, last + 1, every), last})

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each size and place: `num_trials` and the mean and interval of each score at the end."""
        last = {"kernel_distance": lambda result: result["kernel_distance"][-1]}
        return self._rows({**last, **{score: itemgetter(score) for score in _SCORES}})

    @cached_property
    def curves(self) -> dict[int, dict[str, list[Interval]]]:
        """Mean and interval of the kernel distance at each of :attr:`steps`, by size and place."""
        return {
            size: {
                place: [
                    mean_interval([result["kernel_distance"][index] for result in found.values()])
                    for index in range(len(self.steps))
                ]
                for place in self.arms
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
        return self._differences(
            lambda result: result["kernel_distance"][index], setting=lambda size: f"{size} pictures, step {step}"
        )

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
            cells += [percent(row[name]["mean"]) for name in ("copy_rate", "closer")]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
        repeated, copied = self._caption(self.rows)
        lines += [
            "",
            f"Mean [95 % interval] over the seeds after {self.settings['steps']} steps. {self.settings['num_samples']} "
            f"samples against {self.settings['data']['held_out']} held-out pictures; features: "
            f"{self.settings['extractor']}. Lower distances and higher coverage are better. Real pictures have the "
            f"kernel distance {self.floor:.3g}; the training pictures themselves, repeated: {repeated}. *Copies* are "
            "samples whose nearest training picture is three times nearer than the second nearest, in the features; "
            f"of held-out pictures: {copied}. *Nearer*: how often a sample is nearer to a training picture than a "
            "held-out picture is; 50 % without copying.",
            *self._lost(),
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
    steps: int = 400,
    score_every: int = 50,
    batch_size: int = 16,
    num_samples: int = 128,
    model: Mapping[str, Any] | None = None,
    extractor: str = _EXTRACTOR,
    **runner: Any,
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
        **runner: Where trials run, as of :func:`~qiskit_qgen.studies.run_trials`.

    Raises:
        ArgumentError: If an argument is out of range, or the folder holds another study.
        ArgumentTypeError: If an argument has the wrong type.
        DatasetError: If the data are missing or damaged.
        ExecutionError: If trials were lost with the processes that ran them.
    """
    counts = {"steps": steps, "score_every": score_every, "batch_size": batch_size, "num_samples": num_samples}
    for name, count in counts.items():
        check_int(name, count, minimum=1 if name in ("steps", "score_every") else 2)
    place = data_settings(data, data_dir=data_dir, labels=labels, held_out=held_out, side=side)
    pictures = split_pictures(**place)
    places = [check_choice("places", each, QUANTUM_IN) for each in check_distinct("places", places)]
    settings = {
        "data": {**place, "digest": pictures.digest()},
        **counts,
        "model": _model_arguments(model, places, pictures),
        "extractor": extractor,
    }
    records, settings, floor = run_arms(
        run_placement_trial,
        folder,
        pictures,
        key=PlacementStudy.KEY,
        arms=places,
        sizes=sizes,
        seeds=seeds,
        settings=settings,
        **runner,
    )
    return PlacementStudy(records=records, settings=settings, floor=floor, folder=check_path("folder", folder))


def _known(name: str, value: int, known: Sequence[int]) -> int:
    """Return ``value`` if it is one of ``known``."""
    if value not in known:
        raise ArgumentError(f"Argument `{name}` must be one of {list(known)}, but is {value!r}.")
    return value


def _model_arguments(model: Any, places: Sequence[str], pictures: SplitPictures) -> dict[str, Any]:
    """Return the model's further arguments, checked with each place."""
    given = further_arguments(HybridGAN, model, _SET_HERE)
    shape: Any = tuple(pictures.pool.shape[1:])
    for place in places:
        HybridGAN(shape, place, **given)  # type: ignore[arg-type]
    return given
