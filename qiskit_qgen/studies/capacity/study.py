"""How the best critic's and the best classical generator's size grow with the quantum generator's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_choice, check_folder, check_int, check_path, check_type, renamed_arguments
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.metrics import get_extractor
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.models.style_arguments import latent_size
from qiskit_qgen.persistence import atomic_write
from qiskit_qgen.persistence.json_text import parse_json
from qiskit_qgen.studies.capacity.analysis import CapacityAnalysis, analyse_capacity
from qiskit_qgen.studies.capacity.autoencoders import (
    FEWEST,
    build_autoencoder_model,
    run_autoencoder_sweep,
    study_pictures,
)
from qiskit_qgen.studies.capacity.grid import CapacityGrid, generator_name
from qiskit_qgen.studies.capacity.optimality import SCORE_NAMES, OptimalityRule, check_late_part, judge_record
from qiskit_qgen.studies.capacity.search import CapacitySearch, search_bounds, search_critic_widths
from qiskit_qgen.studies.capacity.setup import setup_text
from qiskit_qgen.studies.capacity.trial import (
    SCORES,
    arguments_by_kind,
    build_capacity_model,
    count_parameters,
    scored_steps,
    train_capacity_trial,
)
from qiskit_qgen.studies.trials.folder import AUTOENCODERS
from qiskit_qgen.studies.trials.run import run_trials

STUDY_FILE = "capacity.json"
_COLUMNS = (
    "digest", "generator", "name", "generator_parameters", "critic_width", "critic_parameters", "seed", "status",
    "score", "spread", "slope", "critic_drift", "stable", *SCORES,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class CapacityStudy:
    """What :func:`run_capacity_study` found, and what a rule makes of it."""

    records: list[dict[str, Any]]
    """The trials' records, see :func:`~qiskit_qgen.studies.run_trials`."""
    sizes: dict[str, dict[str, int]]
    """Trainable parameters: ``generators`` by name, and ``critics`` by width."""
    floors: dict[str, Any]
    """The autoencoder's record: its reconstructions' scores, and those of real pictures."""
    rule: OptimalityRule = field(default_factory=OptimalityRule)
    """When a training is stable, and which size optimal."""
    pictures: dict[str, list[int]] = field(default_factory=dict)
    """Shapes (N, C, H, W) of the pictures: ``data`` for training and ``held_out``."""

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
        """What the rule's score is of training pictures in the generated ones' place, None if no trial is done.

        Of a score of latents: of their latents; of one of pictures: of their reconstructions.
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
            "pictures": self.pictures,
            "score_name": SCORE_NAMES[self.rule.score],
            "rule": self.rule.to_dict(),
            "analysis": self.analysis.to_dict(),
            "rows": self.rows,
            "trials": self.records,
        }

    def save(self, folder: PathLike) -> Path:
        """Write ``capacity.json``, ``capacity.csv`` with a row for each trial, and ``capacity.md`` to ``folder``."""
        target = check_path("folder", folder)
        target.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        atomic_write(target / "capacity.csv", text.getvalue())
        setup = [setup_text(self.records, self.floors, self.pictures, self.rule)] if self.pictures else []
        parts = ["*Reading.* " + self.analysis.reading, *setup, self.analysis.table()]
        atomic_write(target / "capacity.md", "\n\n".join(parts) + "\n")
        atomic_write(target / STUDY_FILE, json.dumps(self.to_dict(), indent=1) + "\n")
        return target

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
            return cls(content["trials"], content["sizes"], content["floors"], rule, content["pictures"])
        except (KeyError, TypeError) as error:
            raise CheckpointError(
                f"File {path} is damaged: {error}. The study's command writes it anew, without training."
            ) from error

    def _row(self, record: Mapping[str, Any]) -> dict[str, Any]:
        configuration = record["configuration"]
        name, width = generator_name(configuration), configuration["critic_width"]
        judged = judge_record(record, self.rule)
        curves = record.get("result", {}).get("scores", {})
        return {
            "digest": record["digest"],
            "generator": configuration["generator"],
            "name": name,
            "generator_parameters": self.sizes["generators"][name],
            "critic_width": width,
            "critic_parameters": self.sizes["critics"][str(width)],
            "seed": configuration["seed"],
            "status": record["status"],
            **{key: getattr(judged, key) for key in ("score", "spread", "slope", "critic_drift")},
            "stable": judged.stable,
            **{score: curves[score]["values"][-1] if score in curves else None for score in SCORES},
        }


def run_capacity_study(
    data: Any,
    grid: CapacityGrid | None = None,
    *,
    held_out: Any,
    folder: PathLike,
    autoencoder: Mapping[str, Any] | None = None,
    autoencoder_steps: int = 1500,
    steps: int = 1000,
    batch_size: int = 128,
    score_every: int = 50,
    pictures_every: int | None = None,
    num_samples: int = 1000,
    extractor: str | None = "pixel",
    model: Mapping[str, Any] | None = None,
    quantum_model: Mapping[str, Any] | None = None,
    classical_model: Mapping[str, Any] | None = None,
    rule: OptimalityRule | None = None,
    search: CapacitySearch | None = None,
    **runner: Any,
) -> CapacityStudy:
    """Train generators of many sizes against critics of many sizes in one latent, and find which sizes are optimal.

    arXiv 2601.05036 claims that the best classical critic's and the best classical generator's number of parameters
    grow exponentially with the quantum generator's. This measures both: for each generator the optimal critic by
    ``rule``; for each quantum generator the smallest classical one that is as good; and three laws of growth, with
    intervals over seeds, in comparison with each other and with no growth.

    Args:
        data: Pictures for training, as :meth:`~qiskit_qgen.models.StyleQGAN.fit` takes them.
        grid: Sizes and seeds; None takes those of :class:`CapacityGrid`.
        held_out: Pictures to score against.
        folder: Folder of the study; the same call resumes, and a larger grid adds trials.
        autoencoder: Options of the autoencoder, as of :func:`~qiskit_qgen.studies.run_autoencoder_sweep`; it is trained
            once for all trials.
        autoencoder_steps: Steps of the autoencoder.
        steps: Steps of each generator.
        batch_size: Pictures in a batch.
        score_every: Steps between two scores.
        pictures_every: Steps between two scores of decoded pictures; None scores them at the end only.
        num_samples: Samples in each score, at least 10; no more than there are held-out pictures are taken.
        extractor: Name of the features in which pictures are compared; None compares latents only.
        model: Further arguments of :class:`~qiskit_qgen.models.StyleQGAN` for all trials.
        quantum_model: Those of trials with a quantum generator only, such as its learning rate; before ``model``.
        classical_model: Those of trials with a classical generator only. A comparison is fair only if both kinds train
            with settings that suit them.
        rule: When a training is stable, and which size optimal.
        search: Lets Optuna propose critic widths between the smallest and the largest of the grid, for each generator
            its own, in place of the grid's; None trains the grid.
        **runner: Where trials run, as of :func:`~qiskit_qgen.studies.run_trials`.

    Raises:
        ArgumentError: If an argument is out of range or without effect, the rule would find fewer than three scores to
            judge a training by, or the folder holds another study.
        ArgumentTypeError: If an argument has the wrong type.
        DatasetError: If pictures are fewer than 10, out of range, all equal, or of different shapes.
        ExecutionError: If trials were lost with the processes that ran them.
        MissingOptionalLibraryError: If ``search`` is given and Optuna is not installed.
    """
    grid = CapacityGrid() if grid is None else check_type("grid", grid, CapacityGrid, "a CapacityGrid or None")
    rule = OptimalityRule() if rule is None else check_type("rule", rule, OptimalityRule, "an OptimalityRule or None")
    if check_type("search", search, (CapacitySearch, type(None)), "a CapacitySearch or None") is not None:
        search_bounds(grid)
    check_choice("rule.score", rule.score, SCORES[:2] if extractor is None else SCORES)
    images, others = study_pictures(data, held_out)
    place, image_shape = check_folder("folder", folder), tuple(images.shape[1:])
    check_int("score_every", score_every, minimum=1, maximum=check_int("steps", steps, minimum=1))
    if pictures_every is not None and check_int("pictures_every", pictures_every, minimum=1) % score_every:
        raise ArgumentError(
            f"Argument `pictures_every` must be a multiple of `score_every`, {score_every}, but is {pictures_every}."
        )
    if pictures_every is not None and extractor is None:
        raise ArgumentError("Argument `pictures_every` has no effect without an `extractor`: leave it out.")
    check_late_part(rule, scored_steps(rule.score, steps, score_every, pictures_every))
    if extractor is not None:
        get_extractor(extractor, image_shape=image_shape, name="extractor")
    training: dict[str, Any] = {
        "steps": steps,
        "batch_size": check_int("batch_size", batch_size, minimum=2),
        "score_every": score_every,
        "pictures_every": pictures_every,
        "num_samples": min(check_int("num_samples", num_samples, minimum=FEWEST), len(others)),
        "extractor": extractor,
        "model": arguments_by_kind(model, quantum_model, classical_model),
    }
    with renamed_arguments({"options": "autoencoder"}):
        untrained = build_autoencoder_model(image_shape, autoencoder or {})
    sizes = _sizes(grid.configurations({"training": training}), untrained, image_shape)
    with renamed_arguments({"steps": "autoencoder_steps"}):
        (floors,) = run_autoencoder_sweep(
            images,
            others,
            [autoencoder or {}],
            place / AUTOENCODERS,
            steps=autoencoder_steps,
            batch_size=batch_size,
            num_samples=training["num_samples"],
            extractor=extractor or "pixel",
        )
    if floors["status"] != "done":
        raise ArgumentError(f"The autoencoder's training failed, so that there is no latent: {floors['error']}")
    common = {"autoencoder": floors["digest"], "training": training}

    def run(planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return run_trials(train_capacity_trial, planned, place, settings=common, **runner)

    if search is None:
        records = run(grid.configurations(common))
    else:
        records = search_critic_widths(grid, common, rule, place, search=search, run=run)
        sizes = _sizes([record["configuration"] for record in records], untrained, image_shape)
    shapes = {"data": list(images.shape), "held_out": list(others.shape)}
    return CapacityStudy(records, sizes, floors, rule, shapes)


def _sizes(
    configurations: list[dict[str, Any]], untrained: StyleQGAN, image_shape: tuple[int, ...]
) -> dict[str, dict[str, int]]:
    """Return the numbers of trainable parameters; raise ArgumentError if a model cannot be."""
    autoencoder, latent_dim = untrained.networks["autoencoder"], latent_size(untrained.arguments)
    sizes: dict[str, dict[str, int]] = {"generators": {}, "critics": {}}
    for configuration in configurations:
        name, width = generator_name(configuration), str(configuration["critic_width"])
        if name not in sizes["generators"] or width not in sizes["critics"]:
            counted = count_parameters(build_capacity_model(configuration, autoencoder, latent_dim, image_shape))
            sizes["generators"][name] = counted["generator_parameters"]
            sizes["critics"][width] = counted["critic_parameters"]
    return sizes
