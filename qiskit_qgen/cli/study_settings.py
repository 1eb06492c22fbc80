"""The settings file of a study: TOML tables whose names and keys are checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qiskit_qgen.cli.toml_text import read_toml
from qiskit_qgen.exceptions import ArgumentError, DatasetError

if TYPE_CHECKING:
    from torch import Tensor


def read_study_tables(path: Path | None, known: Mapping[str, Collection[str]]) -> dict[str, dict[str, Any]]:
    """Return the tables of a TOML file, each of ``known``; without a file all are empty.

    Args:
        path: The file, or None.
        known: The keys of each table; those of a table without keys here are not checked.

    Raises:
        ArgumentError: If the file is missing or not valid TOML, or has a table that is empty, or a table or key that is
            unknown.
    """
    tables: dict[str, dict[str, Any]] = {name: {} for name in known}
    for name, table in ({} if path is None else read_toml(path)).items():
        if name not in known or not isinstance(table, Mapping):
            listed = ", ".join(f"[{each}]" for each in known)
            raise ArgumentError(f"File {path} must hold the tables {listed} only, but holds `{name}`.")
        if not table:
            raise ArgumentError(f"File {path} has an empty table [{name}], which changes nothing: leave it out.")
        for key in table:
            if known[name] and key not in known[name]:
                raise ArgumentError(
                    f"File {path} has the unknown key `{key}` in the table [{name}]; the known ones are "
                    f"{', '.join(known[name])}."
                )
        tables[name] = dict(table)
    return tables


def named_data(table: Mapping[str, Any], given: str | None) -> str:
    """Return the name of the data: that of the option, or that in the table [data].

    Raises:
        ArgumentError: If there is neither.
    """
    name = given or table.get("name")
    if name is None:
        raise ArgumentError("The data must be named: `name` in the table [data], or the option --data.")
    return str(name)


def training_and_test_images(table: Mapping[str, Any], given: str | None) -> tuple[Tensor, Tensor]:
    """Return the pictures of both splits of the data that are named; of those for training, ``num_images`` drawn.

    Raises:
        ArgumentError: If the data are not named, or ``num_images`` or ``subset_seed`` is out of range.
        DatasetError: If they are missing or damaged, or have no such splits.
    """
    from qiskit_qgen.datasets import load_dataset

    name, place = named_data(table, given), table.get("data_dir")
    subset = {key: table[key] for key in ("num_images", "subset_seed") if key in table}
    train = load_dataset(name, split="train", data_dir=place, **subset)
    try:
        test = load_dataset(name, split="test", data_dir=place)
    except DatasetError as error:
        raise DatasetError(f"A study scores against pictures of a split of their own, test: {error}") from error
    return train.images, test.images
