"""Tables: rows of numbers, with the names and types of their columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen.exceptions import DatasetError
from qiskit_qgen.optionals import HAS_PANDAS

ORDERED = "ordered"
"""The type of a column of ordered categories."""
MAXIMUM_COLUMNS = 4096
"""The most columns that a table may have; a file with more is taken for another kind of data."""

_FLOATS = re.compile(r"float(16|32|64)|Float(32|64)|(halffloat|float|double)\[pyarrow\]")
_INTEGERS = re.compile(r"(u?)(?:int|Int)(8|16|32|64)(\[pyarrow\])?")
_NULLABLE_UNSIGNED = re.compile(r"UInt(8|16|32|64)")
_BOOLEANS = ("bool", "boolean", "bool[pyarrow]")
_MAXIMUM_CATEGORIES = 1000
_LISTED = 5


@dataclass(frozen=True)
class Column:
    """Name and type of a column of a table.

    Attributes:
        name: Its name, a text or a number; None in an array, whose columns have no names.
        dtype: The NumPy or pandas name of its type: floating point, integer, boolean, or "ordered" for categories.
        categories: The ordered categories that the numbers 0, 1, ... stand for; empty otherwise.

    Raises:
        DatasetError: If the type is none of these, or an ordered column has no categories.
    """

    name: str | int | None
    dtype: str
    categories: tuple[str | int | float | bool, ...] = ()

    def __post_init__(self) -> None:
        if self.dtype == ORDERED:
            fits = 1 <= len(self.categories) <= _MAXIMUM_CATEGORIES and len(set(self.categories)) == len(
                self.categories
            )
        else:
            fits = not self.categories and (
                _FLOATS.fullmatch(self.dtype) is not None or self.dtype in _BOOLEANS or self._bits is not None
            )
        if not fits:
            raise DatasetError(f"Column {self.name!r} of a table must hold numbers, but is of type {self.dtype!r}.")

    @property
    def _bits(self) -> tuple[bool, int] | None:
        """Whether integers are signed, and their number of bits; None for other types."""
        found = _NULLABLE_UNSIGNED.fullmatch(self.dtype)
        if found is not None:
            return False, int(found[1])
        found = _INTEGERS.fullmatch(self.dtype)
        return None if found is None else (not found[1], int(found[2]))

    @property
    def limits(self) -> tuple[int, int] | None:
        """The smallest and the largest whole number that the column can hold; None for floating point."""
        if self.dtype == ORDERED:
            return 0, len(self.categories) - 1
        if self.dtype in _BOOLEANS:
            return 0, 1
        if self._bits is None:
            return None
        signed, bits = self._bits
        return -(2 ** (bits - 1)) if signed else 0, 2 ** (bits - signed) - 1

    def to_dict(self) -> dict[str, Any]:
        """Return the column in a form that JSON can store."""
        found: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
        return found | ({"categories": list(self.categories)} if self.categories else {})

    @classmethod
    def from_dict(cls, content: Any) -> Self:
        """Return the column that :meth:`to_dict` stored.

        Raises:
            DatasetError: If it is not in the form of :meth:`to_dict`.
        """
        found = content if isinstance(content, dict) else {}
        name, dtype, categories = found.get("name"), found.get("dtype"), found.get("categories", [])
        known = isinstance(name, (str, int, type(None))) and isinstance(dtype, str) and isinstance(categories, list)
        if not known or not all(isinstance(each, (str, int, float)) for each in categories):
            raise DatasetError("A column must have a name, a type and perhaps categories.")
        return cls(name, str(dtype), tuple(categories))


@dataclass(frozen=True, eq=False, repr=False)
class TableDataset:
    """Rows of numbers with their columns, as :func:`~qiskit_qgen.datasets.load_table` returns them.

    Attributes:
        rows: Shape (N, number of columns), float32 or float64, finite.
        columns: Name and type of each column.
        name: What was loaded: a file's name, "DataFrame", "tensor" or "array".
        split: "train", "val" or "test".
        labels: Classes of the rows, int64 of shape (N,); None without classes.
        class_names: Their names; None without classes.

    Raises:
        DatasetError: If the rows are empty, not finite, or have another number of columns, or a name is used twice.
    """

    rows: Tensor
    columns: tuple[Column, ...]
    name: str
    split: str = "train"
    labels: Tensor | None = None
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and tuple(self.labels.shape) != (len(self.rows),):
            raise DatasetError(f"Table {self.name!r} must have a label for each of its {len(self.rows)} rows.")
        subject = f"Table {self.name!r}"
        if self.rows.dim() != 2 or 0 in self.rows.shape or self.rows.shape[1] != len(self.columns):
            raise DatasetError(
                f"{subject} must have shape (N, {len(self.columns)}) with N of at least 1, but has shape "
                f"{tuple(self.rows.shape)}."
            )
        faulty = (~self.rows.isfinite()).any(0).nonzero().flatten().tolist()
        if faulty:
            raise DatasetError(f"{subject} must hold finite numbers, but {self._listed(faulty)} NaN or infinite ones.")
        names = [column.name for column in self.columns if column.name is not None]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DatasetError(f"{subject} must name each column once, but {twice!r} comes twice.")

    def _listed(self, places: Sequence[int]) -> str:
        names = [self.columns[place].name for place in places]
        shown = [f"`{name}`" if name is not None else str(place) for name, place in zip(names, places, strict=True)]
        more = ", ..." if len(shown) > _LISTED else ""
        word = "columns" if len(shown) > 1 else "column"
        return f"{word} {', '.join(shown[:_LISTED])}{more} {'have' if len(shown) > 1 else 'has'}"

    @property
    def has_names(self) -> bool:
        """Whether the columns have names."""
        return all(column.name is not None for column in self.columns)

    def take(self, rows: Tensor) -> TableDataset:
        """Return a table of these rows, int64 of shape (n,)."""
        return replace(self, rows=self.rows[rows], labels=None if self.labels is None else self.labels[rows])

    def select(self, columns: Sequence[str | int]) -> TableDataset:
        """Return a table of the columns with these names, in this order.

        Raises:
            DatasetError: If there is no such column.
        """
        known = {column.name: place for place, column in enumerate(self.columns)}
        lost = [name for name in columns if name not in known]
        if lost:
            there = ", ".join(f"`{column.name}`" for column in self.columns)
            raise DatasetError(f"Table {self.name!r} has no column `{lost[0]}`; its columns are {there}.")
        places = [known[name] for name in columns]
        return replace(self, rows=self.rows[:, places], columns=tuple(self.columns[place] for place in places))

    def to_frame(self) -> Any:
        """Return the table as a pandas ``DataFrame`` with the names and types of its columns.

        Raises:
            MissingOptionalLibraryError: If pandas is not installed.
        """
        return to_frame(self.rows, self.columns)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"TableDataset({self.name!r}, {self.split!r}, {len(self)} rows of {len(self.columns)} columns)"


def column_names(columns: Sequence[Column] | None) -> list[str | int] | None:
    """Return the names of columns; None if there are none."""
    names = [column.name for column in columns or () if column.name is not None]
    return names or None


def unnamed_columns(rows: Tensor) -> tuple[Column, ...]:
    """Return the columns of an array or tensor (N, number of columns); all have its type."""
    kind = str(rows.dtype).removeprefix("torch.").replace("bfloat16", "float32")
    return (Column(None, kind),) * rows.shape[1]


def whole_numbers(rows: Tensor, columns: Sequence[Column] | None) -> Tensor:
    """Return ``rows`` (N, number of columns), with integer, boolean and category columns rounded to valid values.

    Without ``columns``, nothing is changed.
    """
    limits = [] if columns is None else [(place, column.limits) for place, column in enumerate(columns)]
    found = rows.clone() if any(bounds for _, bounds in limits) else rows
    for place, bounds in limits:
        if bounds is not None:
            low, high = bounds
            found[:, place] = found[:, place].round().clamp(low, _at_most(high, rows))
    return found


def to_frame(rows: Tensor, columns: Sequence[Column] | None) -> Any:
    """Return rows (N, number of columns) as a ``DataFrame`` of these columns; unnamed columns become x0, x1, ...

    Raises:
        MissingOptionalLibraryError: If pandas is not installed.
    """
    HAS_PANDAS.require_now("data frames")
    import pandas as pd

    values = rows.detach().cpu()
    known = [Column(None, "float32")] * values.shape[1] if columns is None else list(columns)
    whole = whole_numbers(values, known).numpy()
    found = {}
    for place, column in enumerate(known):
        name = f"x{place}" if column.name is None else column.name
        # The shortest digits that identify a float32, not those of the nearest float64: 0.1, not 0.10000000149.
        digits = whole[:, place].astype(str).astype(np.float64) if column.limits is None else whole[:, place]
        series = pd.Series(digits)
        if column.dtype == ORDERED:
            kinds = pd.CategoricalDtype(list(column.categories), ordered=True)
            found[name] = pd.Series(pd.Categorical.from_codes(series.astype(int).to_list(), dtype=kinds))
        else:
            found[name] = series.astype(column.dtype)
    return pd.DataFrame(found)


def _at_most(limit: int, like: Tensor) -> float:
    """Return the largest number of the type of ``like`` that does not exceed ``limit``."""
    nearest = torch.tensor(float(limit), dtype=like.dtype)
    if int(nearest) > limit:
        nearest = torch.nextafter(nearest, torch.zeros_like(nearest))
    return float(nearest)
