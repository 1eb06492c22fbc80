"""Loads tables from files, data frames and arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_distinct, check_type, expanded
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.array_files import ARRAY_SUFFIXES, ArrayDraw, Names, array_shape, read_names
from qiskit_qgen.datasets.frames import from_frame, is_frame
from qiskit_qgen.datasets.held_out import HeldOut, draw_rows
from qiskit_qgen.datasets.table_dataset import Column, TableDataset, unnamed_columns
from qiskit_qgen.datasets.table_files import FRAME_SUFFIXES, read_frame
from qiskit_qgen.exceptions import ArgumentError, DatasetError

_SPLITS = ("train", "val", "test")
_NAMES: Names = {
    "train": (("rows", None), ("train_rows", None)),
    "val": (("val_rows", None),),
    "test": (("test_rows", None),),
}


def load_table(
    name: Any,
    *,
    split: str = "train",
    columns: Sequence[str | int] | None = None,
    label: str | int | None = None,
    key: str | None = None,
    num_rows: int | None = None,
    subset_seed: int = 0,
    test_fraction: float | None = None,
) -> TableDataset:
    """Load rows of numbers with the names and types of their columns.

    ==============================  ====================================================================================
    a ``.csv`` or ``.tsv`` file     a first line of column names, separated by commas, semicolons, tabs or bars, in
                                    UTF-8; a first column without a name that counts the rows is left out
    a ``.parquet`` file             its columns of numbers
    an ``.npz`` or ``.pt`` file     an array of rows (N, number of columns), named by ``key``; without it, ``rows``, or
                                    ``train_rows`` and ``test_rows``. Names of columns, if the file has an array
                                    ``columns`` of them
    an ``.npy`` file                the rows
    a folder                        ``train``, ``test`` and perhaps ``val`` as files of one of these kinds
    a pandas ``DataFrame``          its columns
    a tensor or array               the rows; columns without names
    ==============================  ====================================================================================

    Columns hold integers, floating-point numbers, booleans, or pandas' ordered categories. Values without an order,
    such as text, and missing values raise an error that names the column.

    Args:
        name: What to load.
        split: "train", "val" or "test". If a file has training rows but no test rows, a tenth is held out for testing,
            always the same rows.
        columns: Names of the columns to take, in this order; None takes all.
        label: Name of the column that holds the classes of the rows, words or integers, for a model with
            ``num_classes``; it is none of the columns that are learnt. Classes are sorted by their names, or as ordered
            categories are. None takes no classes.
        key: Name of the array of an ``.npz`` or ``.pt`` file.
        num_rows: Number of rows to draw from the split; None takes all, in their order.
        subset_seed: Seed of the draw; a smaller draw is the beginning of a larger one.
        test_fraction: Share of a file to hold out if there are no test rows, in [0, 0.9]; None takes a tenth.

    Returns:
        The rows with their columns. CSV and Parquet files need the extra ``tables``.

    Raises:
        ArgumentTypeError: If ``name`` has another type.
        ArgumentError: If there is no such file, a number is out of range, or an option has no effect.
        DatasetError: If a column is missing, is not numeric or lacks a value, or if the data are damaged, have another
            shape, or have no such split.
        MissingOptionalLibraryError: If pandas or PyArrow is needed and not installed.

    Example:
        >>> load_table(torch.rand(100, 3))
        TableDataset('tensor', 'train', 100 rows of 3 columns)
    """
    check_choice("split", split, _SPLITS)
    if columns is not None:
        columns = check_distinct("columns", check_type("columns", columns, (list, tuple), "a list of names"))
        if label in columns:
            raise ArgumentError(f"Argument `columns` must not hold `{label}`, which `label` takes as the classes.")
    if is_frame(name) or isinstance(name, (Tensor, np.ndarray)):
        for option, value in (("key", key), ("test_fraction", test_fraction)):
            if value is not None:
                raise ArgumentError(f"Argument `{option}` has an effect on a file alone: leave it out.")
        if split != "train":
            raise DatasetError(f"Data in memory have no rows of the split {split!r}; ask for split='train'.")
        if columns is not None and not is_frame(name):
            raise ArgumentError("Argument `columns` has no effect on an array, whose columns have no names.")
        if label is not None and not is_frame(name):
            raise ArgumentError("Argument `label` has no effect on an array, whose columns have no names.")
        table = as_table(name, "Argument `name`", columns=columns, label=label)
        return _drawn(table, None, num_rows, subset_seed)
    path = expanded(check_type("name", name, (str, os.PathLike), "a path, a DataFrame, a tensor or a numpy array"))
    if not path.exists():
        raise ArgumentError(f"Argument `name` must be the path of a table, but there is no file or folder {path}.")
    where, own_split = path, split
    if path.is_dir():
        if test_fraction is not None:
            raise ArgumentError("Argument `test_fraction` has an effect on a file alone: leave it out.")
        where, own_split, test_fraction = _part_of(path, split), "train", 0.0
    if where.suffix.lower() in ARRAY_SUFFIXES:
        if label is not None:
            raise ArgumentError(f"Argument `label` has an effect on {', '.join(FRAME_SUFFIXES)} alone: leave it out.")
        draw = ArrayDraw(where, own_split, num_rows, subset_seed, test_fraction, key=key, names=_NAMES, unit="rows")
        return _of_arrays(where, split, columns, draw)
    if where.suffix.lower() not in FRAME_SUFFIXES:
        known = ", ".join((*FRAME_SUFFIXES, *ARRAY_SUFFIXES))
        raise DatasetError(f"File {where} must be of one of the types {known} to be read as a table.")
    if key is not None:
        raise ArgumentError("Argument `key` has an effect on an .npz or .pt file alone: leave it out.")
    if own_split == "val":
        raise DatasetError(f"File {where} has no validation rows; ask for split='train'.")
    part = HeldOut.unless(False, own_split, f"File {where}", test_fraction, "rows")
    frame = read_frame(where, columns, label)
    table = from_frame(frame, f"File {where}", name=where.name, split=split, columns=columns, label=label)
    if label is not None and path.is_dir() and split != "train":
        table = _with_classes_of(load_table(path, columns=columns, label=label), table)
    return _drawn(table, part, num_rows, subset_seed)


def as_table(
    data: Any,
    subject: str,
    *,
    columns: Sequence[str | int] | None = None,
    label: str | int | None = None,
    width: int | None = None,
) -> TableDataset:
    """Return a data frame, or a tensor or array of rows, as a table.

    Args:
        data: The frame, tensor or array; a table is returned as a table.
        subject: The beginning of error messages: "Argument `data`".
        columns: Names of the columns to take; None takes all. The columns of an array have no names and are taken in
            order.
        label: Name of the column of classes of a frame; None for none.
        width: The required number of columns; None accepts any.

    Raises:
        DatasetError: If it is empty, has another shape, or has a column without finite numbers.
    """
    if is_frame(data):
        table = from_frame(data, subject, name="DataFrame", columns=columns, label=label)
    elif isinstance(data, TableDataset):
        table = data if columns is None or not data.has_names else data.select(columns)
    else:
        rows = numeric_rows(data, subject, width=width)
        if not bool(rows.isfinite().all()):
            raise DatasetError(f"{subject} must hold finite numbers, but has NaN or infinite ones.")
        table = TableDataset(_wide(rows), unnamed_columns(rows), "tensor" if isinstance(data, Tensor) else "array")
    if width is not None and len(table.columns) != width:
        raise DatasetError(f"{subject} must have {width} columns, as the model has, but has {len(table.columns)}.")
    return table


def _with_classes_of(train: TableDataset, table: TableDataset) -> TableDataset:
    """Return ``table`` with the classes numbered as in ``train``.

    Raises:
        DatasetError: If ``train`` lacks a class.
    """
    known, names = train.class_names or (), table.class_names or ()
    lost = [name for name in names if name not in known]
    if lost:
        raise DatasetError(f"Table {table.name!r} has the class {lost[0]!r}, which no row for training has.")
    assert table.labels is not None  # noqa: S101 - it has names of classes
    numbers = torch.tensor([known.index(name) for name in names])
    return replace(table, labels=numbers[table.labels], class_names=known)


def is_frame_file(path: PathLike) -> bool:
    """Whether the table at ``path`` is stored with named columns, in CSV or Parquet files."""
    place = expanded(path)
    place = next((place / f"train{suffix}" for suffix in FRAME_SUFFIXES if (place / f"train{suffix}").is_file()), place)
    return place.suffix.lower() in FRAME_SUFFIXES


def is_table_file(path: Path, key: str | None) -> bool:
    """Whether ``path`` holds a table, judged by its extension, its parts, or the shape of its array ``key``.

    Raises:
        DatasetError: If the file is damaged.
    """
    if is_frame_file(path) or path.suffix.lower() not in ARRAY_SUFFIXES or not path.is_file():
        return is_frame_file(path)
    usual = [samples for names in _NAMES.values() for samples, _ in names]
    shape = array_shape(path, usual if key is None else [key])
    return shape is not None and len(shape) == 2


def numeric_rows(data: Tensor | NDArray[np.generic], subject: str, *, width: int | None = None) -> Tensor:
    """Return a tensor or array of real numbers as a tensor of rows (N, ``width`` or any number), on the CPU.

    Raises:
        DatasetError: If it is empty, is not numeric, or has another shape.
    """
    if np.ma.is_masked(data):
        raise DatasetError(f"{subject} must hold a number everywhere, but some are masked.")
    if isinstance(data, np.ndarray) and data.dtype.kind not in "fiub":
        raise DatasetError(f"{subject} must hold real numbers, but is of type {data.dtype}.")
    if isinstance(data, np.ndarray):
        wide = {"float128": np.float64, "uint64": np.uint64}.get(data.dtype.name, data.dtype.newbyteorder("="))
        data = torch.from_numpy(np.require(data, dtype=wide, requirements=["C", "W", "E"]))
    rows = data.detach().cpu()
    if rows.is_complex():
        raise DatasetError(f"{subject} must hold real numbers, but is of type {rows.dtype}.")
    if rows.dim() != 2 or 0 in rows.shape or width not in (None, rows.shape[1]):
        raise DatasetError(
            f"{subject} must have shape (N, {width or 'number of columns'}) with N of at least 1, but has shape "
            f"{tuple(rows.shape)}."
        )
    return rows


def _wide(rows: Tensor) -> Tensor:
    return rows if rows.dtype in (torch.float32, torch.float64) else rows.double()


def _part_of(folder: Path, split: str) -> Path:
    """Return the file of a split in a folder.

    Raises:
        DatasetError: If there is none.
    """
    found = [folder / f"{split}{suffix}" for suffix in (*FRAME_SUFFIXES, *ARRAY_SUFFIXES)]
    there = [path for path in found if path.is_file()]
    if len(there) != 1:
        fault = "none" if not there else f"both {there[0].name} and {there[1].name}"
        raise DatasetError(f"Folder {folder} must hold one file of {split} rows, such as {split}.csv, but has {fault}.")
    return there[0]


def _of_arrays(path: Path, split: str, columns: Sequence[str | int] | None, draw: ArrayDraw) -> TableDataset:
    """Return the table in a file of arrays."""
    values, _ = draw.read()
    rows = numeric_rows(values, f"File {path}")
    known = unnamed_columns(rows)
    names = read_names(path)
    if names is not None:
        if len(names) != len(known):
            raise DatasetError(
                f"File {path} must hold {len(known)} names in `columns`, one for each column, but holds {len(names)}."
            )
        known = tuple(Column(name, column.dtype) for name, column in zip(names, known, strict=True))
    table = TableDataset(_wide(rows), known, path.name, split)
    return table if columns is None else table.select(columns)


def _drawn(table: TableDataset, part: HeldOut | None, num_rows: int | None, subset_seed: int) -> TableDataset:
    rows = draw_rows(len(table), part, num_rows, subset_seed)
    return table if rows is None else table.take(rows)
