"""What a quantum bottleneck does for a diffusion model that is trained on very few pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, ClassVar

from qiskit_qgen._checks import check_choice, check_distinct, check_int
from qiskit_qgen._typing import PathLike
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR
from qiskit_qgen.models import QuantumDiffusion
from qiskit_qgen.networks.bottleneck_gates import BOTTLENECKS
from qiskit_qgen.studies.arms.images import SplitPictures, data_settings, split_pictures
from qiskit_qgen.studies.arms.low_data_trial import build_arm, run_low_data_trial
from qiskit_qgen.studies.arms.study import ALL, AbstractArmStudy, percent, run_arms
from qiskit_qgen.studies.intervals import interval_text
from qiskit_qgen.studies.model_arguments import further_arguments
from qiskit_qgen.studies.paired import PairedComparison, comparison_reading, comparison_table

_CONTROL = ("quantum", "se")  # what the circuit adds to a classical gate of the same size
_ARMS = ("plain", "se", "se_frozen", "quantum")
_SIZES = (10, 25, 50, 100, 250, 500, 1000, ALL)
_SCORES = ("kernel_distance", "copies_kernel_distance", "copy_rate", "held_out_copy_rate", "closer")
_SET_HERE = ("image_shape", "bottleneck", "num_classes", "label_dropout", "guidance")


@dataclass(frozen=True, eq=False)
class LowDataStudy(AbstractArmStudy):
    """What :func:`run_low_data_study` found."""

    pool: int
    """Number of pictures that subsets are drawn from."""

    KEY: ClassVar[str] = "arm"
    BASELINE: ClassVar[str] = "plain"
    FILE: ClassVar[str] = "low_data"

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each size and arm: `num_trials` and the mean and interval of each score."""
        return self._rows({score: itemgetter(score) for score in _SCORES})

    @cached_property
    def comparisons(self) -> list[PairedComparison]:
        """Differences in kernel distance of trials of one size and seed: to "plain", and of "quantum" to "se"."""
        return self._differences(itemgetter("kernel_distance"), setting=int, further=[_CONTROL])

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
            cells += [interval_text(row["kernel_distance"]), percent(row["copy_rate"]["mean"])]
            lines.append("| " + " | ".join(map(str, [*cells, percent(row["closer"]["mean"])])) + " |")
        repeated, copied = self._caption(self.rows)
        lines += [
            "",
            f"Mean [95 % interval] over seeds; lower is better. {self.settings['data']['held_out']} samples against "
            f"the held-out pictures; features: {self.settings['extractor']}. Real pictures against the held-out ones: "
            f"{self.floor:.3g}. The training pictures themselves, repeated: {repeated}. *Copies* are samples whose "
            "nearest training picture is three times nearer than the second nearest, in pixels; of held-out pictures: "
            f"{copied}. *Nearer than held out*: how often a sample is nearer to a training picture than a held-out "
            "picture is; 50 % without copying.",
            *self._lost(),
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
    **runner: Any,
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
        **runner: Where trials run, as of :func:`~qiskit_qgen.studies.run_trials`.

    Raises:
        ArgumentError: If an argument is out of range, or the folder holds another study.
        ArgumentTypeError: If an argument has the wrong type.
        DatasetError: If the data are missing or damaged.
        ExecutionError: If trials were lost with the processes that ran them.
    """
    check_int("steps", steps, minimum=1)
    check_int("batch_size", batch_size, minimum=1)
    place = data_settings(data, data_dir=data_dir, labels=labels, held_out=held_out)
    pictures = split_pictures(**place)
    arms = [check_choice("arms", arm, BOTTLENECKS) for arm in check_distinct("arms", arms)]
    settings = {
        "data": {**place, "digest": pictures.digest()},
        "steps": steps,
        "batch_size": batch_size,
        "model": _model_arguments(model, arms, pictures),
        "extractor": extractor,
    }
    records, settings, floor = run_arms(
        run_low_data_trial,
        folder,
        pictures,
        key=LowDataStudy.KEY,
        arms=arms,
        sizes=sizes,
        seeds=seeds,
        settings=settings,
        **runner,
    )
    return LowDataStudy(records=records, settings=settings, floor=floor, pool=len(pictures.pool))


def _model_arguments(model: Any, arms: Sequence[str], pictures: SplitPictures) -> dict[str, Any]:
    """Return the model's further arguments, checked with each arm."""
    given = further_arguments(QuantumDiffusion, model, _SET_HERE)
    for arm in arms:
        build_arm(pictures, arm, given).summary()  # which builds the networks
    return given
