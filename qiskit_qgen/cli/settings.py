"""The settings of a training: from a TOML file and flags to the complete arguments of data, model, fit and scores."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

from qiskit_qgen.cli.toml_text import parse_value, read_toml
from qiskit_qgen.exceptions import ArgumentError

MODELS = ("StyleQGAN", "HybridGAN", "QuantumDiffusion")
# What follows from the data, belongs to tables, or is no plain value.
_NOT_SET_HERE = ("self", "image_shape", "num_features", "scaling")
_NOT_SET_IN_FIT = ("self", "data", "labels", "callbacks", "checkpoint_dir", "resume", "warm_start")
_NUM_SCORED = {"QuantumDiffusion": 256}  # whose samples take many passes each; others as many as there are real ones

_TABLES = ("data", "model", "fit", "evaluate")

Tables = dict[str, dict[str, Any]]


def read_settings(path: Path) -> Tables:
    """Return the tables of a TOML file, their names and keys checked.

    Raises:
        ArgumentError: If the file is missing or not valid TOML, or has a table or key that is unknown.
    """
    content = read_toml(path)
    for name, table in content.items():
        if not isinstance(table, Mapping):
            raise ArgumentError(
                f"File {path} must hold tables, but `{name}` stands outside of one; the tables are "
                f"{_listed(_TABLES, '[{}]')}."
            )
        _check_table(name, f"File {path}")
        for key in table:
            _check_key(name, key, f"File {path}", content)
    return {name: dict(table) for name, table in content.items()}


def override(tables: Tables, flags: Mapping[tuple[str, str], Any], assignments: Sequence[str]) -> Tables:
    """Return ``tables`` with values replaced.

    Args:
        tables: Checked tables.
        flags: Values by table and key; None replaces nothing.
        assignments: Texts of the form TABLE.KEY=VALUE, which win over ``flags``.

    Raises:
        ArgumentError: If an assignment has another form or an unknown table or key.
    """
    changed = {name: dict(table) for name, table in tables.items()}
    for (table, key), value in flags.items():
        if value is not None:
            _check_key(table, key, f"Option --{key.replace('_', '-')}", changed)
            changed.setdefault(table, {})[key] = value
    for assignment in assignments:
        place, equals, text = assignment.partition("=")
        table, dot, key = place.strip().partition(".")
        if not equals or not dot:
            raise ArgumentError(f"Option --set must have the form TABLE.KEY=VALUE, but is {assignment!r}.")
        _check_key(table, key, "Option --set", changed)
        changed.setdefault(table, {})[key] = parse_value(text.strip())
    return changed


def complete(tables: Tables) -> Tables:
    """Return ``tables`` with the defaults of all that they leave open.

    Raises:
        ArgumentError: If no data are named or the model is unknown.
    """
    model = _class_name(tables)
    if model not in MODELS:
        raise ArgumentError(f"`class_name` in the table [model] must be one of {_listed(MODELS)}, but is {model!r}.")
    for name, table in tables.items():
        for key in table:
            _check_key(name, key, "The settings", tables)
    result = {name: {**defaults, **tables.get(name, {})} for name, defaults in _defaults(model).items()}
    if result["data"]["name"] is None:
        raise ArgumentError("The data must be named: `name` in the table [data], or the option --data.")
    return result


def model_arguments(tables: Tables) -> dict[str, Any]:
    """Return the constructor's arguments; the word "none" stands for None where an argument can be None."""
    values = {key: value for key, value in tables["model"].items() if key != "class_name"}
    hints = get_type_hints(model_class(tables["model"]["class_name"]).__init__)
    return {
        key: None if value == "none" and type(None) in get_args(hints[key]) else value for key, value in values.items()
    }


def _class_name(tables: Mapping[str, Mapping[str, Any]]) -> Any:
    return tables.get("model", {}).get("class_name", MODELS[0])


def _defaults(model: str) -> Tables:
    """Return all tables with all their keys and default values for a model, as TOML can hold them."""
    kind = model_class(model)
    fit = _parameters(kind.fit, without=_NOT_SET_IN_FIT)
    if model == "StyleQGAN":
        fit["score_every"] = 250
    return {
        "data": {"name": None, "data_dir": None},
        "model": {"class_name": model, **_parameters(kind.__init__, without=_NOT_SET_HERE)},
        "fit": fit,
        "evaluate": {"split": "test", "num_samples": _NUM_SCORED.get(model), "extractor": None},
    }


def _parameters(function: Any, *, without: Sequence[str]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items() if name not in without}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}


def model_class(name: str) -> Any:
    """Return the model of a name out of ``MODELS``."""
    from qiskit_qgen import models

    return getattr(models, name)


def _check_table(table: str, source: str) -> None:
    if table not in _TABLES:
        raise ArgumentError(f"{source} has the unknown table [{table}]; the known ones are {_listed(_TABLES, '[{}]')}.")


def _check_key(table: str, key: str, source: str, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise unless ``key`` is known to the model that ``tables`` name; of an unknown model, nothing can be said."""
    _check_table(table, source)
    model = _class_name(tables)
    known = _defaults(model if model in MODELS else MODELS[0])[table]
    if key not in known:
        raise ArgumentError(
            f"{source} has the unknown key `{key}` in the table [{table}]; the known ones are {_listed(known)}."
        )


def _listed(names: Any, form: str = "{}") -> str:
    return ", ".join(form.format(name) for name in names)
