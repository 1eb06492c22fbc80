"""Recipes of reproductions: the paper's claim, the known facts about its set-up, and the settings of a run here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from qiskit_qgen._checks import check_choice, check_folder
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.loading import DATASET_NAMES
from qiskit_qgen.exceptions import DatasetError

Size = Literal["quick", "default", "full"]

_FOLDER = resources.files(__package__) / "recipes"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One run of a recipe: a data set, and the settings for it."""

    title: str
    """The part's title; "" if it is the only part."""
    dataset: str
    """A known data set, or the name of a file."""
    exact: bool
    """Whether these are the paper's exact data."""
    data: str
    """What the data are, in a sentence."""
    source: str
    """Where to get them."""
    settings: dict[str, Any]
    """Tables of settings for the kind of run."""

    def locate(self, data_dir: PathLike | None) -> tuple[str, str | None]:
        """Return the name and the ``data_dir`` with which to load the data set.

        Raises:
            DatasetError: If the file is not in ``data_dir``, or no folder is given for a data set that is not known.
        """
        if data_dir is None:
            if self.dataset in DATASET_NAMES:
                return self.dataset, None
            raise DatasetError(
                f"The data {self.dataset} are needed: {self.source} Then name their folder by --data-dir."
            )
        folder = check_folder("data_dir", data_dir)
        path = folder / self.dataset
        if not path.exists():
            if self.dataset in DATASET_NAMES:
                return self.dataset, None
            raise DatasetError(f"Folder {folder} has no {self.dataset}. {self.source}")
        return (self.dataset, str(path)) if self.dataset in DATASET_NAMES else (str(path), None)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A reproduction of one task of a paper."""

    name: str
    title: str
    paper: str
    """The paper's arXiv id."""
    kind: str
    """Which run answers the question; a key of ``KINDS`` in ``run.py``."""
    claim: str
    known: tuple[str, ...]
    """The known facts about the paper's set-up."""
    ours: tuple[str, ...]
    """Our choices where nothing is known."""
    deviations: tuple[str, ...]
    """Where the run differs from the known facts."""
    rule: str
    """The criterion for a reproduced claim, fixed before the run."""
    parts: tuple[Part, ...]
    size: Size


def recipe_names() -> list[str]:
    """Return the names of all recipes."""
    return sorted(Path(entry.name).stem for entry in _FOLDER.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name: str, size: Size = "default") -> Recipe:
    """Return a recipe by its name.

    Args:
        name: One of :func:`recipe_names`.
        size: "default" takes about two hours on two cores; "quick" takes a few minutes, and only shows that the recipe
            runs; "full" is the paper's size.

    Raises:
        ArgumentError: If there is no such recipe.
    """
    check_choice("name", name, recipe_names())
    content = tomllib.loads((_FOLDER / f"{name}.toml").read_text())
    parts = content.pop("parts")
    shared, sizes = content.pop("settings"), content.pop("sizes")
    changed = _merged(shared, sizes.get(size, {}))
    content |= {key: tuple(content[key]) for key in ("known", "ours", "deviations")}
    return Recipe(name=name, size=size, **content, parts=tuple(_part(each, changed) for each in parts))


def _part(content: dict[str, Any], shared: Mapping[str, Any]) -> Part:
    return Part(**{"title": "", **content, "settings": _merged(shared, content.get("settings", {}))})


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested tables in which ``changes`` override ``base``."""
    merged = dict(base)
    for key, value in changes.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return merged
