"""Converts pandas' data frames to tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from qiskit_qgen.datasets.table_dataset import ORDERED, Column, TableDataset
from qiskit_qgen.exceptions import DatasetError

_SHOWN = 3


def is_frame(data: object) -> bool:
    """Whether ``data`` is a pandas ``DataFrame``, checked without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def from_frame(
    frame: Any,
    subject: str,
    *,
    name: str,
    split: str = "train",
    columns: Sequence[str | int] | None = None,
    label: str | int | None = None,
) -> TableDataset:
    """Return a ``DataFrame`` as a table: integers, booleans, floating point; ordered categories become 0, 1, ...

    Args:
        frame: The frame.
        subject: The beginning of messages: "Argument `data`" or "File wine.csv".
        name: The table's name.
        split: The table's split.
        columns: The columns to take, in this order; None takes all.
        label: The column of classes; None for none.

    Raises:
        DatasetError: If a column is missing, has another type, or lacks a value; the message names the column.
    """
    if frame.columns.nlevels > 1:
        raise DatasetError(f"{subject}: columns must have one name each, but have {frame.columns.nlevels}.")
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DatasetError(f"{subject}: each column must have a name of its own, but `{twice[0]}` comes twice.")
    labels = list(frame.columns)
    classes = None
    if label is not None:
        if label not in labels:
            raise DatasetError(f"{subject} has no column `{label}`; its columns are {', '.join(map(str, labels))}.")
        classes = _classes(frame[label], label, subject)
        labels.remove(label)
    if columns is not None:
        lost = [each for each in columns if each not in labels]
        if lost:
            raise DatasetError(f"{subject} has no column `{lost[0]}`; its columns are {', '.join(map(str, labels))}.")
        labels = list(columns)
    if not labels or not len(frame):
        raise DatasetError(f"{subject} must hold a row and a column at least, but has shape {frame.shape}.")
    found = [_column(frame[label], label, subject) for label in labels]
    values = np.stack([values for _, values in found], axis=1)
    return TableDataset(
        torch.from_numpy(values), tuple(column for column, _ in found), name, split, *(classes or (None, None))
    )


def _classes(series: Any, label: Any, subject: str) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Return the classes of a column as numbers from 0, int64 (N,), and their names.

    Ordered categories keep their order; words are sorted alphabetically, and numbers by size.
    """
    import pandas as pd
    from pandas.api import types

    _check_complete(series, f"{subject}: column `{label}`")
    kind = series.dtype
    if types.is_float_dtype(kind) or types.is_complex_dtype(kind):
        raise DatasetError(f"{subject}: column `{label}` must hold classes, words or integers, but is of type {kind}.")
    is_ordered = isinstance(kind, pd.CategoricalDtype) and kind.ordered
    names = list(kind.categories) if is_ordered else sorted(series.unique())
    numbers = pd.Categorical(series, categories=names).codes
    return torch.tensor(numbers, dtype=torch.int64), tuple(map(str, names))


def _check_complete(series: Any, place: str) -> None:
    """Raise a :class:`DatasetError` if values are missing."""
    missing = np.flatnonzero(series.isna().to_numpy())
    if len(missing):
        shown = ", ".join(str(row) for row in missing[:_SHOWN]) + ", ..." * (len(missing) > _SHOWN)
        word = "row" if len(missing) == 1 else "rows"
        raise DatasetError(
            f"{place} lacks {len(missing)} of {len(series)} values ({word} {shown}, counted from 0): fill them in, or "
            "leave these rows out."
        )


def _column(series: Any, label: Any, subject: str) -> tuple[Column, Any]:
    """Return a column and its values, (N,) float64."""
    import pandas as pd
    from pandas.api import types

    place = f"{subject}: column `{label}`"
    if not isinstance(label, (str, int)):
        raise DatasetError(f"{place} must have a text or a number as its name, not a {type(label).__name__}.")
    _check_complete(series, place)
    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype) and kind.ordered:
        categories = tuple(each.item() if isinstance(each, np.generic) else each for each in kind.categories)
        return Column(label, ORDERED, categories), series.cat.codes.to_numpy(np.float64)
    is_number = types.is_numeric_dtype(kind) and not types.is_complex_dtype(kind)
    if not is_number:
        raise DatasetError(f"{place} {_why_no_number(series)}")
    values = series.to_numpy(np.float64)
    if not np.isfinite(values).all():
        raise DatasetError(f"{place} must hold finite numbers, but holds infinite ones.")
    return Column(label, str(kind)), values


def _why_no_number(series: Any) -> str:
    """Say what a column holds instead of numbers, and what to do."""
    import pandas as pd
    from pandas.api import types

    if isinstance(series.dtype, pd.CategoricalDtype) or types.is_string_dtype(series.dtype):
        some = [str(each)[:20] for each in series.iloc[:1000].unique()[:_SHOWN]]
        if all(_is_decimal_comma(each) for each in some):
            return f"holds numbers with a decimal comma ({', '.join(some)}): write them with a point."
        return (
            f"holds words ({', '.join(map(repr, some))}, ...), which have no order: leave it out by `columns`, take it "
            "as the classes by `label`, give its kinds an order by pandas' ordered categories, or make a column of 0 "
            "and 1 for each, as pandas.get_dummies does."
        )
    return f"must hold numbers, but is of type {series.dtype}: leave it out by `columns`, or convert it."


def _is_decimal_comma(text: str) -> bool:
    whole, comma, rest = text.strip().lstrip("+-").partition(",")
    return bool(comma) and whole.isdigit() and rest.isdigit()
