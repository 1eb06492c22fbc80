"""The two studies of arms: where a circuit helps a hybrid GAN, and what one does for diffusion from few images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from qiskit_qgen._checks import check_choice, check_distinct, check_folder, check_int, check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import get_extractor
from qiskit_qgen.metrics.extractors import DEFAULT_EXTRACTOR
from qiskit_qgen.models import AdversarialTraining, DenoisingTraining, HybridGANConfig, QuantumDiffusionConfig
from qiskit_qgen.studies.arms.design import DESIGNS, LOW_DATA, PLACEMENT
from qiskit_qgen.studies.arms.images import ImageSelection, whole_kernel_distance
from qiskit_qgen.studies.arms.result import ArmStudy
from qiskit_qgen.studies.arms.trial import ArmSettings, run_arm_trial
from qiskit_qgen.studies.given import settings_of
from qiskit_qgen.studies.trials.run import run_trials

ALL = "all"


def run_placement_study(
    data: PathLike,
    folder: PathLike,
    *,
    data_dir: PathLike | None = None,
    labels: Sequence[int] | None = None,
    side: int | None = 32,
    held_out: int = 300,
    arms: Sequence[str] = PLACEMENT.known,
    sizes: Sequence[int | str] = (40, 400),
    seeds: Sequence[int] = (0, 1, 2),
    steps: int = 400,
    score_every: int = 50,
    batch_size: int = 16,
    num_samples: int = 128,
    extractor: str = "efficientnet-lite0-64px",
    model: HybridGANConfig | Mapping[str, Any] | None = None,
    training: AdversarialTraining | Mapping[str, Any] | None = None,
    **runner: Any,
) -> ArmStudy:
    """Train a :class:`~qiskit_qgen.models.HybridGAN` with circuits in each place on few and more images, and compare.

    Trials of one seed share the subset, the weights that all arms have, the order of batches, the noise and the
    held-out images, so that their differences are those of the arms; the subset of a seed holds that seed's smaller
    ones. Called again with the same folder, the study runs what is missing; more arms, sizes and seeds may join.

    Args:
        data: What :func:`~qiskit_qgen.datasets.load_dataset` takes: a known name, a file or a folder.
        folder: The study's folder.
        data_dir: The same function's argument.
        labels: Labels of the images to take; None takes all.
        side: Images are resized to a square of this many pixels; None leaves them as they are.
        held_out: Number of images that no trial trains on, against which samples are scored; at least 6.
        arms: Where the circuits are; "none" is what the others are compared with.
        sizes: Numbers of training images; "all" stands for as many as there are.
        seeds: Seeds of the trials, which move the subset too.
        steps: Steps of each training, whatever the number of images.
        score_every: Steps between two scores.
        batch_size: Images in a batch.
        num_samples: Samples that are scored.
        extractor: Name of the feature extractor.
        model: The model's settings, or a mapping of them by name; the study sets shape and arm.
        training: How it is trained, likewise; the study sets ``steps`` and ``batch_size``.
        **runner: Where trials run, as of :func:`~qiskit_qgen.studies.run_trials`.

    Raises:
        ArgumentError: If an argument is out of range, or the folder holds another study.
        ArgumentTypeError: If an argument has the wrong type.
        DatasetError: If the data are missing or damaged.
        ExecutionError: If trials were lost with the processes that ran them.
    """
    settings = ArmSettings(
        study=PLACEMENT.name,
        images=_selection(data, data_dir, labels, side, held_out),
        steps=steps,
        score_every=score_every,
        batch_size=batch_size,
        num_samples=num_samples,
        extractor=extractor,
    )
    return _run_arms(settings, folder, arms, sizes, seeds, model, training, runner)


def run_low_data_study(
    data: PathLike,
    folder: PathLike,
    *,
    data_dir: PathLike | None = None,
    labels: Sequence[int] | None = None,
    side: int | None = None,
    held_out: int = 500,
    arms: Sequence[str] = ("plain", "se", "se_frozen", "quantum"),
    sizes: Sequence[int | str] = (10, 25, 50, 100, 250, 500, 1000, ALL),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    steps: int = 2000,
    batch_size: int = 64,
    extractor: str = DEFAULT_EXTRACTOR,
    model: QuantumDiffusionConfig | Mapping[str, Any] | None = None,
    training: DenoisingTraining | Mapping[str, Any] | None = None,
    **runner: Any,
) -> ArmStudy:
    """Train a :class:`~qiskit_qgen.models.QuantumDiffusion` with each bottleneck on ever more images, and compare.

    Arguments and errors are those of :func:`run_placement_study`, but that the arms are bottlenecks, of which "plain"
    is what the others are compared with, and that trials are scored at their end only, by as many samples as there are
    held-out images.
    """
    settings = ArmSettings(
        study=LOW_DATA.name,
        images=_selection(data, data_dir, labels, side, held_out),
        steps=steps,
        score_every=None,
        batch_size=batch_size,
        num_samples=held_out,
        extractor=extractor,
    )
    return _run_arms(settings, folder, arms, sizes, seeds, model, training, runner)


def _selection(
    data: PathLike, data_dir: PathLike | None, labels: Any, side: int | None, held_out: int
) -> ImageSelection:
    name, place = str(check_path("data", data)), None if data_dir is None else str(check_path("data_dir", data_dir))
    return ImageSelection(name=name, data_dir=place, labels=labels, side=side, held_out=held_out)


def _run_arms(
    settings: ArmSettings,
    folder: PathLike,
    arms: Sequence[str],
    sizes: Sequence[int | str],
    seeds: Sequence[int],
    model: Any,
    training: Any,
    runner: Mapping[str, Any],
) -> ArmStudy:
    """Run the trials that are missing in the study's folder."""
    design = DESIGNS[settings.study]
    kinds = design.model.config_class, design.model.training_class
    own = settings_of("model", model, kinds[0], set_here=design.set_here).to_dict()
    how = settings_of("training", training, kinds[1], set_here=("steps", "batch_size")).to_dict()
    place = check_folder("folder", folder)
    images = settings.images.load()
    arms = [check_choice("arms", arm, design.known) for arm in check_distinct("arms", arms)]
    seeds = [check_int("seeds", seed, minimum=0) for seed in check_distinct("seeds", seeds)]
    numbers = _numbers(sizes, len(images.pool))
    network = get_extractor(settings.extractor, image_shape=images.pool.shape[1:], name="extractor")
    for arm in arms:
        design.build(own, images.pool.shape[1:], arm)
    # Once here, so that the workers find the features of real images on disk.
    floor = whole_kernel_distance(*images.features(network))
    selection = replace(settings.images, digest=images.digest())
    settings = replace(settings, images=selection, model=own, training=how)
    common = settings.to_dict()
    # Seed by seed, so that a study that is stopped holds whole comparisons.
    configurations = [
        {**common, "arm": arm, "size": size, "seed": seed} for seed, size, arm in product(seeds, numbers, arms)
    ]
    records = run_trials(run_arm_trial, configurations, place, settings=common, **runner)
    return ArmStudy(settings=settings, records=records, folder=place, floor=floor, pool=len(images.pool))


def _numbers(sizes: Sequence[int | str], most: int) -> list[int]:
    """Return the sizes as numbers, ascending."""
    numbers = [most if size == ALL else size for size in check_distinct("sizes", sizes)]
    for number in numbers:
        check_int("sizes", number, minimum=2)
        if number > most:
            raise ArgumentError(
                f"Argument `sizes` must hold at most the {most} images that are left, but holds {number}."
            )
    return sorted(check_distinct("sizes", numbers))
