"""The result of a study of arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from torch import Tensor

from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics.fitness import Verdict
from qiskit_qgen.studies.arms.design import ArmDesign
from qiskit_qgen.studies.arms.paired import PairedComparison, adjusted_together, compare_arms, compare_pooled
from qiskit_qgen.studies.arms.samples import read_samples
from qiskit_qgen.studies.arms.scores import REPEATED, SCORES
from qiskit_qgen.studies.arms.settings import ArmSettings
from qiskit_qgen.studies.arms.text import study_text
from qiskit_qgen.studies.arms.trial import BASELINES_ARM
from qiskit_qgen.studies.arms.verdicts import judge
from qiskit_qgen.studies.intervals import Interval, mean_interval
from qiskit_qgen.studies.tables import save_results
from qiskit_qgen.studies.trials.folder import trial_folder

_COPYING = ("copy_rate", "held_out_copy_rate", "closer")
_SHOWN = 16


@dataclass(frozen=True, eq=False)
class ArmStudy:
    """The result of a study that trained each arm on each number of images with each seed.

    Returned by :func:`~qiskit_qgen.studies.run_placement_study` and :func:`~qiskit_qgen.studies.run_low_data_study`.
    """

    design: ArmDesign
    """What is compared."""
    settings: ArmSettings
    """What is trained and scored."""
    records: list[dict[str, Any]]
    """The trials' records, see :func:`~qiskit_qgen.studies.run_trials`."""
    folder: Path
    """The folder of the trials."""
    floors: dict[str, dict[str, float]]
    """Scores of other real images, by extractor and name: the level that real images reach."""
    pool: int
    """Number of images from which subsets are drawn."""

    @property
    def arms(self) -> list[str]:
        """The arms, in order."""
        found = dict.fromkeys(record["configuration"]["arm"] for record in self.records)
        return [arm for arm in found if arm != BASELINES_ARM]

    @property
    def sizes(self) -> list[int]:
        """The numbers of training images, in order."""
        return list(dict.fromkeys(record["configuration"]["size"] for record in self.records))

    @property
    def extractors(self) -> tuple[str, ...]:
        """The names of the extractors, in order."""
        return self.settings.extractors

    @property
    def backbone(self) -> str | None:
        """Kind of the models' pretrained network; None if they have none."""
        return self.design.backbone(self.records[0]["configuration"]["model"])

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each size and arm with a finished trial.

        Keys are `size`, `arm`, `planned` and `num_trials` (trials in all and finished), `num_weights`, the mean and
        interval of the chosen `step` and of each score of copying, and `scores` by extractor and name.
        """
        return [
            {
                "size": size,
                "arm": arm,
                "planned": len(self._trials(size, arm)),
                "num_trials": len(found),
                "num_weights": next(iter(found.values()))["num_weights"],
                **{name: mean_interval([each[name] for each in found.values()]) for name in ("step", *_COPYING)},
                "scores": self._intervals([each["scores"] for each in found.values()]),
            }
            for size, arm in product(self.sizes, self.arms)
            if (found := self._results(size, arm))
        ]

    @cached_property
    def baselines(self) -> dict[int, dict[str, dict[str, dict[str, Interval]]]]:
        """Mean and interval of each score of the untrained baselines, by size, baseline, extractor and name."""
        known = {size: list(self._results(size, BASELINES_ARM).values()) for size in self.sizes}
        return {
            size: {name: self._intervals([each["scores"][name] for each in found]) for name in found[0]["scores"]}
            for size, found in known.items()
            if found
        }

    @cached_property
    def curves(self) -> dict[int, dict[str, list[Interval]]]:
        """Mean and interval of the distance to the validation images at each scored step, by size and arm."""
        return {
            size: {
                arm: [mean_interval(each) for each in zip(*(one["validation_distance"] for one in found), strict=True)]
                for arm in self.arms
                if (found := list(self._results(size, arm).values()))
            }
            for size in self.sizes
        }

    @cached_property
    def verdicts(self) -> dict[int, dict[str, dict[str, Verdict]]]:
        """What each score is fit for, by size, extractor and name, for sizes with scored baselines."""
        return {
            size: {
                extractor: judge(
                    {row["arm"]: row["scores"][extractor] for row in self.rows if row["size"] == size},
                    {name: scores[extractor] for name, scores in found.items()},
                )
                for extractor in self.extractors
            }
            for size, found in self.baselines.items()
            if any(row["size"] == size for row in self.rows)
        }

    @cached_property
    def comparisons(self) -> list[PairedComparison]:
        """Score differences between trials of the same size and seed; those of one extractor are tested together."""
        return self._compared(self.design.pairs(self.arms))

    @cached_property
    def pooled(self) -> list[PairedComparison]:
        """The same comparisons over all sizes at once, as log ratios; those of one extractor are tested together."""
        pairs = self.design.pairs(self.arms)
        return [
            each
            for extractor in self.extractors
            for each in adjusted_together(compare_pooled(self._by_size(extractor), pairs, extractor=extractor))
        ]

    @cached_property
    def to_copies(self) -> list[PairedComparison]:
        """Differences of each arm from the repeated training images of the same seed, tested in the same way."""
        return self._compared([(arm, REPEATED) for arm in self.arms])

    def is_fit(self, extractor: str, size: int | None) -> bool:
        """Return whether arms may be ranked by an extractor's features at a size; None stands for all sizes."""
        sizes = self.sizes if size is None else [size]
        return all(
            self.verdicts[each][extractor][self.settings.score].can_rank if each in self.verdicts else False
            for each in sizes
        )

    def images(self, size: int) -> dict[str, Tensor]:
        """Return a few samples of each arm's first seed, float32 (N, C, H, W), all from the same noise vectors.

        Raises:
            ArgumentError: If no trial had ``size`` images.
            CheckpointError: If the samples of a trial are missing or damaged.
        """
        if size not in self.sizes:
            raise ArgumentError(f"Argument `size` must be one of {self.sizes}, but is {size!r}.")
        done = {arm: [each for each in self._trials(size, arm) if each["status"] == "done"] for arm in self.arms}
        return {
            arm: read_samples(trial_folder(self.folder, records[0]["digest"]))[:_SHOWN]
            for arm, records in done.items()
            if records
        }

    def table(self) -> str:
        """Return scores, baselines, differences and conclusions as Markdown."""
        return study_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything except the images in a form that JSON can store."""
        first = self.records[0]["configuration"]
        return {
            "settings": {name: value for name, value in first.items() if name not in ("arm", "size", "seed")}
            | {"extractors": list(self.extractors)},
            "baseline": self.design.baseline,
            "backbone": self.backbone,
            "pool": self.pool,
            "floors": self.floors,
            "steps": self.settings.scored_steps,
            "rows": self.rows,
            "baselines": {str(size): found for size, found in self.baselines.items()},
            "curves": {str(size): curve for size, curve in self.curves.items()},
            "verdicts": {
                str(size): {
                    extractor: {name: verdict.sentence for name, verdict in own.items()}
                    for extractor, own in found.items()
                }
                for size, found in self.verdicts.items()
            },
            **{
                name: [each.to_dict() | {"is_fit": self.is_fit(each.extractor, each.size)} for each in found]
                for name, found in (
                    ("comparisons", self.comparisons), ("pooled", self.pooled), ("to_copies", self.to_copies)
                )
            },
            "trials": self.records,
        }  # fmt: skip

    def save(self, folder: PathLike) -> Path:
        """Write the numbers (``.json``) and the table (``.md``) to ``folder`` under the study's name, and return it."""
        return save_results(folder, self.design.name, text=self.table(), content=self.to_dict())

    def _compared(self, pairs: Sequence[tuple[str, str]]) -> list[PairedComparison]:
        return [
            each
            for extractor in self.extractors
            for each in adjusted_together(
                [
                    each
                    for size, scores in self._by_size(extractor).items()
                    for each in compare_arms(scores, pairs, extractor=extractor, size=size)
                ]
            )
        ]

    def _by_size(self, extractor: str) -> dict[int, dict[str, dict[int, float]]]:
        """Return the compared score by seed, by arm, by size; the repeated training images count as an arm."""
        found, score = {}, self.settings.score
        for size in self.sizes:
            scores = {
                arm: {seed: result["scores"][extractor][score] for seed, result in self._results(size, arm).items()}
                for arm in self.arms
            }
            repeated = self._results(size, BASELINES_ARM)
            scores[REPEATED] = {seed: each["scores"][REPEATED][extractor][score] for seed, each in repeated.items()}
            found[size] = scores
        return found

    def _intervals(self, found: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, Interval]]:
        return {
            extractor: {name: mean_interval([each[extractor][name] for each in found]) for name in SCORES}
            for extractor in self.extractors
        }

    def _trials(self, size: int, arm: str) -> list[dict[str, Any]]:
        of = ("size", "arm")
        return [each for each in self.records if tuple(each["configuration"][key] for key in of) == (size, arm)]

    def _results(self, size: int, arm: str) -> dict[int, dict[str, Any]]:
        """Return the results of the finished trials, by seed."""
        trials = self._trials(size, arm)
        return {each["configuration"]["seed"]: each["result"] for each in trials if each["status"] == "done"}
