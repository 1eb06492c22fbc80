"""Runs a capacity study from its settings: the autoencoder, all trainings, and the reference scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from qiskit_qgen._checks import check_choice, check_folder
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import get_extractor
from qiskit_qgen.models import ClassicalGeneratorConfig, StyleQGAN, StyleQGANConfig, StyleQGANTraining
from qiskit_qgen.models.base import count
from qiskit_qgen.models.base.codecs import encode
from qiskit_qgen.networks import LatentNormalizer
from qiskit_qgen.studies.capacity.autoencoders import load_autoencoder, run_autoencoder_sweep, study_images
from qiskit_qgen.studies.capacity.grid import CapacityGrid, generator_name
from qiskit_qgen.studies.capacity.models import AutoencoderSettings, CapacityModels
from qiskit_qgen.studies.capacity.on_test import score_on_test
from qiskit_qgen.studies.capacity.optimality import OptimalityRule, check_late_part
from qiskit_qgen.studies.capacity.power import CapacityPlan
from qiskit_qgen.studies.capacity.scores import SCORES, LatentScores, reference_scores
from qiskit_qgen.studies.capacity.search import CapacitySearch, search_bounds, search_critic_widths
from qiskit_qgen.studies.capacity.study import CapacityStudy
from qiskit_qgen.studies.capacity.trial import CapacityTraining, train_capacity_trial
from qiskit_qgen.studies.given import settings_of, split_options
from qiskit_qgen.studies.trials.folder import AUTOENCODERS
from qiskit_qgen.studies.trials.run import run_trials

_OWN = ("extractors",)  # options of the study that do not affect trials


def run_capacity_study(
    data: Any,
    grid: CapacityGrid | Mapping[str, Any] | None = None,
    *,
    held_out: Any,
    folder: PathLike,
    test: Any = None,
    autoencoder: AutoencoderSettings | Mapping[str, Any] | None = None,
    model: StyleQGANConfig | Mapping[str, Any] | None = None,
    classical: ClassicalGeneratorConfig | Mapping[str, Any] | None = None,
    training: StyleQGANTraining | Mapping[str, Any] | None = None,
    classical_training: StyleQGANTraining | Mapping[str, Any] | None = None,
    rule: OptimalityRule | Mapping[str, Any] | None = None,
    plan: CapacityPlan | Mapping[str, Any] | None = None,
    search: CapacitySearch | Mapping[str, Any] | None = None,
    **options: Any,
) -> CapacityStudy:
    """Train generators of many sizes against critics of many sizes in one latent space, and find the optimal sizes.

    arXiv 2601.05036 claims that the numbers of parameters of the best classical critic and the best classical generator
    grow exponentially with the quantum generator's. This study measures both. It finds the optimal critic of each
    generator by ``rule`` and the smallest classical generator that is as good as each quantum generator, and compares
    three laws of growth with each other and with no growth. A simulation with the measured noise checks whether the
    design could have distinguished them. The study draws no conclusion if it could not, or if trivial baselines do as
    well as the trained generators. :func:`~qiskit_qgen.studies.plan_capacity_study` runs this check in advance.

    Args:
        data: Training images, in any form that :meth:`~qiskit_qgen.models.AbstractGenerativeModel.fit` accepts.
        grid: Sizes and seeds. Like all settings here, pass a settings object, a mapping by name, or None for the
            defaults.
        held_out: Images to score against; all choices are based on them.
        folder: Folder of the study; repeating the call resumes it, and a larger grid adds trials.
        test: Other images, used once at the end: the samples of the optimal pairs of sizes are scored against them, in
            the latent space and with the feature ``extractors``. None omits this.
        autoencoder: The autoencoder, which is trained once for all trials, or principal components.
        model: Settings of the model; its generator settings apply to the quantum generators. The study sets the sizes.
        classical: The settings of the classical generators.
        training: How generators and critics are trained.
        classical_training: The same for classical generators; settings that are not given are taken from ``training``.
            A comparison is fair only if both kinds train with settings that suit them.
        rule: When a training is stable, and which size optimal.
        plan: The growth that the design should detect, for its power.
        search: Lets Optuna propose critic widths for each generator, between the smallest and the largest of the grid,
            instead of the grid's widths. None trains the grid.
        **options: Settings of :class:`CapacityTraining`, such as ``steps``, ``score_every`` or ``extractors``; and
            where trials run, as for :func:`~qiskit_qgen.studies.run_trials`.

    Raises:
        ArgumentError: If an argument is out of range or has no effect, the rule would have fewer than three scores to
            judge a training, or the folder holds another study.
        ArgumentTypeError: If an argument has the wrong type.
        DatasetError: If there are fewer than 10 images, or if they are out of range, all equal, or of different shapes.
        ExecutionError: If trials were lost with the processes that ran them.
        MissingOptionalLibraryError: If ``search`` is given and Optuna is not installed.
    """
    grid, rule = settings_of("grid", grid, CapacityGrid), settings_of("rule", rule, OptimalityRule)
    plan = settings_of("plan", plan, CapacityPlan)
    if search is not None:
        search = settings_of("search", search, CapacitySearch)
        search_bounds(grid)
    images, others = study_images(data, held_out)
    unseen = None if test is None else study_images(data, test, "test")[1]
    place, image_shape = check_folder("folder", folder), tuple(images.shape[1:])
    models = capacity_models(model, classical, training, classical_training)
    given, runner = split_options(options)
    chosen = CapacityTraining(**given, models=models)
    chosen = replace(chosen, num_samples=min(chosen.num_samples, len(others)))
    check_choice("rule.score", rule.score, SCORES)
    check_late_part(rule, chosen.scored_steps)
    for name in chosen.extractors:
        get_extractor(name, image_shape=image_shape, name="extractors")(others[:1])  # which may take no such channels
    codec = settings_of("autoencoder", autoencoder, AutoencoderSettings)
    sizes = trained_sizes(grid.configurations({}), models, codec, image_shape)
    (floors,) = run_autoencoder_sweep(
        images,
        {},
        held_out=others,
        folder=place / AUTOENCODERS,
        autoencoder=codec,
        batch_size=chosen.batch_size,
        num_samples=chosen.num_samples,
        extractor="pixel",
    ).records
    if floors["status"] != "done":
        raise ArgumentError(f"The autoencoder's training failed, so that there is no latent: {floors['error']}")
    settings = {name: value for name, value in chosen.to_dict().items() if name not in _OWN}
    common = {"autoencoder": floors["digest"], "training": settings}

    def run(planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return run_trials(train_capacity_trial, planned, place, settings=common, **runner)

    if search is None:
        records = run(grid.configurations(common))
    else:
        records = search_critic_widths(grid, common, rule, place, search=search, run=run)
        sizes = trained_sizes([record["configuration"] for record in records], models, codec, image_shape)
    shapes = {"data": list(images.shape), "held_out": list(others.shape)}
    references = _references(place, floors["digest"], chosen, images, others)
    study = CapacityStudy(records, sizes, floors, rule, shapes, references, {}, plan)
    if unseen is None or not study.analysis.optima:
        return study
    shapes["test"] = list(unseen.shape)
    found = score_on_test(study, place, unseen, chosen)
    return replace(study, images=shapes, test=found)


def capacity_models(model: Any, classical: Any, training: Any, classical_training: Any) -> CapacityModels:
    """Return the models of a study from the arguments of :func:`run_capacity_study`."""
    how = settings_of("training", training, StyleQGANTraining)
    other = {**how.to_dict(), **classical_training} if isinstance(classical_training, Mapping) else classical_training
    return CapacityModels(
        model=settings_of("model", model, StyleQGANConfig),
        classical=settings_of("classical", classical, ClassicalGeneratorConfig),
        training=how,
        classical_training=how if other is None else settings_of("classical_training", other, StyleQGANTraining),
    )


def trained_sizes(
    configurations: list[dict[str, Any]],
    models: CapacityModels,
    codec: AutoencoderSettings,
    image_shape: tuple[int, ...],
) -> dict[str, dict[str, int]]:
    """Return the numbers of trainable parameters; raise ArgumentError if a model cannot be built."""
    untrained: StyleQGAN = codec.build(image_shape)
    autoencoder = untrained.networks["autoencoder"]
    sizes: dict[str, dict[str, int]] = {"generators": {}, "critics": {}}
    for configuration in configurations:
        name, width = generator_name(configuration), str(configuration["critic_width"])
        if name not in sizes["generators"] or width not in sizes["critics"]:
            networks = models.build(configuration, autoencoder, image_shape).networks
            sizes["generators"][name] = count(networks["generator"])
            sizes["critics"][width] = count(networks["critic"])
    return sizes


def _references(
    place: Path, digest: str, training: CapacityTraining, images: Tensor, others: Tensor
) -> dict[str, dict[str, Any]]:
    autoencoder = load_autoencoder(place / AUTOENCODERS, digest, images.shape[1:])
    train, real = (encode(autoencoder, each) for each in (images, others[: training.num_samples]))
    normalizer = LatentNormalizer(train.shape[1], training.models.model.latent_transform)
    normalizer.fit(train)
    found = reference_scores(normalizer(train), LatentScores(normalizer, real), training.num_samples)
    return {score: {name: dict(each) for name, each in own.items()} for score, own in found.items()}
