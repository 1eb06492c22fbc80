"""The two studies of arms: where a circuit helps a hybrid GAN, and how it helps diffusion from few images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from qiskit_qgen._checks import check_choice, check_distinct, check_folder, check_int, check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import AdversarialTraining, DenoisingTraining, HybridGANConfig, QuantumDiffusionConfig
from qiskit_qgen.studies.arms.design import LOW_DATA, PLACEMENT, ArmDesign
from qiskit_qgen.studies.arms.result import ArmStudy
from qiskit_qgen.studies.arms.samples import scored
from qiskit_qgen.studies.arms.scores import feature_scores, networks_of
from qiskit_qgen.studies.arms.settings import ALL, ArmSettings
from qiskit_qgen.studies.arms.trial import BASELINES_ARM, run_arm_trial
from qiskit_qgen.studies.given import settings_of, split_options
from qiskit_qgen.studies.trials.run import run_trials


def run_placement_study(
    data: PathLike,
    folder: PathLike,
    *,
    model: HybridGANConfig | Mapping[str, Any] | None = None,
    training: AdversarialTraining | Mapping[str, Any] | None = None,
    **options: Any,
) -> ArmStudy:
    """Compare :class:`~qiskit_qgen.models.HybridGAN` models with circuits in each place on different numbers of images.

    Trials with the same seed share the subset, the weights common to all arms, the order of batches, the noise and the
    held-out images, so that only the arms differ. For each seed, larger subsets contain the smaller ones. If you call
    the study again with the same folder, it runs the missing trials; you may add arms, sizes, seeds and extractors. The
    held-out images are used only after all trials have ended.

    Args:
        data: A source that :func:`~qiskit_qgen.datasets.load_dataset` accepts: a known name, a file or a folder.
        folder: The study's folder.
        model: The model's settings, or a mapping of them by name; the study sets the image shape and the arm.
        training: The training settings, or a mapping of them by name; the study sets ``steps`` and ``batch_size``.
        **options: Settings of :class:`ArmSettings`, such as ``labels``, ``side``, ``arms``, ``sizes``, ``seeds`` or
            ``steps``; and where trials run, as for :func:`~qiskit_qgen.studies.run_trials`. By default, the study
            places circuits in all places, with 40 and 400 images of 32 x 32 pixels and five seeds.

    Raises:
        ArgumentError: If an argument is out of range, or the folder holds another study.
        ArgumentTypeError: If an argument is unknown or has the wrong type.
        DatasetError: If the data are missing or damaged.
        ExecutionError: If trials were lost with the processes that ran them.
    """
    return _run(PLACEMENT, data, folder, model, training, options)


def run_low_data_study(
    data: PathLike,
    folder: PathLike,
    *,
    model: QuantumDiffusionConfig | Mapping[str, Any] | None = None,
    training: DenoisingTraining | Mapping[str, Any] | None = None,
    **options: Any,
) -> ArmStudy:
    """Compare :class:`~qiskit_qgen.models.QuantumDiffusion` models with each bottleneck on different numbers of images.

    Arguments and errors are those of :func:`run_placement_study`, except that the arms are bottlenecks, "plain" is the
    baseline of the others, and trials are scored only at their end. By default, the arms are "plain", "se", "se_frozen"
    and "quantum", for 10 images and more, with five seeds.
    """
    return _run(LOW_DATA, data, folder, model, training, options)


def _run(
    design: ArmDesign, data: PathLike, folder: PathLike, model: Any, training: Any, options: Mapping[str, Any]
) -> ArmStudy:
    """Run the trials that are missing in the study's folder."""
    own, runner = split_options(options)
    if own.get("data_dir") is not None:
        own["data_dir"] = str(check_path("data_dir", own["data_dir"]))
    settings = ArmSettings.of(**{**design.defaults.to_dict(), **own, "name": str(check_path("data", data))})
    kinds = design.model.config_class, design.model.training_class
    how = settings_of("training", training, kinds[1], set_here=("steps", "batch_size"))
    kinds[1].of(**how.to_dict() | {"steps": settings.steps, "batch_size": settings.batch_size})  # checked together
    common: dict[str, Any] = {
        "study": design.name,
        "model": settings_of("model", model, kinds[0], set_here=design.set_here).to_dict(),
        "training": how.to_dict(),
    }
    place = check_folder("folder", folder)
    images = settings.images.load()
    numbers = _numbers(settings, len(images.pool))
    networks = networks_of(settings, images.pool.shape[1:])
    for arm in settings.arms:
        design.build(common["model"], images.pool.shape[1:], check_choice("arms", arm, design.known))
    floors = feature_scores(images.pool[: settings.samples], images, networks)
    settings = replace(settings, images=replace(settings.images, digest=images.digest()))
    values = settings.to_dict()
    common |= {name: values[name] for name in ArmSettings.common()}
    common["extractors"] = values["extractors"][:1]  # which chooses the steps; others may be added
    # Seed by seed, so that a stopped study contains complete comparisons.
    configurations = [
        {**common, "arm": arm, "size": size, "seed": seed}
        for seed, size, arm in product(settings.seeds, numbers, (BASELINES_ARM, *settings.arms))
    ]
    records = run_trials(run_arm_trial, configurations, place, settings=common, **runner)
    records = [scored(record, place, images, networks, copies_in=design.copies_in) for record in records]
    return ArmStudy(design, settings, records, place, floors, len(images.pool))


def _numbers(settings: ArmSettings, most: int) -> list[int]:
    """Return the sizes as numbers, ascending."""
    numbers = [most if size == ALL else size for size in settings.sizes]
    for number in numbers:
        check_int("sizes", number, minimum=2)
        if number > most:
            raise ArgumentError(
                f"Argument `sizes` must hold at most the {most} images that are left, but holds {number}."
            )
    return sorted(check_distinct("sizes", numbers))
