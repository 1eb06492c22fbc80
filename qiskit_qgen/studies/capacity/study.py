"""How the best critic's and the best classical generator's size grow with the quantum generator's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_choice, check_folder, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.metrics import get_extractor
from qiskit_qgen.models import ClassicalGeneratorConfig, StyleQGAN, StyleQGANConfig, StyleQGANTraining
from qiskit_qgen.models.base import count
from qiskit_qgen.persistence.json_text import parse_json
from qiskit_qgen.studies.capacity.analysis import CapacityAnalysis, analyse_capacity
from qiskit_qgen.studies.capacity.autoencoders import run_autoencoder_sweep, study_images
from qiskit_qgen.studies.capacity.grid import CapacityGrid, generator_name
from qiskit_qgen.studies.capacity.models import AutoencoderSettings, CapacityModels
from qiskit_qgen.studies.capacity.optimality import SCORE_NAMES, OptimalityRule, check_late_part, judge_record
from qiskit_qgen.studies.capacity.search import CapacitySearch, search_bounds, search_critic_widths
from qiskit_qgen.studies.capacity.setup import setup_table
from qiskit_qgen.studies.capacity.trial import SCORES, CapacityTraining, train_capacity_trial
from qiskit_qgen.studies.given import settings_of, split_options
from qiskit_qgen.studies.tables import save_results
from qiskit_qgen.studies.trials.folder import AUTOENCODERS
from qiskit_qgen.studies.trials.run import run_trials

_NAME = "capacity"
STUDY_FILE = f"{_NAME}.json"


@dataclass(frozen=True, eq=False)
class CapacityStudy:
    """What :func:`run_capacity_study` found, and what a rule makes of it."""

    records: list[dict[str, Any]]
    """The trials' records, see :func:`~qiskit_qgen.studies.run_trials`."""
    sizes: dict[str, dict[str, int]]
    """Trainable parameters: ``generators`` by name, and ``critics`` by width."""
    floors: dict[str, Any]
    """The autoencoder's record: its reconstructions' scores, and those of real images."""
    rule: OptimalityRule = field(default_factory=OptimalityRule)
    """When a training is stable, and which size optimal."""
    images: dict[str, list[int]] = field(default_factory=dict)
    """Shapes (N, C, H, W) of the images: ``data`` for training and ``held_out``."""

    def with_rule(self, rule: OptimalityRule) -> CapacityStudy:
        """Return the same trials under another rule."""
        return replace(self, rule=check_type("rule", rule, OptimalityRule, "a rule"))

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each trial: its sizes, how it ended, and how the rule judges it."""
        return [self._row(record) for record in self.records]

    @cached_property
    def analysis(self) -> CapacityAnalysis:
        """Optimal sizes, laws, and how they move with the thresholds."""
        return analyse_capacity(self.records, self.sizes, self.rule, floor=self.floor)

    @property
    def floor(self) -> float | None:
        """What the rule's score is of training images in the generated ones' place, None if no trial is done.

        Of a score of latents: of their latents; of one of images: of their reconstructions.
        """
        results = [record["result"] for record in self.records if record["status"] == "done"]
        known = [*(result.get("floors", {}) for result in results[:1]), self.floors["result"]["floor_reconstruction"]]
        return next((scores[self.rule.score] for scores in known if self.rule.score in scores), None)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it; :meth:`load` reads it."""
        return {
            "sizes": self.sizes,
            "floors": self.floors,
            "floor": self.floor,
            "images": self.images,
            "score_name": SCORE_NAMES[self.rule.score],
            "rule": self.rule.to_dict(),
            "analysis": self.analysis.to_dict(),
            "rows": self.rows,
            "trials": self.records,
        }

    def table(self) -> str:
        """Return what was found as Markdown, see :meth:`CapacityAnalysis.table`."""
        return self.analysis.table()

    def save(self, folder: PathLike) -> Path:
        """Write ``capacity.json``, ``capacity.csv`` with a row for each trial, and ``capacity.md`` to ``folder``."""
        setup = ["*Setup*", setup_table(self.records, self.floors, self.images, self.rule)] if self.images else []
        text = "\n\n".join([self.table(), *setup])
        return save_results(folder, _NAME, text=text, content=self.to_dict(), rows=self.rows)

    @classmethod
    def load(cls, folder: PathLike) -> CapacityStudy:
        """Read what :meth:`save` wrote.

        Raises:
            ArgumentError: If the folder holds no such file.
            CheckpointError: If the file is damaged.
        """
        path = check_folder("folder", folder) / STUDY_FILE
        if not path.is_file():
            raise ArgumentError(f"Folder {path.parent} holds no capacity study: it has no {STUDY_FILE}.")
        content = parse_json(path.read_bytes(), f"File {path}")
        try:
            rule = OptimalityRule(**content["rule"])
            return cls(content["trials"], content["sizes"], content["floors"], rule, content["images"])
        except (KeyError, TypeError) as error:
            raise CheckpointError(
                f"File {path} is damaged: {error}. The study's command writes it anew, without training."
            ) from error

    def _row(self, record: Mapping[str, Any]) -> dict[str, Any]:
        configuration = record["configuration"]
        name, width = generator_name(configuration), configuration["critic_width"]
        curves, starts = (record.get("result", {}).get(part, {}) for part in ("scores", "starts"))
        return {
            "digest": record["digest"],
            "generator": configuration["generator"],
            "name": name,
            "generator_parameters": self.sizes["generators"][name],
            "critic_width": width,
            "critic_parameters": self.sizes["critics"][str(width)],
            "seed": configuration["seed"],
            "status": record["status"],
            **asdict(judge_record(record, self.rule)),
            **{score: curves[score]["values"][-1] if score in curves else None for score in SCORES},
            **{f"start_{score}": starts.get(score) for score in SCORES[:2]},
        }


def run_capacity_study(
    data: Any,
    grid: CapacityGrid | Mapping[str, Any] | None = None,
    *,
    held_out: Any,
    folder: PathLike,
    autoencoder: AutoencoderSettings | Mapping[str, Any] | None = None,
    model: StyleQGANConfig | Mapping[str, Any] | None = None,
    classical: ClassicalGeneratorConfig | Mapping[str, Any] | None = None,
    training: StyleQGANTraining | Mapping[str, Any] | None = None,
    classical_training: StyleQGANTraining | Mapping[str, Any] | None = None,
    rule: OptimalityRule | Mapping[str, Any] | None = None,
    search: CapacitySearch | Mapping[str, Any] | None = None,
    **options: Any,
) -> CapacityStudy:
    """Train generators of many sizes against critics of many sizes in one latent, and find which sizes are optimal.

    arXiv 2601.05036 claims that the best classical critic's and the best classical generator's number of parameters
    grow exponentially with the quantum generator's. This measures both: for each generator the optimal critic by
    ``rule``; for each quantum generator the smallest classical one that is as good; and three laws of growth, with
    intervals over seeds, in comparison with each other and with no growth.

    Args:
        data: Images for training, as :meth:`~qiskit_qgen.models.AbstractGenerativeModel.fit` takes them.
        grid: Sizes and seeds; like all settings here, as such, as a mapping of them by name, or None for the defaults.
        held_out: Images to score against.
        folder: Folder of the study; the same call resumes, and a larger grid adds trials.
        autoencoder: The autoencoder, which is trained once for all trials.
        model: Settings of the model; those of its generator are the quantum generators'. The study sets the
            sizes.
        classical: Those of the classical generators.
        training: How generator and critic are trained.
        classical_training: The same with a classical generator; what is not named is as in ``training``. A comparison
            is fair only if both kinds train with settings that suit them.
        rule: When a training is stable, and which size optimal.
        search: Lets Optuna propose critic widths between the smallest and the largest of the grid, for each generator
            its own, in place of the grid's; None trains the grid.
        **options: Settings of :class:`CapacityTraining`, such as ``steps``, ``score_every`` or ``extractor``; and where
            trials run, as of :func:`~qiskit_qgen.studies.run_trials`.

    Raises:
        ArgumentError: If an argument is out of range or without effect, the rule would find fewer than three scores to
            judge a training by, or the folder holds another study.
        ArgumentTypeError: If an argument has the wrong type.
        DatasetError: If images are fewer than 10, out of range, all equal, or of different shapes.
        ExecutionError: If trials were lost with the processes that ran them.
        MissingOptionalLibraryError: If ``search`` is given and Optuna is not installed.
    """
    grid, rule = settings_of("grid", grid, CapacityGrid), settings_of("rule", rule, OptimalityRule)
    if search is not None:
        search = settings_of("search", search, CapacitySearch)
        search_bounds(grid)
    images, others = study_images(data, held_out)
    place, image_shape = check_folder("folder", folder), tuple(images.shape[1:])
    how = settings_of("training", training, StyleQGANTraining)
    other = {**how.to_dict(), **classical_training} if isinstance(classical_training, Mapping) else classical_training
    given, runner = split_options(options)
    models = CapacityModels(
        model=settings_of("model", model, StyleQGANConfig),
        classical=settings_of("classical", classical, ClassicalGeneratorConfig),
        training=how,
        classical_training=how if other is None else settings_of("classical_training", other, StyleQGANTraining),
    )
    chosen = CapacityTraining(**given, models=models)
    chosen = replace(chosen, num_samples=min(chosen.num_samples, len(others)))
    check_choice("rule.score", rule.score, chosen.scores)
    check_late_part(rule, chosen.scored_steps(rule.score))
    if chosen.extractor is not None:
        get_extractor(chosen.extractor, image_shape=image_shape, name="extractor")
    codec = settings_of("autoencoder", autoencoder, AutoencoderSettings)
    untrained = codec.build(image_shape)
    sizes = _sizes(grid.configurations({}), chosen.models, untrained, image_shape)
    (floors,) = run_autoencoder_sweep(
        images,
        {},
        held_out=others,
        folder=place / AUTOENCODERS,
        autoencoder=codec,
        batch_size=chosen.batch_size,
        num_samples=chosen.num_samples,
        extractor=chosen.extractor or "pixel",
    ).records
    if floors["status"] != "done":
        raise ArgumentError(f"The autoencoder's training failed, so that there is no latent: {floors['error']}")
    common = {"autoencoder": floors["digest"], "training": chosen.to_dict()}

    def run(planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return run_trials(train_capacity_trial, planned, place, settings=common, **runner)

    if search is None:
        records = run(grid.configurations(common))
    else:
        records = search_critic_widths(grid, common, rule, place, search=search, run=run)
        sizes = _sizes([record["configuration"] for record in records], chosen.models, untrained, image_shape)
    shapes = {"data": list(images.shape), "held_out": list(others.shape)}
    return CapacityStudy(records, sizes, floors, rule, shapes)


def _sizes(
    configurations: list[dict[str, Any]], models: CapacityModels, untrained: StyleQGAN, image_shape: tuple[int, ...]
) -> dict[str, dict[str, int]]:
    """Return the numbers of trainable parameters; raise ArgumentError if a model cannot be."""
    autoencoder, latent_dim = untrained.networks["autoencoder"], untrained.config.sample_size
    sizes: dict[str, dict[str, int]] = {"generators": {}, "critics": {}}
    for configuration in configurations:
        name, width = generator_name(configuration), str(configuration["critic_width"])
        if name not in sizes["generators"] or width not in sizes["critics"]:
            networks = models.build(configuration, autoencoder, latent_dim, image_shape).networks
            sizes["generators"][name] = count(networks["generator"])
            sizes["critics"][width] = count(networks["critic"])
    return sizes
