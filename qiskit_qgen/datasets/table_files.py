"""CSV and Parquet files, read by pandas and PyArrow; declared sizes are checked before memory is allocated."""

from __future__ import annotations

import csv
import io
import itertools
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qiskit_qgen.datasets.reading import check_fits_memory, reading
from qiskit_qgen.datasets.table_dataset import MAXIMUM_COLUMNS
from qiskit_qgen.exceptions import DatasetError
from qiskit_qgen.optionals import HAS_PANDAS, HAS_PYARROW

_LOGGER = logging.getLogger(__name__)

FRAME_SUFFIXES = (".csv", ".tsv", ".parquet")
"""The file extensions that :func:`read_frame` reads."""

_SEPARATORS = ",;\t|"
_LONGEST_HEAD = 2**20
_BYTES_PER_VALUE = 2  # at least, in a CSV file: a digit and a separator
_INDEX = re.compile(r"__index_level_\d+__")  # pandas' name for an unnamed index in a Parquet file


def read_frame(path: Path, columns: Sequence[str | int] | None = None, label: str | int | None = None) -> Any:
    """Return the ``DataFrame`` in a CSV, TSV or Parquet file.

    Args:
        path: The file, which exists.
        columns: Names of the columns to read; None reads all.
        label: Name of the column of classes, which may hold words and is read beside these; None for none.

    Raises:
        DatasetError: If the file is damaged, has no header line, names a column twice, lacks one of ``columns``, or
            does not fit into memory.
        MissingOptionalLibraryError: If pandas or PyArrow is not installed.
    """
    HAS_PANDAS.require_now(f"{path.suffix} files")
    if columns is not None and label is not None:
        columns = [*columns, label]
    if path.suffix.lower() == ".parquet":
        HAS_PYARROW.require_now("Parquet files")
        return _read_parquet(path, columns, label)
    return _read_csv(path, columns)


def write_frame(frame: Any, path: Path, kind: str) -> None:
    """Write a ``DataFrame`` without its index as CSV or Parquet, chosen by the extension ``kind``.

    Raises:
        MissingOptionalLibraryError: If PyArrow is not installed.
    """
    if kind == ".parquet":
        HAS_PYARROW.require_now("Parquet files")
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == ".tsv" else ",")


def _read_csv(path: Path, columns: Sequence[str | int] | None) -> Any:
    import pandas as pd

    separator, names = _head(path)
    check_fits_memory(path.stat().st_size // _BYTES_PER_VALUE, path, itemsize=8)
    _check_names(names, path)
    chosen = _chosen(names, columns, path)
    with reading(path, "a table of values separated by commas"), path.open("rb") as file:
        frame = pd.read_csv(file, sep=separator, header=0, encoding="utf-8-sig")
    if not isinstance(frame.index, pd.RangeIndex) or len(frame.columns) != len(names):
        raise DatasetError(f"File {path} must have as many values in a line as names in the first, but has more.")
    frame.columns = names
    if columns is None and names[0] == "" and bool((frame[""] == frame.index).all()):
        _LOGGER.warning("File %s: its first column has no name and counts the rows: it is left out.", path)
        chosen = chosen[1:]
    return frame[chosen]


def _head(path: Path) -> tuple[str, list[str]]:
    """Return the separator and the names in the first line of a CSV file.

    Raises:
        DatasetError: If it is not a line of names.
    """
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEAD)
    line, end, _ = head.partition(b"\n")
    if not end and len(head) == _LONGEST_HEAD:
        raise DatasetError(f"File {path} is not a table: its first line, of column names, is longer than a megabyte.")
    with reading(path, "text in UTF-8"):
        text = line.decode("utf-8-sig").rstrip("\r")
        separator = max(_SEPARATORS, key=text.count)
        names = next(csv.reader(io.StringIO(text), delimiter=separator), [])
    if not any(names):
        raise DatasetError(f"File {path} must begin with a line of column names, but its first line is empty.")
    numbers = [each for each in names if _is_number(each)]
    if numbers and len(numbers) >= len(names) - 1 and not _is_count(numbers):
        raise DatasetError(
            f"File {path} must begin with a line of column names, but its first line holds numbers "
            f"({numbers[0]}, ...): write names before it."
        )
    return separator, [each.strip() for each in names]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_count(names: Sequence[str]) -> bool:
    """Whether numbers are column names: increasing integers, such as the columns of an array or years."""
    whole = [int(each) for each in names if each.strip().isdecimal()]
    return len(whole) == len(names) and all(first < second for first, second in itertools.pairwise(whole))


def _check_names(names: Sequence[str], path: Path) -> None:
    if len(names) > MAXIMUM_COLUMNS:
        raise DatasetError(f"File {path} must have {MAXIMUM_COLUMNS} columns at most, but has {len(names)}.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DatasetError(f"File {path} must name each column once, but {twice!r} comes twice.")


def _chosen(names: Sequence[str], columns: Sequence[str | int] | None, path: Path) -> list[str]:
    """Return the names of the columns to read.

    Raises:
        DatasetError: If a column is missing.
    """
    if columns is None:
        return list(names)
    lost = [each for each in columns if each not in names]
    if lost:
        raise DatasetError(f"File {path} has no column `{lost[0]}`; its columns are {', '.join(names)}.")
    return [str(each) for each in columns]


def _read_parquet(path: Path, columns: Sequence[str | int] | None, label: str | int | None) -> Any:
    import pyarrow.parquet as parquet

    with reading(path, "a Parquet file"), parquet.ParquetFile(path) as file:
        schema, number = file.schema_arrow, file.metadata.num_rows
        names = [name for name in schema.names if not _INDEX.fullmatch(name)]
        _check_names(names, path)
        chosen = _chosen(names, columns, path)
        for name in chosen:
            if name != label:
                _check_type(schema.field(name), path)
        check_fits_memory(max(number, 0) * len(chosen), path, itemsize=16)
        return file.read(columns=chosen, use_threads=False).to_pandas(ignore_metadata=True, use_threads=False)[chosen]


def _check_type(field: Any, path: Path) -> None:
    """Raise unless a column of a Parquet file may hold numbers, before any of its values are read."""
    from pyarrow import types

    kind = field.type
    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    if not numeric and not (types.is_dictionary(kind) and kind.ordered):
        remedy = "leave it out by `columns`, or convert it."
        if types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind):
            remedy = (
                "leave it out by `columns`, take it as the classes by `label`, give its kinds an order by pandas' "
                "ordered categories, or make a column of 0 and 1 of each, as pandas.get_dummies does."
            )
        raise DatasetError(f"File {path}: column `{field.name}` must hold numbers, but is of type {kind}: {remedy}")
