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
"""As a size: as many images as there are."""


class ArmSettings(Settings):
    """What is trained and scored in a study of arms; the defaults differ from study to study."""

    images: ImageSelection = setting("Which images are taken", default=ImageSelection())
    arms: tuple[str, ...] = setting("The arms", default=("none",))
    sizes: Any = setting("Numbers of training images; 'all' stands for as many as there are", default=(ALL,))
    seeds: tuple[int, ...] = setting("Seeds of the trials, which move the subset too", default=(0,), minimum=0)
    steps: int = setting("Steps of each training, whatever the number of images", default=1000, minimum=1)
    score_every: int | None = setting(
        "Steps between two scores against the validation images; the step with the best is the one that is tested; "
        "None takes the last step",
        default=None,
        minimum=1,
    )
    batch_size: int = setting("Images in a batch", default=32, minimum=1)
    num_samples: int | None = setting(
        "Samples that are scored; None takes as many as there are held-out images", default=None, minimum=2
    )
    score: Literal["kernel_distance", "frechet_distance", "uncovered"] = setting(
        "The score that arms are compared by and that chooses the step of each trial: a distance of distributions, or "
        "the part of real images that no sample is near to, see :func:`~qiskit_qgen.metrics.density_coverage`",
        default="kernel_distance",
    )
    extractors: tuple[str, ...] = setting(
        "Names of the feature extractors, 'labels' for :class:`~qiskit_qgen.metrics.LabelFeatureExtractor` of the "
        "images that are not held out; the step is chosen by the first",
        default=(DEFAULT_EXTRACTOR,),
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless arms, sizes, seeds and extractors differ, and there is one of each."""
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
        """Return the names of what all trials have in common; the others may grow."""
        return [each.name for each in fields(cls) if each.name not in _GROWING]
