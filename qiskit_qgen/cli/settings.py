"""Settings of a run: from a TOML file and flags to complete settings for data, model, training and scores."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, cast

from qiskit_qgen._checks import renamed_arguments
from qiskit_qgen._settings import Settings, kinds_of_parts, setting
from qiskit_qgen.cli.data import DataSettings, unit_of
from qiskit_qgen.cli.toml_text import parse_value, read_toml
from qiskit_qgen.exceptions import ArgumentError

MODELS = ("StyleQGAN", "HybridGAN", "QuantumDiffusion")
_NAMES = ("class_name", "published")  # keys of [model] that are not settings
_OF_THE_DATA = ("image_shape", "num_features")  # what follows from the data
_OF_IMAGES, _OF_TABLES = ("autoencoder", "decoder", "latent_dim", "latent_transform"), ("scaling",)
_MOST_VALIDATION, _FEWEST_VALIDATION = 1000, 2
_CATEGORIES = ("num_classes", "num_clusters")
_MOST_CLASSES, _NUM_CLUSTERS, _FEWEST_CLUSTERED = 100, 20, 1000
_NUM_SCORED = {"QuantumDiffusion": 256}  # its samples take many passes each; others make as many as there are real ones

Tables = dict[str, dict[str, Any]]


class RunSettings(Settings):
    """The options of the table [training] that do not belong to the model's training."""

    seed: int | None = setting("Seed of the run; None draws a fresh one", default=None, minimum=0)
    execution: str | None = setting(
        "Where circuits run, such as 'aer:shots=1024'; None for the built-in simulator", default=None
    )
    checkpoint_every: int = setting("Steps between two checkpoints", default=100, minimum=1)
    score_every: int | None = setting(
        "Steps between two scores of a GAN; None takes 250 for a StyleQGAN and computes no scores otherwise",
        default=None,
        minimum=1,
    )
    num_validation: int | None = setting(
        "Number of images held out from training for the scores during training; None takes a tenth, at "
        "most 1000, if there are such scores, and otherwise 0",
        default=None,
        minimum=0,
    )

    def held_out(self, count: int, *, asked: bool) -> int:
        """Return how many of ``count`` images to hold out; of few, none unless scores in training were requested."""
        if self.num_validation is not None:
            return self.num_validation
        usual = 0 if self.score_every is None else min(_MOST_VALIDATION, count // 10)
        return usual if usual >= _FEWEST_VALIDATION else _FEWEST_VALIDATION * asked


class EvaluationSettings(Settings):
    """The table [evaluate]."""

    split: str = setting("Which images to score against: 'test', 'val' or 'train'", default="test")
    num_samples: int | None = setting(
        "Number of samples to score; None takes as many as there are real images, or 256 for a QuantumDiffusion",
        default=None,
        minimum=2,
    )
    extractor: str | None = setting(
        "Features to compare, such as 'pixel', or 'labels' for those of a classifier trained on the "
        "labels of the training images; None takes EfficientNet-Lite0 if it is installed",
        default=None,
    )
    oversample: int = setting(
        "Candidates for each sample, of which the critic keeps the best, in additional scores; 1 computes none",
        default=1,
        minimum=1,
        maximum=256,
    )


class LoggingSettings(Settings):
    """The table [logging]: what training writes in addition to its history."""

    csv: bool = setting("Whether to write `metrics.csv`: a row for each loss and score", default=False)
    tensorboard: bool = setting(
        "Whether to write event files for TensorBoard to `tensorboard/`; needs the extra `tensorboard`", default=False
    )
    wandb: bool = setting(
        "Whether to write a run of Weights & Biases to `wandb/`; needs the extra `wandb`", default=False
    )
    wandb_project: str = setting("Weights & Biases project of the run", default="qiskit_qgen")
    wandb_mode: Literal["offline", "online"] = setting(
        "Whether the Weights & Biases run stays on this machine until `wandb sync`", default="offline"
    )
    every: int = setting(
        "Steps between two logged losses, for these three loggers; scores are always written", default=10, minimum=1
    )
    images_every: int | None = setting(
        "Steps between two sample grids in `progress/`, which the report shows with a slider; None "
        "takes a twentieth of the steps, or an eighth for a QuantumDiffusion, and writes none on a "
        "billed device; 0 writes none",
        default=None,
        minimum=0,
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` if an option has no effect without a logger."""
        if not self.wandb:
            self.refuse(("wandb_project", "wandb_mode"), "without `wandb`")
        if not (self.csv or self.tensorboard or self.wandb):
            self.refuse(("every",), "without `csv`, `tensorboard` or `wandb`")


def table_classes(model: str) -> dict[str, tuple[type[Settings], ...]]:
    """Return the settings classes of each table, for a model in ``MODELS``."""
    kind = model_class(model)
    return {
        "data": (DataSettings,),
        "model": (kind.config_class,),
        "training": (kind.training_class, RunSettings),
        "evaluate": (EvaluationSettings,),
        "logging": (LoggingSettings,),
    }


def options_without_effect(*, of_images: bool) -> tuple[str, ...]:
    """Return the options that follow from the data, or have no effect on images or on tables."""
    shown = DataSettings().to_table(of_images=of_images)
    others = _OF_TABLES if of_images else _OF_IMAGES
    return (*_OF_THE_DATA, *others, *(name for name in DataSettings.names() if name not in shown))


def read_settings(path: Path) -> Tables:
    """Return the tables of a TOML file, after checking their names and keys.

    Raises:
        ArgumentError: If the file is missing or not valid TOML, or has a table or key that is unknown.
    """
    content = read_toml(path)
    for name, table in content.items():
        if not isinstance(table, Mapping):
            raise ArgumentError(f"File {path} must hold tables, but `{name}` stands outside of one.")
    tables = {name: dict(table) for name, table in content.items()}
    for name, table in tables.items():
        _check_table(name, tables, f"File {path}")
        for key, value in table.items():
            for inner in value if isinstance(value, Mapping) else (None,):
                _check_key(name, key if inner is None else f"{key}.{inner}", tables, f"File {path}")
    return tables


def override(tables: Tables, flags: Mapping[tuple[str, str], Any], assignments: Sequence[str]) -> Tables:
    """Return checked ``tables`` with the values of ``flags``, by table and key; None replaces nothing.

    Assignments have the form TABLE.KEY=VALUE or TABLE.PART.KEY=VALUE and override the flags.

    Raises:
        ArgumentError: If an assignment has another form or an unknown table or key.
    """
    changed = {name: dict(table) for name, table in tables.items()}
    for (table, key), value in flags.items():
        if value is not None:
            _assign(changed, table, key, value, f"Option --{key.replace('_', '-')}")
    for assignment in assignments:
        place, equals, text = assignment.partition("=")
        table, dot, key = place.strip().partition(".")
        if not equals or not dot:
            raise ArgumentError(f"Option --set must have the form TABLE.KEY=VALUE, but is {assignment!r}.")
        _assign(changed, table, key, parse_value(text.strip()), "Option --set")
    return changed


def complete(tables: Tables, shape: Sequence[int]) -> Tables:
    """Return ``tables`` with all settings filled in, as values that TOML and JSON can hold.

    Args:
        tables: The settings that are given.
        shape: Shape of a sample: channels, height and width of images, or the number of columns of a table.

    Raises:
        ArgumentError: If a value is out of range or without effect, or the model is unknown.
        ArgumentTypeError: If a value has the wrong type.
    """
    name = class_name(tables)
    kind = model_class(name)
    run, training = split_training(tables)
    if run.score_every is not None and name == "QuantumDiffusion":  # which has no generator to score
        raise ArgumentError(f"`score_every` in the table [training] has no effect on a {name}: leave it out.")
    model = {each: value for each, value in tables.get("model", {}).items() if each not in _NAMES}
    given = _published(tables).model_with(kind.config_class.without_none_words(model))
    _check_kind(tables, name, shape)
    config = kind.config_class.of(**{**given, **_of_the_data(shape)})
    evaluation = EvaluationSettings.of(**EvaluationSettings.without_none_words(tables.get("evaluate", {}))).to_dict()
    if evaluation["num_samples"] is None:
        evaluation["num_samples"] = _NUM_SCORED.get(name)
    if evaluation["oversample"] > 1 and name == "QuantumDiffusion":  # which has no critic
        raise ArgumentError(f"`oversample` in the table [evaluate] has no effect on a {name}: leave it out.")
    if name == "StyleQGAN" and run.score_every is None:
        run = RunSettings.of(**{**run.to_dict(), "score_every": 250})
    return {
        "data": data_settings(tables).to_table(of_images=len(shape) > 1),
        "model": _table_of(name, config),
        "training": {**_without(training.to_dict(), _OF_IMAGES if len(shape) == 1 else ()), **run.to_dict()},
        "evaluate": evaluation,
        "logging": LoggingSettings.of(**LoggingSettings.without_none_words(tables.get("logging", {}))).to_dict(),
    }


def data_settings(tables: Mapping[str, Mapping[str, Any]]) -> DataSettings:
    """Return the settings of the data.

    Raises:
        ArgumentError: If no data are named.
    """
    found = DataSettings.of(**DataSettings.without_none_words(tables.get("data", {})))
    if found.name is None:
        raise ArgumentError("The data must be named: `name` in the table [data], or the option --data.")
    return found


def split_training(tables: Mapping[str, Mapping[str, Any]]) -> tuple[RunSettings, Any]:
    """Return the run's own settings and the model's training settings from the table [training]."""
    kind = model_class(class_name(tables)).training_class
    table = dict(tables.get("training", {}))
    own = {name: table.pop(name) for name in RunSettings.names() if name in table}
    run = RunSettings.of(**RunSettings.without_none_words(own))
    return run, kind.of(**_published(tables).training_with(kind.without_none_words(table)))


def _published(tables: Mapping[str, Mapping[str, Any]], *, of_images: bool | None = None) -> Any:
    """Return the published system that the table [model] names, or one without settings if it names none.

    Raises:
        ArgumentError: If the model's class has no such system, or it is not for the required kind of data, images or
            tables.
    """
    from qiskit_qgen.models.base.published import Published

    name = tables.get("model", {}).get("published")
    if name is None:
        return Published({}, {})
    owner = class_name(tables)
    systems = model_class(owner).published_systems
    fit = [each for each, system in systems.items() if of_images in (None, system.of_images)]
    if not isinstance(name, str):
        raise ArgumentError(
            f'`published` in the table [model] must be a text, but is the number {name!r}: write published = "{name}", '
            f"on the command line --set 'model.published=\"{name}\"'."
        )
    if name not in fit:
        kind = {None: "", True: " of images", False: " of tables"}[of_images]
        listed = ", ".join(map(repr, fit)) or "left out"
        raise ArgumentError(
            f"`published` in the table [model] must be one of {listed} for a {owner}{kind}, but is {name!r}."
        )
    return systems[name]


def _check_kind(tables: Tables, name: str, shape: Sequence[int]) -> None:
    """Raise unless the model and its published system fit the kind of data, images or a table."""
    if len(shape) == 1 and name != "StyleQGAN":
        raise ArgumentError(f"A {name} generates images, but the data are a table, which a StyleQGAN alone learns.")
    _published(tables, of_images=len(shape) > 1)


def _of_the_data(shape: Sequence[int]) -> dict[str, Any]:
    """Return the model settings that follow from the shape of a sample."""
    return {"image_shape": None, "num_features": shape[0]} if len(shape) == 1 else {"image_shape": tuple(shape)}


def _without(table: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in names}


def choose_categories(tables: Tables, data: Any) -> Tables:
    """Return ``tables`` with the categories that a GAN's noise chooses from, if they leave them open.

    For data with labels, these are the classes, from 2 to 100; for 1,000 or more images without labels, 20 clusters.
    Models of tables, published systems, diffusion models, and circuits in which each angle has one noise component stay
    unchanged.
    """
    model = tables.get("model", {})
    generator = model.get("generator")
    keys = {*model, *(generator if isinstance(generator, Mapping) else ())}
    fixed = keys & {*_CATEGORIES, "published", "style"} or (unit_of(data) == "rows" and data.labels is None)
    if class_name(tables) not in ("StyleQGAN", "HybridGAN") or fixed:
        return tables
    if data.labels is None:
        chosen = {"num_clusters": _NUM_CLUSTERS} if len(data) >= _FEWEST_CLUSTERED else {}
    else:
        count = int(data.labels.max()) + 1
        chosen = {"num_classes": count} if 2 <= len(data.labels.unique()) <= count <= _MOST_CLASSES else {}
    return {**tables, "model": {**model, **chosen}}


def split_data(data: Any, num_validation: int) -> tuple[Any, Any]:
    """Return the images or rows to train on and those held out, or None if none are held out.

    Raises:
        ArgumentError: If none would be left.
    """
    from qiskit_qgen.datasets import hold_out

    with renamed_arguments({"num_images": "num_validation"}):
        return hold_out(data, num_validation) if num_validation else (data, None)


def model_of(table: Mapping[str, Any], shape: Sequence[int]) -> Any:
    """Return the model described by a complete table [model], for samples of ``shape``."""
    kind = model_class(table["class_name"])
    given = {name: value for name, value in table.items() if name != "class_name"}
    return kind(**kind.config_class.without_none_words(given), **_of_the_data(shape))


def model_table(model: Any) -> dict[str, Any]:
    """Return the complete table [model] of a model."""
    return _table_of(type(model).__name__, model.config)


def _table_of(name: str, config: Any) -> dict[str, Any]:
    others = _OF_TABLES if config.image_shape is not None else _OF_IMAGES
    return {"class_name": name, **_without(config.to_dict(), [*_OF_THE_DATA, *others])}


def class_name(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the name of the model's class: the given one, the one that has the published system, or StyleQGAN.

    Raises:
        ArgumentError: If it is unknown.
    """
    table = tables.get("model", {})
    name, published = table.get("class_name"), table.get("published")
    if name is None:
        owners = MODELS if published is not None else ()
        name = next((each for each in owners if published in model_class(each).published_systems), MODELS[0])
    if name not in MODELS:
        raise ArgumentError(f"`class_name` in the table [model] must be one of {', '.join(MODELS)}, but is {name!r}.")
    return str(name)


def model_class(name: str) -> Any:
    """Return the model class named ``name`` in ``MODELS``."""
    from qiskit_qgen import models

    return getattr(models, name)


def _assign(tables: Tables, table: str, place: str, value: Any, source: str) -> None:
    """Set the value at KEY or PART.KEY of a table; it overrides the same option under its other names."""
    _check_table(table, tables, source)
    _check_key(table, place, tables, source)
    target = tables.setdefault(table, {})
    part, dot, key = place.partition(".")
    if not dot:
        target[place] = value
        return
    held = target.get(part, {})
    target[part] = {**(held if isinstance(held, Mapping) else {"kind": held}), key: value}
    own = [each.name for kind in table_classes(class_name(tables))[table] for each in fields(cast(Any, kind))]
    for other in (key, f"{part}_{key}"):
        if other not in own:
            target.pop(other, None)


def _check_table(table: str, tables: Tables, source: str) -> None:
    known = table_classes(class_name(tables))
    if table not in known:
        listed = ", ".join(f"[{name}]" for name in known)
        raise ArgumentError(f"{source} has the unknown table [{table}]; the known ones are {listed}.")


def _check_key(table: str, place: str, tables: Tables, source: str) -> None:
    """Raise unless the table's settings have an option at KEY or PART.KEY."""
    kinds = table_classes(class_name(tables))[table]
    part, dot, key = place.partition(".")
    parts = {name: each for kind in kinds for name, each in kinds_of_parts(kind).items()}
    what = "the known ones"
    if part in parts and dot:
        known = ["kind"] * any(each.kind for each in parts[part])
        known += [name for each in parts[part] for name in each.names()]
    elif dot:
        key, what, known = part, "its parts", list(parts) or ["none"]
    else:
        known = [name for kind in kinds for name in kind.names() if name not in _OF_THE_DATA]
        known += [*_NAMES] * (table == "model")
        key = part
    if key not in known:
        if table == "model" and key in _OF_THE_DATA:
            raise ArgumentError(f"{source} has `{key}` in [{table}], which follows from the data: leave it out.")
        near = difflib.get_close_matches(key, known, 1, 0.6)
        remedy = f"did you mean `{near[0]}`?" if near else f"{what} are {', '.join(dict.fromkeys(known))}."
        raise ArgumentError(f"{source} has the unknown key `{place}` in the table [{table}]: {remedy}")
