"""The settings of the studies of arms."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal

from qiskit_qgen._checks import check_distinct
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR
from qiskit_qgen.studies.arms.images import ImageSelection

_GROWING = ("arms", "sizes", "seeds")
ALL = "all"
"""Stands for a size of all available images."""


class ArmSettings(Settings):
    """Settings of the training and scoring in a study of arms; the defaults differ between studies."""

    images: ImageSelection = setting("Which images to use", default=ImageSelection())
    arms: tuple[str, ...] = setting("The arms", default=("none",))
    sizes: Any = setting("Numbers of training images; 'all' stands for all available images", default=(ALL,))
    seeds: tuple[int, ...] = setting("Seeds of the trials, which also draw the subsets", default=(0,), minimum=0)
    steps: int = setting("Steps of each training, whatever the number of images", default=1000, minimum=1)
    score_every: int | None = setting(
        "Steps between two scores against the validation images; the step with the best score is tested; None tests "
        "the last step",
        default=None,
        minimum=1,
    )
    batch_size: int = setting("Images in a batch", default=32, minimum=1)
    num_samples: int | None = setting(
        "Number of samples to score; None uses the number of held-out images", default=None, minimum=2
    )
    score: Literal["kernel_distance", "frechet_distance", "uncovered"] = setting(
        "The score that compares the arms and chooses the step of each trial: a distance between distributions, or "
        "the fraction of real images without a nearby sample, see :func:`~qiskit_qgen.metrics.density_coverage`",
        default="kernel_distance",
    )
    extractors: tuple[str, ...] = setting(
        "Names of the feature extractors; 'labels' is a :class:`~qiskit_qgen.metrics.LabelFeatureExtractor` of the "
        "images that are not held out; the first extractor chooses the step",
        default=(DEFAULT_EXTRACTOR,),
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless arms, sizes, seeds and extractors are distinct and not empty."""
        for name in (*_GROWING, "extractors"):
            check_distinct(name, getattr(self, name))

    @property
    def samples(self) -> int:
        """Number of samples that are scored."""
        return self.images.held_out if self.num_samples is None else self.num_samples

    @property
    def scored_steps(self) -> list[int]:
        """The steps at which a trial is scored against the validation images."""
        every = self.score_every or self.steps
        return sorted({*range(every, self.steps + 1, every), self.steps})

    @classmethod
    def common(cls) -> list[str]:
        """Return the names of the settings that all trials share; the others may be extended."""
        return [each.name for each in fields(cls) if each.name not in _GROWING]
