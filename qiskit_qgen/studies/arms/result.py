"""What a study of arms found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.studies.arms.design import ArmDesign
from qiskit_qgen.studies.arms.paired import PairedComparison, compare_arms, comparison_table
from qiskit_qgen.studies.arms.settings import ArmSettings
from qiskit_qgen.studies.arms.trial import SAMPLES, SCORE
from qiskit_qgen.studies.intervals import Interval, interval_text, mean_interval
from qiskit_qgen.studies.tables import done_text, markdown_table, percent, save_results
from qiskit_qgen.studies.trials.folder import trial_folder

_SCORES = (
    "frechet_distance", "density", "coverage", "copy_rate", "held_out_copy_rate", "closer", "copies_kernel_distance"
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ArmStudy:
    """What a study found that trained each arm on each number of images with each seed.

    :func:`~qiskit_qgen.studies.run_placement_study` and :func:`~qiskit_qgen.studies.run_low_data_study` return it.
    """

    design: ArmDesign
    """What is compared."""
    settings: ArmSettings
    """What is trained and scored."""
    records: list[dict[str, Any]]
    """The trials' records, see :func:`~qiskit_qgen.studies.run_trials`."""
    folder: Path
    """Where the trials lie."""
    floor: float
    """Kernel distance of the images for training, all of them, to those held out: what real images reach."""
    pool: int
    """Number of images that subsets are drawn from."""

    @property
    def arms(self) -> list[str]:
        """The arms, in order."""
        return list(dict.fromkeys(record["configuration"]["arm"] for record in self.records))

    @property
    def sizes(self) -> list[int]:
        """The numbers of training images, in order."""
        return list(dict.fromkeys(record["configuration"]["size"] for record in self.records))

    @property
    def steps(self) -> list[int]:
        """The steps at which all trials were scored."""
        return self.settings.scored_steps

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each size and arm of which a trial is done.

        Keys are `size`, `arm`, `planned` and `num_trials`, trials in all and done, `num_weights`, and the mean and
        interval of each score at the end by its name.
        """
        return [
            {
                "size": size,
                "arm": arm,
                "planned": len(self._trials(size, arm)),
                "num_trials": len(found),
                "num_weights": next(iter(found.values()))["num_weights"],
                SCORE: mean_interval([result[SCORE][-1] for result in found.values()]),
                **{name: mean_interval([result[name] for result in found.values()]) for name in _SCORES},
            }
            for size, arm in product(self.sizes, self.arms)
            if (found := self._results(size, arm))
        ]

    @cached_property
    def curves(self) -> dict[int, dict[str, list[Interval]]]:
        """Mean and interval of the kernel distance at each of :attr:`steps`, by size and arm."""
        return {
            size: {
                arm: [mean_interval(values) for values in zip(*(each[SCORE] for each in found.values()), strict=True)]
                for arm in self.arms
                if (found := self._results(size, arm))
            }
            for size in self.sizes
        }

    @cached_property
    def comparisons(self) -> list[PairedComparison]:
        """Differences in kernel distance of trials of one size and seed, at the first scored step and at the last."""
        return [each for step in dict.fromkeys((self.steps[0], self.steps[-1])) for each in self.comparisons_at(step)]

    def comparisons_at(self, step: int) -> list[PairedComparison]:
        """Return the differences in kernel distance at one of :attr:`steps`: of all arms to the baseline, and more.

        Raises:
            ArgumentError: If the trials were not scored at that step.
        """
        if step not in self.steps:
            raise ArgumentError(f"Argument `step` must be one of {self.steps}, but is {step!r}.")
        index = self.steps.index(step)
        baseline = self.design.baseline
        pairs = [(arm, baseline) for arm in self.arms if arm != baseline] + list(self.design.further)
        pairs = [pair for pair in pairs if set(pair) <= set(self.arms)]
        found: list[PairedComparison] = []
        for size in self.sizes:
            scores = {
                arm: {seed: result[SCORE][index] for seed, result in self._results(size, arm).items()}
                for arm in self.arms
            }
            found += compare_arms(scores, pairs, size=size, step=step)
        return found

    def images(self, size: int) -> dict[str, Tensor]:
        """Return a few samples of each arm's first seed, float32 (N, C, H, W), all of the same noise vectors.

        Raises:
            ArgumentError: If no trial had ``size`` images.
            CheckpointError: If the samples of a trial are missing or damaged.
        """
        if size not in self.sizes:
            raise ArgumentError(f"Argument `size` must be one of {self.sizes}, but is {size!r}.")
        done = {arm: [each for each in self._trials(size, arm) if each["status"] == "done"] for arm in self.arms}
        return {arm: self._samples(records[0]["digest"]) for arm, records in done.items() if records}

    def table(self) -> str:
        """Return scores and differences as Markdown."""
        titles = ("images", "arm", "seeds", "weights", "kernel distance", "Fréchet distance", "coverage", "copies",
                  "nearer")  # fmt: skip
        lines: list[tuple[object, ...]] = []
        for size in self.sizes:
            own = [row for row in self.rows if row["size"] == size]
            lines += map(_cells, own)
            if own:
                repeated = own[0]["copies_kernel_distance"]["mean"]
                copied = percent(own[0]["held_out_copy_rate"]["mean"])
                lines.append((size, "*its images, repeated*", "", "", f"{repeated:.4g}", "", "", "", ""))
                lines.append((size, "*other real images*", "", "", f"{self.floor:.4g}", "", "", copied, "50 %"))
        settings = self.settings
        caption = (
            f"Mean [95 % interval] over seeds after {settings.steps} steps; {settings.samples} samples against "
            f"{settings.images.held_out} held-out images; features: {settings.extractor}. *Copies*: samples whose "
            "nearest training image is three times nearer than the second nearest, in the "
            f"{self.design.copies_in}. *Nearer*: how often a sample is nearer to a training image than a held-out "
            "image is."
        )
        return "\n\n".join([markdown_table(titles, lines), caption, comparison_table(self.comparisons)])

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the images as JSON can hold it."""
        first = self.records[0]["configuration"]
        return {
            "settings": {name: value for name, value in first.items() if name not in ("arm", "size", "seed")},
            "baseline": self.design.baseline,
            "pool": self.pool,
            "floor": self.floor,
            "steps": self.steps,
            "rows": self.rows,
            "curves": {str(size): curve for size, curve in self.curves.items()},
            "comparisons": [each.to_dict() for each in self.comparisons],
            "trials": self.records,
        }

    def save(self, folder: PathLike) -> Path:
        """Write numbers (``.json``) and table (``.md``) under the study's name to ``folder``, and return it."""
        return save_results(folder, self.design.name, text=self.table(), content=self.to_dict())

    def _trials(self, size: int, arm: str) -> list[dict[str, Any]]:
        of = ("size", "arm")
        return [each for each in self.records if tuple(each["configuration"][key] for key in of) == (size, arm)]

    def _results(self, size: int, arm: str) -> dict[int, dict[str, Any]]:
        """Return the results of the trials that are done, by seed."""
        trials = self._trials(size, arm)
        return {each["configuration"]["seed"]: each["result"] for each in trials if each["status"] == "done"}

    def _samples(self, digest: str) -> Tensor:
        path = trial_folder(self.folder, digest) / SAMPLES
        try:
            return torch.from_numpy(np.load(path)).float() / 255
        except (OSError, ValueError) as error:
            raise CheckpointError(f"File {path} with the samples of a trial is missing or damaged.") from error


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    scores = (interval_text(row[name]) for name in (SCORE, "frechet_distance", "coverage"))
    shares = (percent(row[name]["mean"]) for name in ("copy_rate", "closer"))
    return (row["size"], row["arm"], done_text(row), row["num_weights"], *scores, *shares)
